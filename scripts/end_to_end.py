"""From a design in a real format to the placed design in that format, checked; writes results/end_to_end.json.

    python scripts/end_to_end.py --out results/end_to_end.json --keep runs/end_to_end

Runs `placer import`, `place` and `export` as a user does, reads what was exported with the other files of the source,
and compares: hard macros lie where they were placed, legally, and nothing else has changed. Ends with 1 if a check
fails.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import tyro

import netlists
from env import check_legality
from env.legality import count_breaches
from env.render import save_picture
from netlists import Design, turn_size
from netlists.bookshelf import read_bookshelf
from netlists.files import read_bytes
from netlists.lefdef import import_lefdef, parse_def
from placer.versions import provenance

BENCHMARKS = Path(__file__).parents[2] / "shared" / "benchmarks"
PLACER = Path(sys.executable).with_name("placer")


@dataclass(frozen=True)
class EndToEnd:
    """What is run."""

    out: Path = Path("results/end_to_end.json")
    """JSON record to write."""
    benchmarks: Path = BENCHMARKS
    """Folder of public designs."""
    designs: tuple[str, ...] = ("lefdef/ct_ariane", "bookshelf/ibm01")
    """Which of them."""
    seconds: float = 60.0
    """Of `placer place`."""
    threads: int = 1
    """Of clustering and search."""
    seed: int = 0
    """Of clustering and search."""
    keep: Path | None = None
    """Folder that keeps what the commands wrote, and pictures of the original placements."""


@dataclass(frozen=True)
class Format:
    """How a design goes in and out."""

    name: str
    """Of `placer export`."""
    suffix: str
    """Of the exported file."""
    tolerance: float
    """um, of a position that was written and read."""
    files: Callable[[Path], list[str]]
    """Arguments of `placer import` for a folder of the benchmarks."""
    read_back: Callable[[Path, Path], Design]
    """The flat design of that folder, with the exported file in place of its own."""
    changed: Callable[[Path, Path], tuple[set[str], dict[str, int]]]
    """Nodes that the exported file states otherwise than the folder's own, `?` for any other change; and counts."""


def def_files(folder: Path) -> list[str]:
    """The pair."""
    return ["--lef", str(folder / "ariane.lef"), "--def", str(folder / "ariane.def.gz")]


def read_def_back(folder: Path, exported: Path) -> Design:
    """The exported DEF with the LEF."""
    return import_lefdef([folder / "ariane.lef"], exported).design


def changed_components(folder: Path, exported: Path) -> tuple[set[str], dict[str, int]]:
    """Components whose placement differs; `?` if any byte beside placements does."""
    texts = [read_bytes(path) for path in (folder / "ariane.def.gz", exported)]
    names, placements, others = zip(*map(_placements, texts), strict=True)
    changed = {name for name, old, new in zip(names[0], *placements, strict=True) if old != new}
    counts = {"components": len(names[1]), "nets": len(parse_def(texts[1]).nets.name)}
    return changed if others[0] == others[1] else changed | {"?"}, counts


def _placements(text: bytes) -> tuple[tuple[str, ...], list[bytes], list[bytes]]:
    """Names and placements of the components of a DEF, and the text around the placements."""
    components = parse_def(text).components
    ends = [0, *components.span.T.ravel().tolist(), len(text)]
    pieces = [text[begin:end] for begin, end in pairwise(ends)]
    return components.name, pieces[1::2], pieces[::2]


def aux_files(folder: Path) -> list[str]:
    """The .aux."""
    return ["--aux", str(folder / f"{folder.name}.aux")]


def read_pl_back(folder: Path, exported: Path) -> Design:
    """The exported .pl with the other files."""
    with tempfile.TemporaryDirectory() as copy:
        for path in folder.iterdir():
            shutil.copy(exported if path.suffix == ".pl" else path, Path(copy) / path.name)
        return read_bookshelf(Path(copy) / f"{folder.name}.aux")


def changed_lines(folder: Path, exported: Path) -> tuple[set[str], dict[str, int]]:
    """Nodes whose lines differ; `?` if the number of lines or the order of nodes does."""
    old, new = (path.read_text().split("\n") for path in (folder / f"{folder.name}.pl", exported))
    names = [[line.split()[:1] for line in lines] for lines in (old, new)]
    changed = {name[0] for name, a, b in zip(names[0], old, new, strict=False) if name and a != b}
    return changed if names[0] == names[1] else changed | {"?"}, {"lines": len(new)}


FORMATS = {
    "lefdef": Format("def", ".def.gz", 0.5 / 2000 + 1e-6, def_files, read_def_back, changed_components),
    "bookshelf": Format("bookshelf", ".pl", 2e-6, aux_files, read_pl_back, changed_lines),
}


def command(*arguments: str | Path) -> float:
    """Runs `placer`; returns its wall time, s."""
    print("placer", *arguments, flush=True)
    began = time.perf_counter()
    subprocess.run([PLACER, *map(str, arguments)], check=True)
    return time.perf_counter() - began


def journey(config: EndToEnd, design: str, work: Path) -> dict[str, Any]:
    """Takes one design from its files to its files and compares."""
    form, source = FORMATS[design.split("/")[0]], config.benchmarks / design
    folder, placed, exported = work / "imported", work / "placed", work / f"exported{form.suffix}"
    at_random = ["--threads", str(config.threads), "--seed", str(config.seed)]
    plc = placed / "placement.plc"
    seconds = {
        "import": command("import", *form.files(source), *at_random, "--out", folder),
        "place": command("place", folder, "--seconds", str(config.seconds), *at_random, "--out", placed),
        "export": command("export", folder, "--placement", plc, "--format", form.name, "--out", exported),
    }
    start, end = netlists.read(folder), netlists.read(folder, plc)
    save_picture(work / "original.png", start, "original placement")
    result = json.loads((placed / "result.json").read_text())
    record = compare(end, form.read_back(source, exported), form.tolerance)
    changed, counts = form.changed(source, exported)
    hard = set(np.array(end.netlist.node_name)[end.netlist.is_hard])
    record["checks"] |= {"legal": result["legal"], "nothing_else_changed": changed <= hard}
    costs = {name: result[name]["proxy_cost"] for name in ("start_costs", "costs")}
    return {**record, "moved": len(changed), "hard_macros": len(hard), **counts, **costs, "seconds": seconds}


def compare(placed: Design, again: Design, tolerance: float) -> dict[str, Any]:
    """Whether the hard macros of the clustered, placed design lie there in the flat one that was read back, legally."""
    node_of = {name: node for node, name in enumerate(again.netlist.node_name)}
    hard = np.flatnonzero(placed.netlist.is_hard)
    node = np.array([node_of[placed.netlist.node_name[i]] for i in hard])
    at = np.stack([again.placement.x, again.placement.y])[:, node]
    off = np.abs(at - np.stack([placed.placement.x, placed.placement.y])[:, hard]).max()
    half = turn_size(again.netlist.size, again.placement.orientation)[:, node] / 2
    extent = np.array([[again.canvas.width], [again.canvas.height]])
    legality = check_legality(again)
    checks = {
        "all_hard_macros": len(hard) == int(again.netlist.is_hard.sum()),
        "positions_read_back": bool(off <= tolerance),
        "orientations_read_back": np.array_equal(again.placement.orientation[node], placed.placement.orientation[hard]),
        "no_overlap": legality.overlapping_pairs == 0 and legality.on_blockage == 0,
        "inside": bool(((at - half > -tolerance) & (at + half < extent + tolerance)).all()),
        "no_breaches": not any(vars(count_breaches(placed, check_legality(placed))).values()),
    }
    return {"checks": checks, "largest_shift_um": float(off)}


def main(config: EndToEnd) -> int:
    """Runs all designs, writes the record; 0 if all checks hold."""
    record: dict[str, Any] = {**provenance(), "settings": {"place_seconds": config.seconds, "seed": config.seed}}
    record["designs"] = {}
    with tempfile.TemporaryDirectory() as folder:
        for design in config.designs:
            work = (config.keep or Path(folder)) / design.replace("/", "_")
            record["designs"][design] = journey(config, design, work)
    config.out.parent.mkdir(parents=True, exist_ok=True)
    config.out.write_text(json.dumps(record, indent=1) + "\n")
    print(json.dumps(record["designs"], indent=1))
    return 0 if all(all(found["checks"].values()) for found in record["designs"].values()) else 1


if __name__ == "__main__":
    sys.exit(main(tyro.cli(EndToEnd)))
