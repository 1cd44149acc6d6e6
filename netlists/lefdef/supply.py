"""Routing supply of a canvas, from the tracks of a DEF or the pitches of a LEF."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netlists.canvas import Canvas
from netlists.lefdef.def_ import DefBlock, Tracks
from netlists.lefdef.lef import Layer, LefMacro, Library

_AXIS = {"HORIZONTAL": "Y", "VERTICAL": "X"}
"""Axis of the tracks along which wires of a layer run."""


@dataclass(frozen=True)
class Supply:
    """Routes a micron, of the metal stack and used up by hard macros; the fields of `Canvas`."""

    routes_hor: float = Canvas.routes_hor
    routes_ver: float = Canvas.routes_ver
    macro_routes_hor: float = Canvas.macro_routes_hor
    macro_routes_ver: float = Canvas.macro_routes_ver


def routing_supply(library: Library, block: DefBlock, macros: list[LefMacro]) -> Supply:
    """The supply of a block.

    A direction's routes a micron are the sum over routing layers of that direction of their tracks within the die over
    the die's extent; where the DEF has no tracks for any layer of the direction, of 1 / PITCH. Macros use up of each
    layer the share of their area that obstructions on it cover at most. What the files do not say is as in `Canvas`.

    Args:
        library: its layers say which way wires run.
        block: its tracks, and its die.
        macros: one entry for each hard macro of the design.
    """
    density = _tracks_per_micron(library, block)
    blocked = _blocked_share(macros)
    fields: dict[str, float] = {}
    for axis, direction in (("hor", "HORIZONTAL"), ("ver", "VERTICAL")):
        layers = {name: routes for name, routes in density.items() if library.layers[name].direction == direction}
        routes = sum(layers.values())
        default, default_used = getattr(Canvas, f"routes_{axis}"), getattr(Canvas, f"macro_routes_{axis}")
        if routes <= 0:
            continue
        used = sum(routes * blocked.get(name, 0.0) for name, routes in layers.items())
        fields[f"routes_{axis}"] = routes
        fields[f"macro_routes_{axis}"] = used if blocked else routes * default_used / default
    return Supply(**fields)


def _tracks_per_micron(library: Library, block: DefBlock) -> dict[str, float]:
    """Of each routing layer, along its direction."""
    routing = {n: layer for n, layer in library.layers.items() if layer.kind == "ROUTING" and layer.direction in _AXIS}
    corners = np.array(block.die)
    low, extent = corners.min(axis=0), np.ptp(corners, axis=0)
    density: dict[str, float] = {}
    for tracks in block.tracks:
        for name in tracks.layers:
            layer = routing.get(name)
            if layer is None or _AXIS[layer.direction] != tracks.axis:
                continue
            at = 0 if tracks.axis == "X" else 1
            within = _within(tracks, float(low[at]), float(extent[at]))
            density[name] = density.get(name, 0.0) + within / (float(extent[at]) / block.units)
    for direction in _AXIS:
        of_direction = [layer for layer in routing.values() if layer.direction == direction]
        if not any(layer.name in density for layer in of_direction):
            density.update({layer.name: 1 / _pitch(layer) for layer in of_direction if layer.pitch})
    return density


def _within(tracks: Tracks, low: float, extent: float) -> int:
    """How many of the tracks lie on a die."""
    first = max(0, int(np.ceil((low - tracks.start) / tracks.step)))
    last = min(tracks.count - 1, int(np.floor((low + extent - tracks.start) / tracks.step)))
    return max(0, last - first + 1)


def _pitch(layer: Layer) -> float:
    assert layer.pitch is not None
    return layer.pitch[1 if layer.direction == "HORIZONTAL" else 0]


def _blocked_share(macros: list[LefMacro]) -> dict[str, float]:
    """Share of the macros' area that obstructions cover, by layer; empty where no macro has any."""
    covered: dict[str, float] = {}
    shares: dict[str, dict[str, float]] = {}
    area = sum(macro.width * macro.height for macro in macros)
    for macro in macros:
        if macro.name not in shares:
            shares[macro.name] = _own_share(macro)
        for layer, share in shares[macro.name].items():
            covered[layer] = covered.get(layer, 0.0) + share * macro.width * macro.height / area
    return covered


def _own_share(macro: LefMacro) -> dict[str, float]:
    box = macro.obstructions.box
    areas = (box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1])
    share: dict[str, float] = {}
    for layer, size in zip(macro.obstructions.layer, areas.tolist(), strict=True):
        share[layer] = min(1.0, share.get(layer, 0.0) + size / (macro.width * macro.height))
    return share
