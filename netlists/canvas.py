"""The canvas: outline, grid, routing supply, blockages."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from netlists.constraints import Blockage, Constraints
from netlists.errors import NetlistError
from netlists.netlist import MOST_MICRONS

MAX_GRID = 128
"""Most columns or rows of a grid."""


@dataclass(frozen=True)
class Canvas:
    """Where macros are placed. Origin lower left, um."""

    width: float
    height: float
    cols: int
    rows: int
    routes_hor: float = 57.031
    """Horizontal routes per um that the metal stack supplies."""
    routes_ver: float = 56.818
    """Vertical routes per um that the metal stack supplies."""
    macro_routes_hor: float = 39.583
    """Horizontal routes per um that a hard macro uses up."""
    macro_routes_ver: float = 30.303
    """Vertical routes per um that a hard macro uses up."""
    smoothing: int = 0
    """Routing demand of a grid cell is spread over this many neighbours on each side."""
    blockages: tuple[Blockage, ...] = ()
    congestion_cols: int | None = None
    """Columns of the congestion grid; None: those of the placement grid."""
    congestion_rows: int | None = None
    """Rows of the congestion grid; None: those of the placement grid."""
    halo: float = 0.0
    """Least gap between two hard macros, um."""
    constraints: Constraints = field(default_factory=Constraints)
    """What else hard macros must keep to; its own `halo` and `blockages` are empty."""

    def __post_init__(self) -> None:
        """Raises NetlistError where a field is out of its range."""
        for name in ("width", "height"):
            self._check(name, lambda value: 1e-6 <= value <= MOST_MICRONS, f"1e-6 to {MOST_MICRONS:g} um")
        for name in ("routes_hor", "routes_ver"):
            self._check(name, lambda value: math.isfinite(value) and value > 0, "a number above 0")
        for name in ("macro_routes_hor", "macro_routes_ver", "halo"):
            self._check(name, lambda value: math.isfinite(value) and value >= 0, "a number of at least 0")
        for name in ("cols", "rows"):
            self._check(name, lambda value: 1 <= value <= MAX_GRID, f"1 to {MAX_GRID}")
        for name in ("congestion_cols", "congestion_rows"):
            self._check(name, lambda value: value is None or 1 <= value <= MAX_GRID, f"1 to {MAX_GRID}")
        self._check("smoothing", lambda value: value >= 0, "at least 0")
        if self.constraints.halo is not None or self.constraints.blockages:
            raise NetlistError("canvas: constraints hold a halo or blockages, expected those in the canvas' own fields")

    def _check(self, name: str, holds, expected: str) -> None:
        value = getattr(self, name)
        if not holds(value):
            raise NetlistError(f"canvas: {name} is {value}, expected {expected}")

    @property
    def cell_width(self) -> float:
        """Width of a placement grid cell, um."""
        return self.width / self.cols

    @property
    def cell_height(self) -> float:
        """Height of a placement grid cell, um."""
        return self.height / self.rows

    @property
    def congestion_grid(self) -> tuple[int, int]:
        """Rows and columns of the congestion grid."""
        return self.congestion_rows or self.rows, self.congestion_cols or self.cols
