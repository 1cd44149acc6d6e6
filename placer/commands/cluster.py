"""`placer cluster`."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

from tyro.conf import Positional

import netlists
from netlists import MAX_GRID, NetlistError


@dataclass(frozen=True)
class Cluster:
    """Turn the standard cells of a flat design into soft macros."""

    design: Positional[Path]
    """A netlist.pb.txt(.gz), a Bookshelf .aux, or a design folder."""
    out: Path
    """Design folder to write, with clusters.csv.gz that says where each cell went."""
    placement: Path | None = None
    """A .plc to take positions from."""
    groups: int = 500
    """Soft macros beside those around macros and ports."""
    seed: int = 0
    """Of the partitioner."""
    cols: int | None = None
    """Grid columns; chosen by the sizes of the macros where no file states a grid."""
    rows: int | None = None
    """Grid rows; the same."""
    threads: int = 2
    """Of the partitioner; the result does not depend on it."""

    def run(self) -> int:
        from netlists.bookshelf.folder import write_origin
        from netlists.clustering import ClusterConfig, cluster_cells, write_clusters
        from netlists.source import CLUSTERS_NAME, copy_source, forget_source

        began = time.monotonic()
        for name, lines in (("cols", self.cols), ("rows", self.rows)):
            if lines is not None and not 1 <= lines <= MAX_GRID:
                raise NetlistError(f"{name} is {lines}, expected 1 to {MAX_GRID}")
        config = ClusterConfig(groups=self.groups, seed=self.seed, threads=self.threads)
        design = netlists.read(self.design, self.placement)
        canvas = design.canvas
        design = replace(design, canvas=replace(canvas, cols=self.cols or canvas.cols, rows=self.rows or canvas.rows))
        clustering = cluster_cells(design, config)
        netlists.write(self.out, clustering.design)
        if self.out.resolve() != self.design.resolve():
            forget_source(self.out)
        write_clusters(self.out / CLUSTERS_NAME, clustering)
        if self.design.is_dir():
            copy_source(self.design, self.out)
        elif self.design.suffix == ".aux":
            write_origin(self.out, design, self.design)
        netlist, canvas = clustering.design.netlist, design.canvas
        cells, soft = int((clustering.group >= 0).sum()), int(netlist.is_soft.sum())
        print(
            f"{design.name}: {cells} cells in {soft} soft macros, {netlist.num_nets} nets of "
            f"{design.netlist.num_nets}, grid {canvas.cols} x {canvas.rows}, {time.monotonic() - began:.1f} s\n"
            f"  {self.out}"
        )
        return 0
