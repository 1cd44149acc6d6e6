"""Places public designs with and without the policy at several time budgets.

    python scripts/bench_place.py --out results/place.json --seconds 10 60 --policies none shipped

Appends to the record: a run that it already holds is not repeated.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from provenance import provenance

import netlists
import placer

BENCHMARKS = Path(__file__).parents[2] / "shared" / "benchmarks" / "clustered"
DESIGNS = (
    "NanGate45/ariane133",
    "NanGate45/ariane136",
    "NanGate45/mempool_tile",
    "NanGate45/nvdla",
    "ASAP7/ariane136",
)


@dataclass(frozen=True)
class BenchPlace:
    """The runs: all combinations."""

    out: Path = Path("results/place.json")
    """JSON record, read and written."""
    benchmarks: Path = BENCHMARKS
    """Folder of the clustered designs."""
    designs: tuple[str, ...] = DESIGNS
    """Designs in it."""
    policies: tuple[str, ...] = ("none", "shipped")
    """Values of `--policy`."""
    seconds: tuple[float, ...] = (10.0,)
    """Values of `--seconds`."""
    seeds: tuple[int, ...] = (0,)
    """Values of `--seed`."""
    from_scratch: tuple[bool, ...] = (True,)
    """False: from legalized.plc, or initial.plc where there is none."""
    threads: int = 2
    """Search threads."""


def main(config: BenchPlace) -> None:
    """Runs what is missing, writes the record after every run, prints the table."""
    record: dict[str, Any] = json.loads(config.out.read_text()) if config.out.exists() else {"runs": []}
    record |= {**provenance(), "threads": config.threads}
    known = {(r["design"], r["policy"], r["seconds"], r["seed"], r["from_scratch"]) for r in record["runs"]}
    for name in config.designs:
        folder = config.benchmarks / name
        given = folder / "legalized.plc"
        design = netlists.read(folder, given if given.exists() else folder / "initial.plc")
        for scratch in config.from_scratch:
            for policy in config.policies:
                for seconds in config.seconds:
                    for seed in config.seeds:
                        if (name, policy, seconds, seed, scratch) in known:
                            continue
                        result = placer.place(
                            design, seconds, seed, policy, threads=config.threads, from_scratch=scratch
                        )
                        run = {
                            "design": name,
                            "policy": policy,
                            "seconds": seconds,
                            "seed": seed,
                            "from_scratch": scratch,
                        }
                        run |= {
                            "commit": record["commit"],
                            "legal": result.legal,
                            "start": result.start,
                            **asdict(result.costs),
                        }
                        run |= {"stages": [asdict(stage) for stage in result.stages]}
                        record["runs"].append(run)
                        config.out.parent.mkdir(parents=True, exist_ok=True)
                        config.out.write_text(json.dumps(record, indent=1) + "\n")
                        print(f"{name} {policy} {seconds:g} s seed {seed}: {result.costs.proxy_cost:.4f}", flush=True)
    print(table(record["runs"]))


def table(runs: list[dict[str, Any]]) -> str:
    """Mean costs as Markdown."""
    lines = [
        "| design | start | policy | seconds | proxy = wirelength / density / congestion | runs |",
        "|---|---|---|---|---|---|",
    ]
    keys = sorted({(r["design"], r["from_scratch"], r["seconds"], r["policy"]) for r in runs})
    for design, scratch, seconds, policy in keys:
        same = [
            r
            for r in runs
            if (r["design"], r["from_scratch"], r["seconds"], r["policy"]) == (design, scratch, seconds, policy)
        ]
        terms = ("proxy_cost", "wirelength_cost", "density_cost", "congestion_cost")
        proxy, *rest = (float(np.mean([r[term] for r in same])) for term in terms)
        start = "scratch" if scratch else "given"
        split = " / ".join(f"{value:.3f}" for value in rest)
        lines.append(f"| {design} | {start} | {policy} | {seconds:g} | {proxy:.4f} = {split} | {len(same)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main(tyro.cli(BenchPlace))
