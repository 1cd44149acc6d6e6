"""Pictures of a placement."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from env.cost import CostModel, Costs, CostWeights
from netlists import Design, Kind, turn_size
from netlists.files import write_bytes

HARD_COLOUR, FIXED_COLOUR, SOFT_COLOUR, PORT_COLOUR = "#3b6ea5", "#6b7280", "#e3a04f", "#b3261e"


def render_array(design: Design, pixels: int = 480) -> NDArray[np.uint8]:
    """The placement alone, as a (pixels, pixels, 3) picture."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(pixels / 100, pixels / 100), dpi=100)
    agg = FigureCanvasAgg(figure)
    draw_placement(figure.add_axes((0.02, 0.02, 0.96, 0.96)), design)
    agg.draw()
    return np.asarray(agg.buffer_rgba())[..., :3].copy()


def save_picture(
    path: str | Path, design: Design, title: str | None = None, weights: CostWeights | None = None
) -> None:
    """Writes a PNG: the placement beside its density and congestion maps, and its costs with those weights.

    Raises:
        NetlistError: the file cannot be written.
    """
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    model = CostModel(design.netlist, design.canvas, weights or CostWeights())
    costs, maps = model.evaluate(design.placement), model.maps(design.placement)
    canvas = design.canvas
    figure = Figure(figsize=(15, 8), dpi=110, layout=ConstrainedLayoutEngine(rect=(0.01, 0.02, 0.98, 0.94)))
    grid = figure.add_gridspec(2, 3, width_ratios=[2.1, 1, 1])
    axes = figure.add_subplot(grid[:, 0])
    draw_placement(axes, design)
    _draw_legend(axes, design)
    axes.set_title(title or design.name, fontsize=13, loc="left", fontweight="bold")
    axes.set_xlabel(f"{canvas.width:g} x {canvas.height:g} um, grid {canvas.cols} x {canvas.rows}", fontsize=9)
    panels = [
        (grid[0, 1], "Density", maps.density, "magma"),
        (grid[0, 2], "Congestion, horizontal", maps.congestion_hor, "inferno"),
        (grid[1, 2], "Congestion, vertical", maps.congestion_ver, "inferno"),
    ]
    for cell, name, values, colours in panels:
        _draw_map(figure, figure.add_subplot(cell), name, values, colours, canvas.height / canvas.width)
    _draw_costs(figure.add_subplot(grid[1, 1]), design, costs)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    write_bytes(Path(path), buffer.getvalue())


def draw_placement(axes: Any, design: Design) -> None:
    """Draws hard and soft macros, ports and blockages; pins are left out."""
    from matplotlib.collections import PolyCollection
    from matplotlib.patches import Rectangle

    netlist, canvas, placement = design.netlist, design.canvas, design.placement
    width, height = turn_size(netlist.size, placement.orientation)

    def boxes(nodes: NDArray[np.bool_], **style: Any) -> None:
        i = np.flatnonzero(nodes & placement.placed)
        corners = np.array([[-0.5, 0.5, 0.5, -0.5], [-0.5, -0.5, 0.5, 0.5]])
        centre, extent = np.stack([placement.x[i], placement.y[i]]), np.stack([width[i], height[i]])
        outlines = centre[:, :, None] + extent[:, :, None] * corners[:, None, :]
        axes.add_collection(PolyCollection(outlines.transpose(1, 2, 0), **style))

    axes.set_facecolor("#fbfbf9")
    axes.set_xticks(np.linspace(0, canvas.width, canvas.cols + 1), minor=True)
    axes.set_yticks(np.linspace(0, canvas.height, canvas.rows + 1), minor=True)
    axes.grid(which="minor", color="#e6e6e1", linewidth=0.4)
    axes.set_axisbelow(True)
    axes.tick_params(which="both", length=0)
    for b in canvas.blockages:
        axes.add_patch(
            Rectangle((b.lx, b.ly), b.ux - b.lx, b.uy - b.ly, facecolor="#d9d9d9", hatch="///", edgecolor="#999")
        )
    soft_line = 0.3 if netlist.is_soft.sum() < 5000 else 0.0
    boxes(netlist.is_soft, facecolor=SOFT_COLOUR, edgecolor="#a86a1d", linewidth=soft_line, alpha=0.45)
    hard = netlist.is_hard
    boxes(hard & ~placement.fixed, facecolor=HARD_COLOUR, edgecolor="#173a5e", linewidth=0.8, alpha=0.88)
    boxes(hard & placement.fixed, facecolor=FIXED_COLOUR, edgecolor="#30343b", linewidth=0.8, alpha=0.9)
    ports = netlist.is_port & placement.placed
    axes.plot(placement.x[ports], placement.y[ports], "s", color=PORT_COLOUR, markersize=2.2, clip_on=False, zorder=4)
    axes.set_xlim(0, canvas.width)
    axes.set_ylim(0, canvas.height)
    axes.set_aspect("equal")
    axes.set_xticks([])
    axes.set_yticks([])


def _draw_legend(axes: Any, design: Design) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    netlist = design.netlist
    counts = {kind: int((netlist.kind == kind).sum()) for kind in Kind}
    handles = [
        Patch(facecolor=HARD_COLOUR, label=f"{counts[Kind.HARD_MACRO]} hard macros"),
        Patch(facecolor=SOFT_COLOUR, alpha=0.5, label=f"{int(netlist.is_soft.sum())} soft macros"),
        Line2D([], [], marker="s", color=PORT_COLOUR, linestyle="", markersize=4, label=f"{counts[Kind.PORT]} ports"),
    ]
    axes.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.03), ncols=3, frameon=False, fontsize=9)


def _draw_map(figure: Any, axes: Any, name: str, values: NDArray[np.float64], colours: str, aspect: float) -> None:
    rows, cols = values.shape
    image = axes.imshow(
        values, origin="lower", cmap=colours, vmin=0, vmax=max(1.0, float(values.max())), aspect=aspect * cols / rows
    )
    axes.set_title(name, fontsize=10, loc="left")
    axes.set_xticks([])
    axes.set_yticks([])
    figure.colorbar(image, ax=axes, shrink=0.8, pad=0.02)


def _draw_costs(axes: Any, design: Design, costs: Costs) -> None:
    axes.axis("off")
    lines = [
        ("proxy cost", f"{costs.proxy_cost:.4f}"),
        ("wirelength cost", f"{costs.wirelength_cost:.4f}"),
        ("density cost", f"{costs.density_cost:.4f}"),
        ("congestion cost", f"{costs.congestion_cost:.4f}"),
        ("wirelength", f"{costs.wirelength:,.0f} um"),
        ("nets", f"{design.netlist.num_nets:,}"),
    ]
    for row, (name, value) in enumerate(lines):
        weight = "bold" if row == 0 else "normal"
        axes.text(0.02, 0.92 - 0.14 * row, name, fontsize=11, fontweight=weight, transform=axes.transAxes)
        axes.text(0.98, 0.92 - 0.14 * row, value, fontsize=11, fontweight=weight, ha="right", transform=axes.transAxes)
