"""How much a start can be worth: searches of equal length from starts of increasing knowledge.

    python scripts/oracle.py --designs DESIGN ... --out results/oracle.json

A long search of each design plays the oracle. What it found is handed to short searches in three portions: its hard
macros on the nearest grid cells (all that a perfect policy could say), its hard macros where they are, and everything;
in the first two soft macros are placed anew. Beside them: the starts that know nothing of it (random, analytic), the
policy's, and the given placement where there is a legal one. The cost of a start, soft macros annealed, is what it
would be worth zero-shot. Searches begin as hot as fits the start before that annealing, as `placer place` does, and, so
that less of the start is forgotten, as cold as fits it afterwards.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from record import portable_provenance, portable_settings, short_name
from study import read_placed

from env.cost import CostModel
from env.episodes import Task
from env.legality import check_legality
from env.search import SearchConfig, fit_temperature, search
from env.start import analytic_start, legalize, movable_macros, place_soft_macros
from netlists import Design, Placement
from netlists.files import write_bytes
from placer.imitation import LESSON_EPISODE, replay
from placer.pipeline import FINAL_MOVES, PlaceConfig
from placer.starts import Start, anneal_from, soft_starts
from placer.weights import policy_path, read_weights
from placer.zero_shot import zero_shot


@dataclass(frozen=True)
class Oracle:
    """What to search, and for how long."""

    designs: tuple[Path, ...]
    """Netlist files or design folders; given positions of movable macros are ignored."""
    placement: str | None = None
    """Name of a .plc in each design's folder that has the canvas; else initial.plc."""
    out: Path = Path("results/oracle.json")
    """JSON record to write."""
    policy: str = "shipped"
    """The policy to compare."""
    long_seconds: float = 60.0
    """Of the oracle's search."""
    seconds: float = 8.0
    """Of each other search; the time of the start is not counted."""
    policy_seconds: float = 5.0
    """Of the policy's rollouts."""
    seeds: tuple[int, ...] = (1, 2)
    """Of the short searches; the oracle's is 0."""
    threads: int = 2
    """Chains."""


def on_grid(design: Design, placement: Placement) -> Placement:
    """Each movable hard macro on the legal grid cell nearest to where it lies, as in an episode of the policy."""
    return replay(Task.make(design, LESSON_EPISODE), placement).placement


def at_random(design: Design, rng: np.random.Generator) -> Placement:
    """Everything that may move anywhere, legal again."""
    canvas, movable, start = design.canvas, movable_macros(design), analytic_start(design)
    x, y = rng.uniform(0, canvas.width, len(movable)), rng.uniform(0, canvas.height, len(movable))
    return legalize(design, start.replace(x=np.where(movable, x, start.x), y=np.where(movable, y, start.y)))


def compare(path: Path, config: Oracle) -> dict[str, Any]:
    """All starts of one design."""
    design = read_placed(path, config.placement)
    model = CostModel(design.netlist, design.canvas)
    settings = SearchConfig(config.seconds, None, 0, config.threads)

    def anew(placement: Placement) -> Start:
        return anneal_from(design, place_soft_macros(design, placement, model.core), model, 0, FINAL_MOVES)

    def best_rollout() -> Start:
        rolled = zero_shot(design, weights, PlaceConfig(seed=0, threads=config.threads), config.policy_seconds)
        best = min(soft_starts(design, rolled[0], model, 0, FINAL_MOVES), key=lambda start: start.costs.proxy_cost)
        return replace(best, rough=analytic.rough)  # as hot as `placer place` begins

    analytic = anew(legalize(design, analytic_start(design)))
    known = search(design, analytic.rough, replace(settings, seconds=config.long_seconds), model)
    print(f"{design.name}: {known.costs.proxy_cost:.4f} in {config.long_seconds:g} s", flush=True)
    weights = read_weights(policy_path(config.policy))
    starts: dict[str, Callable[[], Start]] = {
        "random": lambda: anew(at_random(design, np.random.default_rng(0))),
        "analytic": lambda: analytic,
        "policy": best_rollout,
        "oracle, hard macros on the grid": lambda: anew(on_grid(design, known.placement)),
        "oracle, hard macros": lambda: anew(known.placement),
        "oracle, everything": lambda: Start.make(known.placement, model),
    }
    if design.placement.placed.all() and check_legality(design).legal:
        starts["given"] = lambda: anneal_from(design, design.placement, model, 0, FINAL_MOVES)
    found: dict[str, Any] = {}
    for name, make in starts.items():
        start = make()
        found[name] = {"start": start.costs.proxy_cost}
        for heat, fitted_to in (("hot", start.rough), ("cold", start.finished)):
            temperature = fit_temperature(fitted_to, model, movable_macros(design), settings)
            fitted = replace(settings, start_temperature=temperature)
            reached = [search(design, start.finished, replace(fitted, seed=seed), model) for seed in config.seeds]
            proxies = [result.costs.proxy_cost for result in reached]
            found[name][heat] = {"temperature": temperature, "proxy_costs": proxies}
            print(f"  {name}, {heat}: {start.costs.proxy_cost:.4f} -> {np.mean(proxies):.4f}", flush=True)
    return {"design": short_name(path), "oracle": known.costs.proxy_cost, "starts": found}


def main(config: Oracle) -> None:
    """Compares the starts of every design and writes the record."""
    began = time.monotonic()
    settings = portable_settings(config)
    rows = [compare(path, config) for path in config.designs]
    record = {
        **portable_provenance(),
        "settings": settings,
        "rows": rows,
        "seconds": round(time.monotonic() - began, 1),
    }
    write_bytes(config.out, (json.dumps(record, indent=1) + "\n").encode())


if __name__ == "__main__":
    main(tyro.cli(Oracle))
