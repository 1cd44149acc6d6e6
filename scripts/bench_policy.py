"""Times rollouts and learning of the policy, and where the time goes. `make bench` runs it.

    python scripts/bench_policy.py --out results/policy_speed.json

One design of the size of NanGate45/ariane133, the real one where it is there. Rollouts are timed without the soft
macros at their end. Medians of several runs, with the spread.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro
from bench_speed import BENCHMARKS, median, timed
from record import device_name, portable_provenance

import netlists
from env import FloorplanConfig, Task
from env.episodes import Episodes
from netlists import Design
from netlists.files import make_folder, write_bytes
from netlists.synthetic import SyntheticConfig, generate
from placer.batching import collate
from placer.checkpoint import load_checkpoint
from placer.compiled import CompiledPolicy, sample_actions
from placer.config import FINETUNE
from placer.features import PolicyTask, describe, spread_cells
from placer.ppo import ppo_loss
from placer.rollout import Player, Rollout
from placer.weights import SHIPPED, read_weights
from placer.zero_shot import TEMPERATURE, WIRE_WEIGHTS, roll_out, rows_of

ARIANE = BENCHMARKS / "clustered" / "NanGate45" / "ariane133"
CONFIG = FloorplanConfig(soft_rounds=0)
WEIGHTS = np.tile(WIRE_WEIGHTS, 2)
BATCH = len(WEIGHTS)


@dataclass(frozen=True)
class BenchPolicy:
    """Which design, and where the record goes."""

    out: Path = Path("results/policy_speed.json")
    """JSON record to write."""
    design: Path = ARIANE
    """Design folder; without it a synthetic design of its size is timed."""
    repeats: int = 5
    """Runs of each measurement."""
    threads: int = 2
    """Threads of rollouts and of torch."""
    device: str = "cpu"
    """Torch device of the rollouts and gradient steps of training: cpu, cuda ..."""
    bf16: bool = False
    """Convolutions in bfloat16."""


def spread(run: Callable[[], float], repeats: int) -> dict[str, float]:
    """As `median`, after a run that does not count."""
    run()
    return median(run, repeats)


def compiled_steps_per_second(policy: CompiledPolicy, threads: int) -> float:
    """Steps of whole episodes, environment and sampling included."""
    episodes = Episodes([policy.task.task] * BATCH, CONFIG, threads)
    rng = np.random.default_rng(0)
    took = timed(lambda: roll_out(policy, episodes, rng, WEIGHTS, with_greedy=False, threads=threads))
    return BATCH * len(policy.task.order_node) / took


def profile_of_rollout(policy: CompiledPolicy) -> dict[str, float]:
    """Milliseconds of the parts of one step of a batch on one thread, half of the macros placed."""
    task = policy.task
    episodes = Episodes([task.task] * BATCH, CONFIG)
    rng = np.random.default_rng(0)
    for _ in range(len(task.order_node) // 2):
        rows = rows_of(episodes)
        episodes.step(sample_actions(policy.logits(episodes.steps(), rows), rng, TEMPERATURE))
    rows, steps = rows_of(episodes), episodes.steps()
    logits = policy.logits(steps, rows)
    actions = sample_actions(logits, rng, TEMPERATURE)

    def described() -> None:
        describe(task, steps, rows)
        spread_cells(task, rows, task.grid[1])

    whole = min(timed(lambda: policy.logits(steps, rows)) for _ in range(20))
    features = min(timed(described) for _ in range(20))
    parts = {
        "observation": min(timed(lambda: rows_of(episodes)) for _ in range(20)),
        "maps and features": features,
        "networks": whole - features,
        "sampling": min(timed(lambda: sample_actions(logits, rng, TEMPERATURE)) for _ in range(20)),
        "environment step": timed(lambda: episodes.step(actions)),
    }
    return {name: round(1e3 * value, 3) for name, value in parts.items()}


def training_speeds(task: PolicyTask, config: BenchPolicy) -> dict[str, Any]:
    """Steps a second of rollouts in torch, and of gradient steps on them, both from samples that lie in CPU memory."""
    torch.set_num_threads(config.threads)
    policy = load_checkpoint(SHIPPED).policy.eval().to(config.device)
    policy.policy_head.bf16 = config.bf16
    player = Player([task], [0] * (2 * BATCH), CONFIG, config.threads, config.device)
    generator = torch.Generator().manual_seed(0)
    steps = len(task.order_node)
    rolls: list[Rollout] = []
    rollout = spread(
        lambda: 2 * BATCH * steps / timed(lambda: rolls.append(player.play(policy, steps, generator))), config.repeats
    )
    batch = rolls[0].batch
    index = torch.arange(FINETUNE.minibatch)
    actions = torch.as_tensor(rolls[0].actions.reshape(-1))[index].to(config.device)
    zeros = torch.zeros(len(index), device=config.device)

    def gradient_step() -> None:
        logits, values = policy(policy.embed(player.graphs), batch.select(index).to(config.device))
        terms = ppo_loss(logits, values, actions, zeros, zeros, zeros, FINETUNE.clip)
        (terms.policy_loss + terms.value_loss).backward()
        policy.value_head.mlp[0].weight.grad[0, 0].item()  # a GPU is done when this is known

    learned = spread(lambda: len(index) / timed(gradient_step), config.repeats)
    collated = min(timed(lambda: collate([task], player.graph_start, player.samples())) for _ in range(20))
    return {
        "rollout_steps_per_second": rollout,
        "gradient_samples_per_second": learned,
        "collating_ms_a_step": round(1e3 * collated, 3),
        "environments": 2 * BATCH,
        "threads": config.threads,
        "device": device_name(config.device),
        "bf16": config.bf16,
    }


def main(config: BenchPolicy) -> None:
    """Measures, prints, writes the record."""
    design: Design
    if config.design.exists():
        design = netlists.read(config.design)
    else:
        design = generate(SyntheticConfig("cpu", num_hard=133, num_soft=780), np.random.default_rng(0))
    task = PolicyTask.make(Task.make(design, CONFIG))
    policy = CompiledPolicy(read_weights(SHIPPED), task)
    record = {
        **portable_provenance(),
        "design": {"name": design.name, "grid": task.grid, "macros": len(task.order_node)},
        "compiled": {
            f"{threads} threads": spread(lambda t=threads: compiled_steps_per_second(policy, t), config.repeats)
            for threads in sorted({1, config.threads})
        },
        "profile_ms_of_8_steps": profile_of_rollout(policy),
        "training": training_speeds(task, config),
    }
    make_folder(config.out.parent)
    write_bytes(config.out, (json.dumps(record, indent=1) + "\n").encode())
    print(json.dumps(record, indent=1))


if __name__ == "__main__":
    main(tyro.cli(BenchPolicy))
