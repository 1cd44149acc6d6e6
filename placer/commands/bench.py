"""`placer bench`: designs x methods x budgets x seeds, each run as a command of its own, so that start-up counts."""

from __future__ import annotations

import hashlib
import itertools
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from netlists import NetlistError
from netlists.files import make_folder
from placer import report
from placer.versions import commit, provenance

TERMS = ("proxy_cost", "wirelength_cost", "density_cost", "congestion_cost")

EVIDENCE = ("start", "stages", "moves")
"""What a run tells of itself, where it does: what its search began at, what its time went to, how far it came in that
time. Runs alike differ in their moves when the machine is busy."""


@dataclass(frozen=True)
class Bench:
    """Compare methods on designs; resumable, one JSON record of all runs and a table."""

    designs: list[Path]
    """Netlist files or design folders."""
    out: Path
    """Folder of the record (bench.json) and of the placements."""
    methods: list[str]
    """random, greedy, annealing, descent; none, shipped or a checkpoint: search with that policy."""
    seconds: tuple[float, ...] = (10.0, 60.0)
    """Budgets."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Seeds."""
    threads: int = 2
    """Search threads."""
    placement: str | None = None
    """Name of a .plc in each design's folder to start from, where there is one; else initial.plc."""
    from_scratch: bool = False
    """Ignore the positions of movable macros in the given placement."""

    def run(self) -> int:
        if not (self.designs and self.methods and self.seconds and self.seeds):
            raise NetlistError("expected at least one design, method, budget and seed")
        make_folder(self.out)
        record = self.out / "bench.json"
        runs = _read_runs(record) if record.exists() else []
        done = {_key(run) for run in runs}
        todo = list(itertools.product(self.designs, self.seconds, self.seeds, self.methods))
        asked = set()
        for count, (design, seconds, seed, method) in enumerate(todo, 1):
            case = {"design": str(design), "method": method, "seconds": seconds, "seed": seed}
            case |= {"placement": self.placement, "from_scratch": self.from_scratch, "threads": self.threads}
            asked.add(_key(case))
            if _key(case) in done:
                continue
            runs.append(case | self._place(case, design) | {"commit": commit()})
            report.write_json(record, {**provenance(), "runs": runs})
            reached = f"{runs[-1]['proxy_cost']:.4f}"
            print(f"{count}/{len(todo)} {design} {method} {seconds:g} s seed {seed}: {reached}", flush=True)
        _print_tables([run for run in runs if _key(run) in asked], self.methods)
        print(f"  {record}")
        return 0

    def _place(self, case: dict[str, Any], design: Path) -> dict[str, Any]:
        from placer.baselines import METHODS

        method, seconds, seed = case["method"], case["seconds"], case["seed"]
        folder = self.out / f"{_name(design)}_{Path(method).name}_{seconds:g}s_{seed}_{_digest(_key(case))}"
        how = ["--method", method] if method in METHODS else ["--policy", method]
        command = [sys.executable, "-m", "placer.cli", "place", str(design), *how, "--json"]
        command += ["--seconds", str(seconds), "--seed", str(seed), "--threads", str(self.threads)]
        command += ["--out", str(folder)]
        if self.placement and (design / self.placement).exists():
            command += ["--placement", str(design / self.placement)]
        if self.from_scratch:
            command.append("--from-scratch")
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise NetlistError(f"{' '.join(command[3:])} failed: {done.stderr.strip() or done.returncode}")
        result = json.loads(done.stdout)
        costs = {name: result["costs"][name] for name in TERMS}
        evidence = {name: result[name] for name in EVIDENCE if name in result}
        return costs | {"legal": result["legal"], "wall_seconds": result["seconds"]} | evidence


def _read_runs(record: Path) -> list[dict[str, Any]]:
    """The runs that a record holds.

    Raises:
        NetlistError: it is not a record of this command.
    """
    try:
        return [dict(run) for run in json.loads(record.read_text())["runs"]]
    except (ValueError, TypeError, KeyError) as error:
        raise NetlistError("is not a record of placer bench; move it away, or name another --out", record) from error


def _name(design: Path) -> str:
    return "_".join(design.resolve().parts[-2:])


def _digest(key: tuple) -> str:
    """Tells folders of runs apart that their designs, methods, budgets and seeds do not."""
    return hashlib.sha256(repr(key).encode()).hexdigest()[:6]


def _key(run: dict[str, Any]) -> tuple:
    return tuple(
        run.get(name) for name in ("design", "method", "seconds", "seed", "placement", "from_scratch", "threads")
    )


def _print_tables(runs: list[dict[str, Any]], methods: list[str]) -> None:
    """A table a budget: mean proxy cost +- sample standard deviation over seeds, and pairs with the first method.

    A pair is two runs of a design and a seed. Of their relative differences the mean is shown +- its standard error.
    """
    for seconds in sorted({run["seconds"] for run in runs}):
        at = [run for run in runs if run["seconds"] == seconds]
        rows = []
        for design in dict.fromkeys(run["design"] for run in at):
            own = [run for run in at if run["design"] == design]
            costs = [[run["proxy_cost"] for run in own if run["method"] == method] for method in methods]
            rows.append([_name(Path(design)), *map(_mean_and_spread, costs)])
        if len(methods) > 1:
            pairs = [_relative_differences(at, methods[0], method) for method in methods[1:]]
            rows.append([f"difference from {methods[0]}", "", *map(_mean_and_error, pairs)])
            rows.append([f"pairs won against {methods[0]}", "", *map(_wins, pairs)])
        report.print_table(f"proxy cost, {seconds:g} s", ["design", *methods], rows)


def _mean_and_spread(costs: list[float]) -> str:
    if not costs:
        return ""
    return f"{np.mean(costs):.4f}" + (f" +- {np.std(costs, ddof=1):.4f}" if len(costs) > 1 else "")


def _relative_differences(runs: list[dict[str, Any]], reference: str, method: str) -> list[float]:
    """Of the costs of a method from those of the reference with the same design and seed."""
    cost = {(run["design"], run["seed"], run["method"]): run["proxy_cost"] for run in runs}
    pairs = [(design, seed) for design, seed, which in cost if which == method and (design, seed, reference) in cost]
    return [cost[*pair, method] / cost[*pair, reference] - 1 for pair in pairs]


def _mean_and_error(differences: list[float]) -> str:
    if not differences:
        return ""
    mean = f"{np.mean(differences):+.2%}"
    if len(differences) == 1:
        return mean
    return f"{mean} +- {np.std(differences, ddof=1) / np.sqrt(len(differences)):.2%}"


def _wins(differences: list[float]) -> str:
    return f"{sum(difference < 0 for difference in differences)} of {len(differences)}"
