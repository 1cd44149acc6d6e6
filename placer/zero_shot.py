"""Placements of a netlist by a policy that never saw it: one greedy rollout and sampled ones in a batch."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from env.episodes import Episodes, FloorplanConfig, Task
from netlists import Design, Placement
from placer.compiled import CompiledPolicy, sample_actions
from placer.config import EPISODE_SOFT_MOVES
from placer.features import PolicyTask
from placer.pipeline import PlaceConfig
from placer.weights import Weights

WIRE_WEIGHTS = np.array([0, 0, 0, 0, 4, 4, 30, 30], np.float32)
"""Of the rollouts of a batch: how much more than the policy itself they lean on the wire mask (see
`CompiledPolicy.logits`). Sampling alone makes rollouts that differ little; exact cost tells how much this design wants.
The first of the first batch is greedy."""

TEMPERATURE = 0.3
"""Of sampling: logits are divided by it. Rollouts vary less than those of training and are better."""

BEST = 16
"""Placements that are returned. The cost at the end of an episode tells little of what they are worth once their soft
macros are placed with care: on NanGate45/ariane133 the two correlate .35 among the rollouts of 4 s."""

Found = list[tuple[float, Placement]]
"""Proxy costs and placements of complete episodes."""


def zero_shot(
    design: Design,
    weights: Weights,
    config: PlaceConfig,
    seconds: float,
    start: Placement | None = None,
    wire_weights: NDArray[np.float32] = WIRE_WEIGHTS,
) -> list[Placement]:
    """Rolls the policy out for about so many seconds and returns the best few placements by exact cost.

    The first batch is always finished; none is returned if every rollout ran into a macro that fits nowhere.

    Args:
        design, weights, config, seconds: what is placed by which policy, and how.
        start: provisional positions, see `Task.make`.
        wire_weights: one for each rollout of a batch, see `WIRE_WEIGHTS`.
    """
    began = time.monotonic()
    floorplan = FloorplanConfig(weights=config.weights, soft_moves=EPISODE_SOFT_MOVES)
    task = PolicyTask.make(Task.make(design, floorplan, start))
    policy = CompiledPolicy(weights, task)
    episodes = Episodes([task.task] * len(wire_weights), floorplan, config.threads)
    rng = np.random.default_rng(config.seed)
    found: Found = []
    num_batches = 0
    while True:
        batch_began = time.monotonic()
        found += roll_out(policy, episodes, rng, wire_weights, with_greedy=num_batches == 0, threads=config.threads)
        num_batches += 1
        now = time.monotonic()
        if now - began + (now - batch_began) > seconds:
            break
    return [placement for _, placement in sorted(found, key=lambda entry: entry[0])[:BEST]]


def roll_out(
    policy: CompiledPolicy,
    episodes: Episodes,
    rng: np.random.Generator,
    wire_weights: NDArray[np.float32],
    with_greedy: bool,
    threads: int,
) -> Found:
    """Plays every episode to its end once; those that ran into a dead end are left out."""
    count = len(episodes.tasks)
    for episode in range(count):
        episodes.reset(episode)
    found: Found = []
    alive = np.ones(count, bool)
    for _ in policy.task.order_node:
        logits = policy.logits(episodes.steps(), rows_of(episodes), threads, wire_weights)
        actions = sample_actions(logits, rng, TEMPERATURE)
        if with_greedy:
            actions[0] = logits[0].argmax()
        outcome = episodes.step(actions)
        for episode in np.flatnonzero(outcome.terminated).tolist():
            cost = outcome.costs[episode]
            if alive[episode] and cost is not None:
                found.append((cost.proxy_cost, episodes.placement(episode)))
            alive[episode] = False
            episodes.reset(episode)
    return found


def rows_of(episodes: Episodes) -> dict[str, NDArray]:
    """The observation arrays of episodes of one design, a row an episode."""
    count = len(episodes.tasks)
    rows = {name: array.reshape(count, -1) for name, array in episodes.observe().items()}
    return rows | {"position": rows["position"].reshape(count, -1, 2)}
