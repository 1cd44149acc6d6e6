"""DEF: the floorplan, components, pins and nets of a block."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlists import _lefdef
from netlists.files import read_bytes
from netlists.lefdef.lef import parsed

Box = tuple[float, float, float, float]
"""lx, ly, ux, uy in database units."""
Point = tuple[float, float]


class State(IntEnum):
    """How a component or pin is placed."""

    UNPLACED = 0
    PLACED = 1
    FIXED = 2
    """Only a person may move it."""
    COVER = 3
    """Nothing may move it."""


@dataclass(frozen=True)
class Halo:
    """Distance that other macros and cells keep from a component, database units."""

    left: float
    bottom: float
    right: float
    top: float
    soft: bool = False


@dataclass(frozen=True, eq=False)
class Components:
    """C instances of macros.

    Attributes:
        name: C names, escapes as they stand in the file.
        macro_name: names of the distinct macros, in order of their first use.
        macro: (C,) int32, index into `macro_name`.
        state: (C,) uint8, a `State`.
        orientation: (C,) uint8, code into `netlists.ORIENTATIONS`; 0 where unplaced.
        x, y: (C,) float64, lower-left corner of the component as it lies, database units; NaN where unplaced.
        weight: (C,) float64, NaN where not stated.
        halo, region: by index of the component; region: the name of the one that it belongs in.
        line: (C,) int32, where in the file it begins.
        span: (2, C) int64, the bytes of its placement in the file; empty, before the `;`, where it has none.
    """

    name: tuple[str, ...]
    macro_name: tuple[str, ...]
    macro: NDArray[np.int32]
    state: NDArray[np.uint8]
    orientation: NDArray[np.uint8]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    weight: NDArray[np.float64]
    halo: dict[int, Halo]
    region: dict[int, str]
    line: NDArray[np.int32]
    span: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Pins:
    """Q pins of the block. Pin q has the ports `port_start[q]` to `port_start[q + 1]`, at least one.

    Attributes:
        name, net, use: Q texts; empty where not stated.
        direction: (Q,) uint8, a `Direction`.
        port_state, port_orientation: uint8, as of components.
        port_x, port_y: float64, where the port's origin lies, database units; NaN where unplaced.
        port_box: (.., 4) float64, around its shapes, relative to its origin, in N; NaN where it has none.
        line: (Q,) int32.
    """

    name: tuple[str, ...]
    net: tuple[str, ...]
    use: tuple[str, ...]
    direction: NDArray[np.uint8]
    port_start: NDArray[np.int32]
    port_state: NDArray[np.uint8]
    port_orientation: NDArray[np.uint8]
    port_x: NDArray[np.float64]
    port_y: NDArray[np.float64]
    port_box: NDArray[np.float64]
    line: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Nets:
    """K nets. Net k has the entries `entry_start[k]` to `entry_start[k + 1]`.

    Attributes:
        name, use: K texts. Names may repeat.
        weight: (K,) float64, 1 where not stated.
        entry_start: (K + 1,) int32.
        component: int32, index of the component of each entry; -1 for a pin of the block.
        pin: int32, index into `pin_name`; for a pin of the block, its index.
        pin_name: names of the distinct pins of components.
        line, entry_line: int32, where the net and its entries begin.
    """

    name: tuple[str, ...]
    use: tuple[str, ...]
    weight: NDArray[np.float64]
    entry_start: NDArray[np.int32]
    component: NDArray[np.int32]
    pin: NDArray[np.int32]
    pin_name: tuple[str, ...]
    line: NDArray[np.int32]
    entry_line: NDArray[np.int32]


@dataclass(frozen=True)
class Row:
    """A row of sites."""

    name: str
    site: str
    origin: Point
    orientation: int
    count: tuple[int, int]
    step: Point


@dataclass(frozen=True)
class Tracks:
    """Parallel routing tracks of some layers."""

    axis: str
    """X: vertical lines at x = start + k * step; Y: horizontal ones."""
    start: float
    count: int
    step: float
    layers: tuple[str, ...]


@dataclass(frozen=True)
class PlacementBlockage:
    """Where cells may not lie, or not densely."""

    boxes: tuple[Box, ...]
    polygons: tuple[tuple[Point, ...], ...] = ()
    soft: bool = False
    density: float = 0.0
    """Largest share of the area that cells may take, percent."""
    pushdown: bool = False
    component: str = ""
    """The component that it moves with."""
    line: int = 0


@dataclass(frozen=True)
class Region:
    """A named area."""

    name: str
    kind: str
    """FENCE: its group lies inside and nothing else does; GUIDE: its group should lie inside; empty: inside."""
    boxes: tuple[Box, ...]


@dataclass(frozen=True)
class Group:
    """Components, by name or pattern, and the region that they belong in."""

    name: str
    region: str
    members: tuple[str, ...]
    line: int = 0


@dataclass(frozen=True, eq=False)
class DefBlock:
    """What a DEF file says, as far as it is read."""

    name: str
    units: float
    """Database units a micron."""
    die: tuple[Point, ...]
    """Corners of the die: two of a rectangle, or all of a polygon; database units."""
    components: Components
    pins: Pins
    nets: Nets
    rows: tuple[Row, ...] = ()
    tracks: tuple[Tracks, ...] = ()
    blockages: tuple[PlacementBlockage, ...] = ()
    regions: tuple[Region, ...] = ()
    groups: tuple[Group, ...] = ()
    version: str = "5.8"
    divider: str = "/"
    bus: str = "[]"
    die_line: int = 0
    notes: tuple[str, ...] = field(default=())
    """Sections that were skipped, counts that do not hold."""


def read_def(path: str | Path) -> DefBlock:
    """The block of a DEF file, `.gz` too.

    Raises:
        NetlistError: the file cannot be read or breaks the format; names it, the line and the section.
    """
    path = Path(path)
    return parse_def(read_bytes(path), path)


def parse_def(text: bytes, source: str | Path | None = None) -> DefBlock:
    """The block of the text of a DEF file.

    Raises:
        NetlistError: the text breaks the format; names `source`, the line and the section.
    """
    columns = parsed(_lefdef.parse_def, text, source)
    return DefBlock(
        name=columns["design"],
        units=columns["units"],
        die=columns["die"],
        components=_components(columns["components"]),
        pins=Pins(**columns["pins"]),
        nets=Nets(**columns["nets"]),
        rows=tuple(Row(*row) for row in columns["rows"]),
        tracks=tuple(Tracks(*tracks) for tracks in columns["tracks"]),
        blockages=tuple(PlacementBlockage(*fields) for fields in columns["blockages"]),
        regions=tuple(Region(name, kind.upper(), boxes) for name, kind, boxes in columns["regions"]),
        groups=tuple(Group(*fields) for fields in columns["groups"]),
        version=columns["version"],
        divider=columns["divider"],
        bus=columns["bus"],
        die_line=columns["die_line"],
        notes=tuple(f"line {line}: {text}" for line, text in columns["notes"]),
    )


def _components(columns: dict[str, Any]) -> Components:
    span = np.stack([columns.pop("span_begin"), columns.pop("span_end")])
    halo = {index: Halo(*margins) for index, *margins in columns.pop("halo")}
    return Components(span=span, halo=halo, region=dict(columns.pop("region")), **columns)
