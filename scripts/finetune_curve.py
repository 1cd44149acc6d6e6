"""Fine-tunes the shipped policy on designs it never saw and compares placing before and after.

    python scripts/finetune_curve.py --designs DESIGN ... --out results/finetune.json

For every design and seed: the mean proxy cost of sampled episodes over environment steps, and what `place --seconds 0`
reaches with the shipped policy and with the fine-tuned one, alone and with the placement that the run kept.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tyro

import netlists
from placer import place
from placer.checkpoint import load_checkpoint
from placer.config import FINETUNE, TrainConfig
from placer.ppo import CURVE_FILE, train
from placer.versions import provenance
from placer.weights import SHIPPED

COLUMNS = ("iteration", "env_steps", "seconds", "episodes", "proxy_cost", "wirelength_cost", "density_cost")
COLUMNS += ("congestion_cost", "entropy", "value_loss", "approx_kl")


@dataclass(frozen=True)
class Finetuning:
    """What to fine-tune on, for how long, and where the record goes."""

    designs: tuple[Path, ...]
    """Netlist files or design folders."""
    out: Path = Path("results/finetune.json")
    """JSON record to write; entries that it holds already are not run again."""
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
    after = place(design, seconds=0, seed=seed, policy=folder, threads=config.threads)
    curve = [json.loads(line) for line in (folder / CURVE_FILE).read_text().splitlines()]
    return {
        "design": f"{path.parent.name}/{path.name}",
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
    record: dict[str, Any] = json.loads(config.out.read_text()) if config.out.exists() else {"runs": []}
    done = {(entry["design"], entry["seed"]) for entry in record["runs"]}
    for path in config.designs:
        for seed in config.seeds:
            if (f"{path.parent.name}/{path.name}", seed) in done:
                continue
            entry = {**provenance(), "threads": config.threads, **compare(path, seed, config)}
            record["runs"].append(entry)
            config.out.parent.mkdir(parents=True, exist_ok=True)
            config.out.write_text(json.dumps(record, indent=1) + "\n")
            print(
                json.dumps({k: v for k, v in entry.items() if k not in ("curve", "settings", "versions")}), flush=True
            )


if __name__ == "__main__":
    main(tyro.cli(Finetuning))
