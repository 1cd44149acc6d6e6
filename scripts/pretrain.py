"""Trains the shipped checkpoint from synthetic designs: imitation of searched placements, then PPO.

    python scripts/pretrain.py --out runs/pretrain

Writes the checkpoint and its training record (`shipped.safetensors`, `shipped.json`) to the output folder; copy both to
`placer/checkpoints/` to ship them. No design but those of `netlists.synthetic` is used.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro

from netlists import Design, NetlistError
from netlists.synthetic import FAMILIES, SyntheticConfig, generate
from placer.checkpoint import load_checkpoint, save_checkpoint
from placer.config import PolicyConfig, PPOConfig, TrainConfig
from placer.imitation import ImitationConfig, Lesson, imitate, make_lesson
from placer.policy import Policy
from placer.ppo import CURVE_FILE, POLICY_FILE, train
from placer.versions import provenance


@dataclass(frozen=True)
class Pretrain:
    """What to train on, and for how long."""

    out: Path
    """Folder of the run."""
    designs: int = 60
    """Synthetic designs to imitate search on."""
    search_seconds: float = 5.0
    """Of the search that makes each target."""
    epochs: int = 20
    """Of imitation."""
    ppo_designs: int = 8
    """How many of the designs PPO goes on with, smallest first."""
    ppo_minutes: float = 8.0
    """Of PPO after imitation."""
    seed: int = 0
    """Of designs, search and learning."""
    threads: int = 2
    """Threads of torch and of the environments."""


def make_lessons(config: Pretrain) -> list[Lesson]:
    """Designs of all families in turn, with searched placements."""
    lessons: list[Lesson] = []
    for index in range(config.designs):
        rng = np.random.default_rng([config.seed, index])
        design = generate(SyntheticConfig(FAMILIES[index % len(FAMILIES)]), rng)
        try:
            lesson = make_lesson(design, config.search_seconds, config.seed + index, config.threads)
        except NetlistError as error:
            print(f"skipped {design.name}: {error}", flush=True)
            continue
        lessons.append(lesson)
        print(
            f"{index + 1}/{config.designs} {design.name}: proxy {lesson.proxy_cost:.4f}, {len(lesson.targets)} samples",
            flush=True,
        )
    return lessons


def main(config: Pretrain) -> None:
    """Makes lessons, imitates, goes on with PPO, writes checkpoint and record."""
    began = time.monotonic()
    config.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(config.seed)
    torch.set_num_threads(config.threads)
    lessons = make_lessons(config)
    lesson_seconds = time.monotonic() - began
    policy = Policy(PolicyConfig())
    imitation = ImitationConfig(epochs=config.epochs, seed=config.seed, search_seconds=config.search_seconds)
    curve = imitate(policy, lessons, imitation, lambda epoch, loss: print(f"epoch {epoch}: {loss:.4f}", flush=True))
    record: dict[str, Any] = {
        **provenance(),
        "settings": {name: value for name, value in asdict(config).items() if name != "out"},
        "designs": [lesson.task.task.design.name for lesson in lessons],
        "samples": sum(len(lesson.targets) for lesson in lessons),
        "searched_proxy_cost": float(np.mean([lesson.proxy_cost for lesson in lessons])),
        "lesson_seconds": round(lesson_seconds, 1),
        "imitation_loss": [round(loss, 4) for loss in curve],
        "imitation_seconds": round(time.monotonic() - began - lesson_seconds, 1),
    }
    save_checkpoint(config.out / "imitation.safetensors", policy, record)
    if config.ppo_minutes > 0:
        policy = _reinforce(config, lessons, policy, record)
    record["seconds"] = round(time.monotonic() - began, 1)
    save_checkpoint(config.out / "shipped.safetensors", policy, record)
    (config.out / "shipped.json").write_text(json.dumps(record, indent=1) + "\n")


def _reinforce(config: Pretrain, lessons: list[Lesson], policy: Policy, record: dict[str, Any]) -> Policy:
    designs: list[Design] = [lesson.task.task.design for lesson in lessons]
    designs.sort(key=lambda design: int(design.netlist.is_hard.sum()))
    settings = TrainConfig(
        seed=config.seed,
        minutes=config.ppo_minutes,
        threads=config.threads,
        ppo=PPOConfig(learning_rate=2e-4, entropy=0.003),
    )
    train(designs[: config.ppo_designs], settings, config.out / "ppo", policy)
    rows = [json.loads(line) for line in (config.out / "ppo" / CURVE_FILE).read_text().splitlines()]
    names = ("env_steps", "proxy_cost", "entropy", "value_loss")
    record["ppo_curve"] = [{name: row[name] for name in names if name in row} for row in rows]
    return load_checkpoint(config.out / "ppo" / POLICY_FILE).policy


if __name__ == "__main__":
    main(tyro.cli(Pretrain))
