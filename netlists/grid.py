"""The placement grid: how many columns and rows let macros pack with least waste, as AlphaChip chooses them.

Rules and their sources: `netlists/docs/clustering.md`, "Grid".
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class GridConfig:
    """Which grids are candidates. The defaults are AlphaChip's."""

    min_lines: int = 10
    """Fewest columns and fewest rows."""
    max_lines: int = 127
    """Most columns and most rows."""
    min_cells: int = 500
    """Fewest grid cells."""
    max_cells: int = 2500
    """Most grid cells."""
    max_aspect: float = 1.5
    """Longest side of a grid cell over its shortest."""
    tolerance: float = 0.05
    """Share of the best score that is given up for fewer cells."""
    most_packings: int = 400
    """Trial packings; what is left is scored by an estimate."""


def choose_grid(
    width: float, height: float, size: NDArray[np.float64], config: GridConfig | None = None
) -> tuple[int, int]:
    """Columns and rows for a canvas and its movable hard macros.

    A candidate scores the share of cells that stay empty when macros are packed, largest first, each in the first cell
    (row by row from the lower left) that may hold its centre, plus the shares of used width and height that are not
    wasted when macros stand side by side and on top of one another. Of the candidates within the tolerance of the best,
    the one with the highest score per cell wins.

    Args:
        width, height: of the canvas, um.
        size: (2, M) um, of the movable hard macros as they lie, in the order of the netlist.
        config: see there.
    """
    config = config or GridConfig()
    cols, rows = _candidates(width, height, config)
    if size.shape[1] == 0:
        return _squarest(width, height, cols, rows)
    kept = np.zeros(len(cols))
    for axis, extent, lines in ((0, width, cols), (1, height, rows)):
        per_line = {count: _kept_share(size[axis], extent / count) for count in np.unique(lines).tolist()}
        kept += [per_line[count] for count in lines.tolist()]
    bound = kept + 1 - float(np.sum(size[0] * size[1])) / (width * height)

    def score(at: int) -> float:
        empty = empty_share(width, height, size, int(cols[at]), int(rows[at]))
        return -math.inf if empty is None else float(kept[at]) + empty

    chosen = _choose(bound, cols * rows, cache(score), config)
    return _squarest(width, height, cols, rows) if chosen is None else (int(cols[chosen]), int(rows[chosen]))


def _candidates(width: float, height: float, config: GridConfig) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Columns and rows of the grids of allowed numbers of cells whose cells are square enough, or the squarest."""
    lines = np.arange(config.min_lines, config.max_lines + 1)
    cols, rows = (axis.ravel() for axis in np.meshgrid(lines, lines))
    cells = cols * rows
    allowed = (cells >= config.min_cells) & (cells <= config.max_cells)
    cols, rows = cols[allowed], rows[allowed]
    aspect = np.abs(np.log(width / cols * rows / height))
    bound = max(math.log(config.max_aspect), float(aspect.min()) + 1e-9)
    return cols[aspect <= bound], rows[aspect <= bound]


def _squarest(width: float, height: float, cols: NDArray[np.int64], rows: NDArray[np.int64]) -> tuple[int, int]:
    """The candidate with the squarest cells, the coarsest of several."""
    aspect = np.round(np.abs(np.log(width / cols * rows / height)), 2)
    at = int(np.lexsort((rows, cols * rows, aspect))[0])
    return int(cols[at]), int(rows[at])


def _kept_share(length: NDArray[np.float64], cell: float) -> float:
    """Sum of the macros' lengths over what they take in a line, centres on cell centres; neighbours share a cell."""
    span = 2 * np.ceil(np.maximum(length / cell - 1, 0) / 2 - 1e-12) + 1
    in_last = cell - (span * cell - length) / 2
    shares_cell = in_last + np.concatenate([[0.0], in_last[:-1]]) <= cell
    return float(length.sum() / ((span.sum() - shares_cell.sum() + 1) * cell))


def _choose(
    bound: NDArray[np.float64], cells: NDArray[np.int64], score: Callable[[int], float], config: GridConfig
) -> int | None:
    """Scores candidates from the most promising on, until no other can win; None if none of them is feasible.

    Args:
        bound: what each candidate scores at most.
        cells: its number of grid cells.
        score: what it does score; -inf if the macros do not fit.
        config: see there.
    """
    best = -math.inf
    for packings, at in enumerate(np.argsort(-bound, kind="stable").tolist()):
        if bound[at] <= best or packings >= config.most_packings:
            break
        best = max(best, score(at))
    if best == -math.inf:
        return None
    qualified = best * (1 - config.tolerance)
    chosen, highest = None, -math.inf
    for at in np.argsort(-bound / cells, kind="stable").tolist():
        if bound[at] / cells[at] <= highest:
            break
        if bound[at] >= qualified and score(at) >= qualified and score(at) / cells[at] > highest:
            chosen, highest = at, score(at) / cells[at]
    return chosen


def empty_share(width: float, height: float, size: NDArray[np.float64], cols: int, rows: int) -> float | None:
    """Share of grid cells that no macro touches after a first-fit packing, largest first; None if one does not fit.

    Args:
        width, height: of the canvas, um.
        size: (2, M) um; the earlier of two of equal area is packed first.
        cols, rows: of the grid.
    """
    size = size[:, np.argsort(-size[0] * size[1], kind="stable")]
    cell = np.array([[width / cols], [height / rows]])
    count = np.array([[cols], [rows]])
    reach = size / 2 / cell
    """(2, M) half sizes in cells."""
    low = np.ceil(reach - 0.5 - 1e-9).astype(np.int64)
    """(2, M) first column and row whose centre keeps the macro inside."""
    placed = np.empty((2, size.shape[1]), np.int64)
    blocked = np.zeros((rows, cols), bool)
    for macro in range(size.shape[1]):
        same = macro > 0 and np.array_equal(size[:, macro], size[:, macro - 1])
        known = macro - 1 if same else 0
        if not same:
            blocked = np.ones((rows, cols), bool)
            (c, r), (c_end, r_end) = low[:, macro], (count[:, 0] - low[:, macro])
            blocked[r:r_end, c:c_end] = False
        apart = np.ceil(reach[:, known:macro] + reach[:, macro : macro + 1] - 1e-9).astype(np.int64) - 1
        first = np.maximum(placed[:, known:macro] - apart, 0)
        last = placed[:, known:macro] + apart + 1
        for (c, r), (c_end, r_end) in zip(first.T.tolist(), last.T.tolist(), strict=True):
            blocked[r:r_end, c:c_end] = True
        at = int(np.argmin(blocked))
        if blocked.flat[at]:
            return None
        placed[:, macro] = at % cols, at // cols
    touched = np.zeros((rows, cols), bool)
    first = np.floor(placed + 0.5 - reach + 1e-9).astype(np.int64)
    last = np.ceil(placed + 0.5 + reach - 1e-9).astype(np.int64)
    for (c, r), (c_end, r_end) in zip(first.T.tolist(), last.T.tolist(), strict=True):
        touched[r:r_end, c:c_end] = True
    return float(1 - touched.mean())
