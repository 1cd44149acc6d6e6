"""Designs as data: netlist, canvas, placement; their files; synthetic ones. Imports NumPy and nothing else of ours."""

try:
    from netlists import _pbtext as _pbtext
except ImportError as error:
    raise ImportError("the compiled module netlists._pbtext is missing; build it with `pip install -e .`") from error

from netlists.bookshelf import read_bookshelf, write_bookshelf
from netlists.canvas import MAX_GRID, Canvas
from netlists.constraints import Blockage, Constraints, MacroRule
from netlists.constraints_file import constrain, parse_constraints, read_constraints
from netlists.design import Design
from netlists.errors import NetlistError
from netlists.folder import read, write
from netlists.netlist import Attribute, Kind, Netlist
from netlists.orientation import (
    ORIENTATION_CODE,
    ORIENTATION_MATRIX,
    ORIENTATIONS,
    turn_offset,
    turn_size,
)
from netlists.placement import Placement
from netlists.plc import PlcCosts, parse_plc, read_plc, write_plc
from netlists.protobuf import parse_netlist, read_netlist, write_netlist

__all__ = [
    "MAX_GRID",
    "ORIENTATIONS",
    "ORIENTATION_CODE",
    "ORIENTATION_MATRIX",
    "Attribute",
    "Blockage",
    "Canvas",
    "Constraints",
    "Design",
    "Kind",
    "MacroRule",
    "Netlist",
    "NetlistError",
    "Placement",
    "PlcCosts",
    "constrain",
    "parse_constraints",
    "parse_netlist",
    "parse_plc",
    "read",
    "read_bookshelf",
    "read_constraints",
    "read_netlist",
    "read_plc",
    "turn_offset",
    "turn_size",
    "write",
    "write_bookshelf",
    "write_netlist",
    "write_plc",
]
