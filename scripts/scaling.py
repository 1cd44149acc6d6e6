"""Does pretraining on more designs make a better policy? Imitation on 1 to 256 synthetic designs, equally long for all.

    python scripts/scaling.py --designs DESIGN ... --out results/scaling.json

Every policy sees the same number of samples, in steps of the same size; only the number of designs that they come from
differs. How their placements are judged is in `study.py`. Besides, it is asked how well they foresee where search puts
the macros of designs that they never saw: cross-entropy is less noisy than what a few placements cost.

Trained policies are kept in `--runs`, and none that is there is trained again: they can be trained on another machine
(`--no-judge --device cuda --jobs 15`) than where they are judged.
"""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro
from lessons import make_lessons
from record import device_name
from study import (
    UNTRAINED,
    Designs,
    Maker,
    Study,
    designs_to_judge_by,
    lesson_designs,
    mean_and_spread,
    new_policy,
    run_study,
)

from netlists.files import make_folder
from placer.checkpoint import load_checkpoint, save_checkpoint
from placer.imitation import ImitationConfig, Lesson, cross_entropy, imitate, make_lesson
from placer.policy import Policy
from placer.weights import policy_path

SHIPPED = "shipped"
"""A policy to compare with; the trained ones are named after the number of their designs."""

SETTINGS = ("samples", "minibatch", "designs_at_once", "moves")
"""That a trained policy remembers: those of the study that judges it must be the same."""


@dataclass(frozen=True)
class Scaling(Study):
    """What to train on, for how long, and what to judge by."""

    out: Path = Path("results/scaling.json")
    """JSON record to write; a picture of the same name goes beside it."""
    counts: tuple[int, ...] = (1, 4, 16, 64, 256)
    """Synthetic designs to learn from. Each seed draws its own ones from those of the largest count."""
    samples: int = 250_000
    """That each policy sees: some 16 times each of those of 256 designs."""
    minibatch: int = 64
    """Samples in one gradient step."""
    designs_at_once: int = 8
    """Designs that the samples of a step come from."""
    moves: int = 500_000
    """Of the search that makes the targets of a design."""
    runs: Path = Path("runs/scaling")
    """Folder of the trained policies."""
    jobs: int = 1
    """Policies trained at the same time, each on `threads` threads."""
    device: str = "cpu"
    """Torch device to train on: cpu, cuda ..."""
    judge: bool = True
    """Judge the policies, and write the record; if not, they are only trained."""


Unseen = dict[str, list[Lesson]]
"""By kind, real or synthetic: lessons that no policy learns from."""


def unseen_lessons(designs: Designs, config: Scaling) -> Unseen:
    """Searched placements of the designs that policies are judged by."""
    return {
        kind: [make_lesson(design, config.moves, seed=0) for design in of_kind.values()]
        for kind, of_kind in designs.items()
        if of_kind
    }


def checkpoint_of(config: Scaling, count: int, seed: int) -> Path:
    """Where the policy trained on so many designs is kept."""
    return config.runs / f"{count}_{seed}.safetensors"


def train_missing(config: Scaling) -> None:
    """Trains the policies that are not there yet, several at a time, each in a process of its own."""
    make_folder(config.runs)
    wanted = [(count, seed) for seed in config.seeds for count in config.counts]
    todo = [key for key in wanted if not checkpoint_of(config, *key).exists()]
    if not todo:
        return
    lessons = make_lessons(lesson_designs(max(config.counts)), config.moves, config.jobs * config.threads)
    with ProcessPoolExecutor(config.jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        drawn = {(count, seed): np.random.default_rng(seed).permutation(len(lessons))[:count] for count, seed in todo}
        chosen = {key: [lessons[i] for i in index] for key, index in drawn.items()}
        for future in as_completed([pool.submit(train_one, chosen[key], config, *key) for key in todo]):
            print(*future.result(), flush=True)


def train_one(lessons: Sequence[Lesson], config: Scaling, count: int, seed: int) -> tuple[int, int, dict[str, Any]]:
    """Writes a new policy that has seen `config.samples` samples of the lessons; returns how it went."""
    torch.set_num_threads(config.threads)
    # Steps are cut from groups of designs: a few designs are repeated, so that groups and steps are of the usual size.
    repeated = list(lessons) * max(1, config.designs_at_once // count)
    policy, began = new_policy(seed), time.monotonic()
    curve = imitate(policy, repeated, imitation_config(config, seed))
    details = {
        "distinct_samples": sum(len(lesson.targets) for lesson in lessons),
        "first_loss": round(curve[0], 4),
        "final_loss": round(float(np.mean(curve[-max(1, len(curve) // 10) :])), 4),
        "device": device_name(config.device),
        "training_seconds": round(time.monotonic() - began, 1),
    }
    settings = {name: getattr(config, name) for name in SETTINGS}
    save_checkpoint(checkpoint_of(config, count, seed), policy, {**settings, **details})
    return count, seed, details


def imitation_config(config: Scaling, seed: int) -> ImitationConfig:
    """Samples, not epochs, and steps of one size."""
    return ImitationConfig(
        samples=config.samples,
        minibatch=config.minibatch,
        designs_at_once=config.designs_at_once,
        seed=seed,
        device=config.device,
    )


def trained(unseen: Unseen, config: Scaling, count: int, seed: int) -> tuple[Policy, dict[str, Any]]:
    """The policy trained on so many designs, and how it went.

    Exits with a message if it was trained with other settings.
    """
    path = checkpoint_of(config, count, seed)
    checkpoint = load_checkpoint(path)
    details = {name: value for name, value in checkpoint.record.items() if name != "versions"}
    for name in SETTINGS:
        if details.pop(name) != getattr(config, name):
            sys.exit(f"{path} was trained with other {name}; move it away or name another --runs")
    settings = imitation_config(config, seed)
    unseen_loss = {kind: round(cross_entropy(checkpoint.policy, of, settings), 4) for kind, of in unseen.items()}
    return checkpoint.policy, details | {"unseen_loss": unseen_loss}


def draw(path: Path, record: dict[str, Any]) -> None:
    """Over the number of designs: relative cost, the shipped policy's dashed, and loss on unseen designs."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.5), dpi=110, layout="constrained")
    cost_axes, loss_axes = figure.subplots(1, 2)
    summary = record["summary"]
    counts = [name for name in summary if name.isdigit()]
    for kind, colour in (("real", "#b3261e"), ("synthetic", "#3b6ea5")):
        if kind not in summary[UNTRAINED]:
            continue
        number = len(summary[UNTRAINED][kind]["proxy_costs"])
        costs = [summary[name][kind]["relative"] for name in counts]
        loss = [mean_and_spread(losses_of(record["runs"], name, kind)) for name in counts]
        for axes, points in ((cost_axes, costs), (loss_axes, loss)):
            means, spreads = ([point[part] for point in points] for part in ("mean", "std"))
            label = f"{number} {kind} designs"
            axes.errorbar(list(map(int, counts)), means, spreads, color=colour, marker="o", capsize=3, label=label)
        if SHIPPED in summary:
            of_shipped = summary[SHIPPED][kind]["relative"]["mean"]
            cost_axes.axhline(of_shipped, color=colour, ls="--", lw=1, label=f"{kind}, shipped")
    cost_axes.axhline(1.0, color="#777777", lw=1, label="untrained")
    for axes in (cost_axes, loss_axes):
        axes.set_xscale("log", base=2)
        axes.set_xticks(list(map(int, counts)), counts)
        axes.set_xlabel("synthetic designs in pretraining (equally many samples seen)")
    cost_axes.set_ylabel("zero-shot cost over the untrained policy's")
    loss_axes.set_ylabel("cross-entropy, designs never seen")
    figure.legend(*cost_axes.get_legend_handles_labels(), frameon=False, loc="outside right upper")
    figure.savefig(path)


def losses_of(runs: list[dict[str, Any]], policy: str, kind: str) -> list[float]:
    """A policy's losses on unseen designs, one a seed."""
    return [run["unseen_loss"][kind] for run in runs if run["policy"] == policy]


def main(config: Scaling) -> None:
    """Trains what is missing; goes on with the record, or begins it; draws the picture."""
    train_missing(config)
    if not config.judge:
        return
    unseen = unseen_lessons(designs_to_judge_by(config), config)
    makers: dict[str, Maker] = {
        SHIPPED: lambda seed: (load_checkpoint(policy_path(SHIPPED)).policy, {}),  # noqa: ARG005
    }
    makers |= {str(count): partial(trained, unseen, config, count) for count in config.counts}
    draw(config.out.with_suffix(".png"), run_study(config, makers))


if __name__ == "__main__":
    main(tyro.cli(Scaling))
