"""What does the policy make use of? The same imitation without parts of the observation.

    python scripts/observation.py --designs DESIGN ... --out results/observation.json

What is left out is left out of learning and of placing: the weights by which it enters are zero and stay zero. How
policies are trained is in `imitated.py`, how they are judged in `study.py`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import torch
import tyro
from imitated import LearningStudy, Variant
from reinforced import run_learning_study
from torch import Tensor

from env.graph import NODE_FEATURES
from placer.features import MAP_CHANNELS, WIRE_MASK
from placer.policy import Policy

COST_MAPS = (2, 3, 4)
"""Channels of density and of congestion."""

START_MAPS, START_FEATURES = (5, 6), ("start_x", "start_y")
"""Channels of the offset from the analytic placement, and the features of a node that say where it lies there."""

COMBINED = ("start+graph", "wire_mask+start", "wire_mask+graph", "wire_mask+start+graph")
"""Wire mask, graph network and analytic placement all tell of the nets: each pair of them, and all three."""


@dataclass(frozen=True)
class Observation(LearningStudy):
    """What to train on, for how long, and what to judge by."""

    may_differ: ClassVar[tuple[str, ...]] = (*LearningStudy.may_differ, "without")

    out: Path = Path("results/observation.json")
    """JSON record to write."""
    lessons: int = 256
    """Synthetic designs to learn from."""
    without: tuple[str, ...] = ("wire_mask", "graph", "cost_maps", "start", *COMBINED)
    """Parts to leave out: one, or several joined by +."""
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


def keep_zero(weight: Tensor, part: tuple[Any, ...]) -> None:
    """Sets a part of a parameter to zero and lets no gradient reach it."""
    kept = torch.ones_like(weight)
    kept[part] = 0
    with torch.no_grad():
        weight.mul_(kept)
    weight.register_hook(lambda gradient: gradient * kept.to(gradient.device))


PARTS: dict[str, Callable[[Policy], None]] = {
    "wire_mask": without_wire_mask,
    "graph": without_graph,
    "cost_maps": without_cost_maps,
    "start": without_start,
}


def leave_out(parts: str, policy: Policy) -> None:
    """Leaves out one part of the observation, or several joined by +."""
    for part in parts.split("+"):
        PARTS[part](policy)


def variants_of(config: Observation) -> list[Variant]:
    """With everything, and without each of the parts.

    Exits with a message if there is no such part.
    """
    unknown = {part for parts in config.without for part in parts.split("+")} - PARTS.keys()
    if unknown:
        sys.exit(f"expected --without of {', '.join(PARTS)}, or several of them joined by +, got {', '.join(unknown)}")
    variants = [Variant("everything", config.lessons)]
    return variants + [
        Variant(f"without_{parts}", config.lessons, partial(leave_out, parts)) for parts in config.without
    ]


def main(config: Observation) -> None:
    """Trains what is missing; goes on with the record, or begins it."""
    run_learning_study(variants_of(config), config, {})


if __name__ == "__main__":
    main(tyro.cli(Observation))
