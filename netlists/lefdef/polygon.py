"""Rectilinear polygons as rectangles."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

MOST_CORNERS = 4096
"""Of a polygon; bounds the work, which grows with its square."""

Rectangles = list[tuple[float, float, float, float]]


def check_rectilinear(corners: NDArray[np.float64]) -> str | None:
    """What is wrong with the corners, (n, 2), of a rectilinear polygon; None if nothing."""
    if len(corners) > MOST_CORNERS:
        return f"a polygon has {len(corners)} corners; expected at most {MOST_CORNERS}"
    step = np.roll(corners, -1, axis=0) - corners
    if (step != 0).all(axis=1).any():
        at = corners[int(np.argmax((step != 0).all(axis=1)))]
        return f"an edge of the polygon at ({at[0]:g}, {at[1]:g}) is neither horizontal nor vertical"
    return None


def inside_of(corners: NDArray[np.float64]) -> Rectangles:
    """Rectangles that make up a rectilinear polygon."""
    return _slabs(corners, outside=False)


def outside_of(corners: NDArray[np.float64]) -> Rectangles:
    """Rectangles that make up what its bounding box has beyond a rectilinear polygon."""
    return _slabs(corners, outside=True)


def _slabs(corners: NDArray[np.float64], outside: bool) -> Rectangles:
    """Cuts the bounding box at every corner's y; in each slab the polygon lies between pairs of vertical edges."""
    ends = np.roll(corners, -1, axis=0)
    vertical = (corners[:, 0] == ends[:, 0]) & (corners[:, 1] != ends[:, 1])
    edge_x = corners[vertical, 0]
    low = np.minimum(corners[vertical, 1], ends[vertical, 1])
    high = np.maximum(corners[vertical, 1], ends[vertical, 1])
    lx, ux = float(corners[:, 0].min()), float(corners[:, 0].max())
    levels: list[float] = np.unique(corners[:, 1]).tolist()
    done: Rectangles = []
    growing: dict[tuple[float, float], float] = {}
    for bottom, top in pairwise(levels):
        cuts = np.sort(edge_x[(low <= bottom) & (high >= top)]).tolist()
        if outside:
            cuts = [lx, *cuts, ux]
        spans = {(a, b) for a, b in zip(cuts[::2], cuts[1::2], strict=False) if a < b}
        done += [(a, y, b, bottom) for (a, b), y in growing.items() if (a, b) not in spans]
        growing = {span: growing.get(span, bottom) for span in sorted(spans)}
    return done + [(a, y, b, levels[-1]) for (a, b), y in growing.items()]
