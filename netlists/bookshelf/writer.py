"""Designs as Bookshelf files. What is kept and what is not: `netlists/docs/bookshelf.md`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from netlists.bookshelf.reader import HEIGHT_TOLERANCE, MAX_CELL_ROWS, PAD_KEY, ROWS_KEY
from netlists.bookshelf.rows import RowBox
from netlists.design import Design
from netlists.errors import NetlistError
from netlists.files import make_folder, write_bytes
from netlists.netlist import Kind
from netlists.orientation import ORIENTATION_CODE, ORIENTATION_MATRIX, ORIENTATIONS, turn_size

DECIMALS = 6
"""Of written positions: far below any manufacturing grid, and what a source states comes back as it was."""

ROWS_PER_MACRO = 2 * MAX_CELL_ROWS
"""Rows in the lowest hard macro of a design that states no rows and has no cells."""


@dataclass(frozen=True)
class _Pads:
    """What the source said of ports that the model has no field for."""

    size: np.ndarray
    """(2, N) um; 0 for points, and for what is no port."""
    orientation: np.ndarray
    is_ni: np.ndarray


@dataclass(frozen=True)
class _Frame:
    """Rows, and what is added to a position to be in the coordinates of the source."""

    x: float
    y: float
    rows: RowBox


def write_bookshelf(folder: str | Path, design: Design, name: str | None = None) -> Path:
    """Writes a design as `name.aux` and five files beside it.

    Returns:
        The `.aux` file.

    Raises:
        NetlistError: a name cannot stand in a Bookshelf file, or the folder cannot be written.
    """
    folder, name = make_folder(Path(folder)), name or design.name
    frame = _frame(design)
    texts = {
        ".nodes": format_nodes(design),
        ".nets": format_nets(design),
        ".wts": format_wts(design),
        ".pl": format_pl(design, soft=True),
        ".scl": format_scl(frame.rows),
    }
    for suffix, text in texts.items():
        write_bytes(folder / f"{name}{suffix}", text.encode())
    aux = folder / f"{name}.aux"
    write_bytes(aux, f"RowBasedPlacement : {' '.join(f'{name}{suffix}' for suffix in texts)}\n".encode())
    return aux


def write_pl(path: str | Path, design: Design, soft: bool = False) -> None:
    """Writes the placed nodes in the coordinates of the source. Soft macros, which no source has, only if `soft`.

    Raises:
        NetlistError: a name cannot stand in a Bookshelf file, or the file cannot be written.
    """
    write_bytes(Path(path), format_pl(design, soft).encode())


def format_pl(design: Design, soft: bool = False) -> str:
    """The text of a `.pl` file."""
    netlist, placement, frame, pads = design.netlist, design.placement, _frame(design), _pads(design)
    orientation = np.where(netlist.is_port, pads.orientation, placement.orientation)
    half = turn_size(netlist.size + pads.size, orientation) / 2
    x, y = placement.x - half[0] + frame.x, placement.y - half[1] + frame.y
    kept = placement.placed if soft else placement.placed & (netlist.kind != Kind.SOFT_MACRO)
    flag = np.where(pads.is_ni, "/FIXED_NI", "/FIXED")
    return pl_text(
        pl_line(
            netlist.node_name[node], x[node], y[node], orientation[node], flag[node] if placement.fixed[node] else ""
        )
        for node in np.flatnonzero(kept).tolist()
    )


def pl_text(lines: Iterable[str]) -> str:
    """A whole `.pl` file."""
    return "\n".join(["UCLA pl 1.0", "", *lines, ""])


def pl_line(name: str, x: float, y: float, orientation: int, flag: str = "") -> str:
    """A node's line: lower-left corner, orientation, and `/FIXED` or `/FIXED_NI` where it is.

    Raises:
        NetlistError: the name cannot stand in a Bookshelf file.
    """
    line = f"{legal_name(name)} {coordinate(x)} {coordinate(y)} : {ORIENTATIONS[orientation]}"
    return f"{line} {flag}" if flag else line


def format_nodes(design: Design) -> str:
    """The text of a `.nodes` file. A fourth word says what a node is where its height would say otherwise."""
    netlist, pads, row = design.netlist, _pads(design), _frame(design).rows.height
    plain = np.isin(netlist.kind, (Kind.HARD_MACRO, Kind.STDCELL))
    heights, times = np.unique(netlist.size[1, plain & ~netlist.is_port], return_counts=True)
    common = float(heights[np.argmax(times)]) if len(heights) else 0.0
    limit = common if row < common <= MAX_CELL_ROWS * row else row
    high = (netlist.size[1] > limit * (1 + HEIGHT_TOLERANCE)) & (netlist.size[0] > 0)
    lines = ["UCLA nodes 1.0", "", f"NumNodes : {netlist.num_nodes}", f"NumTerminals : {int(netlist.is_port.sum())}"]
    for node, kind in enumerate(netlist.kind.tolist()):
        width, height = (netlist.size[:, node] + pads.size[:, node]).tolist()
        word = ""
        if kind == Kind.PORT:
            word = " terminal_NI" if pads.is_ni[node] else " terminal"
        elif plain[node] and high[node] != (kind == Kind.HARD_MACRO):
            word = " macro" if kind == Kind.HARD_MACRO else " stdcell"
        lines.append(f"{legal_name(netlist.node_name[node])} {width!r} {height!r}{word}")
    return "\n".join([*lines, ""])


def format_nets(design: Design) -> str:
    """The text of a `.nets` file: drivers are outputs, sinks inputs."""
    netlist = design.netlist
    node = netlist.pin_node[netlist.net_pin]
    names = [legal_name(netlist.node_name[owner]) for owner in node.tolist()]
    # Pads lie in the model as they lie on the chip; the inverse of their orientation brings them back to N.
    inverse = ORIENTATION_MATRIX[_pads(design).orientation[node]]
    dx, dy = (np.einsum("pji,jp->ip", inverse, netlist.pin_offset[:, netlist.net_pin]) + 0.0).tolist()
    start = netlist.net_start.tolist()
    lines = ["UCLA nets 1.0", "", f"NumNets : {netlist.num_nets}", f"NumPins : {len(names)}"]
    for net, (begin, end) in enumerate(pairwise(start)):
        lines.append(f"NetDegree : {end - begin} n{net}")
        for pin in range(begin, end):
            offset = f" : {dx[pin]!r} {dy[pin]!r}" if dx[pin] or dy[pin] else ""
            lines.append(f"{names[pin]} {'O' if pin == begin else 'I'}{offset}")
    return "\n".join([*lines, ""])


def format_wts(design: Design) -> str:
    """The text of a `.wts` file: the nets whose weight is not 1."""
    weight = enumerate(design.netlist.net_weight.tolist())
    return "\n".join(["UCLA wts 1.0", "", *(f"n{net} {value!r}" for net, value in weight if value != 1.0), ""])


def format_scl(rows: RowBox) -> str:
    """The text of a `.scl` file: rows of one height that fill their box."""
    count = max(1, round((rows.uy - rows.ly) / rows.height))
    sites = max(1, round((rows.ux - rows.lx) / rows.site))
    site = rows.site if rows.lx + sites * rows.site == rows.ux else (rows.ux - rows.lx) / sites
    lines = ["UCLA scl 1.0", "", f"NumRows : {count}"]
    for row in range(count):
        y = rows.ly + row * rows.height
        # The last row ends where the box does, whatever the rounding of the others.
        height = rows.height if row < count - 1 or y + rows.height == rows.uy else rows.uy - y
        lines += [
            "CoreRow Horizontal",
            f"  Coordinate : {y!r}",
            f"  Height : {height!r}",
            f"  Sitewidth : {site!r}",
            f"  Sitespacing : {site!r}",
            "  Siteorient : N",
            "  Sitesymmetry : Y",
            f"  SubrowOrigin : {rows.lx!r} NumSites : {sites}",
            "End",
        ]
    return "\n".join([*lines, ""])


def source_shift(design: Design) -> tuple[float, float]:
    """What is added to positions of the design to get those of the source."""
    frame = _frame(design)
    return frame.x, frame.y


def _frame(design: Design) -> _Frame:
    """What the source stated, or rows that fill the canvas, as high as the highest cell."""
    for attribute in design.netlist.attributes:
        if attribute.owner == -1 and attribute.key == ROWS_KEY:
            try:
                x, y, *rows = (float(word) for word in attribute.text.strip('"').split())
                return _Frame(x, y, RowBox(*rows))
            except (TypeError, ValueError) as error:
                raise NetlistError(f"attribute {ROWS_KEY} is {attribute.text}, expected 8 numbers") from error
    netlist, canvas = design.netlist, design.canvas
    cell = float(netlist.size[1, netlist.kind == Kind.STDCELL].max(initial=0.0))
    macro = float(netlist.size[1, netlist.is_hard].min(initial=canvas.height))
    count = max(1, int(canvas.height / (cell or macro / ROWS_PER_MACRO)))
    sites = max(1, round(canvas.width))
    rows = RowBox(0.0, 0.0, canvas.width, canvas.height, canvas.height / count, canvas.width / sites)
    return _Frame(0.0, 0.0, rows)


def _pads(design: Design) -> _Pads:
    count = design.netlist.num_nodes
    pads = _Pads(np.zeros((2, count)), np.zeros(count, np.int64), np.zeros(count, bool))
    stated = [attribute for attribute in design.netlist.attributes if attribute.key == PAD_KEY]
    node_of = {index: node for node, index in enumerate(design.netlist.node_index.tolist())} if stated else {}
    for attribute in stated:
        try:
            width, height, orientation, flag = attribute.text.strip('"').split()
            node = node_of[attribute.owner]
            pads.size[:, node] = float(width), float(height)
            pads.orientation[node], pads.is_ni[node] = ORIENTATION_CODE[orientation], flag == "_NI"
        except (KeyError, ValueError) as error:
            message = f"attribute {PAD_KEY} is {attribute.text}, expected 'width height orientation flag' on a port"
            raise NetlistError(message) from error
    return pads


def coordinate(value: float) -> str:
    """A coordinate as it is written."""
    return repr(round(float(value), DECIMALS) + 0.0)


def legal_name(name: str) -> str:
    """The name; raises NetlistError if it cannot stand in a Bookshelf file."""
    if name.split() != [name] or name.startswith(("#", "NetDegree", "NumNodes:", "NumTerminals:")):
        raise NetlistError(f"node '{name}' cannot stand in a Bookshelf file; expected one word that is no keyword")
    return name
