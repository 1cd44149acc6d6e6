"""Compares generated designs with real ones: sizes, nets, areas, grids, and the cost terms of a searched placement.

    python scripts/corpus.py --designs DESIGN ... --out results/corpus.json

Prints a table: least, median and greatest of the generated designs, and every real one. Nothing is bounded by the
clock.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from record import portable_provenance, short_name

import netlists
from env.cost import CostModel
from env.graph import NODE_FEATURES, graph
from env.search import SearchConfig, search
from env.start import analytic_start, legalize
from netlists import Design, NetlistError
from netlists.files import make_folder, write_bytes
from netlists.grid import empty_share
from netlists.synthetic import FAMILIES, SyntheticConfig, generate


@dataclass(frozen=True)
class Corpus:
    """What to compare."""

    designs: tuple[Path, ...] = ()
    """Real designs: netlist files or folders."""
    out: Path = Path("results/corpus.json")
    """JSON record to write."""
    count: int = 100
    """Generated designs, all families in turn."""
    moves: int = 200_000
    """Of the search for the cost terms."""
    seed: int = 0
    """Of the designs and of search."""


def described(design: Design, moves: int, seed: int) -> dict[str, float]:
    """The figures of one design.

    Raises:
        NetlistError: it cannot be placed.
    """
    netlist, canvas = design.netlist, design.canvas
    degree = np.diff(netlist.net_start)
    area = netlist.size[0] * netlist.size[1]
    of_hard = netlist.is_hard[netlist.pin_node[netlist.net_pin]]
    net_of = np.repeat(np.arange(netlist.num_nets), degree)
    model = CostModel(netlist, canvas)
    start = legalize(design, analytic_start(design, model.core), model.core)
    costs = search(design, start, SearchConfig(moves=moves, seed=seed), model).costs
    supply = canvas.width * canvas.height
    return {
        "hard macros": int(netlist.is_hard.sum()),
        "soft macros": int(netlist.is_soft.sum()),
        "ports": int(netlist.is_port.sum()),
        "nets": netlist.num_nets,
        "pins a net, mean": float(degree.mean()),
        "nets of 2 pins, share": float(np.mean(degree == 2)),
        "nets of 3 to 5 pins, share": float(np.mean((degree > 2) & (degree <= 5))),
        "largest net": int(degree.max()),
        "nets of weight 1, share": float(np.mean(netlist.net_weight == 1)),
        "nets at a hard macro, each": len(np.unique(net_of[of_hard])) / max(1, int(netlist.is_hard.sum())),
        **connected(design),
        "area of hard macros, share": float(area[netlist.is_hard].sum() / supply),
        "area of all macros, share": float(area[~netlist.is_port].sum() / supply),
        "distinct hard outlines": len(np.unique(np.round(netlist.size[:, netlist.is_hard], 3), axis=1).T),
        "columns": canvas.cols,
        "rows": canvas.rows,
        "cells that hard macros touch, packed, over their area": touched_cells(design),
        "width over height": canvas.width / canvas.height,
        "wirelength cost": costs.wirelength_cost,
        "density cost": costs.density_cost,
        "congestion cost": costs.congestion_cost,
        "proxy cost": costs.proxy_cost,
    }


def touched_cells(design: Design) -> float:
    """How well the grid suits the hard macros: 1 if they fill the cells that they touch; nan if they do not fit."""
    canvas, size = design.canvas, design.netlist.size[:, design.netlist.is_hard]
    empty = empty_share(canvas.width, canvas.height, size, canvas.cols, canvas.rows)
    area = float(np.sum(size[0] * size[1]))
    return np.nan if empty is None else (1 - empty) * canvas.width * canvas.height / area


def connected(design: Design) -> dict[str, float]:
    """Figures of who talks to whom, of the graph that a policy reads.

    The eigenvalue is of the adjacency matrix, scaled by what each node is connected with: 1 where the netlist falls
    into so many parts, near 1 where they hardly talk.
    """
    made = graph(design, design.placement)
    is_hard, is_soft = made.x[:, NODE_FEATURES.index("is_hard")] > 0, made.x[:, NODE_FEATURES.index("is_soft")] > 0
    adjacent = np.zeros((len(made.x), len(made.x)))
    adjacent[tuple(made.edge_index)] = made.edge_weight
    strength = np.maximum(adjacent.sum(axis=1), 1e-9)
    scaled = adjacent / np.sqrt(np.outer(strength, strength))
    of_soft = (adjacent[is_soft] > 0).sum(axis=1)
    area = 2 * np.log(made.x[is_soft, NODE_FEATURES.index("sqrt_area")])
    return {
        "neighbours of a hard macro": float((adjacent[is_hard] > 0).sum(axis=1).mean()),
        "wires of a hard macro to its first neighbour, share": float(
            (adjacent[is_hard].max(axis=1) / strength[is_hard]).mean()
        ),
        "neighbours of a soft macro": float(of_soft.mean()),
        "their standard deviation over the mean": float(of_soft.std() / of_soft.mean()),
        "connections of soft macros against area, correlation of logarithms": float(
            np.corrcoef(area, np.log(strength[is_soft]))[0, 1]
        ),
        "eigenvalue 20": float(np.linalg.eigvalsh(scaled)[-20]),
    }


def generated(config: Corpus) -> dict[str, dict[str, float]]:
    """Figures of the generated designs by name; those that cannot be placed are left out."""
    found: dict[str, dict[str, float]] = {}
    for index in range(config.count):
        rng = np.random.default_rng([config.seed, index])
        design = generate(SyntheticConfig(FAMILIES[index % len(FAMILIES)]), rng)
        try:
            found[f"{index}_{design.name}"] = described(design, config.moves, config.seed)
        except NetlistError as error:
            print(f"skipped {design.name}: {error}", file=sys.stderr, flush=True)
    return found


def table(record: dict[str, Any]) -> str:
    """Markdown: a row a figure, the spread of the generated designs and each real one."""
    rows = list(record["generated"].values())
    names = list(record["real"])
    lines = ["| | generated: least, median, greatest | " + " | ".join(names) + " |", "|---" * (2 + len(names)) + "|"]
    for figure in rows[0]:
        values = [row[figure] for row in rows]
        cells = [", ".join(f"{f(values):.4g}" for f in (np.min, np.median, np.max))]
        cells += [f"{record['real'][name][figure]:.4g}" for name in names]
        lines.append(f"| {figure} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main(config: Corpus) -> None:
    """Measures, writes the record, prints the table."""
    real = {short_name(path): netlists.read(path) for path in config.designs}
    record = {
        **portable_provenance(),
        "generated": generated(config),
        "real": {name: described(design, config.moves, config.seed) for name, design in real.items()},
    }
    make_folder(config.out.parent)
    write_bytes(config.out, (json.dumps(record, indent=1) + "\n").encode())
    print(table(record))


if __name__ == "__main__":
    main(tyro.cli(Corpus))
