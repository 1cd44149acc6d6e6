"""Does pretraining on more designs make a better policy? Imitation on 1 to 256 synthetic designs, equally long for all.

    python scripts/scaling.py --designs DESIGN ... --out results/scaling.json [--ppo-steps 300000]

Every policy sees the same number of samples, in steps of the same size, and if asked takes the same number of steps of
PPO on the designs that it imitated; only how many designs these are differs. How policies are trained is in
`imitated.py` and `reinforced.py`, how their placements are judged in `study.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro
from imitated import LearningStudy, Variant
from reinforced import run_learning_study
from study import UNTRAINED, checkpoint_maker, mean_and_spread

SHIPPED = "shipped"
"""A policy to compare with; the trained ones are named after the number of their designs."""


@dataclass(frozen=True)
class Scaling(LearningStudy):
    """What to train on, for how long, and what to judge by."""

    out: Path = Path("results/scaling.json")
    """JSON record to write; a picture of the same name goes beside it."""
    counts: tuple[int, ...] = (1, 4, 16, 64, 256)
    """Synthetic designs to learn from. Each seed draws its own ones from those of the largest count."""
    runs: Path = Path("runs/scaling")
    """Folder of the trained policies."""


def draw(path: Path, record: dict[str, Any]) -> None:
    """Over the number of designs: relative cost, the shipped policy's dashed; of imitation also loss on unseen ones."""
    from matplotlib.figure import Figure

    summary = record["summary"]
    imitation = not record["settings"]["ppo_steps"]
    figure = Figure(figsize=(11 if imitation else 7.5, 4.5), dpi=110, layout="constrained")
    cost_axes, *loss_axes = figure.subplots(1, 1 + imitation, squeeze=False)[0]
    counts = [name for name in summary if name.isdigit()]
    for kind, colour in (("real", "#b3261e"), ("synthetic", "#3b6ea5")):
        if kind not in summary[UNTRAINED]:
            continue
        number = len(summary[UNTRAINED][kind]["proxy_costs"])
        costs = [summary[name][kind]["relative"] for name in counts]
        drawn = [(cost_axes, costs)]
        for axes in loss_axes:
            drawn.append((axes, [mean_and_spread(losses_of(record["runs"], name, kind)) for name in counts]))
        for axes, points in drawn:
            means, spreads = ([point[part] for point in points] for part in ("mean", "std"))
            label = f"{number} {kind} designs"
            axes.errorbar(list(map(int, counts)), means, spreads, color=colour, marker="o", capsize=3, label=label)
        if SHIPPED in summary:
            of_shipped = summary[SHIPPED][kind]["relative"]["mean"]
            cost_axes.axhline(of_shipped, color=colour, ls="--", lw=1, label=f"{kind}, shipped")
    cost_axes.axhline(1.0, color="#777777", lw=1, label="untrained")
    for axes in (cost_axes, *loss_axes):
        axes.set_xscale("log", base=2)
        axes.set_xticks(list(map(int, counts)), counts)
        axes.set_xlabel("synthetic designs in pretraining (equally many samples seen)")
    cost_axes.set_ylabel("zero-shot cost over the untrained policy's")
    for axes in loss_axes:
        axes.set_ylabel("cross-entropy, designs never seen")
    figure.legend(*cost_axes.get_legend_handles_labels(), frameon=False, loc="outside right upper")
    figure.savefig(path)


def losses_of(runs: list[dict[str, Any]], policy: str, kind: str) -> list[float]:
    """A policy's losses on unseen designs, one a seed."""
    return [run["unseen_loss"][kind] for run in runs if run["policy"] == policy]


def main(config: Scaling) -> None:
    """Trains what is missing; goes on with the record, or begins it; draws the picture."""
    variants = [Variant(str(count), count) for count in config.counts]
    record = run_learning_study(variants, config, {SHIPPED: checkpoint_maker(SHIPPED)})
    if record:
        draw(config.out.with_suffix(".png"), record)


if __name__ == "__main__":
    main(tyro.cli(Scaling))
