"""Does pretraining on more designs make a better policy? Imitation on 1 to 256 synthetic designs, equally long for all.

    python scripts/scaling.py --designs DESIGN ... --out results/scaling.json

Every policy sees the same number of samples, in steps of the same size; only the number of designs that they come from
differs. It is judged by what it makes, zero-shot, of synthetic designs it never saw and of the given ones: the best of
the rollouts of one batch, soft macros annealed. Nothing is bounded by the clock. Costs are divided by those of the
untrained policy. A run that was interrupted goes on where it stood: policies that the record holds are not made again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro
from pretrain import small_design
from record import begin_or_resume, short_name

import netlists
from env.cost import CostModel
from env.start import analytic_start, legalize
from netlists import Design, NetlistError
from netlists.files import write_bytes
from placer.checkpoint import load_checkpoint, weights_of
from placer.config import PolicyConfig
from placer.imitation import ImitationConfig, Lesson, imitate, make_lesson
from placer.pipeline import PlaceConfig, soften
from placer.policy import Policy
from placer.weights import policy_path
from placer.zero_shot import zero_shot

LESSONS, HELD_OUT = 0, 1
"""Streams of synthetic designs: those to learn from and those to judge by."""

UNTRAINED, SHIPPED = "untrained", "shipped"
"""Policies to compare with; the others are named after the number of their designs."""

Designs = dict[str, dict[str, Design]]
"""By kind, real or synthetic, and name."""


@dataclass(frozen=True)
class Scaling:
    """What to train on, for how long, and what to judge by."""

    designs: tuple[Path, ...] = ()
    """Netlist files or design folders; given positions of movable macros are ignored."""
    out: Path = Path("results/scaling.json")
    """JSON record to write; a picture of the same name goes beside it."""
    counts: tuple[int, ...] = (1, 4, 16, 64, 256)
    """Synthetic designs to learn from. Each seed draws its own ones from those of the largest count."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Of weights, the choice of designs, the order of samples and the rollouts."""
    samples: int = 25_000
    """That each policy sees."""
    minibatch: int = 32
    """Samples in one gradient step: few, as many steps teach more than large ones where samples are few."""
    designs_at_once: int = 4
    """Designs that the samples of a step come from."""
    moves: int = 200_000
    """Of the search that makes the targets of a design."""
    held_out: int = 10
    """Synthetic designs to judge by."""
    threads: int = 1
    """Threads of torch and of the environments."""


def make_lessons(config: Scaling) -> list[Lesson]:
    """Searched placements of as many small designs as the largest count says."""
    lessons: list[Lesson] = []
    index = 0
    while len(lessons) < max(config.counts):
        design = small_design(index, np.random.default_rng([LESSONS, index]))
        try:
            lessons.append(make_lesson(design, 0.0, index, moves=config.moves))
        except NetlistError as error:
            print(f"skipped {design.name}: {error}", flush=True)
        index += 1
    return lessons


def designs_to_judge_by(config: Scaling) -> Designs:
    """The given designs, and synthetic ones of all families in turn that are in no lesson."""
    drawn = [small_design(index, np.random.default_rng([HELD_OUT, index])) for index in range(config.held_out)]
    synthetic = {f"{index}_{design.name}": design for index, design in enumerate(drawn)}
    return {"real": {short_name(path): netlists.read(path) for path in config.designs}, "synthetic": synthetic}


def trained(lessons: Sequence[Lesson], count: int, seed: int, config: Scaling) -> tuple[Policy, dict[str, Any]]:
    """A new policy that has seen `config.samples` samples of `count` lessons, and how it went."""
    settings = ImitationConfig(
        samples=config.samples, minibatch=config.minibatch, designs_at_once=config.designs_at_once, seed=seed
    )
    chosen = [lessons[i] for i in np.random.default_rng(seed).permutation(len(lessons))[:count]]
    # Steps are cut from groups of designs: a few designs are repeated, so that groups and steps are of the usual size.
    repeated = chosen * max(1, config.designs_at_once // count)
    torch.manual_seed(seed)
    policy = Policy(PolicyConfig())
    began = time.monotonic()
    curve = imitate(policy, repeated, settings)
    return policy, {
        "distinct_samples": sum(len(lesson.targets) for lesson in chosen),
        "first_loss": round(curve[0], 4),
        "final_loss": round(float(np.mean(curve[-max(1, len(curve) // 10) :])), 4),
        "training_seconds": round(time.monotonic() - began, 1),
    }


def judge(policy: Policy, design: Design, seed: int, threads: int) -> float:
    """Proxy cost of the best rollout; of the analytic placement if none found room for every macro."""
    model = CostModel(design.netlist, design.canvas)
    rolled = zero_shot(design, weights_of(policy), PlaceConfig(seed=seed, threads=threads), 0.0)
    starts = rolled or [legalize(design, analytic_start(design, model.core), model.core)]
    return min(soften(design, start, model, seed).costs.proxy_cost for start in starts)


def study(config: Scaling, known: set[tuple[str, int]]) -> Iterator[dict[str, Any]]:
    """Trains and judges every policy that is not known yet, all of one seed before the next."""
    designs, lessons = designs_to_judge_by(config), make_lessons(config)
    makers: dict[str, Callable[[int], tuple[Policy, dict[str, Any]]]] = {
        UNTRAINED: lambda seed: (Policy(PolicyConfig()), {}),  # noqa: ARG005
        SHIPPED: lambda seed: (load_checkpoint(policy_path(SHIPPED)).policy, {}),  # noqa: ARG005
    }
    for count in config.counts:
        makers[str(count)] = lambda seed, count=count: trained(lessons, count, seed, config)
    for seed in config.seeds:
        for name, make in makers.items():
            if (name, seed) in known:
                continue
            policy, details = make(seed)
            began = time.monotonic()
            costs = {
                kind: {design: judge(policy, of_kind[design], seed, config.threads) for design in of_kind}
                for kind, of_kind in designs.items()
            }
            seconds = round(time.monotonic() - began, 1)
            yield {"policy": name, "seed": seed, **details, "judging_seconds": seconds, "costs": costs}


def summarise(runs: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """By policy: mean and spread over seeds, of costs and of the mean ratio to the untrained policy's."""
    found: dict[str, dict[str, Any]] = {}
    for name in dict.fromkeys(run["policy"] for run in runs):
        of_policy = [run["costs"] for run in runs if run["policy"] == name]
        found[name] = {"seeds": len(of_policy)}
        for kind in of_policy[0]:
            costs = {design: [run[kind][design] for run in of_policy] for design in of_policy[0][kind]}
            if not costs:
                continue
            base = found[UNTRAINED][kind]["proxy_costs"] if name != UNTRAINED else {}
            found[name][kind] = {"proxy_costs": {design: _mean_and_spread(values) for design, values in costs.items()}}
            against = base or found[name][kind]["proxy_costs"]
            ratios = [np.array(values) / against[design]["mean"] for design, values in costs.items()]
            found[name][kind]["relative"] = _mean_and_spread(np.mean(ratios, axis=0))
    return found


def _mean_and_spread(values: Sequence[float] | np.ndarray) -> dict[str, float]:
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    return {"mean": round(float(np.mean(values)), 5), "std": round(spread, 5)}


def draw(path: Path, record: dict[str, Any]) -> None:
    """Relative cost over the number of designs; what the shipped policy reaches as dashed lines."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), dpi=110, layout="constrained")
    axes = figure.add_subplot()
    summary = record["summary"]
    counts = [name for name in summary if name.isdigit()]
    for kind, colour in (("real", "#b3261e"), ("synthetic", "#3b6ea5")):
        if kind not in summary[UNTRAINED]:
            continue
        points = [summary[name][kind]["relative"] for name in counts]
        means, spreads = [point["mean"] for point in points], [point["std"] for point in points]
        number = len(summary[UNTRAINED][kind]["proxy_costs"])
        label = f"{number} {kind} designs"
        axes.errorbar([int(name) for name in counts], means, spreads, color=colour, marker="o", capsize=3, label=label)
        if SHIPPED in summary:
            axes.axhline(
                summary[SHIPPED][kind]["relative"]["mean"], color=colour, ls="--", lw=1, label=f"{kind}, shipped"
            )
    axes.axhline(1.0, color="#777777", lw=1, label="untrained")
    axes.set_xscale("log", base=2)
    axes.set_xticks([int(name) for name in counts], counts)
    axes.set_xlabel("synthetic designs in pretraining (equally many samples seen)")
    axes.set_ylabel("zero-shot cost over the untrained policy's")
    figure.legend(frameon=False, loc="outside right upper")
    figure.savefig(path)


def main(config: Scaling) -> None:
    """Goes on with the record, or begins it, and writes it after every policy; draws the picture."""
    torch.set_num_threads(config.threads)
    record = begin_or_resume(config, {"runs": [], "summary": {}})
    for run in study(config, {(run["policy"], run["seed"]) for run in record["runs"]}):
        record["runs"].append(run)
        record["summary"] = summarise(record["runs"])
        write_bytes(config.out, (json.dumps(record, indent=1) + "\n").encode())
        means = {kind: round(float(np.mean(list(costs.values()))), 4) for kind, costs in run["costs"].items() if costs}
        print(means, {name: value for name, value in run.items() if name != "costs"}, flush=True)
    draw(config.out.with_suffix(".png"), record)


if __name__ == "__main__":
    main(tyro.cli(Scaling))
