"""Does fine-tuning the shipped policy spare training from scratch? Both learn the same designs, step against step.

    python scripts/finetune_race.py --designs DESIGN ... --out results/finetune_race.json

From scratch a policy trains for half an hour; the shipped one gets a tenth of the environment steps that this took.
What is compared is the mean proxy cost of sampled episodes: after how many steps is the fine-tuned policy where the
other one ends? What was interrupted goes on where it stood, if the folder of the runs is still there. A record can be
gone on with under further seeds; each run says on which machine it was made.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from record import begin_or_resume, short_name

import netlists
from netlists.files import write_bytes
from placer.checkpoint import load_checkpoint
from placer.config import FINETUNE, PPOConfig, TrainConfig
from placer.ppo import read_curve, train
from placer.versions import provenance
from placer.weights import SHIPPED

COLUMNS = ("env_steps", "seconds", "episodes", "proxy_cost", "entropy", "approx_kl")
"""Of a curve in the record."""

SCRATCH = PPOConfig(epochs=FINETUNE.epochs, minibatch=FINETUNE.minibatch)
"""A new policy has more to learn: it learns as fast as in `placer train`, in the larger minibatches of fine-tuning."""

WINDOW = 3
"""Iterations whose episodes are averaged."""

END_SHARE = 0.1
"""Share of the iterations from scratch, the last ones, that say what they reach."""

Curve = list[dict[str, float]]
"""A row an iteration."""


@dataclass(frozen=True)
class Race:
    """What to learn, for how long, and where the record goes."""

    designs: tuple[Path, ...]
    """Netlist files or design folders."""
    out: Path = Path("results/finetune_race.json")
    """JSON record to write; a picture of the same name goes beside it."""
    runs: Path = Path("runs/finetune_race")
    """Folder of the runs."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Of weights and episodes."""
    minutes: float = 30.0
    """Of training from scratch."""
    share: float = 0.1
    """Of its environment steps that fine-tuning gets."""
    threads: int = 1
    """Threads of each run."""
    jobs: int = 1
    """Runs at the same time, as many as there are idle cores for their threads."""


def learn(path: Path, seed: int, config: Race) -> dict[str, Any]:
    """One design, one seed, in both ways."""
    made_with = provenance()
    folder = config.runs / f"{path.parent.name}_{path.name}_{seed}"
    settings = TrainConfig(seed=seed, minutes=config.minutes, threads=config.threads, ppo=SCRATCH)
    scratch = curve_of(path, settings, folder / "scratch")
    if scratch[-1]["seconds"] < 60 * config.minutes - 1:
        sys.exit(f"{folder} was interrupted; run the same command again to go on")
    iterations = max(WINDOW, round(config.share * len(scratch)))
    tuning = TrainConfig(seed=seed, minutes=1e6, iterations=iterations, threads=config.threads, ppo=FINETUNE)
    shipped = curve_of(path, tuning, folder / "shipped", from_shipped=True)
    if len(shipped) < iterations:
        sys.exit(f"{folder} was interrupted; run the same command again to go on")
    return {
        "design": short_name(path),
        "seed": seed,
        **{name: made_with[name] for name in ("commit", "machine")},
        **compare(scratch, shipped),
        "scratch": scratch,
        "shipped": shipped,
    }


def curve_of(path: Path, settings: TrainConfig, folder: Path, from_shipped: bool = False) -> Curve:
    """Trains, or goes on; returns what the record keeps of every iteration."""
    train(
        [netlists.read(path)], settings, folder, load_checkpoint(SHIPPED).policy if from_shipped else None, resume=True
    )
    rows = read_curve(folder)
    return [{name: row[name] for name in COLUMNS if name in row} for row in rows]


def compare(scratch: Curve, shipped: Curve) -> dict[str, Any]:
    """What is reached from scratch, and the environment steps that either takes; None: not reached."""
    last = costs(scratch)[-max(WINDOW, round(END_SHARE * len(scratch))) :]
    reached = float(np.mean(last))
    found: dict[str, Any] = {"reached": reached}
    for name, curve in (("scratch", scratch), ("shipped", shipped)):
        steps = (int(row["env_steps"]) for row, mean in zip(curve, windowed(curve), strict=True) if mean <= reached)
        found[f"{name}_steps"] = next(steps, None)
    return found | {"scratch_steps_in_all": int(scratch[-1]["env_steps"])}


def costs(curve: Curve) -> list[float]:
    """Mean costs of the iterations in which an episode ended with every macro placed."""
    return [row["proxy_cost"] for row in curve if "proxy_cost" in row]


def windowed(curve: Curve) -> list[float]:
    """Of every iteration: mean cost of the last few; infinite where none is known."""
    parts = (costs(curve[max(0, i + 1 - WINDOW) : i + 1]) for i in range(len(curve)))
    return [float(np.mean(part)) if part else float("inf") for part in parts]


def draw(path: Path, runs: list[dict[str, Any]]) -> None:
    """Cost over environment steps, a panel a design, a line a run."""
    from matplotlib.figure import Figure

    designs = list(dict.fromkeys(run["design"] for run in runs))
    figure = Figure(figsize=(3.2 * len(designs), 3.6), dpi=110, layout="constrained")
    panels = figure.subplots(1, len(designs), squeeze=False)[0]
    for run in runs:
        axes = panels[designs.index(run["design"])]
        for name, colour, label in (("scratch", "#777777", "from scratch"), ("shipped", "#b3261e", "fine-tuned")):
            steps = [row["env_steps"] for row in run[name]]
            axes.plot(steps, windowed(run[name]), color=colour, lw=1, label=label)
        axes.set_title(run["design"], fontsize=10)
        axes.set_xscale("log")
        axes.set_xlabel("environment steps")
    panels[0].set_ylabel("mean proxy cost of sampled episodes")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles[:2], labels[:2], frameon=False, loc="outside upper right", ncols=2)
    figure.savefig(path)


def main(config: Race) -> None:
    """Runs what the record lacks, writes it after each run, draws the picture."""
    record = begin_or_resume(config, {"runs": []}, may_differ=("seeds",))
    done = {(run["design"], run["seed"]) for run in record["runs"]}
    todo = [
        (path, seed) for seed, path in product(config.seeds, config.designs) if (short_name(path), seed) not in done
    ]
    with ProcessPoolExecutor(config.jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        for future in as_completed([pool.submit(learn, path, seed, config) for path, seed in todo]):
            run = future.result()
            record["runs"].append(run)
            write_bytes(config.out, (json.dumps(record, indent=1) + "\n").encode())
            print({name: value for name, value in run.items() if name not in ("scratch", "shipped")}, flush=True)
    draw(config.out.with_suffix(".png"), record["runs"])


if __name__ == "__main__":
    main(tyro.cli(Race))
