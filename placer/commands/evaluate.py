"""`placer evaluate`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

import netlists
from env import CostModel, CostWeights, check_legality
from placer import report


@dataclass(frozen=True)
class Evaluate:
    """Evaluate wirelength, density and congestion of a placement."""

    design: Positional[Path]
    """Netlist file, or design folder."""
    placement: Path | None = None
    """Placement (.plc)."""
    weights: tuple[float, float, float] = (1.0, 0.5, 0.5)
    """Weights of wirelength, density and congestion."""
    json: bool = False
    """Print one JSON object."""

    def run(self) -> int:
        design = netlists.read(self.design, self.placement)
        costs = CostModel(design.netlist, design.canvas, CostWeights(*self.weights)).evaluate(design.placement)
        record = report.evaluation(design, costs, check_legality(design))
        if self.json:
            print(json.dumps(record))
            return 0
        report.print_table(design.name, report.COST_COLUMNS, [report.cost_row("placement", costs)])
        print("  ".join(f"{name} {value}" for name, value in record.items() if isinstance(value, int | bool)))
        broken = [f"{kind} {count}" for kind, count in record["breaches"].items() if count]
        print(f"breaches of constraints: {', '.join(broken) or 'none'}")
        return 0
