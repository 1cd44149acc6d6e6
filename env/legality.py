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


@dataclass(frozen=True)
class Legality:
    """What speaks against a placement."""

    overlapping_pairs: int
    """Pairs of placed hard macros that overlap."""
    off_canvas: int
    """Macros whose centre lies outside the canvas."""
    outside: int
    """Macros that do not lie wholly inside the canvas."""
    on_blockage: int
    """Hard macros that overlap a blockage."""
    unplaced: int
    """Ports, macros and cells without a position."""

    @property
    def legal(self) -> bool:
        """All macros are placed, wholly inside, off the blockages, and no two hard ones overlap."""
        return not (self.overlapping_pairs or self.outside or self.on_blockage or self.unplaced)


def check_legality(design: Design) -> Legality:
    """Counts what speaks against the placement of a design. Fixed macros count as well."""
    netlist, canvas, placement = design.netlist, design.canvas, design.placement
    width, height = turn_size(netlist.size, placement.orientation)
    boxes = np.stack(
        [placement.x - width / 2, placement.y - height / 2, placement.x + width / 2, placement.y + height / 2]
    )
    is_macro = ~netlist.is_port & placement.placed
    hard = boxes[:, netlist.is_hard & placement.placed]
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
        off_canvas=int((centre_off & is_macro).sum()),
        outside=int((outside & is_macro).sum()),
        on_blockage=int(_overlap(hard, blockages).any(axis=1).sum()),
        unplaced=int((~placement.placed).sum()),
    )


def _overlap(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(A, B): whether boxes (4, A) and (4, B) overlap."""
    extent = np.minimum(a[2:, :, None], b[2:, None, :]) - np.maximum(a[:2, :, None], b[:2, None, :])
    return np.all(extent > OVERLAP_TOLERANCE, axis=0)
