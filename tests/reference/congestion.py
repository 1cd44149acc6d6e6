"""Twin of the congestion kernel."""

from __future__ import annotations

import numpy as np

from netlists import Canvas, Netlist, Placement, turn_size
from reference.wirelength import pin_positions


class _Demand:
    """Routes counted cell by cell; ranges are half-open."""

    def __init__(self, rows: int, cols: int) -> None:
        self.hor, self.ver = np.zeros((rows, cols)), np.zeros((rows, cols))

    def horizontal(self, row: int, c1: int, c2: int, weight: float) -> None:
        self.hor[row, min(c1, c2) : max(c1, c2)] += weight

    def vertical(self, col: int, r1: int, r2: int, weight: float) -> None:
        self.ver[min(r1, r2) : max(r1, r2), col] += weight

    def two(self, source: tuple[int, int], sink: tuple[int, int], weight: float) -> None:
        self.horizontal(source[0], source[1], sink[1], weight)
        self.vertical(sink[1], source[0], sink[0], weight)

    def three(self, cells: list[tuple[int, int]], weight: float) -> None:
        (y1, x1), (y2, x2), (y3, x3) = sorted(cells, key=lambda cell: (cell[1], cell[0]))
        if x1 < x2 < x3 and min(y1, y3) < y2 < max(y1, y3):
            self.horizontal(y1, x1, x2, weight)
            self.horizontal(y2, x2, x3, weight)
            self.vertical(x2, y1, y2, weight)
            self.vertical(x3, y2, y3, weight)
        elif x2 == x3 and x1 < x2 and y1 < min(y2, y3):
            self.horizontal(y1, x1, x2, weight)
            self.vertical(x2, y1, max(y2, y3), weight)
        elif y2 == y3:
            self.horizontal(y1, x1, x2, weight)
            self.horizontal(y2, x2, x3, weight)
            self.vertical(x2, y1, y2, weight)
        else:
            (y1, x1), (y2, x2), (y3, x3) = sorted(cells)
            self.horizontal(y2, min(x1, x2, x3), max(x1, x2, x3), weight)
            self.vertical(x1, y1, y2, weight)
            self.vertical(x3, y2, y3, weight)


def congestion_maps(netlist: Netlist, canvas: Canvas, placement: Placement) -> tuple[np.ndarray, np.ndarray]:
    """Horizontal and vertical congestion, (rows, cols) of the congestion grid each."""
    rows, cols = canvas.congestion_rows or canvas.rows, canvas.congestion_cols or canvas.cols
    gw, gh = canvas.width / cols, canvas.height / rows
    demand = _Demand(rows, cols)
    position = pin_positions(netlist, placement)
    for net in range(netlist.num_nets):
        pins = netlist.net_pin[netlist.net_start[net] : netlist.net_start[net + 1]]
        x, y = position[:, pins]
        on_canvas = (x >= 0) & (x <= canvas.width) & (y >= 0) & (y <= canvas.height)
        if not (on_canvas & placement.placed[netlist.pin_node[pins]]).all():
            continue
        cells = [
            (min(int(np.floor(b / gh)), rows - 1), min(int(np.floor(a / gw)), cols - 1))
            for a, b in zip(x, y, strict=True)
        ]
        distinct = list(dict.fromkeys(cells))
        weight = max(1.0, netlist.net_weight[net])
        if len(distinct) == 3:
            demand.three(distinct, weight)
        else:
            for sink in distinct[1:]:
                demand.two(distinct[0], sink, weight)
    hor, ver = demand.hor, demand.ver
    if canvas.smoothing:
        hor, ver = _smooth(hor.T, canvas.smoothing).T, _smooth(ver, canvas.smoothing)
    _block(netlist, canvas, placement, hor, ver)
    return hor / (gh * canvas.routes_hor), ver / (gw * canvas.routes_ver)


def _smooth(values: np.ndarray, reach: int) -> np.ndarray:
    """Spreads each value over the columns beside its own."""
    smoothed = np.zeros_like(values)
    cols = values.shape[1]
    for col in range(cols):
        lo, hi = max(0, col - reach), min(cols - 1, col + reach)
        smoothed[:, lo : hi + 1] += values[:, [col]] / (hi - lo + 1)
    return smoothed


def _block(netlist: Netlist, canvas: Canvas, placement: Placement, hor: np.ndarray, ver: np.ndarray) -> None:
    rows, cols = hor.shape
    width, height = turn_size(netlist.size, placement.orientation)
    for node in np.flatnonzero(netlist.is_hard & placement.placed):
        row_overlap = _overlaps(placement.y[node], height[node], canvas.height / rows, rows)
        col_overlap = _overlaps(placement.x[node], width[node], canvas.width / cols, cols)
        last_row, last_col = max(row_overlap), max(col_overlap)
        skip_row = _partial(row_overlap, canvas.height / rows)
        skip_col = _partial(col_overlap, canvas.width / cols)
        for row, dy in row_overlap.items():
            for col, dx in col_overlap.items():
                if dx <= 0 or dy <= 0:
                    continue
                if not (skip_row and row == last_row):
                    ver[row, col] += dx * canvas.macro_routes_ver
                if not (skip_col and col == last_col):
                    hor[row, col] += dy * canvas.macro_routes_hor


def _overlaps(centre: float, size: float, cell: float, count: int) -> dict[int, float]:
    """Overlap of each touched line of the grid."""
    lo, hi = centre - size / 2, centre + size / 2
    first = int(np.clip(np.floor(lo / cell), 0, count - 1))
    last = int(np.clip(np.floor(hi / cell), 0, count - 1))
    return {k: max(0.0, min(hi, (k + 1) * cell) - max(lo, k * cell)) for k in range(first, last + 1)}


def _partial(overlap: dict[int, float], cell: float) -> bool:
    first, last = min(overlap), max(overlap)
    return last > first and (abs(overlap[first] - cell) > 1e-5 or abs(overlap[last] - cell) > 1e-5)


def congestion_cost(netlist: Netlist, canvas: Canvas, placement: Placement) -> float:
    """Mean of the highest twentieth of all values; their maximum if that is none."""
    values = np.sort(np.concatenate([part.ravel() for part in congestion_maps(netlist, canvas, placement)]))[::-1]
    highest = len(values) // 20
    return values[:highest].sum() / highest if highest else values[0]
