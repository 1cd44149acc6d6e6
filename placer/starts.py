"""Starts of a search: how their soft macros are placed, and which of several search goes on from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from env.cost import CostModel, Costs
from env.search import anneal_soft_macros
from env.start import place_soft_macros
from netlists import Design, Placement

SOFT_MOVES = 40_000
"""Moves with which the soft macros of a start are annealed."""


GOOD_ENOUGH = 1.03
"""A given placement costs at most so many times what the best start that nobody gave costs, both after a short search.
A trial errs by about that; a heap of soft macros costs far more. NanGate45/ariane136 from its given placement, 1 %
behind in the trial, ended 2.5 % lower than from the analytic one (one seed of two)."""


@dataclass(frozen=True)
class Start:
    """A legal placement that search may go on from."""

    rough: Placement
    """What stood before much was annealed: it tells how hot annealing may begin. `finished` would say too cold."""
    finished: Placement
    """Where search goes on from, and by which starts are compared."""
    costs: Costs
    """Of `finished`."""

    @staticmethod
    def make(finished: Placement, model: CostModel, rough: Placement | None = None) -> Start:
        return Start(rough or finished, finished, model.evaluate(finished))


def soften(design: Design, placement: Placement, model: CostModel, seed: int) -> Start:
    """Soft macros placed with care around the hard ones: where they are, or analytically, then annealed.

    Neither is always better: where they are they may know of nets that the hard macros were placed by; anew they fit
    the hard macros.
    """
    return min(soft_starts(design, placement, model, seed, SOFT_MOVES), key=lambda start: start.costs.proxy_cost)


def soft_starts(design: Design, placement: Placement, model: CostModel, seed: int, moves: int) -> list[Start]:
    """The two starts between which `soften` decides."""
    rough = [placement, place_soft_macros(design, placement, model.core)]
    return [anneal_from(design, start, model, seed, moves) for start in rough]


def anneal_from(design: Design, rough: Placement, model: CostModel, seed: int, moves: int) -> Start:
    """The start that annealing the soft macros makes of a placement."""
    return Start.make(anneal_soft_macros(design, rough, model, moves=moves, seed=seed).complete(), model, rough)


def cheapest(starts: Mapping[str, Start]) -> str:
    """The name of the start that costs least."""
    return min(starts, key=lambda key: starts[key].costs.proxy_cost)


def search_begins_at(starts: Mapping[str, Start]) -> str:
    """The name of the start that search goes on from: the given placement, if it is any good, or one kept by training.

    That is, if nothing else that was not learned costs less by more than `GOOD_ENOUGH`. Search makes more of such a
    placement than of a rollout, even if that is cheaper: 1.5 % on NanGate45/ariane133, 1.3 % on ASAP7/ariane136, .5 %
    in the mean of five designs (10 s, two seeds).
    """
    not_learned = {name: start for name, start in starts.items() if name != "policy"}
    known = {name: start for name, start in not_learned.items() if name in ("given", "kept")}
    if known:
        name, least = cheapest(known), not_learned[cheapest(not_learned)].costs.proxy_cost
        if known[name].costs.proxy_cost <= GOOD_ENOUGH * least:
            return name
    return cheapest(starts)
