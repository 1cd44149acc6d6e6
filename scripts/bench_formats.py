"""Times and memory of reading and writing the formats of other tools; writes results/formats.json. One core.

Each figure comes from a process of its own, so that the peak of its memory is its own too; seconds do not count the
start of Python. Seconds of the processor stand beside those of the wall, which others on the machine lengthen.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

from placer.versions import provenance

BENCHMARKS = Path(__file__).parents[2] / "shared" / "benchmarks"


@dataclass(frozen=True)
class Bench:
    """What is measured, and where the record goes."""

    out: Path = Path("results/formats.json")
    """JSON record to write."""
    benchmarks: Path = BENCHMARKS
    """Folder of public designs; without it only generated files are read."""
    megabytes: int = 200
    """Size of the generated DEF."""
    repeats: int = 5
    """Runs of each measurement."""


MEASURE = """
import json, resource, sys, time
from netlists.export import Frame, format_def
from netlists.files import read_bytes
from netlists.lefdef import import_lefdef, read_def
import netlists

def kib():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

task, arguments = sys.argv[1], sys.argv[2:]
before = kib()
began, cpu_began = time.perf_counter(), time.process_time()
if task == "parse":
    block = read_def(arguments[0])
    counts = {"components": len(block.components.name), "nets": len(block.nets.name), "pins": len(block.pins.name)}
elif task == "design":
    netlist = import_lefdef(arguments[1:], arguments[0]).design.netlist
    counts = {"nodes": netlist.num_nodes, "pins": netlist.num_pins, "nets": netlist.num_nets}
elif task == "export":
    imported = import_lefdef(arguments[1:], arguments[0])
    began, cpu_began = time.perf_counter(), time.process_time()
    text = read_bytes(__import__("pathlib").Path(arguments[0]))
    out = format_def(text, imported.design, Frame(imported.shift, imported.units))
    counts = {"bytes": len(out), "same_bytes": out == text}
seconds, cpu = time.perf_counter() - began, time.process_time() - cpu_began
memory = {"peak_mb": kib() / 1024, "start_mb": before / 1024}
print(json.dumps({"seconds": seconds, "cpu_seconds": cpu, **memory, **counts}))
"""


def measured(repeats: int, task: str, *arguments: str | Path) -> dict[str, Any]:
    """Median seconds with their spread, the greatest peak of memory, and what was read."""
    command = [sys.executable, "-c", MEASURE, task, *map(str, arguments)]
    runs = [json.loads(subprocess.run(command, check=True, capture_output=True).stdout) for _ in range(repeats)]
    figures = ("seconds", "cpu_seconds", "peak_mb", "start_mb")
    counts = {key: value for key, value in runs[0].items() if key not in figures}
    return {
        "seconds": _spread([run["seconds"] for run in runs]),
        "cpu_seconds": _spread([run["cpu_seconds"] for run in runs]),
        "peak_mb": max(run["peak_mb"] for run in runs),
        "start_mb": runs[0]["start_mb"],
        **counts,
    }


def _spread(values: list[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "min": min(values), "max": max(values), "runs": len(values)}


def generated_def(megabytes: int) -> Iterator[str]:
    """A DEF of about so many megabytes: cells of one macro, each net from one cell to the next two, with wires."""
    cells = megabytes * 1_000_000 // 225
    yield "VERSION 5.8 ;\nDESIGN big ;\nUNITS DISTANCE MICRONS 2000 ;\nDIEAREA ( 0 0 ) ( 9000000 9000000 ) ;\n"
    yield f"COMPONENTS {cells} ;\n"
    for i in range(cells):
        yield f"- core/unit_{i % 997}/u{i} CELL + PLACED ( {i % 3000 * 2000} {i // 3000 * 4000} ) N ;\n"
    yield f"END COMPONENTS\nNETS {cells} ;\n"
    for i in range(cells):
        ends = " ".join(
            f"( core/unit_{k % 997}/u{k} {pin} )"
            for k, pin in ((i, "Y"), ((i + 1) % cells, "A"), ((i + 7) % cells, "B"))
        )
        yield f"- core/net\\[{i}\\] {ends} + ROUTED M1 ( 0 0 ) ( 10 * ) via NEW M2 ( 10 0 ) ( * 20 ) ;\n"
    yield "END NETS\nEND DESIGN\n"


GENERATED_LEF = "MACRO CELL\n CLASS CORE ;\n SIZE 1 BY 2 ;\n" + "".join(
    f" PIN {pin}\n  DIRECTION {way} ;\n END {pin}\n" for pin, way in (("A", "INPUT"), ("B", "INPUT"), ("Y", "OUTPUT"))
)


def lefdef(config: Bench) -> dict[str, Any]:
    """Figures of LEF/DEF: a real block, and a generated DEF that shows how time and memory grow."""
    record: dict[str, Any] = {}
    source = config.benchmarks / "lefdef" / "ct_ariane"
    if source.exists():
        lef, def_ = source / "ariane.lef", source / "ariane.def.gz"
        record["ct_ariane"] = {
            "parse": measured(config.repeats, "parse", def_),
            "design": measured(config.repeats, "design", def_, lef),
            "export_def": measured(config.repeats, "export", def_, lef),
        }
    with tempfile.TemporaryDirectory() as folder:
        lef = Path(folder) / "cell.lef"
        lef.write_text(f"{GENERATED_LEF}END CELL\nEND LIBRARY\n")
        for megabytes in (config.megabytes // 4, config.megabytes):
            def_ = Path(folder) / f"{megabytes}.def"
            with def_.open("w") as file:
                file.writelines(generated_def(megabytes))
            record[f"generated_{megabytes}_mb"] = {
                "file_mb": def_.stat().st_size / 1e6,
                "parse": measured(3, "parse", def_),
                "design": measured(3, "design", def_, lef),
            }
    return record


def main(config: Bench) -> None:
    """Measures, prints, writes the record; parts that are measured elsewhere stay."""
    record: dict[str, Any] = json.loads(config.out.read_text()) if config.out.exists() else {}
    record["lefdef"] = {**provenance(), "measured": lefdef(config)}
    config.out.parent.mkdir(parents=True, exist_ok=True)
    config.out.write_text(json.dumps(record, indent=1) + "\n")
    print(json.dumps(record, indent=1))


if __name__ == "__main__":
    main(tyro.cli(Bench))
