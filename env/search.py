"""Exact search over hard and soft macros: annealing by chains of the compiled core, driven slice by slice."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import astuple, dataclass, replace
from itertools import count
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from env import _core
from env.cost import CostModel, Costs, core_placement
from env.start import movable_macros
from netlists import Design, Placement

ANNEAL_MOVES = 100_000
"""Most moves of the first two anneals, for each macro that moves; every further two have twice as many. Sooner or
later, on some designs sooner, the seed decides more than the length does: what is left of a budget goes to another
anneal, and the best counts. A longer budget repeats those of a shorter one that the clock did not hurry."""

LEAST_ANNEAL = 0.5
"""Share of the first one's moves, or of its time: the rest of the budget, if less, goes to the best placement."""

SLICES, SLICE_SECONDS, SLICE_MOVES = 60, 0.5, 500_000
"""Parts of an anneal, between which a caller hears of it, and what one may take of either before there are more. Where
the moves decide, slices do not depend on the seconds: neither do, then, the anneals of a single chain."""

GUIDE, GUIDED_SHARE = 0.5, 0.7
"""Weight, at the beginning, of the guide that lets every other chain free blocked grid cells
(`IncrementalCost::set_guide`), and the share of the anneal over which it falls to 0."""

JOIN_AT = 0.25
"""Share of the anneal after which the chains go on together from the best of them, guided if it is: by then it shows
whether the guide helps this design."""

UNLIMITED = 10**15
"""Moves, where time is the limit."""

Listener = Callable[[float, float, float], None]
"""Is told: share of the search that is over, proxy cost found or, if lower, of the best chain, moves per second."""


@dataclass(frozen=True)
class SearchConfig:
    """How a search goes about it. Temperatures are in units of the proxy cost."""

    seconds: float = 60.0
    """Wall time."""
    moves: int | None = None
    """Moves of each chain instead of wall time: the result then depends on seed and number of threads alone."""
    seed: int = 0
    """Of the chains."""
    threads: int = 1
    """Chains, one a thread."""
    start_temperature: float | None = None
    """None: the one that fits the start, see `fit_temperature`."""
    end_temperature: float = 1e-6
    """Cold enough for plain descent."""
    on_cells: bool = False
    """Hard macros move to where they cover whole grid cells only (`FloorplanConfig.whole_cells`) and are not turned: to
    where an episode can put them."""
    limit: float = math.inf
    """Seconds after which a search of so many moves ends all the same; below infinity it may depend on the clock."""


class TracePoint(NamedTuple):
    """Where the best chain of an anneal stood."""

    seconds: float
    """Since the search began."""
    proxy_cost: float
    wirelength_cost: float
    density_cost: float
    congestion_cost: float


@dataclass(frozen=True)
class SearchResult:
    """What a search found."""

    start: Placement
    """Where it began."""
    placement: Placement
    costs: Costs
    moves: int
    """Proposed by all chains."""
    acceptance: dict[str, float]
    """Share of accepted moves by their kind."""
    trace: list[TracePoint]
    """After each slice."""
    interrupted: bool
    """By Ctrl-C: what was found until then."""

    def complete(self) -> Placement:
        """The placement, for a caller that goes on with it: Ctrl-C is not for the search alone.

        Raises:
            KeyboardInterrupt: the search was interrupted.
        """
        if self.interrupted:
            raise KeyboardInterrupt
        return self.placement


def search(
    design: Design,
    placement: Placement,
    config: SearchConfig,
    costs: CostModel | None = None,
    movable: NDArray[np.bool_] | None = None,
    listener: Listener | None = None,
) -> SearchResult:
    """Improves a legal placement; every state on the way is legal.

    Args:
        design: netlist and canvas.
        placement: legal; see `env.legalize`.
        config: see there.
        costs: the cost model whose weights count; default weights without it.
        movable: (N,) flags; by default everything that is not fixed.
        listener: told after every slice; may raise KeyboardInterrupt to stop early.

    Returns:
        The best placement seen, never worse than the given one. A KeyboardInterrupt ends the search early.
    """
    began = time.monotonic()
    model = costs or CostModel(design.netlist, design.canvas)
    movable = movable_macros(design) if movable is None else movable
    run = _Run(design, placement, config, model, movable, listener, began)
    interrupted = False
    try:
        if run.movers:
            run.anneals(config.start_temperature or fit_temperature(placement, model, movable, config))
    except KeyboardInterrupt:
        interrupted = True  # what was found so far is kept
    acceptance = {kind: accepted / max(1, proposed) for kind, (proposed, accepted) in run.counts.items()}
    return SearchResult(placement, run.best, run.costs, run.proposed, acceptance, run.trace, interrupted)


class _Run:
    """Anneals, one after the other, and what came of them."""

    def __init__(
        self,
        design: Design,
        start: Placement,
        config: SearchConfig,
        model: CostModel,
        movable: NDArray[np.bool_],
        listener: Listener | None,
        began: float,
    ) -> None:
        self.start, self.config, self.model, self.movable = start, config, model, movable
        self.listener, self.began = listener, began
        netlist = design.netlist
        self.movers = int(np.count_nonzero(movable & start.placed & (netlist.is_hard | netlist.is_soft)))
        self.moves_hard = bool(np.any(movable & netlist.is_hard))
        self.most = max(1, ANNEAL_MOVES * self.movers // config.threads)
        self.best, self.costs = start, model.evaluate(start)
        self.counts: dict[str, tuple[int, int]] = {}
        self.trace: list[TracePoint] = []

    @property
    def proposed(self) -> int:
        """Moves of all chains, in the anneals that are over."""
        return sum(proposed for proposed, _ in self.counts.values())

    def anneals(self, hot: float) -> None:
        """As many as the budget has room for, then the rest of it for the best.

        Args:
            hot: temperature at which those that begin at the start begin.
        """
        start, began = self.start, time.monotonic()
        least_seconds = math.inf
        for number in count():
            self._anneal(number, start, hot)
            least_seconds = min(least_seconds, LEAST_ANNEAL * (time.monotonic() - began))  # by the first one
            seconds, moves = self._seconds_left(), self._moves_left()
            if seconds <= 0 or moves <= 0:
                return
            if seconds < least_seconds or moves < LEAST_ANNEAL * self.most:
                start = self.best
                hot = fit_temperature(start, self.model, self.movable, replace(self.config, seconds=seconds))

    def _anneal(self, number: int, start: Placement, hot: float) -> None:
        config = self.config
        chains = _core.Search(
            self.model.core,
            core_placement(start),
            self.movable,
            astuple(self.model.weights),
            (config.seed + (number << 32)) % (1 << 64),
            config.threads,
            number % 2 == 1,
            config.on_cells,
        )
        if not self.moves_hard:
            chains.join()  # the guide is about hard macros
        moves = min(self.most << number // 2, self._moves_left())
        began, seconds = time.monotonic(), self._seconds_left()
        slices = max(SLICES, int(min(seconds / SLICE_SECONDS, moves / SLICE_MOVES)))
        try:
            for part in range(slices):
                left = began + seconds * (part + 1) / slices - time.monotonic()
                if left <= 0:
                    continue
                warmer, colder = (hot * (config.end_temperature / hot) ** ((part + k) / slices) for k in (0, 1))
                guide = GUIDE * max(0.0, 1 - (part + 0.5) / slices / GUIDED_SHARE)
                due = moves * (part + 1) // slices - chains.proposed // config.threads
                chains.run(warmer, colder, left, due, guide)
                if part + 1 >= JOIN_AT * slices:
                    chains.join()
                self._tell(chains)
        finally:
            self._keep(chains)

    def _seconds_left(self) -> float:
        allowed = self.config.seconds if self.config.moves is None else self.config.limit
        return self.began + allowed - time.monotonic()

    def _moves_left(self) -> int:
        """Of each chain."""
        return UNLIMITED if self.config.moves is None else self.config.moves - self.proposed // self.config.threads

    def _tell(self, chains: _core.Search) -> None:
        elapsed, proposed = time.monotonic() - self.began, self.proposed + chains.proposed
        self.trace.append(TracePoint(elapsed, chains.proxy, *chains.costs[1:]))
        if self.listener:
            moves = self.config.moves
            share = elapsed / self.config.seconds if moves is None else proposed / (moves * self.config.threads)
            self.listener(min(1.0, share), min(self.costs.proxy_cost, chains.proxy), proposed / elapsed)

    def _keep(self, chains: _core.Search) -> None:
        x, y, orientation = chains.best_positions
        found = self.start.replace(x=x, y=y, orientation=orientation)
        costs = self.model.evaluate(found)
        if costs.proxy_cost < self.costs.proxy_cost:
            self.best, self.costs = found, costs
        for kind, (proposed, accepted) in chains.counts.items():
            before = self.counts.get(kind, (0, 0))
            self.counts[kind] = (before[0] + proposed, before[1] + accepted)


TEMPERATURE_RANGE = (1e-4, 1.5e-3)
"""Least and highest temperature at which a search begins."""

PILOT_MOVES, PILOTS = 20_000, 4
"""Moves of each pilot run, and how many: each halves, in logarithms, the range in which the temperature lies."""

PILOT_SHARE = 0.1
"""Most of the time that pilots may take."""


def fit_temperature(placement: Placement, model: CostModel, movable: NDArray[np.bool_], config: SearchConfig) -> float:
    """The temperature at which annealing neither improves nor spoils a placement, found by short pilot runs.

    A hotter one would forget the start, a colder one would never repair it: a bad start fits a high temperature and a
    searched one a low one.
    """
    low, high = TEMPERATURE_RANGE
    core, weights = core_placement(placement), astuple(model.weights)
    before = model.evaluate(placement).proxy_cost
    deadline = time.monotonic() + PILOT_SHARE * (config.seconds if config.moves is None else math.inf)
    for _ in range(PILOTS):
        middle = math.sqrt(low * high)
        pilot = _core.Search(model.core, core, movable, weights, config.seed, 1, on_cells=config.on_cells)
        pilot.run(middle, middle, deadline - time.monotonic(), PILOT_MOVES)
        low, high = (middle, high) if pilot.proxy < before else (low, middle)
        if time.monotonic() > deadline:
            break
    return low


SOFT_TEMPERATURES = (1.5e-4, 1e-6)
"""First and last temperature for soft macros alone: an analytic start leaves wirelength that descent does not find."""


def anneal_soft_macros(
    design: Design,
    placement: Placement,
    model: CostModel,
    seconds: float = 0.0,
    moves: int | None = None,
    seed: int = 0,
    threads: int = 1,
    listener: Listener | None = None,
) -> SearchResult:
    """Moves the soft macros that are not fixed, and nothing else.

    Args:
        design: netlist and canvas.
        placement: legal.
        model: whose weights count.
        seconds: wall time; it may be 0.
        moves: moves instead of time; the result then depends on the seed alone.
        seed: of the moves.
        threads: chains, one a thread.
        listener: see `search`.
    """
    soft = design.netlist.is_soft & ~placement.fixed
    config = SearchConfig(seconds, moves, seed, threads, *SOFT_TEMPERATURES)
    return search(design, placement, config, model, soft, listener)
