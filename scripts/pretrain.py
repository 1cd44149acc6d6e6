"""Trains the shipped checkpoint from synthetic designs: imitation of searched placements, then PPO.

    python scripts/pretrain.py --out runs/imitation --ppo-minutes 0
    python scripts/pretrain.py --out runs/pretrain --policy runs/imitation/shipped.safetensors

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

PPO_HARD_RANGE, PPO_COLS = (30, 120), (14, 26)
"""Hard macros and grid columns of the designs of PPO. Grids of a batch are padded to the largest one: few large ones
would make all slow."""


@dataclass(frozen=True)
class Pretrain:
    """What to train on, and for how long."""

    out: Path
    """Folder of the run."""
    policy: Path | None = None
    """A checkpoint to go on from with PPO, without imitation."""
    resume: bool = False
    """Go on with the PPO that the folder of the run holds."""
    designs: int = 80
    """Synthetic designs to imitate search on."""
    search_seconds: float = 4.0
    """Of the search that makes each target."""
    epochs: int = 40
    """Of imitation."""
    ppo_designs: int = 16
    """Further synthetic designs, for PPO."""
    ppo_envs: int = 4
    """Environments of each of them."""
    ppo_minutes: float = 60.0
    """Of PPO after imitation."""
    seed: int = 0
    """Of designs, search and learning."""
    threads: int = 2
    """Threads of torch and of the environments."""
    bf16: bool = False
    """See `TrainConfig.bf16`."""


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
    settings = asdict(config) | {"out": str(config.out), "policy": str(config.policy) if config.policy else None}
    record: dict[str, Any] = {**provenance(), "settings": settings}
    if config.policy or config.resume:
        known = load_checkpoint(config.policy or config.out / "ppo" / POLICY_FILE)
        policy = known.policy
        record["started_from"] = known.record
    else:
        policy = _imitate(config, record)
        save_checkpoint(config.out / "imitation.safetensors", policy, record)
    if config.ppo_minutes > 0:
        policy = _reinforce(config, policy, record)
    record["seconds"] = round(time.monotonic() - began, 1)
    save_checkpoint(config.out / "shipped.safetensors", policy, record)
    (config.out / "shipped.json").write_text(json.dumps(record, indent=1) + "\n")


def _imitate(config: Pretrain, record: dict[str, Any]) -> Policy:
    began = time.monotonic()
    lessons = make_lessons(config)
    made = time.monotonic()
    policy = Policy(PolicyConfig())
    imitation = ImitationConfig(epochs=config.epochs, seed=config.seed, search_seconds=config.search_seconds)
    curve = imitate(policy, lessons, imitation, lambda epoch, loss: print(f"epoch {epoch}: {loss:.4f}", flush=True))
    record |= {
        "designs": [lesson.task.task.design.name for lesson in lessons],
        "samples": sum(len(lesson.targets) for lesson in lessons),
        "searched_proxy_cost": float(np.mean([lesson.proxy_cost for lesson in lessons])),
        "lesson_seconds": round(made - began, 1),
        "imitation_loss": [round(loss, 4) for loss in curve],
        "imitation_seconds": round(time.monotonic() - made, 1),
    }
    return policy


def small_design(index: int, rng: np.random.Generator) -> Design:
    """A design of the size that PPO learns from, its family in turn."""
    num_hard, cols = int(np.exp(rng.uniform(*np.log(PPO_HARD_RANGE)))), int(rng.integers(*PPO_COLS))
    return generate(SyntheticConfig(FAMILIES[index % len(FAMILIES)], num_hard, cols=cols), rng)


def ppo_designs(config: Pretrain) -> list[Design]:
    """Designs of all families in turn, none of them among those of imitation."""
    designs = []
    for index in range(config.ppo_designs):
        rng = np.random.default_rng([config.seed, config.designs, index])
        designs.append(small_design(index, rng))
    return designs


def _reinforce(config: Pretrain, policy: Policy, record: dict[str, Any]) -> Policy:
    designs = ppo_designs(config)
    settings = TrainConfig(
        seed=config.seed,
        envs=config.ppo_envs * len(designs),
        minutes=config.ppo_minutes,
        threads=config.threads,
        bf16=config.bf16,
        ppo=PPOConfig(learning_rate=3e-4, entropy=0.003, epochs=1, minibatch=256),
    )
    train(designs, settings, config.out / "ppo", policy, config.resume)
    rows = [json.loads(line) for line in (config.out / "ppo" / CURVE_FILE).read_text().splitlines()]
    names = ("env_steps", "seconds", "proxy_cost", "entropy", "value_loss", "explained_variance")
    record["ppo_designs"] = [design.name for design in designs]
    record["ppo_curve"] = [{name: round(row[name], 4) for name in names if name in row} for row in rows]
    return load_checkpoint(config.out / "ppo" / POLICY_FILE).policy


if __name__ == "__main__":
    main(tyro.cli(Pretrain))
