"""From the records of a Bookshelf design to a `Design`."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netlists.bookshelf import records
from netlists.bookshelf.nets import build_netlist
from netlists.bookshelf.parsed import Records, check_known
from netlists.bookshelf.records import Word
from netlists.bookshelf.rows import RowBox, parse_scl, row_box
from netlists.canvas import Blockage, Canvas
from netlists.design import Design
from netlists.files import read_text
from netlists.grid import choose_grid
from netlists.netlist import Attribute, Kind
from netlists.orientation import ORIENTATIONS, turn_size
from netlists.placement import Placement
from netlists.protobuf import SOFT_PREFIX

MAX_CELL_ROWS = 4
"""Rows that the most common height of movable nodes may take and still be the height of cells."""

HEIGHT_TOLERANCE = 1e-6
"""Share by which a cell may be higher than that."""

ROWS_KEY, PAD_KEY = "bookshelf_rows", "bookshelf_pad"
"""Attributes that carry what the model has no field for: of the netlist, and of a port. `docs/bookshelf.md`."""


def read_bookshelf(aux: str | Path) -> Design:
    """A Bookshelf design; 1 unit is taken as 1 um. Rules: `netlists/docs/bookshelf.md`.

    Raises:
        NetlistError: a file is missing or breaks its format.
    """
    aux = Path(aux)
    names = records.parse_aux(read_text(aux).split("\n"), aux)
    sources = {suffix: aux.parent / name for suffix, name in names.items()}
    if ".wts" in sources and not sources[".wts"].exists():
        del sources[".wts"]
    lines = {suffix: read_text(path).split("\n") for suffix, path in sources.items()}
    parsed = Records(
        records.parse_nodes(lines[".nodes"], sources[".nodes"]),
        records.parse_nets(lines[".nets"], sources[".nets"]),
        records.parse_pl(lines[".pl"], sources[".pl"]),
        row_box(parse_scl(lines[".scl"], sources[".scl"])),
        records.parse_wts(lines.get(".wts", []), sources.get(".wts")),
        sources,
    )
    return build_design(parsed, aux.stem)


def build_design(parsed: Records, name: str) -> Design:
    """The design that the records describe.

    Raises:
        NetlistError: they contradict one another.
    """
    node_of = {node: i for i, node in enumerate(parsed.nodes.name)}
    size = np.array([parsed.nodes.width, parsed.nodes.height]).reshape(2, -1)
    corner, orientation, fixed, placed = _positions(parsed, node_of)
    turned = turn_size(size, orientation)
    kind = _kinds(parsed, size, corner, turned, placed)
    fixed |= kind == Kind.PORT
    lx, ly, ux, uy = _outline(parsed.rows, corner, turned, fixed & placed)
    centre = np.where(placed, corner + turned / 2 - np.array([[lx], [ly]]), 0.0)
    is_port = kind == Kind.PORT
    netlist = build_netlist(parsed, node_of, kind, size, orientation)
    netlist = replace(netlist, attributes=_attributes(parsed, kind, size, orientation, (lx, ly)))
    movable = (kind == Kind.HARD_MACRO) & ~fixed
    hard = np.flatnonzero((kind == Kind.HARD_MACRO) & fixed & placed)
    boxes = np.concatenate([corner[:, hard], corner[:, hard] + turned[:, hard]]) - np.array([[lx], [ly], [lx], [ly]])
    cols, rows = choose_grid(ux - lx, uy - ly, turned[:, movable])
    canvas = Canvas(ux - lx, uy - ly, cols, rows, blockages=_margins(parsed.rows, (lx, ly, ux, uy), boxes))
    x, y = centre
    placement = Placement(x, y, np.where(is_port, 0, orientation), fixed, placed)
    return Design(netlist, canvas, placement, name)


def _positions(
    parsed: Records, node_of: dict[str, int]
) -> tuple[NDArray[np.float64], NDArray[np.uint8], NDArray[np.bool_], NDArray[np.bool_]]:
    """(2, N) lower left corners, then orientation, fixed and placed of each node; what is not listed is not placed."""
    count, stated = len(parsed.nodes.name), parsed.positions
    node = np.array([node_of.get(name, -1) for name in stated.name], np.int64).reshape(-1)
    check_known(parsed, ".pl", stated.name, node, stated.line, "a node of the .nodes file")
    times = np.bincount(node, minlength=count)
    if (times > 1).any():
        again = int(np.flatnonzero(times[node] > 1)[-1])
        raise parsed.error(".pl", f"expected each node once, found '{stated.name[again]}' again", stated.line[again])
    corner = np.zeros((2, count))
    corner[:, node] = np.array([stated.x, stated.y]).reshape(2, -1)
    orientation, fixed = np.zeros(count, np.uint8), _is_terminal(parsed)
    orientation[node] = stated.orientation
    fixed[node] |= np.array(stated.fixed, bool)
    return corner, orientation, fixed, times > 0


def cell_height(parsed: Records) -> float:
    """Height above which a node is a macro: that of a row, or what most movable nodes share if it is a few rows."""
    heights = Counter(
        height
        for name, height, word in zip(parsed.nodes.name, parsed.nodes.height, parsed.nodes.word, strict=True)
        if word not in (Word.TERMINAL, Word.TERMINAL_NI) and not name.startswith(SOFT_PREFIX)
    )
    common = max(heights, key=lambda height: (heights[height], -height), default=0.0)
    row = parsed.rows.height
    return common if row < common <= MAX_CELL_ROWS * row else row


def _is_terminal(parsed: Records) -> NDArray[np.bool_]:
    return np.isin(np.array(parsed.nodes.word, np.int64), (Word.TERMINAL, Word.TERMINAL_NI))


def _kinds(
    parsed: Records,
    size: NDArray[np.float64],
    corner: NDArray[np.float64],
    turned: NDArray[np.float64],
    placed: NDArray[np.bool_],
) -> NDArray[np.uint8]:
    nodes, rows = parsed.nodes, parsed.rows
    word = np.array(nodes.word)
    high = (size[1] > cell_height(parsed) * (1 + HEIGHT_TOLERANCE)) & (size[0] > 0)
    low, top = np.array([[rows.lx], [rows.ly]]), np.array([[rows.ux], [rows.uy]])
    over_rows = np.all((corner < top) & (corner + turned > low), axis=0)
    block = (word == Word.TERMINAL) & high & over_rows & placed
    soft = np.array([name.startswith(SOFT_PREFIX) for name in nodes.name], bool)
    kind = np.where(high, Kind.HARD_MACRO, Kind.STDCELL).astype(np.uint8)
    kind[word == Word.MACRO] = Kind.HARD_MACRO
    kind[word == Word.STDCELL] = Kind.STDCELL
    kind[soft] = Kind.SOFT_MACRO
    kind[_is_terminal(parsed) & ~block] = Kind.PORT
    return kind


def _outline(
    rows: RowBox, corner: NDArray[np.float64], turned: NDArray[np.float64], fixed: NDArray[np.bool_]
) -> tuple[float, float, float, float]:
    """The box around the rows and all that is fixed."""
    low, high = corner[:, fixed], (corner + turned)[:, fixed]
    lx, ly = np.min(np.column_stack([[rows.lx, rows.ly], low]), axis=1).tolist()
    ux, uy = np.max(np.column_stack([[rows.ux, rows.uy], high]), axis=1).tolist()
    return lx, ly, ux, uy


def _margins(
    rows: RowBox, outline: tuple[float, float, float, float], boxes: NDArray[np.float64]
) -> tuple[Blockage, ...]:
    """Blockages over the strips of the canvas beside the rows, except those that a fixed macro reaches into."""
    lx, ly, ux, uy = outline
    width, height = ux - lx, uy - ly
    strips = (
        (0.0, 0.0, rows.lx - lx, height),
        (rows.ux - lx, 0.0, width, height),
        (0.0, 0.0, width, rows.ly - ly),
        (0.0, rows.uy - ly, width, height),
    )
    return tuple(
        Blockage(*strip)
        for strip in strips
        if strip[0] < strip[2]
        and strip[1] < strip[3]
        and not ((boxes[0] < strip[2]) & (boxes[2] > strip[0]) & (boxes[1] < strip[3]) & (boxes[3] > strip[1])).any()
    )


def _attributes(
    parsed: Records,
    kind: NDArray[np.uint8],
    size: NDArray[np.float64],
    orientation: NDArray[np.uint8],
    shift: tuple[float, float],
) -> tuple[Attribute, ...]:
    """The rows and the shift, of the netlist; size, orientation and kind of ports that are more than points."""
    rows = parsed.rows
    box = (*shift, rows.lx, rows.ly, rows.ux, rows.uy, rows.height, rows.site)
    found = [Attribute(-1, ROWS_KEY, "placeholder", f'"{" ".join(repr(float(value)) for value in box)}"')]
    for node in np.flatnonzero(kind == Kind.PORT).tolist():
        flag = "_NI" if parsed.nodes.word[node] == Word.TERMINAL_NI else "-"
        pad = (repr(float(size[0, node])), repr(float(size[1, node])), ORIENTATIONS[orientation[node]], flag)
        if pad != ("0.0", "0.0", "N", "-"):
            found.append(Attribute(node, PAD_KEY, "placeholder", f'"{" ".join(pad)}"'))
    return tuple(found)
