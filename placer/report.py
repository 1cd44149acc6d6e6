"""What the command line shows: progress, tables, and records as JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from env.cost import Costs
from env.legality import Legality, count_breaches
from netlists import Design, Kind, NetlistError
from netlists.files import write_bytes

PLAIN_LINE_SECONDS = 5.0
"""Between lines of progress where there is no terminal."""


MOST_SEEDS = 2**63
"""What torch and the compiled search take."""


def check_seed(seed: int) -> None:
    """Raises NetlistError if it is none."""
    if not 0 <= seed < MOST_SEEDS:
        raise NetlistError(f"seed is {seed}, expected seed >= 0 and below 2^63")


def evaluation(design: Design, costs: Costs, legality: Legality) -> dict[str, Any]:
    """What `placer evaluate` reports."""
    netlist = design.netlist
    return {
        **asdict(costs),
        "overlapping_pairs": legality.overlapping_pairs,
        "off_canvas": legality.off_canvas,
        "unplaced": legality.unplaced,
        "hard_macros": int(netlist.is_hard.sum()),
        "soft_macros": int(netlist.is_soft_macro.sum()),
        "ports": int(netlist.is_port.sum()),
        "nets": netlist.num_nets,
        "legal": legality.legal,
        "breaches": asdict(count_breaches(design, legality)),
        "standard_cells": int((netlist.kind == Kind.STDCELL).sum()),
    }


def write_json(path: Path, record: dict[str, Any]) -> None:
    """Writes a record whole or not at all."""
    write_bytes(path, (json.dumps(record, indent=1) + "\n").encode())


def print_table(title: str, columns: list[str], rows: list[list[str]]) -> None:
    """A table on the terminal."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for index, column in enumerate(columns):
        table.add_column(column, justify="left" if index == 0 else "right")
    for row in rows:
        table.add_row(*row)
    console = Console()
    with console.capture() as shown:
        console.print(table)
    sys.stdout.write(shown.get())  # where nobody reads, rich would end the process itself, with another exit code


def cost_row(name: str, costs: Costs) -> list[str]:
    """A row of the cost table."""
    terms = (costs.proxy_cost, costs.wirelength_cost, costs.density_cost, costs.congestion_cost)
    return [name, *(f"{term:.4f}" for term in terms), f"{costs.wirelength:,.0f}"]


COST_COLUMNS = ["", "proxy", "wirelength", "density", "congestion", "um"]


@contextmanager
def place_progress(quiet: bool, seconds: float) -> Iterator[Any]:
    """Yields a listener for `place`: a bar on a terminal, a line now and then elsewhere, on stderr."""
    if quiet:
        yield None
        return
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield _plain_listener(seconds)
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[cost]}"), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("starts", total=1.0, cost="")

        def listen(stage: str, share: float, proxy: float, speed: float | None) -> None:
            bar.update(task, description=stage, completed=share, cost=_cost_so_far(proxy, speed))

        yield listen


def _plain_listener(seconds: float) -> Any:
    last = time.monotonic()

    def listen(stage: str, share: float, proxy: float, speed: float | None) -> None:
        nonlocal last
        if time.monotonic() - last >= PLAIN_LINE_SECONDS:
            last = time.monotonic()
            sys.stderr.write(f"{stage} {100 * share:3.0f} %  {_cost_so_far(proxy, speed)}  of {seconds:g} s\n")

    return listen


def _cost_so_far(proxy: float, speed: float | None) -> str:
    """Rival methods do not say how fast they are."""
    return f"proxy {proxy:.4f}" + ("" if speed is None else f"  {speed:,.0f} moves/s")


class TrainReport:
    """Prints a line an iteration."""

    def __init__(self, quiet: bool) -> None:
        self.quiet = quiet

    def iteration(self, row: dict[str, Any]) -> None:
        """One line of the curve."""
        if self.quiet:
            return
        cost = f"proxy {row['proxy_cost']:.4f}" if "proxy_cost" in row else "proxy      -"
        sys.stderr.write(
            f"iteration {row['iteration']:4d}  {row['env_steps']:8d} steps  {row['seconds']:7.1f} s  {cost}  "
            f"entropy {row['entropy']:.2f}  value loss {row['value_loss']:.4f}  {row['steps_per_second']:.0f} steps/s\n"
        )
