"""Do other real designs help with one that is left out? The checkpoint, tuned on all families but one, places that one.

    python scripts/leave_one_out.py --designs DESIGN ... --out results/leave_one_out.json

A family is what design folders call it before their numbers: ariane133 and ariane136 are one. For each family PPO goes
on from the checkpoint with the designs of all other ones; then both place the designs of the family zero-shot: the best
of the rollouts of one batch, soft macros annealed. Nothing is bounded by the clock. A run that was interrupted goes on
where it stood.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro
from record import begin_or_resume, short_name
from study import judge

import netlists
from netlists import Design
from netlists.files import write_bytes
from placer.checkpoint import load_checkpoint
from placer.config import FINETUNE, TrainConfig
from placer.policy import Policy
from placer.ppo import train
from placer.report import TrainReport
from placer.weights import policy_path


@dataclass(frozen=True)
class LeaveOneOut:
    """What to tune on, and for how long."""

    designs: tuple[Path, ...]
    """Netlist files or design folders; given positions of movable macros are ignored."""
    out: Path = Path("results/leave_one_out.json")
    """JSON record to write."""
    runs: Path = Path("runs/leave_one_out")
    """Folder of the training runs."""
    policy: str = "shipped"
    """The checkpoint to go on from."""
    iterations: int = 40
    """Of PPO for each family."""
    envs: int = 12
    """Environments, dealt to the designs in turn."""
    seed: int = 0
    """Of the training."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Of the rollouts that judge."""
    threads: int = 2
    """Threads of torch and of the environments."""
    bf16: bool = False
    """See `TrainConfig.bf16`."""


def family_of(path: Path) -> str:
    """The name of a design folder without the numbers at its end."""
    return path.name.rstrip("0123456789")


def tuned(family: str, designs: dict[Path, Design], config: LeaveOneOut) -> Policy:
    """The policy after PPO on the designs of all other families."""
    others = [design for path, design in designs.items() if family_of(path) != family]
    settings = TrainConfig(
        seed=config.seed,
        envs=config.envs,
        minutes=24 * 60,
        iterations=config.iterations,
        threads=config.threads,
        bf16=config.bf16,
        ppo=FINETUNE,
    )
    start = load_checkpoint(policy_path(config.policy)).policy
    return train(others, settings, config.runs / family, start, resume=True, observer=TrainReport(quiet=False))


def compared(family: str, designs: dict[Path, Design], config: LeaveOneOut) -> dict[str, Any]:
    """Costs of the family's designs by both policies, a list over seeds each."""
    policies = {"before": load_checkpoint(policy_path(config.policy)).policy, "after": tuned(family, designs, config)}
    costs = {
        short_name(path): {
            name: [round(judge(policy.eval(), design, seed, config.threads), 5) for seed in config.seeds]
            for name, policy in policies.items()
        }
        for path, design in designs.items()
        if family_of(path) == family
    }
    means = {name: float(np.mean([of_design[name] for of_design in costs.values()])) for name in policies}
    return {"costs": costs, "means": {name: round(mean, 5) for name, mean in means.items()}}


def main(config: LeaveOneOut) -> None:
    """One family after the other; the record is written after each."""
    torch.set_num_threads(config.threads)
    designs = {path: netlists.read(path) for path in config.designs}
    record = begin_or_resume(config, {"families": {}})
    for family in dict.fromkeys(map(family_of, designs)):
        if family not in record["families"]:
            record["families"][family] = compared(family, designs, config)
            write_bytes(config.out, (json.dumps(record, indent=1) + "\n").encode())
            print(family, record["families"][family]["means"], flush=True)


if __name__ == "__main__":
    main(tyro.cli(LeaveOneOut))
