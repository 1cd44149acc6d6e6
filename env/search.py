"""Exact search over hard and soft macros: annealing chains of the compiled core, driven slice by slice."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import astuple, dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from env import _core
from env.cost import CostModel, Costs, core_placement
from env.start import movable_macros
from netlists import Design, Placement

SLICES = 60
"""Parts of a search, between which a caller hears of it; more if one would take over 1 s."""

GUIDE, GUIDED_SHARE = 0.5, 0.7
"""Weight, at the beginning, of the guide that lets every other chain free blocked grid cells
(`IncrementalCost::set_guide`), and the share of the search over which it falls to 0."""

JOIN_AT = 0.25
"""Share of the search after which the chains go on together from the best of them, guided if it is: by then it shows
whether the guide helps this design."""

UNLIMITED = 10**15
"""Moves, where time is the limit."""

Listener = Callable[[float, float, float], None]
"""Is told: share of the search that is over, proxy cost of the best chain, moves per second."""


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


class TracePoint(NamedTuple):
    """Where the best chain of a search stood."""

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
    chains = _core.Search(
        model.core, core_placement(placement), movable, astuple(model.weights), config.seed, config.threads
    )
    slices = max(SLICES, int(config.seconds)) if config.moves is None else SLICES
    trace: list[TracePoint] = []
    interrupted = False
    if not np.any(movable & design.netlist.is_hard):
        chains.join()  # the guide is about hard macros
    try:
        hot = config.start_temperature or fit_temperature(placement, model, movable, config)
        ready = time.monotonic()
        for part in range(slices):
            warmer, colder = (hot * (config.end_temperature / hot) ** ((part + k) / slices) for k in (0, 1))
            guide = GUIDE * max(0.0, 1 - (part + 0.5) / slices / GUIDED_SHARE)
            if config.moves is None:
                left = ready + (config.seconds - ready + began) * (part + 1) / slices - time.monotonic()
                if left <= 0:
                    continue
                chains.run(warmer, colder, left, UNLIMITED, guide)
            else:
                moves = config.moves * (part + 1) // slices - config.moves * part // slices
                chains.run(warmer, colder, math.inf, moves, guide)
            if part + 1 >= JOIN_AT * slices:
                chains.join()
            elapsed = time.monotonic() - began
            trace.append(TracePoint(elapsed, chains.proxy, *chains.costs[1:]))
            if listener:
                listener((part + 1) / slices, chains.proxy, _proposed(chains) / elapsed)
    except KeyboardInterrupt:
        interrupted = True  # what was found so far is kept
    x, y, orientation = chains.best_positions
    found = placement.replace(x=x, y=y, orientation=orientation)
    acceptance = {kind: accepted / max(1, proposed) for kind, (proposed, accepted) in chains.counts.items()}
    return SearchResult(placement, found, model.evaluate(found), _proposed(chains), acceptance, trace, interrupted)


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
        pilot = _core.Search(model.core, core, movable, weights, config.seed, 1)
        pilot.run(middle, middle, math.inf, PILOT_MOVES)
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
    """
    soft = design.netlist.is_soft & ~placement.fixed
    config = SearchConfig(seconds, moves, seed, threads, *SOFT_TEMPERATURES)
    return search(design, placement, config, model, movable=soft)


def _proposed(chains: _core.Search) -> int:
    return sum(proposed for proposed, _ in chains.counts.values())
