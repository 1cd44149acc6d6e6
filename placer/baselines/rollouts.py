"""Placements by episodes of the floorplan environment without a policy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from env.cost import CostModel
from env.episodes import ORDERS, Episodes, FloorplanConfig, Task
from env.search import anneal_soft_macros
from netlists import Design, Placement
from placer.baselines.method import Budget

SOFT_SHARE = 0.4
"""Share of the time that the soft macros of the best episode get."""

Choice = Callable[[dict[str, NDArray]], int]
"""From an observation to a legal cell."""


def random_legal(design: Design, start: Placement, model: CostModel, budget: Budget) -> Placement:
    """The best of as many uniformly random masked episodes as the time allows, its soft macros annealed."""

    def choose(observation: dict[str, NDArray]) -> int:
        legal = np.flatnonzero(observation["action_mask"])
        return int(budget.rng.choice(legal)) if len(legal) else 0  # where nothing fits, any action ends the episode

    return _best_episode(design, start, model, budget, repeat("area"), choose)


def greedy_wire_mask(design: Design, start: Placement, model: CostModel, budget: Budget) -> Placement:
    """Every macro on the legal cell that lengthens its nets least.

    The greedy part of WireMask-BBO (Shi et al., NeurIPS 2023). Each order of the macros is tried once; the best
    episode's soft macros are annealed.
    """

    def choose(observation: dict[str, NDArray]) -> int:
        return int(np.argmin(np.where(observation["action_mask"] > 0, observation["wire_mask"], np.inf)))

    return _best_episode(design, start, model, budget, iter(ORDERS), choose)


def _best_episode(
    design: Design, start: Placement, model: CostModel, budget: Budget, orders: Iterator[str], choose: Choice
) -> Placement:
    stop = budget.left * SOFT_SHARE
    best, least = start, np.inf
    tasks: dict[str, Episodes] = {}
    try:
        if np.any(design.netlist.is_hard & ~design.placement.fixed):
            for order in orders:
                if order not in tasks:
                    config = FloorplanConfig(order=order, weights=model.weights, whole_cells=True)
                    tasks[order] = Episodes([Task.make(design, config)], config)
                found = _play(tasks[order], choose)
                if found is not None and found[0] < least:
                    least, best = found
                    budget.tell(least)
                if budget.left <= stop:
                    break
    except KeyboardInterrupt:
        return best
    seed = int(budget.rng.integers(2**31))
    return anneal_soft_macros(
        design,
        best,
        model,
        budget.left,
        seed=seed,
        threads=budget.threads,
        listener=lambda _share, proxy, _speed: budget.tell(proxy),
    ).placement


def _play(episodes: Episodes, choose: Choice) -> tuple[float, Placement] | None:
    """Proxy cost and placement of one episode; None if a macro fits nowhere."""
    episodes.reset(0)
    while True:
        outcome = episodes.step(np.array([choose(episodes.observe())], np.int64))
        if outcome.infeasible[0]:
            return None
        cost = outcome.costs[0]
        if outcome.terminated[0] and cost is not None:
            return cost.proxy_cost, episodes.placement(0)
