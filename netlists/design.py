"""A design: netlist, canvas and placement together."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from netlists.canvas import Canvas
from netlists.constraints import Constraints
from netlists.errors import NetlistError
from netlists.netlist import MOST_MICRONS, Netlist
from netlists.orientation import turn_size
from netlists.placement import Placement


@dataclass(frozen=True)
class Design:
    """What a placer is given: a netlist, the canvas to place it on, and where everything lies now."""

    netlist: Netlist
    canvas: Canvas
    placement: Placement
    name: str = "design"

    def __post_init__(self) -> None:
        if len(self.placement) != self.netlist.num_nodes:
            raise NetlistError(
                f"design '{self.name}': the placement has {len(self.placement)} nodes, "
                f"the netlist {self.netlist.num_nodes}"
            )

        far = self.placement.placed & ~(np.maximum(np.abs(self.placement.x), np.abs(self.placement.y)) <= MOST_MICRONS)
        if far.any():
            at = int(np.argmax(far))
            raise NetlistError(
                f"design '{self.name}': node '{self.netlist.node_name[at]}' lies at {self.placement.x[at]:g}, "
                f"{self.placement.y[at]:g} um, expected coordinates of at most {MOST_MICRONS:g}"
            )

    @property
    def constraints(self) -> Constraints:
        """What hard macros must keep to, beside halo and blockages of the canvas."""
        return self.canvas.constraints

    def with_placement(self, placement: Placement) -> Design:
        """The same netlist and canvas, placed otherwise."""
        return replace(self, placement=placement)

    def fingerprint(self) -> str:
        """Equal for two designs if a placement of one is a placement of the other: same nodes, pins and nets, same
        canvas, same fixed nodes at the same places. Positions of movable nodes do not enter.
        """
        netlist, placement = self.netlist, self.placement
        digest = hashlib.sha256(repr((netlist.node_name, self.canvas)).encode())
        arrays = (netlist.kind, netlist.size, netlist.pin_node, netlist.pin_offset, netlist.net_start)
        arrays += (netlist.net_pin, netlist.net_weight, placement.fixed)
        fixed = np.round([axis[placement.fixed] for axis in (placement.x, placement.y)], 3) + 0.0  # no negative zero
        for array in (*arrays, fixed, placement.orientation[placement.fixed]):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def check_placeable(self) -> None:
        """Raises NetlistError if no legal placement can exist: a macro that fits nowhere, or too much area."""
        netlist, canvas = self.netlist, self.canvas
        self._check_fixed_placed()
        self._check_sizes(netlist.is_hard, "enlarge the canvas or turn the macro")
        area, supply = float(np.sum(np.prod(netlist.size[:, netlist.is_hard], axis=0))), canvas.width * canvas.height
        if area > supply:
            raise NetlistError(
                f"the hard macros take {area:g} um^2, {100 * area / supply:.1f} % of the canvas of "
                f"{supply:g} um^2; enlarge the canvas"
            )
        self._check_sizes(netlist.is_soft_macro, "enlarge the canvas or cluster cells into more groups")

    def _check_sizes(self, macros: NDArray[np.bool_], remedy: str) -> None:
        """Raises NetlistError if one of the macros, (N,) flags, is larger than what the canvas leaves it."""
        canvas, movable_hard = self.canvas, self.netlist.is_hard & ~self.placement.fixed
        width, height = turn_size(self.netlist.size, self.placement.orientation)
        margin = np.where(movable_hard, 2 * canvas.constraints.boundary, 0.0)
        too_large = macros & ((width + margin > canvas.width) | (height + margin > canvas.height))
        if too_large.any():
            at = int(np.argmax(too_large))
            inside = f", less {margin[at] / 2:g} um at each edge" if margin[at] else ""
            raise NetlistError(
                f"macro '{self.netlist.node_name[at]}' is {width[at]:g} x {height[at]:g} um, larger than "
                f"the canvas of {canvas.width:g} x {canvas.height:g} um{inside}; {remedy}"
            )

    def _check_fixed_placed(self) -> None:
        """Raises NetlistError if a macro is fixed but lies nowhere."""
        lost = np.flatnonzero(self.netlist.is_hard & self.placement.fixed & ~self.placement.placed)
        if len(lost):
            raise NetlistError(
                f"macro '{self.netlist.node_name[lost[0]]}' is fixed but has no position; expected one in the placement"
            )
