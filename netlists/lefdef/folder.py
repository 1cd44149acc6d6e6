"""A LEF/DEF pair as a design folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from netlists.files import make_folder, read_bytes, write_bytes
from netlists.lefdef.design import Imported
from netlists.source import Source, write_source

DEF_COPY = "source.def.gz"


def write_origin(folder: str | Path, imported: Imported, lefs: Sequence[str | Path], def_: str | Path) -> None:
    """Adds to a design folder what export needs: a packed copy of the DEF, units and shift.

    The LEFs are not copied: a DEF states lower-left corners of macros as they lie, and the netlist knows their sizes.

    Raises:
        NetlistError: a file cannot be read or written.
    """
    folder = make_folder(Path(folder))
    write_bytes(folder / DEF_COPY, read_bytes(Path(def_)))
    files = (*(str(path) for path in lefs), str(def_))
    write_source(folder, Source("lefdef", DEF_COPY, files, imported.units, imported.shift))
