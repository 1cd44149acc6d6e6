"""A picture of a search: before and after, cost terms against time, acceptance by move type."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from env.cost import Costs
from env.render import HARD_COLOUR, SOFT_COLOUR, draw_placement
from env.search import SearchResult, TracePoint
from netlists import Design
from netlists.files import write_bytes

TERM_COLOURS = {
    "proxy_cost": "#1f2430",
    "wirelength_cost": "#2f7d4f",
    "density_cost": "#b3261e",
    "congestion_cost": "#7a4fa3",
}


def save_search_picture(path: str | Path, design: Design, search: SearchResult) -> None:
    """Writes a PNG of what a search made of a design.

    Raises:
        NetlistError: the file cannot be written.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 10.5), dpi=100, layout="constrained")
    grid = figure.add_gridspec(2, 2, height_ratios=[1.7, 1])
    for column, (title, placement) in enumerate((("Before", search.start), ("After", search.placement))):
        axes = figure.add_subplot(grid[0, column])
        axes.set_title(title, fontsize=12, loc="left", fontweight="bold")
        draw_placement(axes, design.with_placement(placement))
    _draw_trace(figure.add_subplot(grid[1, 0]), search.trace, search.costs)
    _draw_acceptance(figure.add_subplot(grid[1, 1]), search.acceptance)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    write_bytes(Path(path), buffer.getvalue())


def _draw_trace(axes: Any, trace: Sequence[TracePoint], found: Costs) -> None:
    """Each term relative to what was found, so that all of them share one axis."""
    axes.set_title("Cost terms against time (1 = of the placement found)", fontsize=10, loc="left")
    if not trace:
        return
    seconds = [point.seconds for point in trace]
    for name, colour in TERM_COLOURS.items():
        cost = getattr(found, name)
        values = [getattr(point, name) / (cost or 1.0) for point in trace]
        label = f"{name.removesuffix('_cost')} ({cost:.4f})"
        axes.plot(seconds, values, color=colour, linewidth=2.2 if name == "proxy_cost" else 1.3, label=label)
    axes.set_xlabel("s", fontsize=9)
    axes.grid(color="#e6e6e1", linewidth=0.5)
    axes.legend(frameon=False, fontsize=9)


def _draw_acceptance(axes: Any, acceptance: Mapping[str, float]) -> None:
    axes.set_title("Accepted share of moves by type", fontsize=10, loc="left")
    names = list(acceptance)[::-1]
    colours = [HARD_COLOUR if name.startswith("hard") else SOFT_COLOUR for name in names]
    axes.barh([name.replace("_", " ") for name in names], [100 * acceptance[name] for name in names], color=colours)
    for row, name in enumerate(names):
        axes.text(100 * acceptance[name] + 0.5, row, f"{100 * acceptance[name]:.1f} %", va="center", fontsize=9)
    axes.set_xlim(0, 100 * max(acceptance.values(), default=1.0) * 1.2 + 1)
    axes.spines[["top", "right"]].set_visible(False)
