"""Whole designs: a netlist file, or a folder with a netlist and its `initial.plc`."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from netlists.canvas import Canvas
from netlists.design import Design
from netlists.errors import NetlistError
from netlists.files import make_folder
from netlists.netlist import Netlist
from netlists.orientation import turn_size
from netlists.placement import Placement
from netlists.plc import read_plc, write_plc
from netlists.protobuf import read_netlist, write_netlist

NETLIST_NAMES = ("netlist.pb.txt.gz", "netlist.pb.txt")
PLACEMENT_NAME = "initial.plc"

DERIVED_CELLS_PER_MACRO = 4
"""Grid cells for each hard macro where no file states a grid."""


def read(path: str | Path, placement: str | Path | None = None) -> Design:
    """Reads a design.

    Args:
        path: a `netlist.pb.txt(.gz)` file, or a design folder.
        placement: a `.plc` file. Without it a folder's `initial.plc` is used, and for a bare netlist file the positions
            in it, on the canvas of `derive_canvas`.

    Raises:
        NetlistError: a file is missing or wrong.
    """
    path = Path(path)
    if path.suffix == ".aux":
        # What would otherwise be read as a netlist, and fail with a puzzling message.
        raise NetlistError("Bookshelf designs are not supported yet; expected a netlist.pb.txt(.gz) or a folder", path)
    file = _netlist_file(path)
    netlist, stated = read_netlist(file)
    if placement is None and path.is_dir() and (path / PLACEMENT_NAME).exists():
        placement = path / PLACEMENT_NAME
    if placement is not None:
        canvas, stated = read_plc(placement, netlist)
    else:
        canvas = derive_canvas(netlist, stated, file)
    return Design(netlist, canvas, stated, _design_name(path))


def _netlist_file(path: Path) -> Path:
    if not path.is_dir():
        return path
    for name in NETLIST_NAMES:
        if (path / name).exists():
            return path / name
    raise NetlistError(f"the folder holds no netlist; expected {' or '.join(NETLIST_NAMES)}", path)


def _design_name(path: Path) -> str:
    resolved = path.resolve()
    if resolved.name in NETLIST_NAMES:
        resolved = resolved.parent
    return resolved.name.removesuffix(".gz").removesuffix(".pb.txt") or "design"


def derive_canvas(netlist: Netlist, placement: Placement, source: str | Path | None = None) -> Canvas:
    """The canvas of a netlist that comes without a `.plc`.

    It reaches from the origin to the farthest port or macro edge. The grid has about four cells a hard macro, 10 to 50
    lines each way, with cells as square as that allows. Routing supply is the default of `Canvas`.

    Raises:
        NetlistError: nothing is placed, so there is nothing to derive it from.
    """
    width, height = turn_size(netlist.size, placement.orientation)
    extent = [
        float(np.max(np.where(placement.placed, at + 0.5 * size, 0.0), initial=0.0))
        for at, size in ((placement.x, width), (placement.y, height))
    ]
    if min(extent) <= 0:
        raise NetlistError("states no positions to derive a canvas from; give a placement (.plc)", source)
    cols, rows = derive_grid(extent[0], extent[1], int(netlist.is_hard.sum()))
    return Canvas(extent[0], extent[1], cols, rows)


def derive_grid(width: float, height: float, num_hard: int) -> tuple[int, int]:
    """Columns and rows of a canvas that comes without a grid; see `derive_canvas`."""
    lines = np.sqrt(DERIVED_CELLS_PER_MACRO * max(1, num_hard))
    aspect = np.sqrt(width / height)
    cols, rows = (int(np.clip(np.round(lines * share), 10, 50)) for share in (aspect, 1 / aspect))
    return cols, rows


def write(folder: str | Path, design: Design) -> None:
    """Writes a design folder: `netlist.pb.txt.gz` and `initial.plc`.

    Raises:
        NetlistError: the folder cannot be written.
    """
    folder = make_folder(Path(folder))
    write_netlist(folder / NETLIST_NAMES[0], design.netlist, design.placement)
    write_plc(folder / PLACEMENT_NAME, design.netlist, design.canvas, design.placement)
