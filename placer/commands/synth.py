"""`placer synth`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import netlists
from netlists import NetlistError

MOST_MACROS = 100_000
"""Of a kind: far beyond what makes sense, and drawn within minutes."""


@dataclass(frozen=True)
class Synth:
    """Make a synthetic design."""

    out: Path
    """Design folder to write."""
    family: str = "mixed"
    """cpu, tiles, accelerator, systolic or mixed."""
    seed: int = 0
    """Of everything random."""
    hard: int | None = None
    """Hard macros; drawn by default."""
    soft: int | None = None
    """Soft macros; drawn by default."""

    def run(self) -> int:
        import numpy as np

        from netlists.source import forget_source
        from netlists.synthetic import FAMILIES, SyntheticConfig, generate

        if self.family not in FAMILIES or self.seed < 0:
            raise NetlistError(
                f"expected one of {', '.join(FAMILIES)} and a seed of at least 0, got family '{self.family}' and "
                f"seed {self.seed}"
            )
        for kind, count in (("hard", self.hard), ("soft", self.soft)):
            if count is not None and not 1 <= count <= MOST_MACROS:
                raise NetlistError(f"{kind} is {count}, expected at least 1 macro, and at most {MOST_MACROS}")
        config = SyntheticConfig(family=self.family, num_hard=self.hard, num_soft=self.soft)
        design = generate(config, np.random.default_rng(self.seed))
        netlists.write(self.out, design)
        forget_source(self.out)
        netlist, canvas = design.netlist, design.canvas
        print(
            f"{design.name}: {int(netlist.is_hard.sum())} hard and {int(netlist.is_soft.sum())} soft macros, "
            f"{netlist.num_nets} nets, {canvas.width:g} x {canvas.height:g} um, grid {canvas.cols} x {canvas.rows}\n"
            f"  {self.out}"
        )
        return 0
