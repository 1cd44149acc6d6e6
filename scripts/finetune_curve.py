"""Fine-tunes the shipped policy on designs it never saw and compares placing before and after.

    python scripts/finetune_curve.py --designs DESIGN ... --out results/finetune.json

For every design and seed: the mean proxy cost of sampled episodes over environment steps, and what `place --seconds 0`
reaches with the shipped policy and with the fine-tuned one, alone and with the placement that the run kept. What was
interrupted goes on where it stood, if the folder of the runs is still there.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from record import begin_or_resume, short_name

import netlists
from netlists.files import write_bytes
from placer import place
from placer.checkpoint import load_checkpoint
from placer.config import FINETUNE, TrainConfig
from placer.ppo import read_curve, train
from placer.weights import SHIPPED

COLUMNS = ("iteration", "env_steps", "seconds", "episodes", "proxy_cost", "wirelength_cost", "density_cost")
COLUMNS += ("congestion_cost", "entropy", "value_loss", "approx_kl")


@dataclass(frozen=True)
class Finetuning:
    """What to fine-tune on, for how long, and where the record goes."""

    designs: tuple[Path, ...]
    """Netlist files or design folders."""
    out: Path = Path("results/finetune.json")
    """JSON record to write."""
    runs: Path = Path("runs/finetune")
    """Folder of the runs."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Of training and placing."""
    iterations: int = 20
    """Of 16 whole episodes or more each."""
    threads: int = 2
    """Threads of torch and of the environments."""
    bf16: bool = False
    """Convolutions in bfloat16 while learning."""


def compare(path: Path, seed: int, config: Finetuning) -> dict[str, Any]:
    """One design, one seed: zero-shot, fine-tuning, placing with the result."""
    design = netlists.read(path)
    folder = config.runs / f"{path.parent.name}_{path.name}_{seed}"
    began = time.monotonic()
    before = place(design, seconds=0, seed=seed, policy="shipped", threads=config.threads)
    settings = TrainConfig(
        seed=seed,
        minutes=1e6,
        iterations=config.iterations,
        threads=config.threads,
        bf16=config.bf16,
        polish=True,
        ppo=FINETUNE,
    )
    train([design], settings, folder, load_checkpoint(SHIPPED).policy, resume=True, known=before.placement)
    curve = read_curve(folder)
    if len(curve) < config.iterations:
        sys.exit(f"{folder} was interrupted; run the same command again to go on")
    after = place(design, seconds=0, seed=seed, policy=folder, threads=config.threads)
    return {
        "design": short_name(path),
        "seed": seed,
        "sampled_first": curve[0]["proxy_cost"],
        "sampled_last_three": float(np.mean([row["proxy_cost"] for row in curve[-3:]])),
        "place_shipped": asdict(before.costs),
        "place_tuned": asdict(after.costs),
        "tuned_starts": after.details["starts"],
        "seconds": round(time.monotonic() - began, 1),
        "settings": asdict(settings),
        "curve": [{name: row[name] for name in COLUMNS if name in row} for row in curve],
    }


def main(config: Finetuning) -> None:
    """Runs what the record lacks, writes it after each run."""
    record = begin_or_resume(config, {"runs": []})
    known = {(run["design"], run["seed"]) for run in record["runs"]}
    for path, seed in product(config.designs, config.seeds):
        if (short_name(path), seed) in known:
            continue
        run = compare(path, seed, config)
        record["runs"].append(run)
        write_bytes(config.out, (json.dumps(record, indent=1) + "\n").encode())
        print(json.dumps({k: v for k, v in run.items() if k not in ("curve", "settings")}), flush=True)


if __name__ == "__main__":
    main(tyro.cli(Finetuning))
