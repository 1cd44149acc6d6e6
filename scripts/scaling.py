"""Does pretraining on more designs make a better policy? Imitation on 1 to 256 synthetic designs, equally long for all.

    python scripts/scaling.py --designs DESIGN ... --out results/scaling.json

Every policy sees the same number of samples, in steps of the same size; only the number of designs that they come from
differs. How they are judged is in `study.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from study import UNTRAINED, Maker, Study, make_lessons, new_policy, run_study

from placer.checkpoint import load_checkpoint
from placer.imitation import ImitationConfig, Lesson, imitate
from placer.policy import Policy
from placer.weights import policy_path

SHIPPED = "shipped"
"""A policy to compare with; the trained ones are named after the number of their designs."""


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


def trained(lessons: Sequence[Lesson], count: int, seed: int, config: Scaling) -> tuple[Policy, dict[str, Any]]:
    """A new policy that has seen `config.samples` samples of `count` lessons, and how it went."""
    settings = ImitationConfig(
        samples=config.samples, minibatch=config.minibatch, designs_at_once=config.designs_at_once, seed=seed
    )
    chosen = [lessons[i] for i in np.random.default_rng(seed).permutation(len(lessons))[:count]]
    # Steps are cut from groups of designs: a few designs are repeated, so that groups and steps are of the usual size.
    repeated = chosen * max(1, config.designs_at_once // count)
    policy = new_policy(seed)
    curve = imitate(policy, repeated, settings)
    return policy, {
        "distinct_samples": sum(len(lesson.targets) for lesson in chosen),
        "first_loss": round(curve[0], 4),
        "final_loss": round(float(np.mean(curve[-max(1, len(curve) // 10) :])), 4),
    }


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
    """Goes on with the record, or begins it; draws the picture."""
    lessons = make_lessons(max(config.counts), config.moves, config.threads)
    makers: dict[str, Maker] = {
        SHIPPED: lambda seed: (load_checkpoint(policy_path(SHIPPED)).policy, {}),  # noqa: ARG005
    }
    for count in config.counts:
        makers[str(count)] = lambda seed, count=count: trained(lessons, count, seed, config)
    draw(config.out.with_suffix(".png"), run_study(config, makers))


if __name__ == "__main__":
    main(tyro.cli(Scaling))
