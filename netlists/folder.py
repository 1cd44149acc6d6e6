"""Whole designs: a netlist file, a Bookshelf `.aux`, or a folder with a netlist and its `initial.plc`."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from netlists.bookshelf import read_bookshelf
from netlists.canvas import Canvas
from netlists.constraints_file import CONSTRAINTS_NAME, constrain, read_constraints, write_constraints
from netlists.design import Design
from netlists.errors import NetlistError
from netlists.files import make_folder, read_bytes
from netlists.grid import choose_grid
from netlists.netlist import Netlist
from netlists.orientation import turn_size
from netlists.placement import Placement
from netlists.plc import read_plc, write_plc
from netlists.protobuf import parse_netlist, write_netlist

NETLIST_NAMES = ("netlist.pb.txt.gz", "netlist.pb.txt")
PLACEMENT_NAME = "initial.plc"

_OUTLINE = re.compile(rb"#\s*FP bbox:\s*\{\s*([-+.\deE]+)\s+([-+.\deE]+)[\s}{]+([-+.\deE]+)\s+([-+.\deE]+)\s*\}")
"""Comment at the head of a flat netlist: lower left and upper right corner of the floorplan, um."""


def read(path: str | Path, placement: str | Path | None = None) -> Design:
    """Reads a design.

    Args:
        path: a `netlist.pb.txt(.gz)` file, a Bookshelf `.aux`, or a design folder.
        placement: a `.plc` file. Without it a folder's `initial.plc` is used, and for a bare netlist file the positions
            in it, on the canvas of `derive_canvas`. A folder's `constraints.toml` holds in any case.

    Raises:
        NetlistError: a file is missing or wrong.
    """
    path = Path(path)
    if path.suffix == ".aux":
        design = read_bookshelf(path)
        if placement is None:
            return design
        canvas, stated = read_plc(placement, design.netlist)
        return Design(design.netlist, canvas, stated, design.name)
    file = _netlist_file(path)
    text = read_bytes(file)
    netlist, stated = parse_netlist(text, file)
    if placement is None and path.is_dir() and (path / PLACEMENT_NAME).exists():
        placement = path / PLACEMENT_NAME
    if placement is not None:
        canvas, stated = read_plc(placement, netlist)
    else:
        canvas = derive_canvas(netlist, stated, file, _stated_outline(text))
    design = Design(netlist, canvas, stated, _design_name(path))
    if path.is_dir() and (path / CONSTRAINTS_NAME).exists():
        return constrain(design, read_constraints(path / CONSTRAINTS_NAME), path / CONSTRAINTS_NAME)
    return design


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


def _stated_outline(text: bytes) -> tuple[float, float] | None:
    """Width and height that the comments before the first node state, if they do and it begins at the origin."""
    match = _OUTLINE.search(text[: max(0, text.find(b"node"))])
    if not match:
        return None
    try:
        lx, ly, ux, uy = (float(word) for word in match.groups())
    except ValueError:
        return None
    return (ux, uy) if (lx, ly) == (0.0, 0.0) and min(ux, uy) > 0 else None


def derive_canvas(
    netlist: Netlist,
    placement: Placement,
    source: str | Path | None = None,
    outline: tuple[float, float] | None = None,
) -> Canvas:
    """The canvas of a netlist that comes without a `.plc`.

    It reaches from the origin to the farthest port or macro edge, or as far as `outline` says. The grid is that of
    `choose_grid`, the routing supply the default of `Canvas`.

    Raises:
        NetlistError: nothing is placed, so there is nothing to derive it from.
    """
    size = turn_size(netlist.size, placement.orientation)
    reach = np.where(placement.placed, np.stack([placement.x, placement.y]) + 0.5 * size, 0.0)
    width, height = outline or np.max(reach, axis=1, initial=0.0).tolist()
    if min(width, height) <= 0:
        raise NetlistError("states no positions to derive a canvas from; give a placement (.plc)", source)
    cols, rows = choose_grid(width, height, size[:, netlist.is_hard & ~placement.fixed])
    return Canvas(width, height, cols, rows)


def write(folder: str | Path, design: Design) -> None:
    """Writes a design folder: `netlist.pb.txt.gz`, `initial.plc`, and `constraints.toml` if there are constraints.

    Raises:
        NetlistError: the folder cannot be written.
    """
    folder = make_folder(Path(folder))
    write_netlist(folder / NETLIST_NAMES[0], design.netlist, design.placement)
    write_plc(folder / PLACEMENT_NAME, design.netlist, design.canvas, design.placement)
    write_constraints(folder, design)
