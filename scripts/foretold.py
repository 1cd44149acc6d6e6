"""Does a short search tell from which start a long one ends lower? The rollout against what nobody learned.

    python scripts/foretold.py --designs DESIGN ... --out results/foretold.json

`placer place` searches shortly from several starts and goes on from one. Here search goes on from both the best start
that nobody learned and the policy's rollout (the best of one batch), with equally many moves, as hot as `place` begins.
Nothing is bounded by the clock. Of every pair it is told by how much the rollout was ahead in the trial and at the end.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import tyro
from record import begin_or_resume, short_name
from study import read_placed

from env.cost import CostModel
from env.search import SearchConfig, fit_temperature, search
from env.start import analytic_start, movable_macros
from netlists import Placement
from netlists.files import write_bytes
from placer.pipeline import PlaceConfig
from placer.starts import cheapest, legal_start, not_learned, search_shortly
from placer.weights import policy_path, read_weights
from placer.zero_shot import zero_shot

HANDICAPS = (0.0, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05)
"""By how much of its cost a rollout might have to be ahead in the trial."""


@dataclass(frozen=True)
class Foretold:
    """What to search, and for how long."""

    may_differ: ClassVar[tuple[str, ...]] = ("designs", "seeds")

    designs: tuple[Path, ...]
    """Netlist files or design folders; given positions of movable macros are ignored."""
    placement: str | None = None
    """Name of a .plc in each design's folder that has the canvas; else initial.plc."""
    out: Path = Path("results/foretold.json")
    """JSON record to write, or to go on with."""
    policy: str = "shipped"
    """Whose rollouts."""
    moves: int = 1_600_000
    """Of each chain: about what 10 s hold."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Of rollouts and searches."""
    threads: int = 2
    """Chains."""


def compare(path: Path, seed: int, config: Foretold) -> dict[str, Any]:
    """Trial and end of the best start that nobody learned and of the rollout; neither of a rollout if there is none."""
    design = read_placed(path, config.placement)
    model = CostModel(design.netlist, design.canvas)
    analytic = analytic_start(design, model.core)
    tried = not_learned(design, analytic, with_given=False)
    legal = {name: legal_start(design, placement, model, anew) for name, placement, anew in tried}
    unlearned = {name: start for name, start in legal.items() if start}
    weights = read_weights(policy_path(config.policy))
    rollouts = zero_shot(design, weights, PlaceConfig(seed=seed, threads=config.threads), 0.0, analytic)
    starts = {name: search_shortly(design, rough, model, seed) for name, rough in unlearned.items()}
    best = cheapest(starts)
    run: dict[str, Any] = {"design": short_name(path), "seed": seed, "best": best}
    if not rollouts:
        return run
    starts["policy"] = search_shortly(design, rollouts[0], model, seed)
    settings = SearchConfig(moves=config.moves, seed=seed, threads=config.threads)

    def end(name: str, rough: Placement) -> float:
        hot = fit_temperature(rough, model, movable_macros(design), settings)
        settings_from = replace(settings, start_temperature=hot)
        return search(design, starts[name].finished, settings_from, model).costs.proxy_cost

    trials = {name: start.costs.proxy_cost for name, start in starts.items()}
    ends = {best: end(best, unlearned[best]), "policy": end("policy", unlearned.get("analytic", rollouts[0]))}
    return run | {
        "trials": trials,
        "ends": ends,
        "ahead_in_trial": round(trials[best] / trials["policy"] - 1, 5),
        "ahead_at_end": round(ends[best] / ends["policy"] - 1, 5),
    }


def summarise(runs: Sequence[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """By how much a rollout has to be ahead in the trial: how many runs begin at it, and what that does to ends.

    `difference` is the mean over runs, relative to the ends from the best start that nobody learned, less than 0 where
    rollouts help; `error` is its standard error.
    """
    found: dict[str, dict[str, float]] = {}
    for ahead in HANDICAPS:
        chosen = [run.get("ahead_in_trial", -1.0) > ahead for run in runs]
        differences = [
            1 / (1 + run["ahead_at_end"]) - 1 if of_run else 0.0 for run, of_run in zip(runs, chosen, strict=True)
        ]
        error = float(np.std(differences, ddof=1) / np.sqrt(len(runs))) if len(runs) > 1 else 0.0
        found[f"{ahead:g}"] = {
            "begin_at_rollout": int(np.count_nonzero(chosen)),
            "difference": round(float(np.mean(differences)), 5),
            "error": round(error, 5),
        }
    return found


def main(config: Foretold) -> None:
    """Goes on with the record, or begins it."""
    record = begin_or_resume(config, {"runs": [], "summary": {}}, config.may_differ)
    known = {(run["design"], run["seed"]) for run in record["runs"]}
    for path in config.designs:
        for seed in config.seeds:
            if (short_name(path), seed) in known:
                continue
            run = compare(path, seed, config)
            record["runs"].append(run)
            record["summary"] = summarise(record["runs"])
            write_bytes(config.out, (json.dumps(record, indent=1) + "\n").encode())
            print(*(run.get(name) for name in ("design", "seed", "best", "ahead_in_trial", "ahead_at_end")), flush=True)
    print(json.dumps(record["summary"], indent=1))


if __name__ == "__main__":
    main(tyro.cli(Foretold))
