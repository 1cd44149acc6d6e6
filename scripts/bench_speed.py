"""Times what the project promises to be fast: `make bench`. Medians of several runs, with the spread; one core.

The figures of other evaluators are quoted from reports, not measured here: AlphaChip's cost in open Python
(TILOS MacroPlacement, `plc_client_os.py`) takes 11 s for NanGate45/ariane133 as published and 0.4 s with
its list look-ups made sets; TILOS's C++ annealer does about 4,500 moves a second.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import tyro

import netlists
from env import CostModel, FloorplanConfig, FloorplanVectorEnv, Task, _core, analytic_start, legalize, place_soft_macros
from env.cost import core_placement
from env.search import SearchConfig, anneal_soft_macros, search
from env.start import clamp_soft_macros
from netlists import Design, Placement
from netlists.synthetic import SyntheticConfig, generate
from placer.versions import provenance

BENCHMARKS = Path(__file__).parents[2] / "shared" / "benchmarks"


@dataclass(frozen=True)
class Bench:
    """Which designs, and where the record goes."""

    out: Path = Path("results/speed.json")
    """JSON record to write."""
    benchmarks: Path = BENCHMARKS
    """Folder of public designs; without it a synthetic design of the size of ariane133 is timed."""
    repeats: int = 7
    """Runs of each measurement."""


def median(run: Callable[[], float], repeats: int) -> dict[str, float]:
    """Median, least and greatest of several measurements."""
    values = sorted(run() for _ in range(repeats))
    return {"median": statistics.median(values), "min": values[0], "max": values[-1], "runs": repeats}


def timed(work: Callable[[], Any], count: int = 1) -> float:
    """Seconds that one of `count` calls takes."""
    began = time.perf_counter()
    for _ in range(count):
        work()
    return (time.perf_counter() - began) / count


def env_steps_per_second(design: Design, episodes: int = 8) -> float:
    """Steps of the vector environment with masks, maps and the soft macros at the end; random policy not counted."""
    config = FloorplanConfig()
    env = FloorplanVectorEnv([Task.make(design, config)] * episodes, config, num_threads=1)
    rng = np.random.default_rng(0)
    observation, _ = env.reset()
    seconds, steps = 0.0, 0
    while seconds < 1.0:
        masks = observation["action_mask"].reshape(episodes, -1)
        actions = np.array([rng.choice(np.flatnonzero(mask)) for mask in masks])
        began = time.perf_counter()
        observation, *_ = env.step(actions)
        seconds += time.perf_counter() - began
        steps += episodes
    return steps / seconds


def soft_solver(design: Design) -> list[dict[str, Any]]:
    """Time and proxy cost of placing the soft macros, from the centre, around the given hard ones."""
    model = CostModel(design.netlist, design.canvas)
    legal = legalize(design, design.placement)
    rows: list[dict[str, Any]] = []
    for moves in (0, 10_000, 40_000, 100_000, 200_000, 300_000, 1_000_000):
        began = time.perf_counter()
        placed = place_soft_macros(design, legal, model.core)
        if moves:
            placed = anneal_soft_macros(design, placed, model, moves=moves).placement
        seconds = time.perf_counter() - began
        rows.append(
            {
                "solver": "analytic, then annealed",
                "moves": moves,
                "seconds": seconds,
                "proxy_cost": model.evaluate(placed).proxy_cost,
            }
        )
    began = time.perf_counter()
    forced = force_directed(design, legal)
    seconds = time.perf_counter() - began
    rows.append({"solver": "force-directed sweep", "seconds": seconds, "proxy_cost": model.evaluate(forced).proxy_cost})
    return rows


def force_directed(design: Design, placement: Placement, steps: int = 100) -> Placement:
    """Soft macros by forces, the manner of AlphaChip's default: nets attract, overlapping macros repel.

    Positions move by the normalised sum of both forces, at most canvas / steps each time.
    """
    netlist, canvas = design.netlist, design.canvas
    degree = np.diff(netlist.net_start)
    net = np.repeat(np.arange(netlist.num_nets), degree)
    node = netlist.pin_node[netlist.net_pin]
    driver = node[netlist.net_start[:-1]][net]
    weight = netlist.net_weight[net]
    macros = np.flatnonzero(~netlist.is_port)
    soft = netlist.is_soft & ~placement.fixed
    at = np.stack([placement.x, placement.y])
    at[:, soft] = np.array([[canvas.width / 2], [canvas.height / 2]])
    half = netlist.size[:, macros] / 2
    reach = half[:, :, None] + half[:, None, :]
    rng = np.random.default_rng(0)
    at[:, soft] += rng.normal(0, canvas.width / 100, (2, int(soft.sum())))
    for _ in range(steps):
        force = np.zeros_like(at)
        pull = (at[:, driver] - at[:, node]) * weight
        for axis in range(2):
            force[axis] += np.bincount(node, pull[axis], netlist.num_nodes) - np.bincount(
                driver, pull[axis], netlist.num_nodes
            )
        gap = at[:, macros][:, :, None] - at[:, macros][:, None, :]
        overlapping = (np.abs(gap) < reach).all(axis=0)
        push = (np.sign(gap) * overlapping * (reach - np.abs(gap))).sum(axis=2)
        force /= np.abs(force[:, soft]).max() + 1e-12
        force[:, macros] += push / (np.abs(push).max() + 1e-12)
        at[:, soft] += force[:, soft] / 2 * canvas.width / steps
        at[:, soft] = np.clip(at[:, soft], 0, np.array([[canvas.width], [canvas.height]]))
    return clamp_soft_macros(design, placement.replace(x=at[0], y=at[1]))


COOLING, HOT = (1e-4, 1e-6), (1e-3, 1e-3)
"""First and last temperature: most moves are refused early; of most moves every term is evaluated."""


def moves_per_second(
    design: Design,
    legal: Placement,
    model: CostModel,
    moves: int = 1_000_000,
    temperatures: tuple[float, float] = COOLING,
) -> float:
    """Moves of one chain at the default mix, proposed and evaluated."""
    first, last = temperatures
    config = SearchConfig(moves=moves, start_temperature=first, end_temperature=last)
    return moves / timed(lambda: search(design, legal, config, model))


MOVES_PER_MACRO, REFERENCE_HARD = 200, 100
"""Where two sizes are annealed alike: moves, and the size at which the temperatures are those of `COOLING`."""


def annealed_alike(design: Design, legal: Placement, model: CostModel) -> float:
    """Moves per second with as many moves a macro, at temperatures by the share of the cost that one macro has."""
    macros = int(np.sum(~design.netlist.is_port))
    share = REFERENCE_HARD / int(np.sum(design.netlist.is_hard))
    return moves_per_second(design, legal, model, MOVES_PER_MACRO * macros, (COOLING[0] * share, COOLING[1] * share))


def scale() -> dict[str, Any]:
    """Search on a synthetic design of 1,000 hard and 5,000 soft macros and 200,000 nets, and on a tenth of it.

    At the same temperature, and with as many moves, the smaller one is much nearer to its end and refuses more of them,
    most after a look at one term; so both are also annealed alike.
    """
    rows: dict[str, Any] = {}
    for hard, soft in ((REFERENCE_HARD, 500), (10 * REFERENCE_HARD, 5000)):
        config = SyntheticConfig("cpu", num_hard=hard, num_soft=soft, nets_per_soft=35.0)
        drawn = generate(config, np.random.default_rng(0))
        design = replace(drawn, canvas=replace(drawn.canvas, cols=40, rows=40))  # on the same grid, both
        model = CostModel(design.netlist, design.canvas)
        began = time.perf_counter()
        legal = legalize(design, place_soft_macros(design, analytic_start(design)))
        seconds = time.perf_counter() - began
        speed, hot_speed = (
            median(lambda d=design, p=legal, m=model, t=temperatures: moves_per_second(d, p, m, 300_000, t), 3)
            for temperatures in (COOLING, HOT)
        )
        rows[f"{hard} hard, {soft} soft"] = {
            "nets": design.netlist.num_nets,
            "grid": [design.canvas.cols, design.canvas.rows],
            "start_s": seconds,
            "moves_per_second": speed,
            "moves_per_second_hot": hot_speed,
            "moves_per_second_alike": median(lambda d=design, p=legal, m=model: annealed_alike(d, p, m), 3),
        }
    return rows


def search_memory(path: Path) -> float:
    """MB that reading and searching a design on two threads adds to the interpreter with its imports."""
    code = (
        "import sys, netlists; from env import legalize; from env.search import SearchConfig, search\n"
        "def peak(): return int(open('/proc/self/status').read().split('VmHWM:')[1].split()[0]) / 1024\n"
        "before, design = peak(), netlists.read(sys.argv[1])\n"
        "search(design, legalize(design, design.placement), SearchConfig(moves=200000, threads=2))\n"
        "print(peak() - before)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    return float(done.stdout)


def measure(design: Design, repeats: int) -> dict[str, Any]:
    """All figures of one design."""
    model = CostModel(design.netlist, design.canvas)
    placement = core_placement(design.placement)
    legal = legalize(design, place_soft_macros(design, analytic_start(design)))
    return {
        "evaluation_ms": median(lambda: 1e3 * timed(lambda: _core.evaluate(model.core, [placement], 1), 50), repeats),
        "env_steps_per_second": median(lambda: env_steps_per_second(design), max(3, repeats // 2)),
        "moves_per_second": median(lambda: moves_per_second(design, legal, model), max(3, repeats // 2)),
        "soft_macros": soft_solver(design),
    }


def main(config: Bench) -> None:
    """Measures, prints, writes the record."""
    record: dict[str, Any] = {
        **provenance(),
        "quoted": {
            "open_python_evaluation_s": 11.0,
            "open_python_with_sets_s": 0.4,
            "tilos_annealer_moves_per_second": 4500,
        },
        "designs": {},
    }
    clustered = config.benchmarks / "clustered"
    if clustered.exists():
        flat = config.benchmarks / "flat" / "ariane133_ng45.pb.txt.gz"
        path = clustered / "NanGate45/ariane133"
        record["read_s"] = {
            "NanGate45/ariane133 (11 MB)": median(lambda: timed(lambda: netlists.read(path)), config.repeats),
            "flat ariane133 (62 MB)": median(lambda: timed(lambda: netlists.read(flat)), 3),
        }
        for name in ("NanGate45/ariane133", "NanGate45/nvdla", "ASAP7/ariane136"):
            design = netlists.read(clustered / name, clustered / name / "legalized.plc")
            record["designs"][name] = measure(design, config.repeats) | {
                "search_memory_mb": search_memory(clustered / name)
            }
    else:
        design = generate(SyntheticConfig("cpu", num_hard=133, num_soft=780), np.random.default_rng(0))
        record["designs"][design.name] = measure(design, config.repeats)
    record["scale"] = scale()
    config.out.parent.mkdir(parents=True, exist_ok=True)
    config.out.write_text(json.dumps(record, indent=1) + "\n")
    print(json.dumps(record, indent=1))


if __name__ == "__main__":
    main(tyro.cli(Bench))
