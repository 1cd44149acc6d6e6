"""Annealing of hard macros on grid cells, soft macros placed between: the baseline of AlphaChip and TILOS."""

from __future__ import annotations

import math
import time
from dataclasses import astuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from env import _core
from env.cost import CostModel, core_placement
from env.episodes import placement_order
from env.search import anneal_soft_macros
from env.start import flips, free_places, snapped
from netlists import Design, Placement
from placer.baselines.method import Budget

START_TEMPERATURE, END_TEMPERATURE = 5e-3, 1e-7
"""Of the proxy cost; the first is that of the TILOS annealer."""

Moves = tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.float64], NDArray[np.uint8]]
"""Nodes, x, y, orientations."""

MOVES_PER_MACRO = 20
"""Of the hard macros, in a sweep."""


def anneal_grid(design: Design, start: Placement, model: CostModel, budget: Budget) -> Placement:
    """Swaps, shifts to a neighbouring cell, jumps and flips with equal probability under geometric cooling.

    After every sweep the soft macros follow, for as long as the sweep took, whatever it costs, as in the force-directed
    step of the originals; here they are annealed with the exact cost, which places them far better. The best is kept.
    Reference: Cheng et al., "Assessment of Reinforcement Learning for Macro Placement", ISPD 2023.
    """
    order = placement_order(design, "area")
    best, least = start, model.evaluate(start).proxy_cost
    if not len(order):
        return best
    placement, total = start, max(budget.left, 1e-9)
    try:
        while budget.left > 0:
            began = time.monotonic()
            placement = _sweep(design, placement, model, budget, order, total)
            seconds = min(budget.left, time.monotonic() - began)
            seed = int(budget.rng.integers(2**31))
            annealed = anneal_soft_macros(design, placement, model, seconds, seed=seed, threads=budget.threads)
            placement = annealed.complete()
            cost = model.evaluate(placement).proxy_cost
            if cost < least:
                best, least = placement, cost
            budget.tell(least)
    except KeyboardInterrupt:
        pass  # the best so far is kept
    return best


def _sweep(
    design: Design, placement: Placement, model: CostModel, budget: Budget, order: np.ndarray, total: float
) -> Placement:
    cost = _core.IncrementalCost(model.core, core_placement(placement), astuple(model.weights))
    rng = budget.rng
    for _ in range(MOVES_PER_MACRO * len(order)):
        progress = 1 - budget.left / total
        if progress >= 1:
            break
        temperature = START_TEMPERATURE * (END_TEMPERATURE / START_TEMPERATURE) ** progress
        moved = _draw(design, model, placement, rng, order)
        if moved is None:
            continue
        node, x, y, orientation = moved
        limit = cost.proxy - temperature * math.log(1 - rng.random())
        if cost.propose(node, x, y, orientation, limit):
            cost.accept()
            new_x, new_y, new_orientation = cost.positions
            placement = placement.replace(x=new_x, y=new_y, orientation=new_orientation)
    return placement


def _draw(
    design: Design, model: CostModel, placement: Placement, rng: np.random.Generator, order: np.ndarray
) -> Moves | None:
    """A random legal move as arrays (nodes, x, y, orientations), or None if what was drawn is illegal."""
    kind, node = rng.integers(4), int(rng.choice(order))
    canvas, orientation = design.canvas, placement.orientation
    if kind == 0:
        other = int(rng.choice(order))
        return _swap(design, model, placement, node, other)
    if kind == 1:
        flipped = int((orientation[node] & 4) | ((orientation[node] + rng.integers(1, 4)) & 3))
        if flipped not in flips(design, node, int(orientation[node])):
            return None
        return _arrays([node], [placement.x[node]], [placement.y[node]], [flipped])
    col, row = placement.x[node] / canvas.cell_width, placement.y[node] / canvas.cell_height
    if kind == 2:
        col, row = int(col) + rng.integers(-1, 2), int(row) + rng.integers(-1, 2)
    else:
        col, row = rng.integers(canvas.cols), rng.integers(canvas.rows)
    centre = np.array([[(col + 0.5) * canvas.cell_width], [(row + 0.5) * canvas.cell_height]])
    x, y = snapped(design, placement, node, *centre)
    if not free_places(model.core, placement, node, x, y)[0]:
        return None
    return _arrays([node], x, y, [orientation[node]])


def _swap(design: Design, model: CostModel, placement: Placement, node: int, other: int) -> Moves | None:
    if node == other:
        return None
    swapped = placement.x.copy(), placement.y.copy()
    for one, goal in ((node, other), (other, node)):
        to = snapped(design, placement, one, placement.x[[goal]], placement.y[[goal]])
        swapped[0][one], swapped[1][one] = to[0][0], to[1][0]
    moved = placement.replace(x=swapped[0], y=swapped[1])
    if not all(free_places(model.core, moved, k, swapped[0][[k]], swapped[1][[k]])[0] for k in (node, other)):
        return None
    pair = [node, other]
    return _arrays(pair, swapped[0][pair], swapped[1][pair], placement.orientation[pair])


def _arrays(nodes: ArrayLike, x: ArrayLike, y: ArrayLike, orientation: ArrayLike) -> Moves:
    return np.array(nodes, np.int32), np.array(x, float), np.array(y, float), np.array(orientation, np.uint8)
