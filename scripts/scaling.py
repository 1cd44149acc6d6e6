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

COLOURS = {"real": "#b3261e", "synthetic": "#3b6ea5"}
"""Of the kinds of designs that policies are judged by."""


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
    counts = [name for name in summary if name.isdigit()]
    kinds = {kind: len(of["proxy_costs"]) for kind, of in summary[UNTRAINED].items() if kind in COLOURS}
    panels = {"zero-shot cost over the untrained policy's": lambda kind, name: summary[name][kind]["relative"]}
    if not record["settings"]["ppo_steps"]:
        panels["cross-entropy, designs never seen"] = lambda kind, name: unseen_loss(record["runs"], kind, name)
    figure = Figure(figsize=(4 + 3.5 * len(panels), 4.5), dpi=110, layout="constrained")
    all_axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for axes, (title, point) in zip(all_axes, panels.items(), strict=True):
        for kind, number in kinds.items():
            means, spreads = ([point(kind, name)[part] for name in counts] for part in ("mean", "std"))
            style = {"color": COLOURS[kind], "marker": "o", "capsize": 3, "label": f"{number} {kind} designs"}
            axes.errorbar(list(map(int, counts)), means, spreads, **style)
        axes.set_xscale("log", base=2)
        axes.set_xticks(list(map(int, counts)), counts)
        axes.set_xlabel("synthetic designs in pretraining (equally many samples seen)")
        axes.set_ylabel(title)
    cost_axes = all_axes[0]
    for kind in kinds if SHIPPED in summary else ():
        of_shipped = summary[SHIPPED][kind]["relative"]["mean"]
        cost_axes.axhline(of_shipped, color=COLOURS[kind], ls="--", lw=1, label=f"{kind}, shipped")
    cost_axes.axhline(1.0, color="#777777", lw=1, label="untrained")
    figure.legend(*cost_axes.get_legend_handles_labels(), frameon=False, loc="outside right upper")
    figure.savefig(path)


def unseen_loss(runs: list[dict[str, Any]], kind: str, policy: str) -> dict[str, float]:
    """Mean and spread, over seeds, of a policy's losses on unseen designs."""
    return mean_and_spread([run["unseen_loss"][kind] for run in runs if run["policy"] == policy])


def main(config: Scaling) -> None:
    """Trains what is missing; goes on with the record, or begins it; draws the picture."""
    variants = [Variant(str(count), count) for count in config.counts]
    record = run_learning_study(variants, config, {SHIPPED: checkpoint_maker(SHIPPED)})
    if record:
        draw(config.out.with_suffix(".png"), record)


if __name__ == "__main__":
    main(tyro.cli(Scaling))
