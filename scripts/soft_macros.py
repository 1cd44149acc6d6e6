"""Can the graph network tell where soft macros go? It learns from searched placements, the solver judges.

    python scripts/soft_macros.py --designs DESIGN ... --placement legalized.plc --out results/soft_macros.json

Shown hard macros where search put them and soft ones at their analytic places around them, the network says in one
pass how far from there search put the soft ones. Then, around the hard macros of designs that it never saw (real ones:
of the given placement; synthetic ones: of a search), soft macros are annealed from the analytic places and from the
learned ones, with equally many moves.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro
from lessons import of_designs
from numpy.typing import NDArray
from record import begin_or_resume, short_name
from study import held_out_designs, lesson_designs, mean_and_spread, read_placed
from torch import Tensor, nn

from env.cost import CostModel
from env.episodes import FloorplanConfig, Task
from env.search import SearchConfig, anneal_soft_macros, search
from env.start import analytic_start, clamp_soft_macros, legalize, place_soft_macros
from netlists import Design, Placement
from netlists.files import write_bytes
from placer.batching import GraphBatch
from placer.config import PolicyConfig
from placer.features import PolicyTask
from placer.policy import Encoder
from placer.symmetry import START, Symmetry

GRID_CELL = 0.05
"""Of the canvas: distances are learned in this unit."""


@dataclass(frozen=True)
class SoftMacros:
    """What to learn from, for how long, and what to judge by."""

    designs: tuple[Path, ...] = ()
    """Netlist files or design folders to judge by."""
    placement: str | None = None
    """Name of a .plc in each of their folders that has the hard macros; else initial.plc."""
    out: Path = Path("results/soft_macros.json")
    """JSON record to write."""
    lessons: int = 256
    """Synthetic designs to learn from."""
    held_out: int = 10
    """Synthetic designs to judge by."""
    moves: int = 500_000
    """Of the search that makes a lesson."""
    passes: int = 60
    """Over all lessons, each one mirrored and turned at random."""
    layers: int = 5
    """Rounds of message passing: soft macros see as far."""
    solver_moves: tuple[int, ...] = (0, 10_000, 40_000, 100_000, 300_000)
    """Of the soft macros, with which learned and analytic places are compared."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Of weights, the order of lessons, and the annealing."""
    threads: int = 2
    """Threads of torch, and searches at a time."""


@dataclass(frozen=True)
class Lesson:
    """A design whose soft macros lie at analytic places around searched hard ones.

    `goal`: (V, 2) where search put every graph node, as a share of the canvas; `learned`: (V,) whether it counts.
    """

    task: PolicyTask
    goal: NDArray[np.float32]
    learned: NDArray[np.bool_]


class SoftNet(nn.Module):
    """Says how far from its analytic place each node belongs.

    Shapes:
        GraphBatch with V nodes -> (V, 2), in units of `GRID_CELL`.
    """

    def __init__(self, layers: int) -> None:
        super().__init__()
        config = PolicyConfig(layers=layers)
        self.encoder = Encoder(config)
        self.exit = nn.Linear(config.dim, 2)
        nn.init.zeros_(self.exit.weight)
        nn.init.zeros_(self.exit.bias)

    def forward(self, graphs: GraphBatch) -> Tensor:
        """Offsets; zero before anything is learned."""
        return self.exit(self.encoder(graphs)[0])


def searched(design: Design, moves: int, seed: int) -> Placement:
    """What search makes of a design."""
    model = CostModel(design.netlist, design.canvas)
    legal = legalize(design, analytic_start(design, model.core), model.core)
    start = place_soft_macros(design, legal, model.core)
    return search(design, start, SearchConfig(moves=moves, seed=seed), model).placement


def lesson_of(design: Design, found: Placement) -> Lesson:
    """What is shown, and what is to be learned, of a searched placement."""
    task = task_around(design, place_soft_macros(design, found))
    member, canvas = task.graph.member, design.canvas
    goal = np.stack([found.x[member] / canvas.width, found.y[member] / canvas.height], axis=1).astype(np.float32)
    return Lesson(task, goal, (design.netlist.is_soft & ~found.fixed)[member])


def task_around(design: Design, analytic: Placement) -> PolicyTask:
    """The graph of a design whose soft macros lie at analytic places around hard ones."""
    return PolicyTask.make(Task.make(design, FloorplanConfig(soft_rounds=0), analytic))


def make_lessons(config: SoftMacros) -> list[Lesson]:
    """Of all synthetic designs that have a legal placement."""

    def make(index: int, design: Design) -> Lesson:
        return lesson_of(design, searched(design, config.moves, index))

    return of_designs(make, lesson_designs(config.lessons), config.threads)


def turned(lesson: Lesson, symmetry: Symmetry) -> Lesson:
    """The lesson of the same design mirrored and turned; nothing of it says which way is up."""
    return Lesson(symmetry.task(lesson.task), symmetry.points(lesson.goal), lesson.learned)


def learn(lessons: Sequence[Lesson], seed: int, config: SoftMacros, batch: int = 8) -> tuple[SoftNet, list[float]]:
    """The network after all passes, and the mean loss of each."""
    torch.manual_seed(seed)
    rng, net = np.random.default_rng(seed), SoftNet(config.layers)
    batches = max(1, len(lessons) // batch)
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, config.passes * batches)
    curve: list[float] = []
    for _ in range(config.passes):
        losses = []
        for part in np.array_split(rng.permutation(len(lessons)), batches):
            drawn = [turned(lessons[i], Symmetry.draw(rng)) for i in part]
            graphs = GraphBatch.make([lesson.task for lesson in drawn])
            goal = torch.from_numpy(np.concatenate([lesson.goal for lesson in drawn]))
            counts = torch.from_numpy(np.concatenate([lesson.learned for lesson in drawn]))
            offset = (goal - graphs.x[:, START]) / GRID_CELL
            loss = nn.functional.smooth_l1_loss(net(graphs)[counts], offset[counts])
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        curve.append(float(np.mean(losses)))
    return net.eval(), curve


@torch.no_grad()
def moved_as_learned(net: SoftNet, design: Design, analytic: Placement) -> Placement:
    """Soft macros moved from their analytic places to where the network says."""
    task = task_around(design, analytic)
    offset = GRID_CELL * net(GraphBatch.make([task])).numpy()[task.graph.node]
    soft, canvas = design.netlist.is_soft & ~analytic.fixed, design.canvas
    x, y = analytic.x + offset[:, 0] * canvas.width, analytic.y + offset[:, 1] * canvas.height
    moved = analytic.replace(x=np.where(soft, x, analytic.x), y=np.where(soft, y, analytic.y))
    return clamp_soft_macros(design, moved)


def judge(net: SoftNet, design: Design, placement: Placement, seed: int, config: SoftMacros) -> dict[str, list[float]]:
    """Proxy costs after the moves of the solver, from analytic and from learned places."""
    model = CostModel(design.netlist, design.canvas)

    def cost_after(start: Placement, moves: int) -> float:
        placed = anneal_soft_macros(design, start, model, moves=moves, seed=seed).complete() if moves else start
        return model.evaluate(placed).proxy_cost

    analytic = place_soft_macros(design, placement, model.core)
    starts = {"analytic": analytic, "learned": moved_as_learned(net, design, analytic)}
    return {name: [cost_after(start, moves) for moves in config.solver_moves] for name, start in starts.items()}


def to_judge_by(config: SoftMacros) -> dict[str, list[tuple[str, Design, Placement]]]:
    """Name, design and legal placement, by kind."""
    real = [(short_name(path), read_placed(path, config.placement)) for path in config.designs]
    synthetic = enumerate(held_out_designs(config.held_out).items())
    return {
        "real": [(name, design, legalize(design, design.placement)) for name, design in real],
        "synthetic": [(name, design, searched(design, config.moves, index)) for index, (name, design) in synthetic],
    }


def summarise(config: SoftMacros, runs: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """By kind of design and moves: cost from learned places over that from analytic ones; spread over seeds."""

    def relative(run: dict[str, Any], kind: str, column: int) -> float:
        return float(np.mean([of["learned"][column] / of["analytic"][column] for of in run["costs"][kind].values()]))

    return {
        kind: {
            str(moves): mean_and_spread([relative(run, kind, column) for run in runs])
            for column, moves in enumerate(config.solver_moves)
        }
        for kind, of_kind in runs[0]["costs"].items()
        if of_kind
    }


def main(config: SoftMacros) -> None:
    """Learns and judges with every seed that the record lacks; writes it after each."""
    torch.set_num_threads(config.threads)
    record = begin_or_resume(config, {"runs": [], "summary": {}})
    known = {run["seed"] for run in record["runs"]}
    lessons, judged = make_lessons(config), to_judge_by(config)
    for seed in (seed for seed in config.seeds if seed not in known):
        began = time.monotonic()
        net, curve = learn(lessons, seed, config)
        seconds = round(time.monotonic() - began, 1)
        costs = {
            kind: {name: judge(net, design, placement, seed, config) for name, design, placement in of_kind}
            for kind, of_kind in judged.items()
        }
        loss = [round(value, 4) for value in curve]
        record["runs"].append({"seed": seed, "loss": loss, "seconds": seconds, "costs": costs})
        record["summary"] = summarise(config, record["runs"])
        write_bytes(config.out, (json.dumps(record, indent=1) + "\n").encode())
        print(seed, loss[:: max(1, len(loss) // 10)], record["summary"], flush=True)


if __name__ == "__main__":
    main(tyro.cli(SoftMacros))
