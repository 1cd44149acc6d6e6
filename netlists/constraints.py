"""What hard macros must keep to beside not overlapping. Meaning and file: `netlists/docs/constraints.md`."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np
from numpy.typing import NDArray

from netlists.errors import NetlistError
from netlists.netlist import Netlist
from netlists.orientation import ORIENTATION_CODE, ORIENTATIONS

EVERY_ORIENTATION = (1 << len(ORIENTATIONS)) - 1
"""Bit mask of all orientations."""


@dataclass(frozen=True)
class Blockage:
    """A rectangle that no hard macro may touch, um."""

    lx: float
    ly: float
    ux: float
    uy: float
    rate: float = 1.0
    """Share of the rectangle that is blocked, as the file states it; any rate above 0 forbids hard macros."""


@dataclass(frozen=True)
class MacroRule:
    """What holds for the hard macros that a pattern names; of several rules for one macro the last that says it."""

    name: str
    """A macro's name, or a pattern with `*`, `?` and `[...]`. A name that some macro has is never a pattern."""
    halo: float | None = None
    """Least gap to other hard macros, um, instead of the canvas' own; between two macros the larger one counts."""
    orientations: tuple[str, ...] = ()
    """The allowed ones; empty: all."""
    fixed: bool = False
    """Nothing may move the macro."""

    def __post_init__(self) -> None:
        """Raises NetlistError where a field is out of its range."""
        if self.halo is not None and not (math.isfinite(self.halo) and self.halo >= 0):
            raise NetlistError(f"macro '{self.name}': halo is {self.halo}, expected a number of at least 0")
        for orientation in self.orientations:
            if orientation not in ORIENTATION_CODE:
                raise NetlistError(
                    f"macro '{self.name}': orientations has '{orientation}', expected some of {', '.join(ORIENTATIONS)}"
                )


@dataclass(frozen=True)
class Constraints:
    """Of hard macros that may move; what is fixed breaks none of them but the gap to those that move."""

    macros: tuple[MacroRule, ...] = ()
    boundary: float = 0.0
    """Least distance to the edge of the canvas, um."""
    pitch: tuple[float, float] = (0.0, 0.0)
    """Lower left corners lie on multiples of this from `offset`, x and y, um; 0: anywhere."""
    offset: tuple[float, float] = (0.0, 0.0)
    """Of the grid for lower left corners, um."""
    halo: float | None = None
    """Least gap of all macros; only in a file, for a canvas has its own: `Canvas.halo`."""
    blockages: tuple[Blockage, ...] = ()
    """Only in a file, for a canvas has its own: `Canvas.blockages`."""

    def __post_init__(self) -> None:
        """Raises NetlistError where a field is out of its range."""
        for name, values in (("boundary", (self.boundary,)), ("halo", (self.halo or 0.0,)), ("pitch", self.pitch)):
            if not all(math.isfinite(value) and value >= 0 for value in values):
                stated = " and ".join(f"{value:g}" for value in values)
                raise NetlistError(f"{name} is {stated}, expected numbers of at least 0")
        if not all(map(math.isfinite, self.offset)):
            raise NetlistError(f"offset is {self.offset}, expected two finite numbers")

    def joined(self, other: Constraints) -> Constraints:
        """These and others; what both state is as the others say."""
        grid = other if other.snaps else self
        return Constraints(
            self.macros + other.macros,
            other.boundary or self.boundary,
            grid.pitch,
            grid.offset,
            self.halo if other.halo is None else other.halo,
            self.blockages + other.blockages,
        )

    @property
    def snaps(self) -> bool:
        """Whether corners lie on a grid."""
        return max(self.pitch) > 0

    def snap(self, x: NDArray[np.float64], y: NDArray[np.float64], size: NDArray[np.float64]) -> list[NDArray]:
        """Centres moved so that lower left corners lie on the grid.

        Args:
            x, y: (K,) centres, um.
            size: (2,) or (2, K) width and height as the macros lie.
        """
        return [
            np.round((at - half - offset) / pitch) * pitch + offset + half if pitch > 0 else at
            for at, half, pitch, offset in zip((x, y), size / 2, self.pitch, self.offset, strict=True)
        ]

    def halos(self, netlist: Netlist, default: float) -> NDArray[np.float64]:
        """(N,) um, the gap that each node asks for."""
        halo = np.full(netlist.num_nodes, default)
        self._assign(netlist, halo, lambda rule: rule.halo)
        return halo

    def allowed(self, netlist: Netlist) -> NDArray[np.uint8]:
        """(N,) bit k: orientation of code k is allowed."""
        allowed = np.full(netlist.num_nodes, EVERY_ORIENTATION, np.uint8)
        self._assign(netlist, allowed, _orientation_mask)
        return allowed

    def fixed(self, netlist: Netlist) -> NDArray[np.bool_]:
        """(N,) whether a rule fixes the node."""
        fixed = np.zeros(netlist.num_nodes, bool)
        self._assign(netlist, fixed, lambda rule: True if rule.fixed else None)
        return fixed

    def _assign(self, netlist: Netlist, array: NDArray, value_of: Callable[[MacroRule], float | bool | None]) -> None:
        stated = [(rule, value) for rule in self.macros if (value := value_of(rule)) is not None]
        matches = matched_macros([rule.name for rule, _ in stated], netlist)
        for (_, value), nodes in zip(stated, matches, strict=True):
            array[nodes] = value


def _orientation_mask(rule: MacroRule) -> int | None:
    return sum(1 << ORIENTATION_CODE[name] for name in set(rule.orientations)) or None


def matched_macros(patterns: list[str], netlist: Netlist) -> list[list[int]]:
    """The hard macros that each name or pattern means."""
    if not patterns:
        return []
    node_of = {netlist.node_name[node]: node for node in np.flatnonzero(netlist.is_hard).tolist()}
    return [
        [node_of[pattern]]
        if pattern in node_of
        else [node for name, node in node_of.items() if fnmatchcase(name, pattern)]
        for pattern in patterns
    ]
