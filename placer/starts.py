"""Starts of a search: how their soft macros are placed, and which of several search goes on from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from env.cost import CostModel, Costs
from env.search import SearchConfig, anneal_soft_macros, search
from env.start import legalize, place_soft_macros, pulled_outward
from netlists import Design, NetlistError, Placement

SOFT_MOVES = 40_000
"""Moves with which the soft macros of a start are annealed."""

TRIAL_MOVES, TRIAL_TEMPERATURE = 60_000, 2e-4
"""Of a short search from every start, before the real one begins at the one that it makes most of, and how hot it
begins. What soft macros alone make of a start misleads more often."""

GOOD_ENOUGH = 1.03
"""A start that search makes more of costs at most so many times what another one costs, both after a short search: a
given placement against all that nobody gave, and what nobody learned against a rollout. A trial errs by about that.
NanGate45/ariane136 from its given placement, 1 % behind in the trial, ended 2.5 % lower than from the analytic one (one
seed of two). Searches from 13 rollouts that were up to 2 % ahead ended .1 % higher in the mean than those from the
start they were ahead of (`results/foretold*.json`)."""


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


def legal_start(design: Design, placement: Placement, model: CostModel, anew: bool = False) -> Placement | None:
    """The placement legalised, its soft macros then placed anew or left where they are.

    None where the legaliser finds no room, which a rollout or another start may find.
    """
    try:
        legal = legalize(design, placement, model.core)
    except NetlistError:
        return None
    return place_soft_macros(design, legal, model.core) if anew else legal


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


def search_shortly(design: Design, rough: Placement, model: CostModel, seed: int, limit: float = math.inf) -> Start:
    """The start that a short search, of so many seconds at most, makes of a legal placement."""
    settings = SearchConfig(moves=TRIAL_MOVES, limit=limit, seed=seed, start_temperature=TRIAL_TEMPERATURE)
    return Start.make(search(design, rough, settings, model).complete(), model, rough)


def not_learned(design: Design, analytic: Placement, with_given: bool) -> list[tuple[str, Placement, bool]]:
    """What may be tried without a policy: name, placement, not legal yet, and whether its soft macros are placed anew.

    Hard macros are as given, where the analytic placement says, or pulled to the boundary from there. Where they are
    pulled, the soft ones are placed anew; around the given ones that is tried, too.
    """
    given = [("given", design.placement, anew) for anew in (False, True) if with_given]
    pulled = [(name, placement, True) for name, placement in pulled_outward(design, analytic).items()]
    return [*given, ("analytic", analytic, False), *pulled]


def cheapest(starts: Mapping[str, Start]) -> str:
    """The name of the start that costs least."""
    return min(starts, key=lambda key: starts[key].costs.proxy_cost)


def search_begins_at(starts: Mapping[str, Start]) -> str:
    """The name of the start that search goes on from, see `GOOD_ENOUGH`.

    A given placement, or one kept by training, if it is good enough beside what nobody learned, whatever a rollout
    costs: search makes more of it by 1.5 % on NanGate45/ariane133, 1.3 % on ASAP7/ariane136, .5 % in the mean of five
    designs (10 s, two seeds). Else what nobody learned, if that is good enough beside the rollout.
    """
    without_policy = {name: start for name, start in starts.items() if name != "policy"}
    if not without_policy:
        return "policy"
    best = cheapest(without_policy)
    known = {name: start for name, start in without_policy.items() if name in ("given", "kept")}
    if known and good_enough(starts, name := cheapest(known), best):
        return name
    return best if "policy" not in starts or good_enough(starts, best, "policy") else "policy"


def good_enough(starts: Mapping[str, Start], name: str, other: str) -> bool:
    """Whether a start costs little more than another one, if it costs more."""
    return starts[name].costs.proxy_cost <= GOOD_ENOUGH * starts[other].costs.proxy_cost
