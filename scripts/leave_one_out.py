"""Do other real designs help with one that is left out? The checkpoint, tuned on all families but one, places that one.

    python scripts/leave_one_out.py --designs DESIGN ... --out results/leave_one_out.json

A family is what design folders call it before their numbers: ariane133 and ariane136 are one. For each family PPO goes
on from the checkpoint with the designs of all other ones; then both place the designs of the family zero-shot: the best
of the rollouts of one batch, soft macros annealed. Nothing is bounded by the clock. A study that was interrupted, or is
asked for further seeds of training, goes on where it stood.
"""

from __future__ import annotations

import json
from concurrent.futures import as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro
from lessons import draw_designs, processes
from record import begin_or_resume, short_name
from study import LESSONS, judge, mean_and_spread

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
    iterations: int = 20
    """Of PPO for each family."""
    envs: int = 64
    """Environments, dealt to the designs in turn."""
    train_seeds: tuple[int, ...] = (0, 1, 2)
    """Of the training."""
    seeds: tuple[int, ...] = tuple(range(10))
    """Of the rollouts that judge: what a single one costs varies by as much as tuning can be worth."""
    jobs: int = 1
    """Policies trained and judged at the same time, each on `threads` threads."""
    threads: int = 2
    """Threads of torch and of the environments."""
    bf16: bool = False
    """See `TrainConfig.bf16`."""
    synthetic: int = 14
    """Synthetic designs, other ones with each seed, that are tuned on beside the real ones: without them PPO unlearns a
    part of what it knew of all designs."""
    sample_share: float = 0.25
    """See `PPOConfig.sample_share`."""
    learning_rate: float = 2e-4
    """Less than fine-tuning on a single design takes: what is to be kept is what holds for designs not seen."""


def family_of(path: Path) -> str:
    """The name of a design folder without the numbers at its end."""
    return path.name.rstrip("0123456789")


Costs = dict[str, list[float]]
"""By design: proxy costs, one a seed of the rollouts."""


def tuned(family: str, seed: int, designs: dict[Path, Design], config: LeaveOneOut) -> Policy:
    """The policy after PPO on the designs of all other families, and on synthetic ones."""
    others = [design for path, design in designs.items() if family_of(path) != family]
    others += draw_designs([LESSONS, seed], config.synthetic)
    settings = TrainConfig(
        seed=seed,
        envs=config.envs,
        minutes=24 * 60,
        iterations=config.iterations,
        threads=config.threads,
        bf16=config.bf16,
        ppo=replace(FINETUNE, learning_rate=config.learning_rate, sample_share=config.sample_share),
    )
    start, folder = load_checkpoint(policy_path(config.policy)).policy, config.runs / f"{family}_{seed}"
    return train(others, settings, folder, start, resume=True, observer=TrainReport(quiet=False))


def judged(policy: Policy, family: str, designs: dict[Path, Design], config: LeaveOneOut) -> Costs:
    """What the policy makes of the designs of the family."""
    policy.eval()
    return {
        short_name(path): [round(judge(policy, design, seed, config.threads), 5) for seed in config.seeds]
        for path, design in designs.items()
        if family_of(path) == family
    }


def tune_and_judge(family: str, seed: int | None, config: LeaveOneOut) -> Costs:
    """Costs of the family's designs by the policy tuned on all others; without a seed, by the one it begins with."""
    torch.set_num_threads(config.threads)
    designs = {path: netlists.read(path) for path in config.designs}
    if seed is None:
        return judged(load_checkpoint(policy_path(config.policy)).policy, family, designs, config)
    return judged(tuned(family, seed, designs, config), family, designs, config)


def summarise(runs: list[dict[str, Any]]) -> dict[str, dict[str, dict[str, float]]]:
    """By family: mean cost of its designs before the tuning and after it, the spread that over seeds of training."""
    means: dict[str, dict[str, list[float]]] = {}
    for run in runs:
        of_family = means.setdefault(run["family"], {"before": [], "after": []})
        of_family["before" if run["seed"] is None else "after"].append(float(np.mean(list(run["costs"].values()))))
    return {
        family: {when: mean_and_spread(values) for when, values in of_family.items() if values}
        for family, of_family in means.items()
    }


def main(config: LeaveOneOut) -> None:
    """Tunes and judges what the record does not hold yet; it is written after each policy."""
    record = begin_or_resume(config, {"runs": [], "summary": {}}, may_differ=("train_seeds", "jobs"))
    known = {(run["family"], run["seed"]) for run in record["runs"]}
    wanted = [
        (family, seed)
        for seed in (None, *config.train_seeds)
        for family in dict.fromkeys(map(family_of, config.designs))
    ]
    with processes(config.jobs) as pool:
        futures = {pool.submit(tune_and_judge, *run, config): run for run in wanted if run not in known}
        for future in as_completed(futures):
            family, seed = futures[future]
            record["runs"].append({"family": family, "seed": seed, "costs": future.result()})
            record["summary"] = summarise(record["runs"])
            write_bytes(config.out, (json.dumps(record, indent=1) + "\n").encode())
            print(family, seed, record["summary"][family], flush=True)


if __name__ == "__main__":
    main(tyro.cli(LeaveOneOut))
