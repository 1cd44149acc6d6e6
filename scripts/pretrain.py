"""Trains the shipped checkpoint from synthetic designs: imitation of searched placements, then PPO.

    python scripts/pretrain.py --out runs/imitation --ppo-minutes 0
    python scripts/pretrain.py --out runs/ppo1 --policy runs/imitation/shipped.safetensors
    python scripts/pretrain.py --out runs/ppo2 --policy runs/ppo1/shipped.safetensors \
        --ppo-temperature 1 --seed 1 --ppo-minutes 22
    python scripts/pretrain.py --out runs/ppo3 --policy runs/ppo2/shipped.safetensors \
        --ppo-temperature 1 --seed 2 --ppo-minutes 46

The last two go on with other designs. Each writes the checkpoint and its training record (`shipped.safetensors`,
`shipped.json`) to the output folder; copy both to `placer/checkpoints/` to ship them. No design but those of
`netlists.synthetic` is used.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro
from lessons import draw_designs, draw_lessons, processes
from record import portable_provenance, portable_settings

from placer.checkpoint import load_checkpoint, save_checkpoint
from placer.config import PolicyConfig, PPOConfig, TrainConfig
from placer.imitation import ImitationConfig, imitate
from placer.policy import Policy
from placer.ppo import POLICY_FILE, read_curve, train

PPO_TEMPERATURE = 0.3
"""By which logits are divided between imitation and PPO. Targets of imitation are spread over cells: a policy that has
learned nothing else plays better cold, and learns on there."""

PPO_AFTER_IMITATION = PPOConfig(learning_rate=4e-4, entropy=0.003, epochs=1, minibatch=256)
"""The learning rate is the largest tried since values teach the value head alone."""


@dataclass(frozen=True)
class Pretrain:
    """What to train on, and for how long."""

    out: Path
    """Folder of the run."""
    policy: Path | None = None
    """A checkpoint to go on from with PPO, without imitation."""
    resume: bool = False
    """Go on with the PPO that the folder of the run holds."""
    designs: int = 256
    """Synthetic designs to imitate search on."""
    moves: int = 1_000_000
    """Of the search that makes the targets of a design."""
    samples: int = 200_000
    """Of imitation, some 13 times each of those of 256 designs."""
    minibatch: int = 64
    """Samples in one gradient step of imitation."""
    ppo_designs: int = 128
    """Further synthetic designs, for PPO. With few of them it gets better on those, and soon worse on all others."""
    ppo_envs: int = 3
    """Environments of each of them."""
    ppo_designs_each_iteration: int | None = None
    """See `TrainConfig.designs_each_iteration`."""
    ppo_minutes: float = 34.0
    """Of PPO after imitation."""
    ppo_minibatch: int = PPO_AFTER_IMITATION.minibatch
    """Samples in one gradient step of PPO."""
    ppo_sample_share: float = 0.25
    """See `PPOConfig.sample_share`."""
    ppo_temperature: float = PPO_TEMPERATURE
    """By which logits are divided before PPO, unless it is resumed; 1 for a policy that has had PPO."""
    seed: int = 0
    """Of designs, search and learning."""
    threads: int = 2
    """Threads of torch and of the environments; processes that make lessons."""
    device: str = "cpu"
    """Torch device to learn on: cpu, cuda ..."""
    bf16: bool = False
    """See `TrainConfig.bf16`."""


def main(config: Pretrain) -> None:
    """Makes lessons, imitates, goes on with PPO, writes checkpoint and record."""
    began = time.monotonic()
    config.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(config.seed)
    torch.set_num_threads(config.threads)
    record: dict[str, Any] = {**portable_provenance(), "settings": portable_settings(config)}
    if config.policy or config.resume:
        known = load_checkpoint(config.policy or config.out / "ppo" / POLICY_FILE)
        policy = known.policy
        record["started_from"] = known.record
    else:
        policy = _imitate(config, record)
        save_checkpoint(config.out / "imitation.safetensors", policy, record)
    if config.ppo_minutes > 0:
        if not config.resume:
            policy.policy_head.sharpen(config.ppo_temperature)
        policy = _reinforce(config, policy, record)
    record["seconds"] = round(time.monotonic() - began, 1)
    save_checkpoint(config.out / "shipped.safetensors", policy, record)
    (config.out / "shipped.json").write_text(json.dumps(record, indent=1) + "\n")


def _imitate(config: Pretrain, record: dict[str, Any]) -> Policy:
    began = time.monotonic()
    with processes(config.threads) as pool:
        lessons = draw_lessons([config.seed], config.designs, config.moves, pool, config.seed)
    made = time.monotonic()
    policy = Policy(PolicyConfig())
    imitation = ImitationConfig(
        samples=config.samples, minibatch=config.minibatch, seed=config.seed, device=config.device
    )
    curve = imitate(policy, lessons, imitation, lambda epoch, loss: print(f"epoch {epoch}: {loss:.4f}", flush=True))
    record |= {
        "designs": [lesson.task.task.design.name for lesson in lessons],
        "samples": sum(len(lesson.targets) for lesson in lessons),
        "searched_proxy_cost": float(np.mean([lesson.proxy_cost for lesson in lessons])),
        "lesson_seconds": round(made - began, 1),
        "imitation_loss": [round(loss, 4) for loss in curve],
        "imitation_seconds": round(time.monotonic() - made, 1),
    }
    return policy.cpu()


def _reinforce(config: Pretrain, policy: Policy, record: dict[str, Any]) -> Policy:
    with processes(config.threads) as pool:
        designs = list(draw_designs([config.seed, config.designs], config.ppo_designs, pool))
    settings = TrainConfig(
        seed=config.seed,
        envs=config.ppo_envs * len(designs),
        designs_each_iteration=config.ppo_designs_each_iteration,
        minutes=config.ppo_minutes,
        threads=config.threads,
        device=config.device,
        bf16=config.bf16,
        ppo=replace(PPO_AFTER_IMITATION, sample_share=config.ppo_sample_share, minibatch=config.ppo_minibatch),
    )
    train(designs, settings, config.out / "ppo", policy, config.resume)
    rows = read_curve(config.out / "ppo")
    names = ("env_steps", "seconds", "proxy_cost", "entropy", "value_loss", "explained_variance")
    record["ppo_designs"] = [design.name for design in designs]
    record["ppo_curve"] = [{name: round(row[name], 4) for name in names if name in row} for row in rows]
    return load_checkpoint(config.out / "ppo" / POLICY_FILE).policy


if __name__ == "__main__":
    main(tyro.cli(Pretrain))
