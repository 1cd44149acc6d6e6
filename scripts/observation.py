"""What does the policy make use of? The same imitation without parts of the observation.

    python scripts/observation.py --designs DESIGN ... --out results/observation.json

What is left out is left out of learning and of placing: the weights by which it enters are zero and stay zero. How
policies are trained is in `imitated.py`, how they are judged in `study.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
import tyro
from imitated import ImitationStudy, Variant, run_imitation_study
from torch import Tensor

from env.graph import NODE_FEATURES
from placer.features import MAP_CHANNELS, WIRE_MASK
from placer.policy import Policy

COST_MAPS = (2, 3, 4)
"""Channels of density and of congestion."""

START_MAPS, START_FEATURES = (5, 6), ("start_x", "start_y")
"""Channels of the offset from the analytic placement, and the features of a node that say where it lies there."""


Part = Literal["wire_mask", "graph", "cost_maps", "start", "start_and_graph"]
"""Of the observation."""


@dataclass(frozen=True)
class Observation(ImitationStudy):
    """What to train on, for how long, and what to judge by."""

    out: Path = Path("results/observation.json")
    """JSON record to write."""
    lessons: int = 256
    """Synthetic designs to learn from."""
    without: tuple[Part, ...] = ("wire_mask", "graph", "cost_maps", "start", "start_and_graph")
    """Parts to leave out, one at a time."""
    runs: Path = Path("runs/observation")
    """Folder of the trained policies."""


def without_wire_mask(policy: Policy) -> None:
    """The map of the wirelength increase, and the preference for small ones that a new policy has."""
    keep_zero(policy.policy_head.enter.weight, (slice(None), [WIRE_MASK]))
    keep_zero(policy.policy_head.wire_prior, ())


def without_cost_maps(policy: Policy) -> None:
    """Density and congestion so far."""
    keep_zero(policy.policy_head.enter.weight, (slice(None), list(COST_MAPS)))


def without_graph(policy: Policy) -> None:
    """Everything that the graph network says: affinity maps, embeddings of the macro and of the whole graph."""
    head = policy.policy_head
    keep_zero(head.enter.weight, (slice(None), slice(MAP_CHANNELS, None)))
    reads_embeddings = head.context[0]
    assert isinstance(reads_embeddings, torch.nn.Linear)
    keep_zero(reads_embeddings.weight, (slice(None), slice(2 * head.key.in_features)))


def without_start(policy: Policy) -> None:
    """Where the analytic placement of the whole design puts the macro to place, and every other one."""
    keep_zero(policy.policy_head.enter.weight, (slice(None), list(START_MAPS)))
    keep_zero(policy.encoder.enter.weight, (slice(None), [NODE_FEATURES.index(name) for name in START_FEATURES]))


def without_start_and_graph(policy: Policy) -> None:
    """Neither of the two that tell of nets to macros that are not placed yet."""
    without_start(policy)
    without_graph(policy)


def keep_zero(weight: Tensor, part: tuple[Any, ...]) -> None:
    """Sets a part of a parameter to zero and lets no gradient reach it."""
    kept = torch.ones_like(weight)
    kept[part] = 0
    with torch.no_grad():
        weight.mul_(kept)
    weight.register_hook(lambda gradient: gradient * kept.to(gradient.device))


ABLATIONS: dict[Part, Callable[[Policy], None]] = {
    "wire_mask": without_wire_mask,
    "graph": without_graph,
    "cost_maps": without_cost_maps,
    "start": without_start,
    "start_and_graph": without_start_and_graph,
}


def main(config: Observation) -> None:
    """Trains what is missing; goes on with the record, or begins it."""
    variants = [Variant("everything", config.lessons)]
    variants += [Variant(f"without_{part}", config.lessons, ABLATIONS[part]) for part in config.without]
    run_imitation_study(variants, config, {})


if __name__ == "__main__":
    main(tyro.cli(Observation))
