"""Twin of the density kernel."""

from __future__ import annotations

import numpy as np

from netlists import Canvas, Netlist, Placement, turn_size


def density_map(netlist: Netlist, canvas: Canvas, placement: Placement) -> np.ndarray:
    """(rows, cols) occupied share of each grid cell."""
    width, height = turn_size(netlist.size, placement.orientation)
    cell_w, cell_h = canvas.cell_width, canvas.cell_height
    density = np.zeros((canvas.rows, canvas.cols))
    for node in np.flatnonzero(~netlist.is_port & placement.placed):
        for row in range(canvas.rows):
            for col in range(canvas.cols):
                dx = min(placement.x[node] + width[node] / 2, (col + 1) * cell_w) - max(
                    placement.x[node] - width[node] / 2, col * cell_w
                )
                dy = min(placement.y[node] + height[node] / 2, (row + 1) * cell_h) - max(
                    placement.y[node] - height[node] / 2, row * cell_h
                )
                density[row, col] += max(0.0, dx) * max(0.0, dy) / (cell_w * cell_h)
    return density


def density_cost(netlist: Netlist, canvas: Canvas, placement: Placement) -> float:
    """Half the mean of the densest tenth; with fewer than 10 cells, of the occupied ones."""
    values = np.sort(density_map(netlist, canvas, placement).ravel())[::-1]
    densest = len(values) // 10
    if densest:
        return 0.5 * values[:densest].sum() / densest
    occupied = values[values > 0]
    return 0.5 * occupied.mean() if len(occupied) else 0.0
