"""Placements for place-and-route tools: DEF, Tcl of OpenROAD and Innovus, Bookshelf `.pl`.

All of these place a macro by the lower-left corner of its outline as it lies, in the coordinates of the source.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netlists.bookshelf.writer import pl_line, pl_text
from netlists.design import Design
from netlists.errors import NetlistError
from netlists.lefdef import DefBlock, State, parse_def
from netlists.netlist import Kind
from netlists.orientation import ORIENTATIONS, turn_size

OPENROAD_ORIENTATION = {
    "N": "R0",
    "W": "R90",
    "S": "R180",
    "E": "R270",
    "FN": "MY",
    "FS": "MX",
    "FW": "MXR90",
    "FE": "MYR90",
}
"""OpenROAD's names: turned counter-clockwise by so many degrees, after mirroring at the x axis (MX) or y axis (MY)."""

INNOVUS_ORIENTATION = {
    name: other.replace("R90", "90") if "M" in other else other for name, other in OPENROAD_ORIENTATION.items()
}
"""Innovus' names: as OpenROAD's, but MX90 and MY90."""


@dataclass(frozen=True)
class Frame:
    """The coordinates of the source."""

    shift: tuple[float, float] = (0.0, 0.0)
    """Added to positions of the design, um."""
    units: float | None = None
    """Database units a micron, to whose multiples corners are rounded; None: they are not."""


@dataclass(frozen=True)
class Hints:
    """Positions of standard cells, too."""

    node_of: Mapping[str, str] = field(default_factory=dict)
    """Soft macro of each cell; a cell that is a node of the netlist lies where that does."""


def lower_left(design: Design, frame: Frame) -> NDArray[np.float64]:
    """(2, N) um, the lower-left corner of each node as it lies, in the frame.

    Rounding is half up, not half to even: so it keeps the order of edges, and macros whose sizes are whole database
    units neither overlap by it nor leave the canvas.
    """
    placement = design.placement
    size = turn_size(design.netlist.size, placement.orientation)
    corner = np.stack([placement.x, placement.y]) - size / 2 + np.array(frame.shift)[:, None]
    return corner if frame.units is None else np.floor(corner * frame.units + 0.5) / frame.units


def rounding_notes(design: Design, frame: Frame) -> list[str]:
    """What rounding to database units spoils, one sentence each; empty if nothing."""
    exact, rounded = (
        _overlapping_pairs(design, corner)
        for corner in (lower_left(design, Frame(frame.shift)), lower_left(design, frame))
    )
    if rounded <= exact:
        return []
    return [f"{rounded - exact} pairs of macros overlap once rounded to 1/{frame.units:g} um; place with a larger halo"]


def _overlapping_pairs(design: Design, corner: NDArray[np.float64], tolerance: float = 1e-6) -> int:
    hard = design.netlist.is_hard & design.placement.placed
    low = corner[:, hard]
    high = low + turn_size(design.netlist.size, design.placement.orientation)[:, hard]
    count = 0
    for i in range(low.shape[1] - 1):
        overlap = np.minimum(high[:, i, None], high[:, i + 1 :]) - np.maximum(low[:, i, None], low[:, i + 1 :])
        count += int((overlap > tolerance).all(axis=0).sum())
    return count


def format_def(
    source: bytes,
    design: Design,
    frame: Frame,
    fixed: bool = False,
    hints: Hints | None = None,
    path: str | Path | None = None,
) -> bytes:
    """The source DEF with the hard macros where they lie now; every other byte stays.

    Macros that the design holds fixed stay as they are. A macro that has no position becomes UNPLACED.

    Args:
        source: the DEF that the design was imported from.
        design: its hard macros are components of the DEF, by name.
        frame: coordinates of the DEF.
        fixed: writes FIXED, so that the next tool leaves the macros alone, instead of PLACED.
        hints: writes movable standard cells as PLACED at the position of their node.
        path: file of the source, for errors.

    Raises:
        NetlistError: the DEF has not all hard macros of the design, or breaks the format.
    """
    block = parse_def(source, path)
    if frame.units != block.units:
        raise NetlistError(
            f"the DEF has {block.units:g} database units a micron, expected {frame.units}; import again", path
        )
    known = set(block.components.name)
    for node in np.flatnonzero(design.netlist.is_hard).tolist():
        if (name := design.netlist.node_name[node]) not in known:
            raise NetlistError(f"hard macro '{name}' is no component of the DEF; is it of another design?", path)
    edits = dict(_macro_edits(block, design, frame, "FIXED" if fixed else "PLACED"))
    if hints is not None:
        edits.update(_cell_edits(block, design, frame, hints))
    return _edited(source, block, edits)


def _macro_edits(block: DefBlock, design: Design, frame: Frame, state: str) -> Iterator[tuple[int, str]]:
    """Index of a component, and the text of its placement."""
    component = {name: index for index, name in enumerate(block.components.name)}
    at = _in_units(lower_left(design, frame), frame)
    placement, names = design.placement, design.netlist.node_name
    for node in np.flatnonzero(design.netlist.is_hard).tolist():
        index = component[names[node]]
        if placement.fixed[node] and block.components.state[index] >= State.FIXED:
            continue
        if placement.placed[node]:
            yield index, _placed(state, at[0, node], at[1, node], ORIENTATIONS[placement.orientation[node]])
        elif block.components.state[index] != State.UNPLACED:
            yield index, "+ UNPLACED"


def _cell_edits(block: DefBlock, design: Design, frame: Frame, hints: Hints) -> Iterator[tuple[int, str]]:
    """A cell that is a node lies with its centre there; one of a soft macro with its corner at the macro's centre."""
    netlist, placement = design.netlist, design.placement
    node_of = {name: node for node, name in enumerate(netlist.node_name)}
    corner = _in_units(lower_left(design, frame), frame)
    centre = np.stack([placement.x, placement.y]) + np.array(frame.shift)[:, None]
    centre = _in_units(centre, frame)
    for index, name in enumerate(block.components.name):
        own, cluster = node_of.get(name), node_of.get(hints.node_of.get(name, ""))
        if block.components.state[index] >= State.FIXED:
            continue
        if own is not None and netlist.kind[own] == Kind.STDCELL and placement.placed[own]:
            orientation = ORIENTATIONS[placement.orientation[own]]
            yield index, _placed("PLACED", corner[0, own], corner[1, own], orientation)
        elif own is None and cluster is not None and placement.placed[cluster]:
            yield index, _placed("PLACED", centre[0, cluster], centre[1, cluster], "N")


def _in_units(at: NDArray[np.float64], frame: Frame) -> NDArray[np.int64]:
    assert frame.units is not None
    return np.floor(at * frame.units + 0.5).astype(np.int64)


def _placed(state: str, x: int, y: int, orientation: str) -> str:
    return f"+ {state} ( {x} {y} ) {orientation}"


def _edited(source: bytes, block: DefBlock, edits: Mapping[int, str]) -> bytes:
    """The source with the placements of some components exchanged."""
    begin, end = block.components.span.tolist()
    pieces, at = [], 0
    for index in sorted(edits, key=lambda index: begin[index]):
        text = edits[index]
        if end[index] == begin[index]:  # before the semicolon, which need not stand apart
            text = f"{'' if source[begin[index] - 1 : begin[index]].isspace() else ' '}{text} "
        pieces += [source[at : begin[index]], text.encode()]
        at = end[index]
    return b"".join([*pieces, source[at:]])


def format_openroad(design: Design, frame: Frame) -> str:
    """Tcl that places the hard macros in OpenROAD."""
    lines = (
        f"place_macro -macro_name {name} -location {{{x} {y}}} -orientation {OPENROAD_ORIENTATION[orientation]}"
        for name, x, y, orientation in _macros(design, frame)
    )
    return _script(design, "OpenROAD, after the floorplan is initialised", lines)


def format_innovus(design: Design, frame: Frame) -> str:
    """Tcl that places and fixes the hard macros in Innovus."""
    lines = (
        f"placeInstance {name} {x} {y} {INNOVUS_ORIENTATION[orientation]} -fixed"
        for name, x, y, orientation in _macros(design, frame)
    )
    return _script(design, "Innovus, after the floorplan is initialised", lines)


def _macros(design: Design, frame: Frame) -> Iterator[tuple[str, str, str, str]]:
    corner, placement = lower_left(design, frame), design.placement
    for node in np.flatnonzero(design.netlist.is_hard & placement.placed).tolist():
        name = tcl_word(design.netlist.node_name[node])
        yield name, _micron(corner[0, node]), _micron(corner[1, node]), ORIENTATIONS[placement.orientation[node]]


def _script(design: Design, tool: str, lines: Iterable[str]) -> str:
    count = int((design.netlist.is_hard & design.placement.placed).sum())
    head = f"# Places the {count} hard macros of {design.name}. Source it in {tool}. Lower-left corners, um."
    return "\n".join([head, *lines, ""])


def _micron(value: float) -> str:
    text = f"{value:.6f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def tcl_word(name: str) -> str:
    """A name as one word of Tcl, in braces where these keep it as it is, else with backslashes."""
    if not any(c in name for c in "{}") and not name.endswith("\\"):
        return f"{{{name}}}"
    return "".join(f"\\{c}" if not (c.isalnum() or c in "_/.") else c for c in name)


def format_bookshelf(design: Design, frame: Frame) -> str:
    """A Bookshelf `.pl`: the lower-left corner and orientation of every node that is placed.

    Raises:
        NetlistError: a name cannot stand in a Bookshelf file.
    """
    (x, y), placement = lower_left(design, frame), design.placement
    return pl_text(
        pl_line(
            design.netlist.node_name[node],
            x[node],
            y[node],
            placement.orientation[node],
            "/FIXED" if placement.fixed[node] else "",
        )
        for node in np.flatnonzero(placement.placed).tolist()
    )
