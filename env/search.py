"""Exact search over hard and soft macros: annealing chains of the compiled core, driven slice by slice."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray

from env import _core
from env.cost import CostModel, Costs, core_placement
from env.start import movable_macros
from netlists import Design, Placement

SLICES = 60
"""Parts of a search between which chains share the best and a caller hears of it."""

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
    """Moves of each chain instead of wall time: on one thread the result then depends on the seed alone."""
    seed: int = 0
    """Of the chains."""
    threads: int = 1
    """Chains, one a thread."""
    start_temperature: float = 1e-4
    """Hot enough to repair a legalised start, cold enough not to destroy a searched one."""
    end_temperature: float = 1e-7
    """Cold enough for plain descent."""


@dataclass(frozen=True)
class SearchResult:
    """What a search found."""

    placement: Placement
    costs: Costs
    moves: int
    """Proposed by all chains."""
    acceptance: dict[str, float]
    """Share of accepted moves by their kind."""
    trace: list[tuple[float, float]]
    """(seconds, proxy cost of the best chain) after each slice."""


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
    model = costs or CostModel(design.netlist, design.canvas)
    movable = movable_macros(design) if movable is None else movable
    chains = _core.Search(
        model.core, core_placement(placement), movable, astuple(model.weights), config.seed, config.threads
    )
    began = time.monotonic()
    trace: list[tuple[float, float]] = []
    try:
        for part in range(SLICES):
            hot, cold = (_temperature(config, (part + k) / SLICES) for k in (0, 1))
            if config.moves is None:
                left = began + config.seconds * (part + 1) / SLICES - time.monotonic()
                if left <= 0:
                    continue
                chains.run(hot, cold, left, UNLIMITED)
            else:
                chains.run(hot, cold, math.inf, max(1, config.moves // SLICES))
            chains.share()
            elapsed = time.monotonic() - began
            trace.append((elapsed, chains.proxy))
            if listener:
                listener((part + 1) / SLICES, chains.proxy, _proposed(chains) / elapsed)
    except KeyboardInterrupt:
        pass  # what was found so far is kept
    x, y, orientation = chains.best_positions
    found = placement.replace(x=x, y=y, orientation=orientation)
    acceptance = {kind: accepted / max(1, proposed) for kind, (proposed, accepted) in chains.counts.items()}
    return SearchResult(found, model.evaluate(found), _proposed(chains), acceptance, trace)


SOFT_TEMPERATURES = (1.5e-4, 1e-6)
"""First and last temperature for soft macros alone: an analytic start leaves wirelength that descent does not find."""


def anneal_soft_macros(
    design: Design,
    placement: Placement,
    model: CostModel,
    seconds: float = math.inf,
    moves: int | None = None,
    seed: int = 0,
) -> Placement:
    """Moves the soft macros that are not fixed, and nothing else, on one thread.

    Args:
        design: netlist and canvas.
        placement: legal.
        model: whose weights count.
        seconds: wall time; it may be 0.
        moves: moves instead of time; the result then depends on the seed alone.
        seed: of the moves.
    """
    soft = design.netlist.is_soft & ~placement.fixed
    config = SearchConfig(seconds, moves, seed, 1, *SOFT_TEMPERATURES)
    return search(design, placement, config, model, movable=soft).placement


def _temperature(config: SearchConfig, progress: float) -> float:
    return config.start_temperature * (config.end_temperature / config.start_temperature) ** progress


def _proposed(chains: _core.Search) -> int:
    return sum(proposed for proposed, _ in chains.counts.values())
