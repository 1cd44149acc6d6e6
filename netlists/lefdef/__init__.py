"""LEF and DEF, the formats of place-and-route tools. `docs/lefdef.md` says what is read, skipped and refused."""

from netlists.lefdef.def_ import DefBlock, State, parse_def, read_def
from netlists.lefdef.design import Imported, import_lefdef, read_lefdef
from netlists.lefdef.lef import Direction, LefMacro, LefPin, Library, parse_lef, read_lef, read_lefs
from netlists.lefdef.write import format_def, format_lef, write_def, write_lef

__all__ = [
    "DefBlock",
    "Direction",
    "Imported",
    "LefMacro",
    "LefPin",
    "Library",
    "State",
    "format_def",
    "format_lef",
    "import_lefdef",
    "parse_def",
    "parse_lef",
    "read_def",
    "read_lef",
    "read_lefdef",
    "read_lefs",
    "write_def",
    "write_lef",
]
