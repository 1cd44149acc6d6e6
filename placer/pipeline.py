"""The placing pipeline: starts, the best of them, exact search in the time that is left."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from env.cost import CostModel, Costs, CostWeights
from env.legality import check_legality
from env.search import SearchConfig, search
from env.start import analytic_start, legalize, place_soft_macros
from netlists import Design, NetlistError, Placement

HINT_TEMPERATURE = 1e-4
START_TEMPERATURE = 2e-4
"""First temperature of the search: from a given placement, and from a start of our own."""

SOFT_MOVES = 40_000
"""Moves of exact descent of the soft macros of every start."""

MAX_POLICY_NODES = 5000
"""Most nodes of a design that the policy is asked about. It was made for clustered netlists; on flat ones a rollout
takes minutes, and they are placed as with `none`."""

ZERO_SHOT_SECONDS = 10.0
"""What the policy may take in all with `seconds=0`."""

Listener = Callable[[str, float, float, float], None]
"""Is told: stage, share of it that is over, proxy cost, moves per second."""


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
    weights: CostWeights = field(default_factory=CostWeights)
    """Weights of the cost terms."""


@dataclass(frozen=True)
class Stage:
    """A part of the pipeline, its end and what it reached."""

    name: str
    seconds: float
    """Since the beginning of the run."""
    proxy_cost: float


@dataclass(frozen=True)
class PlaceResult:
    """What came out."""

    placement: Placement
    costs: Costs
    start_costs: Costs | None
    """Costs of the given placement; None where not everything in it is placed."""
    stages: list[Stage]
    legal: bool
    start: str
    """The start that the search went on from."""
    details: dict[str, Any]
    """Moves and acceptance of the search."""

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "costs": asdict(self.costs),
            "start_costs": asdict(self.start_costs) if self.start_costs else None,
            "legal": self.legal,
            "start": self.start,
            "stages": [asdict(stage) for stage in self.stages],
            **self.details,
        }


def place(
    design: Design,
    seconds: float = 60.0,
    seed: int = 0,
    policy: str | Path = "shipped",
    threads: int = 2,
    from_scratch: bool = False,
    weights: CostWeights | None = None,
    listener: Listener | None = None,
    began: float | None = None,
) -> PlaceResult:
    """Places a design: legal, and as cheap as the time allows.

    Args:
        design: what to place; positions of movable macros are a hint unless `from_scratch`.
        seconds, seed, policy, threads, from_scratch, weights: see `PlaceConfig`.
        listener: told how it goes.
        began: `time.monotonic()` at which the time began to count; now by default.

    Raises:
        NetlistError: no legal placement was found, or the checkpoint cannot be read.
    """
    config = PlaceConfig(seconds, seed, threads, str(policy), from_scratch, weights or CostWeights())
    return _Pipeline(design, config, listener, time.monotonic() if began is None else began).run()


class _Pipeline:
    def __init__(self, design: Design, config: PlaceConfig, listener: Listener | None, began: float) -> None:
        self.design, self.config, self.listener, self.began = design, config, listener, began
        self.model = CostModel(design.netlist, design.canvas, config.weights)
        self.stages: list[Stage] = []

    def run(self) -> PlaceResult:
        design, config = self.design, self.config
        design.check_placeable()
        start_costs = self.model.evaluate(design.placement) if design.placement.placed.all() else None
        starts = self._starts()
        name = min(starts, key=lambda key: starts[key][1].proxy_cost)
        placement, costs = starts[name]
        details: dict[str, Any] = {"starts": {key: value[1].proxy_cost for key, value in starts.items()}}
        left = self._left()
        if config.seconds > 0 and left > 0:
            hot = HINT_TEMPERATURE if name == "given" else START_TEMPERATURE
            found = search(
                design,
                placement,
                SearchConfig(left, None, config.seed, config.threads, hot),
                self.model,
                listener=lambda *report: self._tell("search", *report),
            )
            details |= {"moves": found.moves, "acceptance": found.acceptance, "trace": found.trace}
            if found.costs.proxy_cost < costs.proxy_cost:
                placement, costs = found.placement, found.costs
            self._end_stage("search", costs)
        legality = check_legality(design.with_placement(placement))
        if not legality.legal and design.placement.placed[design.netlist.is_port].all():
            raise NetlistError(f"no legal placement was found: {legality}; enlarge the canvas or free fixed macros")
        return PlaceResult(placement, costs, start_costs, self.stages, legality.legal, name, details)

    def _left(self) -> float:
        return self.config.seconds - (time.monotonic() - self.began) - 0.15 * min(1.0, self.config.seconds)

    def _starts(self) -> dict[str, tuple[Placement, Costs]]:
        """Legal starts by name: the policy's, else the analytic; the given placement unless `from_scratch`."""
        design, config = self.design, self.config
        starts: dict[str, tuple[Placement, Costs]] = {}
        asks_policy = config.policy != "none" and design.netlist.num_nodes <= MAX_POLICY_NODES
        if asks_policy and np.any(design.netlist.is_hard & ~design.placement.fixed):
            found = self._policy_start()
            if found:
                starts["policy"] = found
                self._end_stage("policy", found[1])
        if not starts:
            starts["analytic"] = self._soften(legalize(design, analytic_start(design), self.model.core))
            self._end_stage("analytic", starts["analytic"][1])
        if not config.from_scratch and design.placement.placed.all() and config.seconds > 0:
            given = legalize(design, design.placement, self.model.core)
            starts["given"] = given, self.model.evaluate(given)
            self._end_stage("given", starts["given"][1])
        return starts

    def _policy_start(self) -> tuple[Placement, Costs] | None:
        # Torch is needed here and nowhere else: `--policy none` starts without its second of imports.
        from placer.checkpoint import load_checkpoint, policy_path
        from placer.zero_shot import zero_shot

        policy = load_checkpoint(policy_path(self.config.policy)).policy
        budget = ZERO_SHOT_SECONDS if self.config.seconds == 0 else 0.25 * self.config.seconds
        seconds = max(0.0, self.began + budget - time.monotonic())
        placements = zero_shot(self.design, policy, self.config, seconds)
        candidates = [self._soften(placement) for placement in placements]
        return min(candidates, key=lambda pair: pair[1].proxy_cost, default=None)

    def _soften(self, placement: Placement) -> tuple[Placement, Costs]:
        """Soft macros placed around the hard ones: analytically, then by exact descent."""
        design, config = self.design, self.config
        soft = design.netlist.is_soft & ~placement.fixed
        placement = place_soft_macros(design, placement, self.model.core)
        found = search(
            design,
            placement,
            SearchConfig(moves=SOFT_MOVES, seed=config.seed, threads=1, start_temperature=1e-6),
            self.model,
            movable=soft,
        )
        return found.placement, found.costs

    def _end_stage(self, name: str, costs: Costs) -> None:
        self.stages.append(Stage(name, round(time.monotonic() - self.began, 3), costs.proxy_cost))

    def _tell(self, stage: str, share: float, proxy: float, speed: float) -> None:
        if self.listener:
            self.listener(stage, share, proxy, speed)
