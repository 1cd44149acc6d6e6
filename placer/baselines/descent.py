"""Coordinate descent over grid cells and flips, as AlphaChip applies it after its policy."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
from numpy.typing import NDArray

from env import _core
from env.cost import CostModel, core_placement
from env.episodes import placement_order
from env.start import flips, free_places, snapped
from netlists import Design, Placement
from placer.baselines.method import Budget

LEAST_GAIN = 1e-9
"""Of the proxy cost, for a move to count."""


def descend(design: Design, start: Placement, model: CostModel, budget: Budget) -> Placement:
    """Moves one hard macro at a time to the best of all grid cells and flips, until none moves or time is over.

    As a post-processing step give the placement to improve as `--placement`. Macros stay where no cell is better, also
    off the grid; soft macros stay. Reference: `coordinate_descent_placer.py` of the AlphaChip release.
    """
    cost = _core.IncrementalCost(model.core, core_placement(start), astuple(model.weights))
    order = placement_order(design, "area")
    placement, improved = start, True
    try:
        while improved and budget.left > 0:
            improved = False
            for node in budget.rng.permutation(order):
                if budget.left <= 0:
                    break
                improved |= _improve(design, model, cost, placement, int(node))
                x, y, orientation = cost.positions
                placement = placement.replace(x=x, y=y, orientation=orientation)
                budget.tell(cost.proxy)
    except KeyboardInterrupt:
        pass  # what was improved so far is kept
    return placement


def _improve(design: Design, model: CostModel, cost: _core.IncrementalCost, placement: Placement, node: int) -> bool:
    """Moves a macro to the best of its places, if that is better than where it is."""
    canvas = design.canvas
    cell = np.arange(canvas.rows * canvas.cols)
    x = np.append((cell % canvas.cols + 0.5) * canvas.cell_width, placement.x[node])
    y = np.append((cell // canvas.cols + 0.5) * canvas.cell_height, placement.y[node])
    x, y = snapped(design, placement, node, x, y)
    x[-1], y[-1] = placement.x[node], placement.y[node]
    free = free_places(model.core, placement, node, x, y)
    free[-1] = True
    x, y, orientation = _with_flips(x[free], y[free], flips(design, node, int(placement.orientation[node])))
    proxy = cost.probe(np.full(len(x), node, np.int32), x, y, orientation)
    best = int(np.argmin(proxy))
    if proxy[best] >= cost.proxy - LEAST_GAIN:
        return False
    one = slice(best, best + 1)
    cost.propose(np.array([node], np.int32), x[one].copy(), y[one].copy(), orientation[one].copy(), np.inf)
    cost.accept()
    return True


def _with_flips(
    x: NDArray[np.float64], y: NDArray[np.float64], orientations: list[int]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.uint8]]:
    """Every place in each orientation."""
    count = len(orientations)
    return np.tile(x, count), np.tile(y, count), np.repeat(np.array(orientations, np.uint8), len(x))
