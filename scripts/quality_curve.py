"""Does quality grow with time? Search and rival methods side by side, for growing budgets, one picture.

    python scripts/quality_curve.py --designs DESIGN ... --placement legalized.plc --out results/quality_curve.json

Each method runs in a `placer bench` of its own, all at the same time, on as many threads each as `--threads` says: two
methods on one thread each need two idle cores. What was interrupted goes on where it stood.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from record import portable_provenance, short_name

from netlists.files import make_folder, write_bytes

COLOURS = ("#b3261e", "#3b6ea5", "#2e7d32", "#777777")
"""Of methods, in turn."""


@dataclass(frozen=True)
class Curve:
    """What to run, and for how long."""

    designs: tuple[Path, ...]
    """Netlist files or design folders."""
    out: Path = Path("results/quality_curve.json")
    """JSON record to write; a picture of the same name goes beside it."""
    run: Path = Path("runs/quality_curve")
    """Folder of the runs."""
    methods: tuple[str, ...] = ("none", "annealing")
    """As in `placer bench`."""
    seconds: tuple[float, ...] = (10.0, 60.0, 300.0, 1200.0)
    """Budgets."""
    seeds: tuple[int, ...] = (0,)
    """Seeds."""
    threads: int = 1
    """Of each method."""
    placement: str | None = None
    """Name of a .plc in each design's folder to start from, where there is one; else initial.plc."""


def bench(config: Curve, method: str) -> subprocess.Popen[bytes]:
    """All runs of a method, started."""
    command = [sys.executable, "-m", "placer.cli", "bench", "--methods", method, "--designs", *map(str, config.designs)]
    command += ["--seconds", *map(str, config.seconds), "--seeds", *map(str, config.seeds)]
    command += ["--threads", str(config.threads), "--out", str(config.run / method)]
    return subprocess.Popen(command + (["--placement", config.placement] if config.placement else []))


def collect(config: Curve) -> list[dict[str, Any]]:
    """The runs of all methods, designs named without the paths of a machine."""
    records = [json.loads((config.run / method / "bench.json").read_text()) for method in config.methods]
    return [run | {"design": short_name(Path(run["design"]))} for record in records for run in record["runs"]]


def draw(path: Path, runs: list[dict[str, Any]]) -> None:
    """Cost over budget, a panel a design, a line a method."""
    from matplotlib.figure import Figure

    costs: dict[tuple[str, str], dict[float, list[float]]] = defaultdict(lambda: defaultdict(list))
    for run in runs:
        costs[run["design"], run["method"]][run["seconds"]].append(run["proxy_cost"])
    designs = list(dict.fromkeys(design for design, _ in costs))
    figure = Figure(figsize=(3.2 * len(designs), 3.6), dpi=110, layout="constrained")
    panels = figure.subplots(1, len(designs), squeeze=False)[0]
    colours = dict(zip(dict.fromkeys(method for _, method in costs), COLOURS * len(costs), strict=False))
    for (design, method), by_budget in costs.items():
        axes = panels[designs.index(design)]
        budgets = sorted(by_budget)
        means = [float(np.mean(by_budget[budget])) for budget in budgets]
        axes.plot(budgets, means, color=colours[method], marker="o", label=method)
        axes.set_title(design, fontsize=10)
        axes.set_xscale("log")
        axes.set_xticks(budgets, [f"{budget:g}" for budget in budgets])
        axes.minorticks_off()
        axes.set_xlabel("seconds")
    panels[0].set_ylabel("proxy cost")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, frameon=False, loc="outside upper right", ncols=len(labels))
    figure.savefig(path)


def main(config: Curve) -> None:
    """Runs what is missing, writes record and picture."""
    make_folder(config.run)
    make_folder(config.out.parent)
    benches = [bench(config, method) for method in config.methods]
    codes = [process.wait() for process in benches]
    if any(codes):
        sys.exit("a bench failed; its message is above")
    runs = collect(config)
    write_bytes(config.out, (json.dumps({**portable_provenance(), "runs": runs}, indent=1) + "\n").encode())
    draw(config.out.with_suffix(".png"), runs)


if __name__ == "__main__":
    main(tyro.cli(Curve))
