"""`placer import`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro

import netlists
from netlists import Design, Kind, NetlistError


@dataclass(frozen=True)
class Import:
    """Make a design folder from LEF and DEF files."""

    out: Path
    """Design folder to write."""
    lef: tuple[Path, ...] = ()
    """LEF files that define all macros of the block."""
    def_: Annotated[Path | None, tyro.conf.arg(name="def")] = None
    """DEF file of the block."""
    cluster: bool = True
    """Join standard cells to soft macros."""
    cols: int | None = None
    """Columns of the grid; chosen by default."""
    rows: int | None = None
    """Rows of the grid; chosen by default."""

    def run(self) -> int:
        from netlists.lefdef import import_lefdef
        from netlists.lefdef.folder import write_origin

        if self.def_ is None or not self.lef:
            raise NetlistError("expected --lef with at least one file and --def with one")
        if (self.cols is None) != (self.rows is None):
            raise NetlistError("expected both --cols and --rows or neither, got one of them")
        grid = (self.cols, self.rows) if self.cols is not None and self.rows is not None else None
        imported = import_lefdef(self.lef, self.def_, grid)
        design = _clustered(imported.design) if self.cluster else imported.design
        netlists.write(self.out, design)
        write_origin(self.out, imported, self.lef, self.def_)
        for note in imported.notes:
            print(f"note: {note}")
        print(f"{_summary(design)}\n  {self.out}")
        return 0


def _clustered(design: Design) -> Design:
    """The design with its standard cells as soft macros. They stay cells as long as there is no clustering."""
    return design


def _summary(design: Design) -> str:
    count = np.bincount(design.netlist.kind, minlength=4)
    canvas = design.canvas
    return (
        f"{design.name}: {count[Kind.HARD_MACRO]} hard and {count[Kind.SOFT_MACRO]} soft macros, "
        f"{count[Kind.STDCELL]} standard cells, {count[Kind.PORT]} ports, {design.netlist.num_nets} nets, "
        f"{canvas.width:g} x {canvas.height:g} um, grid {canvas.cols} x {canvas.rows}"
    )
