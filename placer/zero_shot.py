"""Placements of a netlist by a policy that never saw it: one greedy rollout and sampled ones in a batch."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from env.episodes import Episodes, Task
from netlists import Design, Placement
from placer.compiled import CompiledPolicy, sample_actions
from placer.config import EPISODE
from placer.features import PolicyTask
from placer.pipeline import PlaceConfig
from placer.weights import Weights

WIRE_WEIGHTS = np.array([0, 0, 4, 30], np.float32)
"""Of the rollouts of a batch: how much more than the policy itself they lean on the wire mask (see
`CompiledPolicy.logits`). Sampling alone makes rollouts that differ little. The first of the first batch is greedy."""

TRIAL_BATCHES = 2
"""Batches after which half of the rollouts lean on the wire mask as those did that cost least on average: designs
differ in how much of it they want. Of eight rollouts each, the mean cost at the end of an episode is .681, .679 and
.677 on NanGate45/nvdla with weights 0, 4 and 30, but .810, .810 and .823 on ASAP7/ariane136."""

TRIED_FROM = 4
"""Batches for which there must be time that the second one is played with macros on the centres of cells, not on whole
cells. The later ones are played where they cost least on average: on whole cells, mostly, but of 24 rollouts each that
is 1.6 and 1.0 % more for ASAP7/ariane136 and ct_ariane."""

TEMPERATURE = 0.6
"""Of sampling: logits are divided by it. Rollouts vary less than those of training and are better."""

TOLD_AFTER = 0.1
"""Share of a limit after which the steps made so far tell how long rollouts will take."""

BEST = 16
"""Placements that are returned. The cost at the end of an episode tells little of what they are worth once their soft
macros are placed with care: on NanGate45/ariane133 the two correlate .35 among the rollouts of 4 s."""


Kind = TypeVar("Kind")


class Rollout(NamedTuple):
    """A complete episode."""

    proxy_cost: float
    placement: Placement
    wire_weight: float
    """How much more than the policy itself it leant on the wire mask."""
    whole_cells: bool
    """Where it put macros, see `FloorplanConfig.whole_cells`."""


def zero_shot(
    design: Design,
    weights: Weights,
    config: PlaceConfig,
    seconds: float,
    start: Placement | None = None,
    wire_weights: NDArray[np.float32] = WIRE_WEIGHTS,
    limit: float = math.inf,
) -> list[Placement]:
    """Rolls the policy out for about so many seconds and returns the best few placements by exact cost.

    The first batch is finished even if it takes longer, up to the limit; none is returned if that would be exceeded, or
    if every rollout ran into a macro that fits nowhere. What the first batches cost decides how later ones are played,
    see `TRIAL_BATCHES` and `TRIED_FROM`.

    Args:
        design, weights, config, seconds: what is placed by which policy, and how.
        start: provisional positions, see `Task.make`.
        wire_weights: one for each rollout of a batch, see `WIRE_WEIGHTS`.
        limit: seconds; rollouts that would take longer are given up as soon as that can be told.
    """
    began = time.monotonic()
    floorplan = replace(EPISODE, weights=config.weights)
    task = PolicyTask.make(Task.make(design, floorplan, start))
    policy = CompiledPolicy(weights, task)
    lattices = {True: Episodes([task.task] * len(wire_weights), floorplan, config.threads)}
    whole_cells = True
    rng = np.random.default_rng(config.seed)
    found: list[Rollout] = []
    num_batches = 0
    while True:
        batch_began = time.monotonic()
        lean = wire_weights.copy()
        if num_batches >= TRIAL_BATCHES and found:
            # One half, then the other: none is given up.
            lean[num_batches % 2 :: 2] = cheapest_by(lambda rollout: rollout.wire_weight, found)
            whole_cells = cheapest_by(lambda rollout: rollout.whole_cells, found)
        left = began + limit - time.monotonic()
        found += roll_out(policy, lattices[whole_cells], rng, lean, num_batches == 0, config.threads, left)
        num_batches += 1
        now = time.monotonic()
        took = now - batch_began
        if now - began + took > seconds:
            break
        tries_centres = num_batches == 1 and took * TRIED_FROM <= seconds
        if tries_centres:
            lattices[False] = Episodes([on_centres(task.task)] * len(wire_weights), floorplan, config.threads)
        whole_cells = not tries_centres
    return [rollout.placement for rollout in sorted(found, key=lambda rollout: rollout.proxy_cost)[:BEST]]


def on_centres(task: Task) -> Task:
    """The same with macros on the centres of cells."""
    return Task.make(task.design, replace(task.config, whole_cells=False), task.start)


def cheapest_by(kind: Callable[[Rollout], Kind], rollouts: Sequence[Rollout]) -> Kind:
    """The kind of rollouts that costs least on average."""
    costs: dict[Kind, list[float]] = defaultdict(list)
    for rollout in rollouts:
        costs[kind(rollout)].append(rollout.proxy_cost)
    return min(costs, key=lambda key: float(np.mean(costs[key])))


def roll_out(
    policy: CompiledPolicy,
    episodes: Episodes,
    rng: np.random.Generator,
    wire_weights: NDArray[np.float32],
    with_greedy: bool,
    threads: int,
    limit: float = math.inf,
) -> list[Rollout]:
    """Plays every episode to its end once; those that ran into a dead end are left out.

    None is returned if all of them together would take more seconds than the limit, by the steps made so far.
    """
    count, began, macros = len(episodes.tasks), time.monotonic(), len(policy.task.order_node)
    for episode in range(count):
        episodes.reset(episode)
    found: list[Rollout] = []
    alive = np.ones(count, bool)
    for step in range(macros):
        took = time.monotonic() - began
        if took > TOLD_AFTER * limit and took * macros > limit * step:
            return []
        logits = policy.logits(episodes.steps(), rows_of(episodes), threads, wire_weights)
        actions = sample_actions(logits, rng, TEMPERATURE)
        if with_greedy:
            actions[0] = logits[0].argmax()
        outcome = episodes.step(actions)
        for episode in np.flatnonzero(outcome.terminated).tolist():
            cost = outcome.costs[episode]
            if alive[episode] and cost is not None:
                whole = episodes.tasks[episode].config.whole_cells
                found.append(Rollout(cost.proxy_cost, episodes.placement(episode), float(wire_weights[episode]), whole))
            alive[episode] = False
            episodes.reset(episode)
    return found


def rows_of(episodes: Episodes) -> dict[str, NDArray]:
    """The observation arrays of episodes of one design, a row an episode."""
    count = len(episodes.tasks)
    rows = {name: array.reshape(count, -1) for name, array in episodes.observe().items()}
    return rows | {"position": rows["position"].reshape(count, -1, 2)}
