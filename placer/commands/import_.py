"""`placer import`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro

import netlists
from netlists import Constraints, Design, Kind, NetlistError
from netlists.source import SOURCE_NAME


@dataclass(frozen=True)
class Import:
    """Make a design folder from LEF and DEF files, from Bookshelf, or from an AlphaChip netlist."""

    out: Path
    """Design folder to write."""
    lef: tuple[Path, ...] = ()
    """LEF files that define all macros of the block."""
    def_: Annotated[Path | None, tyro.conf.arg(name="def")] = None
    """DEF file of the block."""
    aux: Path | None = None
    """Bookshelf .aux, instead of LEF and DEF."""
    netlist: Path | None = None
    """Netlist (netlist.pb.txt), instead of LEF and DEF."""
    placement: Path | None = None
    """With --netlist or --aux, a .plc to take canvas and positions from."""
    constraints: Path | None = None
    """A constraints.toml, beside the constraints in LEF and DEF. Without it, one that lies in the folder already holds
    alone."""
    ignore_regions: bool = False
    """Import a DEF whose REGIONS and GROUPS hold hard macros, as if they did not."""
    cluster: bool = True
    """Join standard cells to soft macros."""
    groups: int = 500
    """Soft macros beside those around macros and ports."""
    seed: int = 0
    """Of the clustering."""
    threads: int = 2
    """Of the clustering; the result does not depend on it."""
    cols: int | None = None
    """Columns of the grid; chosen by default."""
    rows: int | None = None
    """Rows of the grid; chosen by default."""

    def run(self) -> int:
        from netlists.clustering import ClusterConfig, cluster_cells, write_clusters
        from netlists.source import CLUSTERS_NAME, forget_source

        self._check()
        config = ClusterConfig(groups=self.groups, seed=self.seed, threads=self.threads)
        design, notes, write_origin = self._read()
        design, kept = self._constrained(design)
        has_cells = (design.netlist.kind == Kind.STDCELL) & ~design.placement.fixed
        clustering = cluster_cells(design, config) if self.cluster and has_cells.any() else None
        design = clustering.design if clustering else design
        netlists.write(self.out, design)
        forget_source(self.out)
        if clustering:
            write_clusters(self.out / CLUSTERS_NAME, clustering)
        write_origin(self.out)
        for note in (*notes, *kept):
            print(f"note: {note}")
        print(f"{_summary(design)}\n  {self.out}")
        return 0

    def _check(self) -> None:
        given = [bool(self.lef) or self.def_ is not None, self.aux is not None, self.netlist is not None]
        if sum(given) != 1:
            raise NetlistError("expected one of --lef with --def, --aux, and --netlist")
        if given[0] and (self.def_ is None or not self.lef):
            raise NetlistError("expected --lef with at least one file and --def with one")
        if self.ignore_regions and not given[0]:
            raise NetlistError("--ignore-regions goes with --lef and --def; only a DEF has regions")
        read = self.netlist.resolve() if self.netlist else None
        if read and self.out.resolve() in (read, read.parent) and (self.out / SOURCE_NAME).exists():
            raise NetlistError("is the folder that is read, and would forget its source; name another --out", self.out)
        if given[0] and self.placement is not None:
            raise NetlistError("--placement goes with --netlist or --aux; a DEF states positions itself")
        if (self.cols is None) != (self.rows is None):
            raise NetlistError("expected both --cols and --rows or neither, got one of them")

    def _constrained(self, design: Design) -> tuple[Design, tuple[str, ...]]:
        """The design under the constraints of a file, and notes for the user."""
        from netlists.constraints_file import CONSTRAINTS_NAME, constrain, read_constraints

        if self.constraints:
            stated = read_constraints(self.constraints)
            return constrain(design, design.constraints.joined(stated), self.constraints), ()
        present = self.out / CONSTRAINTS_NAME
        if not present.exists():
            return design, ()
        held = constrain(design, read_constraints(present), present)
        lost = held.constraints != design.constraints and design.constraints != Constraints()
        note = f"{present} holds as it is; delete it to take halos and grid from LEF and DEF again"
        return held, (note,) if lost else ()

    def _read(self) -> tuple[Design, tuple[str, ...], Callable[[Path], None]]:
        """The design, notes for the user, and what writes the way back to the source into the folder."""
        grid = (self.cols, self.rows) if self.cols is not None and self.rows is not None else None
        if self.def_ is not None:
            from netlists.lefdef import import_lefdef
            from netlists.lefdef.folder import write_origin as write_def_origin

            lefs, def_ = self.lef, self.def_
            imported = import_lefdef(lefs, def_, grid, self.ignore_regions)
            return imported.design, imported.notes, lambda out: write_def_origin(out, imported, lefs, def_)
        source = self.aux or self.netlist
        assert source is not None  # as _check saw
        if self.aux is not None and source.suffix != ".aux":
            raise NetlistError("expected a Bookshelf .aux file", source)
        design = netlists.read(source, self.placement)
        if grid:
            design = replace(design, canvas=replace(design.canvas, cols=grid[0], rows=grid[1]))
        if source.suffix != ".aux":
            return design, (), lambda _: None
        from netlists.bookshelf.folder import write_origin

        return design, (), lambda out: write_origin(out, design, source)


def _summary(design: Design) -> str:
    count = np.bincount(design.netlist.kind, minlength=4)
    canvas = design.canvas
    return (
        f"{design.name}: {count[Kind.HARD_MACRO]} hard and {count[Kind.SOFT_MACRO]} soft macros, "
        f"{count[Kind.STDCELL]} standard cells, {count[Kind.PORT]} ports, {design.netlist.num_nets} nets, "
        f"{canvas.width:g} x {canvas.height:g} um, grid {canvas.cols} x {canvas.rows}"
    )
