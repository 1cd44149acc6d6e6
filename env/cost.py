"""The exact cost of a placement: AlphaChip's wirelength, density and congestion, compiled."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray

from env import _core
from netlists import Canvas, Netlist, NetlistError, Placement


@dataclass(frozen=True)
class CostWeights:
    """Weights of the cost terms in the proxy cost.

    Raises:
        NetlistError: one of them is negative, infinite or not a number.
    """

    wirelength: float = 1.0
    density: float = 0.5
    congestion: float = 0.5

    def __post_init__(self) -> None:
        if not all(0 <= weight < math.inf for weight in astuple(self)):
            raise NetlistError(f"weights of the cost are {astuple(self)}, expected three finite numbers of at least 0")


@dataclass(frozen=True)
class Costs:
    """The cost terms of one placement."""

    wirelength: float
    """Sum over nets of weight * half-perimeter, um."""
    wirelength_cost: float
    """Wirelength / ((W + H) * sum of net weights)."""
    density_cost: float
    congestion_cost: float
    proxy_cost: float
    """Weighted sum of the three costs."""


@dataclass(frozen=True)
class CostMaps:
    """The cost per grid cell, row 0 at the bottom.

    Attributes:
        density: (rows, cols), occupied share of each placement grid cell.
        congestion_hor, congestion_ver: (rows, cols) of the congestion grid, routing demand over supply.
    """

    density: NDArray[np.float64]
    congestion_hor: NDArray[np.float64]
    congestion_ver: NDArray[np.float64]


def core_design(netlist: Netlist, canvas: Canvas) -> _core.Design:
    """The design as the compiled kernels read it; build it once and keep it."""
    constraints = canvas.constraints
    return _core.Design(
        kind=netlist.kind,
        width=netlist.size[0],
        height=netlist.size[1],
        pin_node=netlist.pin_node,
        pin_dx=netlist.pin_offset[0],
        pin_dy=netlist.pin_offset[1],
        net_start=netlist.net_start,
        net_pin=netlist.net_pin,
        net_weight=netlist.net_weight,
        size=(canvas.width, canvas.height),
        grid=(canvas.cols, canvas.rows),
        routes=(canvas.routes_hor, canvas.routes_ver, canvas.macro_routes_hor, canvas.macro_routes_ver),
        smoothing=canvas.smoothing,
        congestion_grid=canvas.congestion_grid[::-1],
        halo=canvas.halo,
        halos=constraints.halos(netlist, canvas.halo),
        allowed=constraints.allowed(netlist),
        boundary=constraints.boundary,
        pitch=constraints.pitch,
        offset=constraints.offset,
        blockages=[(b.lx, b.ly, b.ux, b.uy) for b in canvas.blockages if b.rate > 0],
    )


def core_placement(placement: Placement) -> _core.Placement:
    """The placement as the compiled kernels read it; its arrays are shared, not copied."""
    return _core.Placement(
        x=placement.x,
        y=placement.y,
        orientation=placement.orientation,
        fixed=placement.fixed,
        placed=placement.placed,
    )


class CostModel:
    """Evaluates placements of one netlist on one canvas.

    Rules: `env/README.md`, "Cost". The NumPy twins of the kernels are in `tests/reference/`.
    """

    def __init__(self, netlist: Netlist, canvas: Canvas, weights: CostWeights | None = None) -> None:
        self.weights = weights or CostWeights()
        self.core = core_design(netlist, canvas)

    def evaluate(self, placement: Placement) -> Costs:
        """The cost terms of a placement.

        Raises:
            ValueError: the placement has another number of nodes than the netlist.
        """
        return self.evaluate_many([placement])[0]

    def evaluate_many(self, placements: Sequence[Placement], threads: int = 1) -> list[Costs]:
        """The cost terms of several placements; the result does not depend on the number of threads."""
        terms = _core.evaluate(self.core, [core_placement(placement) for placement in placements], threads)
        return [self.costs(*term) for term in terms]

    def costs(self, wirelength: float, wirelength_cost: float, density_cost: float, congestion_cost: float) -> Costs:
        """Raw terms with their weighted sum."""
        proxy_cost = (
            self.weights.wirelength * wirelength_cost
            + self.weights.density * density_cost
            + self.weights.congestion * congestion_cost
        )
        return Costs(wirelength, wirelength_cost, density_cost, congestion_cost, proxy_cost)

    def maps(self, placement: Placement) -> CostMaps:
        """Density and congestion of every grid cell."""
        return CostMaps(**_core.maps(self.core, core_placement(placement)))
