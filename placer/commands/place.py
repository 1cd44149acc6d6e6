"""`placer place`."""

from __future__ import annotations

import json
import math
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

import netlists
from env import CostWeights
from netlists import NetlistError, PlcCosts, write_plc
from netlists.files import make_folder, remove
from placer import report
from placer.clock import BEGAN


@dataclass(frozen=True)
class Place:
    """Place the macros of a design: writes placement.plc, result.json and pictures."""

    design: Positional[Path]
    """Netlist file, or design folder."""
    out: Path
    """Folder for the results."""
    placement: Path | None = None
    """Placement (.plc) to read canvas, ports, fixed macros and a hint from."""
    policy: str = "shipped"
    """shipped, none, a checkpoint, or the folder of a training run."""
    method: str = "search"
    """search, or a rival: random, greedy, annealing, descent."""
    seconds: float = 60.0
    """Wall time since the start of the command; 0: the policy alone."""
    seed: int = 0
    """Of everything random."""
    threads: int = 2
    """Search threads."""
    from_scratch: bool = False
    """Ignore the positions of movable macros in the given placement."""
    weights: tuple[float, float, float] = (1.0, 0.5, 0.5)
    """Weights of wirelength, density and congestion."""
    json: bool = False
    """Print the result as JSON and nothing else."""

    def run(self) -> int:
        from placer import place
        from placer.versions import versions

        report.check_seed(self.seed)
        if not 0 <= self.seconds < math.inf or self.threads < 1:
            raise NetlistError(
                f"expected finite seconds >= 0 and threads >= 1, got {self.seconds:g} and {self.threads}"
            )
        design = netlists.read(self.design, self.placement)
        make_folder(self.out)
        weights = CostWeights(*self.weights)
        with report.place_progress(self.json, self.seconds) as listener:
            result = place(
                design,
                seconds=self.seconds,
                seed=self.seed,
                policy=self.policy,
                method=self.method,
                threads=self.threads,
                from_scratch=self.from_scratch,
                weights=weights,
                listener=listener,
                began=BEGAN,
            )
        placed = design.with_placement(result.placement)
        costs = result.costs
        write_plc(
            self.out / "placement.plc",
            design.netlist,
            design.canvas,
            result.placement,
            PlcCosts(costs.wirelength, costs.wirelength_cost, costs.congestion_cost, costs.density_cost),
        )
        record = {
            "command": ["placer", *sys.argv[1:]],
            "seed": self.seed,
            "versions": versions(),
            "seconds": round(time.monotonic() - BEGAN, 2),
            **result.record(),
        }
        report.write_json(self.out / "result.json", record)
        from env.render import save_picture

        save_picture(self.out / "placement.png", placed, weights=weights)
        if result.search:
            from env.render_search import save_search_picture

            save_search_picture(self.out / "search.png", design, result.search)
        else:
            remove(self.out / "search.png")  # of another run
        if self.json:
            print(json.dumps(record))
            return 0
        if "note" in result.details:
            print(f"note: {result.details['note']}")
        rows = [report.cost_row("given", result.start_costs)] if result.start_costs else []
        report.print_table(design.name, report.COST_COLUMNS, [*rows, report.cost_row("placed", costs)])
        print(f"legal: {'yes' if result.legal else 'no'}; start: {result.start}; {record['seconds']:.1f} s")
        pictures = ["placement.png", *(["search.png"] if result.search else [])]
        for name in ("placement.plc", *pictures, "result.json"):
            print(f"  {self.out / name}")
        return 0
