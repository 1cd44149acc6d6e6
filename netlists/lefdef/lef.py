"""LEF: the macros of a library, its sites and its routing layers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from netlists import _lefdef
from netlists.errors import NetlistError
from netlists.files import read_bytes


class Direction(IntEnum):
    """Which way a signal goes through a pin."""

    UNKNOWN = 0
    INPUT = 1
    OUTPUT = 2
    INOUT = 3
    FEEDTHRU = 4


@dataclass(frozen=True, eq=False)
class Shapes:
    """R rectangles on layers, each around a shape of the file.

    Attributes:
        layer: R names, `""` where the file states no layer.
        box: (R, 4) float64, um: lx, ly, ux, uy as the file states them.
    """

    layer: tuple[str, ...]
    box: NDArray[np.float64]

    def bounds(self) -> NDArray[np.float64] | None:
        """(4,) box around all of them; None where there is none."""
        if not len(self.box):
            return None
        return np.concatenate([self.box[:, :2].min(axis=0), self.box[:, 2:].max(axis=0)])


@dataclass(frozen=True)
class LefPin:
    """A pin of a macro."""

    name: str
    direction: Direction
    use: str
    """SIGNAL, CLOCK, POWER ...; empty where the file does not say."""
    shapes: Shapes
    """Of all its ports."""
    line: int = 0


@dataclass(frozen=True)
class LefMacro:
    """A macro of a library: a standard cell, a memory, a pad."""

    name: str
    kind: str
    """CLASS: CORE, BLOCK, PAD, RING, COVER or ENDCAP; empty where the file does not say."""
    subkind: str
    """What follows the class, as BLACKBOX or SPACER."""
    width: float
    height: float
    origin: tuple[float, float]
    """What is added to the file's coordinates so that the lower-left corner of the macro becomes (0, 0), um."""
    symmetry: tuple[str, ...]
    site: str
    pins: Mapping[str, LefPin]
    obstructions: Shapes
    bus: str = "[]"
    """Characters around the index of a bus bit in names of pins: those of the macro's file."""
    line: int = 0
    source: str | None = None

    def pin_offset(self, pin: LefPin) -> tuple[float, float]:
        """Centre of the box around the ports, um, from the centre of the macro in N; (0, 0) where it has none."""
        bounds = pin.shapes.bounds()
        if bounds is None:
            return 0.0, 0.0
        x, y = (bounds[:2] + bounds[2:]) / 2
        return float(x + self.origin[0] - self.width / 2), float(y + self.origin[1] - self.height / 2)


@dataclass(frozen=True)
class Layer:
    """A layer of the metal stack."""

    name: str
    kind: str
    """ROUTING, CUT ..."""
    direction: str
    """HORIZONTAL, VERTICAL ...; empty for what is not routed on."""
    pitch: tuple[float, float] | None
    """Distance of tracks in x and in y, um."""
    width: float | None


@dataclass(frozen=True)
class Site:
    """What rows are made of."""

    name: str
    kind: str
    """CORE or PAD."""
    width: float
    height: float
    symmetry: tuple[str, ...] = ()


@dataclass(frozen=True)
class Library:
    """What one or several LEF files say."""

    macros: Mapping[str, LefMacro]
    sites: Mapping[str, Site] = field(default_factory=dict)
    layers: Mapping[str, Layer] = field(default_factory=dict)
    units: float | None = None
    """Database units a micron."""
    grid: float | None = None
    """Manufacturing grid, um."""
    version: str = ""
    divider: str = "/"
    bus: str = "[]"


def read_lef(path: str | Path) -> Library:
    """The library of a LEF file, `.gz` too.

    Raises:
        NetlistError: the file cannot be read or breaks the format; names it, the line and the section.
    """
    path = Path(path)
    return parse_lef(read_bytes(path), path)


def read_lefs(paths: Iterable[str | Path]) -> Library:
    """The libraries of several files as one; of layers and sites that several define, the first.

    Raises:
        NetlistError: as `read_lef`; or two files define the same macro; or there is no file.
    """
    libraries = [read_lef(path) for path in paths]
    if not libraries:
        raise NetlistError("expected at least one LEF file, got none")
    macros: dict[str, LefMacro] = {}
    for library in libraries:
        for macro in library.macros.values():
            before = macros.setdefault(macro.name, macro)
            if before is not macro:
                raise NetlistError(
                    f"macro '{macro.name}' is defined in {before.source}:{before.line} as well; give each macro once",
                    macro.source,
                    macro.line,
                )
    first = libraries[0]
    return Library(
        macros=MappingProxyType(macros),
        sites=_first_of_each(library.sites for library in libraries),
        layers=_first_of_each(library.layers for library in libraries),
        units=next((library.units for library in libraries if library.units), None),
        grid=next((library.grid for library in libraries if library.grid), None),
        version=first.version,
        divider=first.divider,
        bus=first.bus,
    )


_Item = TypeVar("_Item")


def _first_of_each(parts: Iterable[Mapping[str, _Item]]) -> Mapping[str, _Item]:
    joined: dict[str, _Item] = {}
    for part in parts:
        for name, item in part.items():
            joined.setdefault(name, item)
    return MappingProxyType(joined)


def parse_lef(text: bytes, source: str | Path | None = None) -> Library:
    """The library of the text of a LEF file.

    Raises:
        NetlistError: the text breaks the format; names `source`, the line and the section.
    """
    columns = parsed(_lefdef.parse_lef, text, source)
    layers = [
        Layer(name, kind.upper(), direction.upper(), None if np.isnan(px) else (px, py), None if np.isnan(w) else w)
        for name, kind, direction, px, py, w in columns["layers"]
    ]
    return Library(
        macros=MappingProxyType(_macros(columns, source)),
        sites=MappingProxyType({site.name: site for site in _sites(columns, source)}),
        layers=MappingProxyType({layer.name: layer for layer in layers}),
        units=_known(columns["units"]),
        grid=_known(columns["grid"]),
        version=columns["version"],
        divider=columns["divider"],
        bus=columns["bus"],
    )


def parsed(parser: Callable[[bytes], dict[str, Any]], text: bytes, source: str | Path | None) -> dict[str, Any]:
    """What a compiled parser says, its errors as NetlistError."""
    try:
        return parser(text)
    except ValueError as error:
        line, message = error.args
        raise NetlistError(message, source, line) from None


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value


def _sites(columns: dict[str, Any], source: str | Path | None) -> list[Site]:
    sites = []
    for name, kind, width, height, symmetry, line in columns["sites"]:
        if np.isnan(width):
            raise NetlistError(f"in SITE {name}: expected a SIZE in every site, found none", source, line)
        sites.append(Site(name, kind.upper(), width, height, tuple(word.upper() for word in symmetry)))
    return sites


def _macros(columns: dict[str, Any], source: str | Path | None) -> dict[str, LefMacro]:
    port, obstruction = _shapes(columns, "port"), _shapes(columns, "obstruction")
    origin = np.stack([columns["origin_x"], columns["origin_y"]], axis=1).tolist()
    names, uses = columns["pin_name"], columns["pin_use"]
    directions, lines = columns["pin_direction"].tolist(), columns["pin_line"].tolist()
    start = columns["pin_start"].tolist()
    macros = {}
    for i, name in enumerate(columns["macro_name"]):
        pins: dict[str, LefPin] = {}
        for p in range(start[i], start[i + 1]):
            pin = LefPin(names[p], Direction(directions[p]), uses[p].upper(), port(p), lines[p])
            if pins.setdefault(pin.name, pin) is not pin:
                before = pins[pin.name].line
                message = f"in MACRO {name}: pin '{pin.name}' is defined before, on line {before}"
                raise NetlistError(message, source, pin.line)
        macros[name] = LefMacro(
            name=name,
            kind=columns["macro_class"][i].upper(),
            subkind=columns["macro_subclass"][i].upper(),
            width=float(columns["width"][i]),
            height=float(columns["height"][i]),
            origin=(origin[i][0], origin[i][1]),
            symmetry=tuple(word.upper() for word in columns["macro_symmetry"][i]),
            site=columns["macro_site"][i],
            pins=MappingProxyType(pins),
            obstructions=obstruction(i),
            bus=columns["bus"],
            line=int(columns["macro_line"][i]),
            source=None if source is None else str(source),
        )
    return macros


def _shapes(columns: dict[str, Any], part: str) -> Callable[[int], Shapes]:
    """The shapes of owner i; the arrays are views of those of the file."""
    start, box = columns[part]["start"].tolist(), columns[part]["box"]
    box.setflags(write=False)
    layer_name = (*columns["layer_name"], "")
    layers = [layer_name[index] for index in columns[part]["layer"].tolist()]
    return lambda i: Shapes(tuple(layers[start[i] : start[i + 1]]), box[start[i] : start[i + 1]])
