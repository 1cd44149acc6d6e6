"""What does the policy make use of? The same imitation without parts of the observation.

    python scripts/observation.py --designs DESIGN ... --out results/observation.json

What is left out is left out of learning and of placing: the weights by which it enters are zero and stay zero. How
policies are judged is in `study.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import tyro
from lessons import make_lessons
from study import Maker, Study, lesson_designs, new_policy, run_study
from torch import Tensor

from env.graph import NODE_FEATURES
from placer.features import MAP_CHANNELS, WIRE_MASK
from placer.imitation import ImitationConfig, Lesson, imitate
from placer.policy import Policy

COST_MAPS = (2, 3, 4)
"""Channels of density and of congestion."""

START_MAPS, START_FEATURES = (5, 6), ("start_x", "start_y")
"""Channels of the offset from the analytic placement, and the features of a node that say where it lies there."""


@dataclass(frozen=True)
class Observation(Study):
    """What to train on, for how long, and what to judge by."""

    out: Path = Path("results/observation.json")
    """JSON record to write."""
    lessons: int = 64
    """Synthetic designs to learn from."""
    samples: int = 20_000
    """That each policy sees."""
    minibatch: int = 32
    """Samples in one gradient step."""
    moves: int = 100_000
    """Of the search that makes the targets of a design."""


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
    weight.register_hook(lambda gradient: gradient * kept)


ABLATIONS: dict[str, Callable[[Policy], None]] = {
    "everything": lambda _: None,
    "without_wire_mask": without_wire_mask,
    "without_graph": without_graph,
    "without_cost_maps": without_cost_maps,
    "without_start": without_start,
    "without_start_and_graph": without_start_and_graph,
}


def trained(
    ablate: Callable[[Policy], None], lessons: Sequence[Lesson], seed: int, config: Observation
) -> tuple[Policy, dict[str, Any]]:
    """A new policy that has learned without a part of the observation, and how it went."""
    policy = new_policy(seed)
    ablate(policy)
    settings = ImitationConfig(samples=config.samples, minibatch=config.minibatch, designs_at_once=4, seed=seed)
    curve = imitate(policy, lessons, settings)
    return policy, {"first_loss": round(curve[0], 4), "final_loss": round(curve[-1], 4)}


def main(config: Observation) -> None:
    """Goes on with the record, or begins it."""
    lessons = make_lessons(lesson_designs(config.lessons), config.moves, config.threads)
    makers: dict[str, Maker] = {
        name: lambda seed, ablate=ablate: trained(ablate, lessons, seed, config) for name, ablate in ABLATIONS.items()
    }
    run_study(config, makers)


if __name__ == "__main__":
    main(tyro.cli(Observation))
