"""Clustering against AlphaChip's published grouping by hMETIS, the choice of grids, and times of reading Bookshelf.

    python scripts/bench_clustering.py --out results/clustering.json

Cuts are weighted, over nets of at most 500 sinks: `cut` counts a net once if its cells lie in several groups, `km1` for
each group beyond the first; with `_all`, macro pins and ports count as members of the fixed groups around them. What
is published has been broken up and merged by positions, and so is ours.
"""

from __future__ import annotations

import json
import os
import resource
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from numpy.typing import NDArray

import netlists
from env import CostModel
from netlists import Canvas, Design, Kind, turn_size
from netlists.clustering import ClusterConfig, assign_groups
from netlists.grid import choose_grid
from netlists.grouped import MAX_FANOUT, group_design, small_nets
from netlists.grouping import fixed_groups
from placer.versions import provenance

BENCHMARKS = Path(__file__).parents[2] / "shared" / "benchmarks"

PUBLISHED_CANVAS = Canvas(1433.406, 1433.406, 24, 21)
"""Of the published clustering of ariane133."""


@dataclass(frozen=True)
class BenchClustering:
    """What is measured."""

    out: Path = Path("results/clustering.json")
    """JSON record to write."""
    benchmarks: Path = BENCHMARKS
    """Folder of public designs."""
    seeds: tuple[int, ...] = (0,)
    """Of the clustering by default settings."""
    groups_alike: int = 750
    """`groups` with which break-up and merging leave about as many groups as are published."""
    threads: int = 2
    """Of the partitioner; the figures of quality do not depend on it."""


def cuts(design: Design, group: NDArray[np.int32], around: NDArray[np.int32]) -> dict[str, float]:
    """Cut and connectivity; `around` (P,) is the fixed group of each pin of a macro or port, -1 for none."""
    netlist = design.netlist
    net = np.repeat(np.arange(netlist.num_nets), np.diff(netlist.net_start))
    pin = netlist.net_pin
    is_cell = netlist.kind[netlist.pin_node[pin]] == Kind.STDCELL
    alone = int(max(group.max(), around.max())) + 1 + pin
    label = np.where(is_cell, group[netlist.pin_node[pin]], np.where(around[pin] >= 0, around[pin], alone))
    found = {}
    for suffix, inside in (("", is_cell), ("_all", np.ones(len(pin), bool))):
        inside = inside & small_nets(netlist, MAX_FANOUT)[net]
        touched = np.bincount(np.unique(np.stack([net[inside], label[inside]]), axis=1)[0], minlength=netlist.num_nets)
        found[f"cut{suffix}"] = float(netlist.net_weight @ (touched > 1))
        found[f"km1{suffix}"] = float(netlist.net_weight @ np.maximum(touched - 1, 0))
    return found


def quality(design: Design, group: NDArray[np.int32], around: NDArray[np.int32]) -> dict[str, float]:
    """Groups, balance, cuts, and what the clustered netlist comes to."""
    cells = design.netlist.kind == Kind.STDCELL
    _, own, count = np.unique(group[cells], return_inverse=True, return_counts=True)
    area = np.bincount(own.ravel(), np.prod(design.netlist.size[:, cells], axis=0))
    clustered = group_design(design, group)
    flat, coarse = (CostModel(d.netlist, d.canvas).evaluate(d.placement).wirelength for d in (design, clustered))
    return {
        "groups": len(count),
        "cells_max_over_mean": float(count.max() / count.mean()),
        "area_max_over_mean": float(area.max() / area.mean()),
        **cuts(design, group, around),
        "nets": clustered.netlist.num_nets,
        "net_weight": float(clustered.netlist.net_weight.sum()),
        "net_pins": len(clustered.netlist.net_pin),
        "wirelength_over_flat": coarse / flat,
    }


def ours(design: Design, config: ClusterConfig) -> dict[str, Any]:
    """A clustering and what it cost."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    began = time.perf_counter()
    group = assign_groups(design, config)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF)
    fixed = fixed_groups(design, config.levels, config.max_fanout)
    return {
        "groups_asked": config.groups,
        "seed": config.seed,
        "balance": config.balance,
        "wall_seconds": round(wall, 2),
        "cpu_seconds": round(after.ru_utime - before, 2),
        "peak_megabytes": round(after.ru_maxrss / 1024),
        **quality(design, group, fixed[design.netlist.pin_node]),
    }


def against_hmetis(config: BenchClustering) -> dict[str, Any]:
    """ariane133: the published grouping and ours on the same flat netlist and canvas."""
    netlist, placement = netlists.read_netlist(config.benchmarks / "flat" / "ariane133_ng45.pb.txt.gz")
    design = Design(netlist, PUBLISHED_CANVAS, placement, "ariane133")
    stated = np.loadtxt(config.benchmarks / "flat" / "ariane133_ng45.groups", dtype=np.int32)
    published = np.where(netlist.kind == Kind.STDCELL, stated[netlist.node_index], -1).astype(np.int32)
    default = ClusterConfig(threads=config.threads)
    fixed = int(fixed_groups(design, default.levels, default.max_fanout).max()) + 1
    runs = [replace(default, seed=seed) for seed in config.seeds]
    runs += [replace(default, groups=config.groups_alike, balance=balance) for balance in ("area", "cells")]
    return {
        "cells": int((netlist.kind == Kind.STDCELL).sum()),
        "fixed_groups": fixed,
        "published": quality(design, published, stated[netlist.pin_index]),
        "ours": [ours(design, run) for run in runs],
    }


def grids(config: BenchClustering) -> list[dict[str, Any]]:
    """Published grids (columns, rows) and those that we choose."""
    expected = json.loads((config.benchmarks / "clustered" / "expected.json").read_text())
    found = []
    for name, facts in expected.items():
        design = netlists.read(config.benchmarks / "clustered" / name)
        hard = design.netlist.is_hard
        size = turn_size(design.netlist.size, design.placement.orientation)[:, hard]
        began = time.perf_counter()
        chosen = choose_grid(design.canvas.width, design.canvas.height, size)
        seconds = round(time.perf_counter() - began, 3)
        found.append({"design": name, "published": facts["grid_cols_rows"], "chosen": chosen, "seconds": seconds})
    return found


def reading(config: BenchClustering) -> dict[str, float]:
    """Seconds to read each Bookshelf design, the best of three."""
    times = {}
    for aux in sorted((config.benchmarks / "bookshelf").glob("*/*.aux")):
        began = [time.perf_counter()]
        for _ in range(3):
            netlists.read(aux)
            began.append(time.perf_counter())
        times[aux.stem] = round(float(np.diff(began).min()), 3)
    return times


def main(config: BenchClustering) -> None:
    """Measures, writes the record, prints it."""
    record = {
        **provenance(),
        "load": os.getloadavg(),
        "ariane133": against_hmetis(config),
        "grids": grids(config),
        "bookshelf_read_seconds": reading(config),
    }
    config.out.parent.mkdir(parents=True, exist_ok=True)
    config.out.write_text(json.dumps(record, indent=1) + "\n")
    print(json.dumps(record, indent=1))


if __name__ == "__main__":
    main(tyro.cli(BenchClustering))
