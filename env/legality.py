"""Whether a placement is legal, counted pair by pair in NumPy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netlists import Design, turn_size

OVERLAP_TOLERANCE = 1e-4
"""um; a pair overlaps when both extents of the overlap exceed it: abutting macros in files of few digits pass."""

EDGE_TOLERANCE = 1e-2
"""um, by which a macro may stick out of the canvas: the files of AlphaChip print six significant digits."""


SNAP_TOLERANCE = 2e-6
"""um, of a corner off its grid: files print centres with six decimals."""


@dataclass(frozen=True)
class Legality:
    """What speaks against a placement."""

    overlapping_pairs: int
    """Pairs of placed hard macros that overlap."""
    off_canvas: int
    """Macros whose centre lies outside the canvas."""
    outside: int
    """Macros that do not lie wholly inside the canvas."""
    too_close: int
    """Pairs of placed hard macros, not both fixed, that overlap or keep less than their halo between them."""
    on_blockage: int
    """Hard macros that overlap a blockage."""
    unplaced: int
    """Ports, macros and cells without a position."""
    unplaced_macros: int
    """The macros among these."""

    @property
    def legal(self) -> bool:
        """All macros are placed, wholly inside, off the blockages, and no two hard ones overlap or miss their halo.

        Ports and standard cells are somebody else's to place.
        """
        wrong = (self.overlapping_pairs, self.too_close, self.outside, self.on_blockage, self.unplaced_macros)
        return not any(wrong)


def check_legality(design: Design) -> Legality:
    """Counts what speaks against the placement of a design. Fixed macros count as well."""
    netlist, canvas, placement = design.netlist, design.canvas, design.placement
    width, height = turn_size(netlist.size, placement.orientation)
    boxes = np.stack(
        [placement.x - width / 2, placement.y - height / 2, placement.x + width / 2, placement.y + height / 2]
    )
    is_macro = netlist.is_hard | netlist.is_soft_macro
    placed_macro = is_macro & placement.placed
    is_hard = netlist.is_hard & placement.placed
    hard = boxes[:, is_hard]
    halo = canvas.constraints.halos(netlist, canvas.halo)[is_hard]
    close = _overlap(hard, hard, np.maximum(halo[:, None], halo[None, :]))
    centre_off = (placement.x < 0) | (placement.x > canvas.width) | (placement.y < 0) | (placement.y > canvas.height)
    outside = (
        (boxes[0] < -EDGE_TOLERANCE)
        | (boxes[1] < -EDGE_TOLERANCE)
        | (boxes[2] > canvas.width + EDGE_TOLERANCE)
        | (boxes[3] > canvas.height + EDGE_TOLERANCE)
    )
    blockages = np.array([(b.lx, b.ly, b.ux, b.uy) for b in canvas.blockages if b.rate > 0]).reshape(-1, 4).T
    return Legality(
        overlapping_pairs=int(np.triu(_overlap(hard, hard), 1).sum()),
        too_close=int(
            np.triu(close & ~np.logical_and.outer(placement.fixed[is_hard], placement.fixed[is_hard]), 1).sum()
        ),
        off_canvas=int((centre_off & placed_macro).sum()),
        outside=int((outside & placed_macro).sum()),
        on_blockage=int(_overlap(hard, blockages).any(axis=1).sum()),
        unplaced=int((~placement.placed).sum()),
        unplaced_macros=int((is_macro & ~placement.placed).sum()),
    )


@dataclass(frozen=True)
class Breaches:
    """How many hard macros break each kind of constraint. Fixed macros break none of their own."""

    halo: int
    """Pairs, not both fixed, that keep less than the larger of their halos between them."""
    blockage: int
    """Macros that overlap a blockage."""
    boundary: int
    """Macros nearer to the edge of the canvas than `boundary`."""
    orientation: int
    """Macros in an orientation that is not allowed."""
    snap: int
    """Macros whose lower left corner is off the grid."""


def count_breaches(design: Design, legality: Legality) -> Breaches:
    """Counts what breaks the constraints of a design."""
    netlist, canvas, placement = design.netlist, design.canvas, design.placement
    constraints = canvas.constraints
    moves = netlist.is_hard & placement.placed & ~placement.fixed
    half = turn_size(netlist.size, placement.orientation)[:, moves] / 2
    at = np.stack([placement.x, placement.y])[:, moves]
    extent = np.array([[canvas.width], [canvas.height]])
    distance = np.minimum(at - half, extent - at - half).min(axis=0)
    x, y = constraints.snap(at[0], at[1], 2 * half)
    off_grid = np.hypot(x - at[0], y - at[1]) > SNAP_TOLERANCE
    allowed = constraints.allowed(netlist)[moves] >> placement.orientation[moves] & 1
    return Breaches(
        halo=legality.too_close,
        blockage=legality.on_blockage,
        boundary=int((distance < constraints.boundary - OVERLAP_TOLERANCE).sum()) if constraints.boundary else 0,
        orientation=int((allowed == 0).sum()),
        snap=int(off_grid.sum()),
    )


def _overlap(
    a: NDArray[np.float64], b: NDArray[np.float64], gap: NDArray[np.float64] | float = 0.0
) -> NDArray[np.bool_]:
    """(A, B): whether boxes (4, A) and (4, B) overlap, or come nearer than the gap."""
    extent = np.minimum(a[2:, :, None], b[2:, None, :]) - np.maximum(a[:2, :, None], b[:2, None, :])
    return np.all(extent + gap > OVERLAP_TOLERANCE, axis=0)
