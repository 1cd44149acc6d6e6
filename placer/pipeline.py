"""The placing pipeline: starts, the best of them, exact search in the time that is left."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from env.cost import CostModel, Costs, CostWeights
from env.legality import check_legality
from env.search import SearchConfig, SearchResult, anneal_soft_macros, fit_temperature, search
from env.start import analytic_start, check_placeable, legalize, movable_macros
from netlists import Design, NetlistError, Placement
from placer.baselines.method import Method
from placer.result import PlaceResult, Stage
from placer.starts import (
    Start,
    anneal_from,
    cheapest,
    legal_start,
    not_learned,
    search_begins_at,
    search_shortly,
    soft_starts,
)

DRAFT_MOVES, FINALISTS, FINAL_MOVES = 20_000, 4, 160_000
"""With `seconds=0`: moves for the soft macros of every start, and those of the finalists among the rollouts, of which
the best one gets the rest of the time. All rollouts and few moves first makes .5 % of the cost in the mean of five
designs (one seed)."""

MAX_POLICY_NODES = 5000
"""Most nodes of a design that the policy is asked about. It was made for clustered netlists; on flat ones a rollout
takes minutes, and they are placed as with `none`."""

WRITING_SECONDS = 6e-5
"""For each node beyond those of a clustered netlist: writing and drawing 89,000 takes 6 s on a slow processor."""

ZERO_SHOT_SECONDS, ZERO_SHOT_ROLLOUTS = 9.7, 4.0
"""With `seconds=0`: when the soft macros of the best rollout are ready, and what rollouts may take of it. Soft macros
make more of the time than further rollouts do."""

TRIAL_SHARE, TRIALS_SHARE, ROLLOUTS_SHARE = 0.05, 0.4, 0.15
"""Most of a budget that the short search from a start may take, after which share of it no further start is tried, and
what rollouts before a search may take; if they would take more, the policy is left out."""

COMPARED_MACROS = 300
"""Macros of the design for each second of the budget, up to which starts are compared, which then takes about a tenth
of the time. On larger ones search goes on from the given placement, or from the analytic one."""

Listener = Callable[[str, float, float, float | None], None]
"""Is told: stage, share of it that is over, proxy cost, moves per second where that is known."""


@dataclass(frozen=True)
class PlaceConfig:
    """What `place` is to do."""

    seconds: float = 60.0
    """Wall time in all; 0: the policy alone, no move of a hard macro after it."""
    seed: int = 0
    """Of everything random."""
    threads: int = 2
    """Chains of the search, threads of the policy."""
    policy: str = "shipped"
    """`shipped`, `none`, a checkpoint, or the folder of a training run."""
    from_scratch: bool = False
    """Ignore the given positions of movable macros."""
    method: str | Method = "search"
    """`search`, or one of `placer.baselines.METHODS`, or a method of one's own."""
    weights: CostWeights = field(default_factory=CostWeights)
    """Weights of the cost terms."""


def place(
    design: Design,
    seconds: float = 60.0,
    seed: int = 0,
    policy: str | Path = "shipped",
    threads: int = 2,
    from_scratch: bool = False,
    weights: CostWeights | None = None,
    method: str | Method = "search",
    listener: Listener | None = None,
    began: float | None = None,
) -> PlaceResult:
    """Places a design: legal, and as cheap as the time allows.

    Args:
        design: what to place; positions of movable macros are a hint unless `from_scratch`.
        seconds, seed, policy, threads, from_scratch, weights, method: see `PlaceConfig`.
        listener: told how it goes.
        began: `time.monotonic()` at which the time began to count; now by default.

    Raises:
        NetlistError: no legal placement was found, or the checkpoint cannot be read.
    """
    config = PlaceConfig(seconds, seed, threads, str(policy), from_scratch, method, weights or CostWeights())
    return _Pipeline(design, config, listener, time.monotonic() if began is None else began).run()


class _Pipeline:
    def __init__(self, design: Design, config: PlaceConfig, listener: Listener | None, began: float) -> None:
        self.design, self.config, self.listener, self.began = design, config, listener, began
        self.model = CostModel(design.netlist, design.canvas, config.weights)
        self.stages: list[Stage] = []
        self.found: SearchResult | None = None
        self.interrupted = False

    def run(self) -> PlaceResult:
        design, config = self.design, self.config
        check_placeable(design)
        start_costs = self.model.evaluate(design.placement) if design.placement.placed.all() else None
        name, placement, costs, details = self._search() if config.method == "search" else self._rival()
        legality = check_legality(design.with_placement(placement))
        if not legality.legal:
            raise NetlistError(f"no legal placement was found: {legality}; enlarge the canvas or free fixed macros")
        return PlaceResult(
            placement, costs, start_costs, self.stages, legality.legal, name, details, self.found, self.interrupted
        )

    def _search(self) -> tuple[str, Placement, Costs, dict[str, Any]]:
        """The best start, and search from it in the time that is left; without any, its soft macros alone."""
        design, config = self.design, self.config
        starts = self._starts()
        name = cheapest(starts)
        placement, costs = starts[name].finished, starts[name].costs
        details: dict[str, Any] = {"starts": {key: start.costs.proxy_cost for key, start in starts.items()}}
        if config.policy != "none" and self._too_large_for_policy:
            details["note"] = (
                f"the policy was not asked: the design has {design.netlist.num_nodes} nodes, more than "
                f"{MAX_POLICY_NODES}; cluster its cells (placer import, placer cluster)"
            )
        elif self._asks_policy and "policy" not in starts and not self.interrupted:
            share = "the time" if config.seconds == 0 else f"{ROLLOUTS_SHARE:.0%} of the time"
            details["note"] = f"the policy was left out: no rollout placed every macro in {share}"
        if self.interrupted:
            return name, placement, costs, details
        if config.seconds == 0:
            seconds = max(0.0, self.began + ZERO_SHOT_SECONDS - time.monotonic())
            # A kept placement has had its soft macros annealed for long: the time is better spent on the best new one.
            annealed_name = cheapest({key: start for key, start in starts.items() if key != "kept"} or starts)
            annealed = anneal_soft_macros(
                design,
                starts[annealed_name].rough,
                self.model,
                seconds,
                seed=config.seed,
                threads=config.threads,
                listener=lambda *report: self._tell("soft macros", *report),
            )
            self.interrupted = annealed.interrupted
            if annealed.costs.proxy_cost < costs.proxy_cost:
                name, placement, costs = annealed_name, annealed.placement, annealed.costs
            self._end_stage("soft macros", costs)
        elif (found := self._search_from(starts[begin := search_begins_at(starts)])) is not None:
            trace = [point._asdict() for point in found.trace]
            details |= {"moves": found.moves, "acceptance": found.acceptance, "trace": trace}
            if found.costs.proxy_cost < costs.proxy_cost:
                name, placement, costs = begin, found.placement, found.costs
            self._end_stage("search", costs)
        return name, placement, costs, details

    def _search_from(self, start: Start) -> SearchResult | None:
        """None if no time is left for it."""
        design, config, left = self.design, self.config, self._left()
        if left <= 0:
            return None
        settings = SearchConfig(left, None, config.seed, config.threads)
        try:
            hot = fit_temperature(start.rough, self.model, movable_macros(design), settings)
        except KeyboardInterrupt:
            self.interrupted = True
            return None
        self.found = search(
            design,
            start.finished,
            replace(settings, seconds=self._left(), start_temperature=hot),
            self.model,
            listener=lambda *report: self._tell("search", *report),
        )
        self.interrupted = self.found.interrupted
        return self.found

    def _rival(self) -> tuple[str, Placement, Costs, dict[str, Any]]:
        """What another method makes of the given placement, or of the analytic one."""
        from placer.baselines import METHODS, Budget

        config, method = self.config, self.config.method
        if isinstance(method, str) and method not in METHODS:
            raise NetlistError(f"method is '{method}', expected search or one of {', '.join(METHODS)}")
        starts = dict(self._given_starts())
        if not starts or self._small_enough_to_compare:
            starts |= self._analytic_start()
        name = cheapest(starts)
        place_with = METHODS[method] if isinstance(method, str) else method
        stage = method if isinstance(method, str) else "method"
        began, total = time.monotonic(), max(1e-9, self._left())

        def tell(proxy: float) -> None:
            self._tell(stage, min(1.0, (time.monotonic() - began) / total), proxy)

        budget = Budget(began + total, np.random.default_rng(config.seed), config.threads, tell)
        placement = place_with(self.design, starts[name].finished, self.model, budget)
        costs = self.model.evaluate(placement)
        self._end_stage(stage, costs)
        return name, placement, costs, {"method": method if isinstance(method, str) else repr(method)}

    @cached_property
    def _analytic(self) -> Placement:
        return analytic_start(self.design, self.model.core)

    @cached_property
    def _legal_analytic(self) -> Placement | None:
        return legal_start(self.design, self._analytic, self.model)

    @property
    def _too_large_for_policy(self) -> bool:
        return self.design.netlist.num_nodes > MAX_POLICY_NODES

    def _left(self) -> float:
        """Seconds for searching; some are kept for writing and drawing what was found."""
        seconds, many = self.config.seconds, max(0, self.design.netlist.num_nodes - MAX_POLICY_NODES)
        kept = min(0.15 * seconds, 0.15 + 0.01 * seconds, 1.0) + min(0.5 * seconds, WRITING_SECONDS * many)
        return seconds - (time.monotonic() - self.began) - kept

    def _share_spent(self) -> float:
        """Of the budget."""
        return (time.monotonic() - self.began) / (self.config.seconds or ZERO_SHOT_SECONDS)

    @property
    def _small_enough_to_compare(self) -> bool:
        macros, seconds = int(np.count_nonzero(movable_macros(self.design))), self.config.seconds or ZERO_SHOT_SECONDS
        return macros <= COMPARED_MACROS * seconds and self._legal_analytic is not None

    @cached_property
    def _asks_policy(self) -> bool:
        movable_hard = self.design.netlist.is_hard & ~self.design.placement.fixed
        return self.config.policy != "none" and bool(movable_hard.any())

    def _starts(self) -> dict[str, Start]:
        """Legal starts by name; the analytic one if there is no other."""
        design, config = self.design, self.config
        starts: dict[str, Start] = {}
        try:
            self._offer(starts, self._given_starts())
            if self._small_enough_to_compare and not (self._asks_policy and config.seconds == 0):
                self._offer(starts, self._tried(not_learned(design, self._analytic, self._given_counts)))
            if self._asks_policy:
                self._offer(starts, self._policy_starts())
        except KeyboardInterrupt:
            self.interrupted = True
        if not starts:
            self._offer(starts, self._last_resort().items())
        return starts

    def _offer(self, starts: dict[str, Start], found: Iterable[tuple[str, Start]]) -> None:
        """Adds starts; of those of one name the cheapest counts."""
        for name, start in found:
            if name not in starts or start.costs.proxy_cost < starts[name].costs.proxy_cost:
                starts[name] = start
                self._end_stage(name, start.costs)

    def _given_starts(self) -> Iterator[tuple[str, Start]]:
        """The given placement as it is, if there is one that counts."""
        if self._given_counts and (given := legal_start(self.design, self.design.placement, self.model)):
            yield "given", Start.make(given, self.model)

    @property
    def _given_counts(self) -> bool:
        """Whether all is placed, and there is a search that may go on from it."""
        config = self.config
        return not config.from_scratch and config.seconds > 0 and bool(self.design.placement.placed.all())

    def _last_resort(self) -> dict[str, Start]:
        """The analytic placement; where there is no room for it, the given one, which is asked last."""
        try:
            return self._analytic_start()
        except NetlistError:
            given = None if self.config.from_scratch else legal_start(self.design, self.design.placement, self.model)
            if given is None or not given.placed.all():
                raise
            return {"given": Start.make(given, self.model)}

    def _analytic_start(self) -> dict[str, Start]:
        """As it is."""
        # Where the legaliser found no room before, it now says what is in the way.
        placement = self._legal_analytic or legalize(self.design, self._analytic, self.model.core)
        return {"analytic": Start.make(placement, self.model)}

    def _tried(self, wanted: Sequence[tuple[str, Placement, bool]]) -> Iterator[tuple[str, Start]]:
        """Placements legalised, and what is made of them in short; threads take one each.

        Those for which the legaliser finds no room, or for which too much of the time is over, are left out.

        Args:
            wanted: name, placement, and whether its soft macros are to be placed anew.
        """

        def tried(placement: Placement, anew: bool) -> Start | None:
            if self._share_spent() > TRIALS_SHARE:
                return None
            rough = legal_start(self.design, placement, self.model, anew)
            return self._try(rough) if rough else None

        with ThreadPoolExecutor(self.config.threads) as pool:
            starts = pool.map(lambda of: tried(*of[1:]), wanted)
            for (name, *_), start in zip(wanted, starts, strict=True):
                if start:
                    yield name, start

    def _try(self, rough: Placement) -> Start:
        """A short search; of the soft macros alone where no hard one is to be moved."""
        design, model, seed = self.design, self.model, self.config.seed
        if self.config.seconds == 0:
            return anneal_from(design, rough, model, seed, DRAFT_MOVES)
        return search_shortly(design, rough, model, seed, TRIAL_SHARE * self.config.seconds)

    def _policy_starts(self) -> Iterator[tuple[str, Start]]:
        """What the policy's training run kept as the best placement of this very design, and the best rollout.

        Before a search, that of one batch: search makes more of the time than further rollouts do.
        """
        from placer.kept import kept_placement
        from placer.weights import policy_path, read_weights
        from placer.zero_shot import zero_shot

        weights = read_weights(policy_path(self.config.policy))
        kept = kept_placement(self.config.policy, weights.record, self.design)
        if kept:
            yield "kept", Start.make(kept, self.model)
        if self._too_large_for_policy:
            return
        if self.config.seconds > 0:
            seconds, limit = 0.0, ROLLOUTS_SHARE * self.config.seconds
        else:
            seconds, limit = max(0.0, self.began + ZERO_SHOT_ROLLOUTS - time.monotonic()), math.inf
        placements = zero_shot(self.design, weights, self.config, seconds, self._analytic, limit=limit)
        if placements and self.config.seconds > 0:
            start = self._try(placements[0])
            yield "policy", replace(start, rough=self._legal_analytic or start.rough)
        elif placements:
            yield "policy", self._best_softened(placements)

    def _best_softened(self, placements: list[Placement]) -> Start:
        """The best of them once their soft macros are placed with care; the threads take one each.

        Successive halving: few moves for all of them, more for the best few if that leaves time.
        """
        design, model, seed = self.design, self.model, self.config.seed
        began = time.monotonic()
        with ThreadPoolExecutor(self.config.threads) as pool:
            pairs = pool.map(lambda p: soft_starts(design, p, model, seed, DRAFT_MOVES), placements)
            drafts = sorted(chain.from_iterable(pairs), key=lambda start: start.costs.proxy_cost)
            now = time.monotonic()
            expected = now - began  # the finalists' moves are about as many as the drafts' were
            if now + expected > self.began + ZERO_SHOT_SECONDS:
                return drafts[0]
            finalists = [start.rough for start in drafts[:FINALISTS]]
            annealed = pool.map(lambda rough: anneal_from(design, rough, model, seed, FINAL_MOVES), finalists)
            return min(annealed, key=lambda start: start.costs.proxy_cost)

    def _end_stage(self, name: str, costs: Costs) -> None:
        self.stages.append(Stage(name, round(time.monotonic() - self.began, 3), costs.proxy_cost))

    def _tell(self, stage: str, share: float, proxy: float, speed: float | None = None) -> None:
        if self.listener:
            self.listener(stage, share, proxy, speed)
