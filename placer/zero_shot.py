"""Placements of a netlist by a policy that never saw it: one greedy rollout and sampled ones in a batch."""

from __future__ import annotations

import time

import torch

from env.episodes import FloorplanConfig, Task
from env.vector import FloorplanVectorEnv
from netlists import Design, Placement
from placer.batching import PolicyTask
from placer.config import EPISODE_SOFT_MOVES
from placer.pipeline import PlaceConfig
from placer.policy import Policy
from placer.rollout import Player

BATCH = 8
"""Rollouts side by side; the first of the first batch is greedy."""

TEMPERATURE = 0.3
"""Of sampling: logits are divided by it. Rollouts vary less than those of training and are better."""

BEST = 3
"""Candidates whose soft macros are placed with care."""


def zero_shot(design: Design, policy: Policy, config: PlaceConfig, seconds: float) -> list[Placement]:
    """Rolls the policy out for about half of the time and returns the best few placements by exact cost.

    The first batch is always finished; none is returned if every rollout ran into a macro that fits nowhere.
    """
    began = time.monotonic()
    torch.set_num_threads(config.threads)
    floorplan = FloorplanConfig(weights=config.weights, soft_moves=EPISODE_SOFT_MOVES)
    task = PolicyTask.make(Task.make(design, floorplan))
    env = FloorplanVectorEnv([task.task] * BATCH, floorplan, config.threads)
    player = Player(env, [task], [0] * BATCH, "cpu")
    generator = torch.Generator().manual_seed(config.seed)
    greedy = torch.zeros(BATCH, dtype=torch.bool)
    greedy[0] = True
    policy.eval()
    found: list[tuple[float, int, Placement]] = []
    while True:
        batch_began = time.monotonic()
        for _, info in player.play(policy, len(task.order_node), generator, greedy, TEMPERATURE).finished:
            if "costs" in info:
                found.append((info["costs"]["proxy_cost"], len(found), info["placement"]))
        greedy[0] = False
        now = time.monotonic()
        if now - began + (now - batch_began) > 0.5 * seconds:
            break
    return [placement for _, _, placement in sorted(found, key=lambda entry: entry[:2])[:BEST]]
