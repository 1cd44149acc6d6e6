"""What the policy is shown, as NumPy arrays: maps and features of observations, shares of edges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from env.episodes import Task
from env.graph import Graph, graph

MAP_CHANNELS = 9
"""Action mask, wire mask, density, congestion (2), offset from the start position (2), cells beside the edge (2)."""

WIRE_MASK = 1
"""Channel of the maps."""

STEP_FEATURES = 6
"""Progress, size of the macro in cells (2), grid size (2), mean legal share."""


@dataclass(frozen=True)
class PolicyTask:
    """A task with the graph that the policy reads."""

    task: Task
    graph: Graph
    order_node: NDArray[np.int64]
    """(T,) graph node of each macro in the order of placing."""
    grid: tuple[int, int]
    """Rows and columns."""
    routing_grid: tuple[int, int]
    """Those of the congestion maps."""

    @staticmethod
    def make(task: Task) -> PolicyTask:
        made, canvas = graph(task.design, task.start), task.design.canvas
        grid = canvas.rows, canvas.cols
        return PolicyTask(task, made, made.node[task.order], grid, canvas.congestion_grid)

    @property
    def edge_share(self) -> NDArray[np.float32]:
        """(K,) weight of each edge over the sum at its receiver."""
        weight, receiver = self.graph.edge_weight, self.graph.edge_index[1]
        total = np.bincount(receiver, weight, minlength=len(self.graph.x))
        return (weight / np.maximum(total[receiver], 1e-12)).astype(np.float32)

    @property
    def edge_log_weight(self) -> NDArray[np.float32]:
        """(K,) logarithm of one plus each edge's weight."""
        return np.log1p(self.graph.edge_weight).astype(np.float32)


def describe(
    task: PolicyTask, step: NDArray[np.int64], observation: dict[str, NDArray]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Maps (n, rows, cols, MAP_CHANNELS) and features (n, STEP_FEATURES) of n observations of one task."""
    rows, cols = task.grid
    legal = observation["action_mask"] > 0
    width, height, start_x, start_y = task.graph.x[task.order_node[step]][:, [0, 1, 9, 10]].T
    x, y = (np.arange(cols, dtype=np.float32) + 0.5) / cols, (np.arange(rows, dtype=np.float32) + 0.5) / rows
    shape = (-1, *task.routing_grid)
    maps = np.empty((len(step), rows, cols, MAP_CHANNELS), np.float32)
    maps[..., 0] = legal.reshape(-1, rows, cols)
    maps[..., WIRE_MASK] = _normalise(observation["wire_mask"], legal).reshape(-1, rows, cols)
    maps[..., 2] = observation["density"].reshape(-1, rows, cols)
    maps[..., 3] = _resample(observation["congestion_hor"].reshape(shape), rows, cols)
    maps[..., 4] = _resample(observation["congestion_ver"].reshape(shape), rows, cols)
    maps[..., 5] = x - start_x[:, None, None]
    maps[..., 6] = y[:, None] - start_y[:, None, None]
    maps[..., 7] = np.minimum(x, 1 - x)
    maps[..., 8] = np.minimum(y, 1 - y)[:, None]
    columns = [
        step / len(task.order_node),
        width * cols / 4,
        height * rows / 4,
        np.full(len(step), cols / 32),
        np.full(len(step), rows / 32),
        legal.mean(axis=1),
    ]
    return maps, np.stack(columns, axis=1).astype(np.float32)


def _normalise(wire: NDArray[np.float32], legal: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Wire masks (n, G) from 0 at the best legal cell to 1 on the average of the legal ones."""
    least = np.where(legal, wire, np.inf).min(axis=1, keepdims=True)
    mean = np.where(legal, wire, 0).sum(axis=1, keepdims=True) / np.maximum(legal.sum(axis=1, keepdims=True), 1)
    least = np.where(np.isfinite(least), least, mean)  # where no cell is legal nothing matters
    return np.clip((wire - least) / (mean - least + 1e-9), 0, 4)


def _resample(values: NDArray[np.float32], rows: int, cols: int) -> NDArray[np.float32]:
    if values.shape[1:] == (rows, cols):
        return values
    row = np.arange(rows) * values.shape[1] // rows
    col = np.arange(cols) * values.shape[2] // cols
    return values[:, row[:, None], col]


def spread_cells(
    task: PolicyTask, observation: dict[str, NDArray], padded_cols: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Of n observations: sample, graph node, and cell of the padded grid, of every node that lies somewhere."""
    rows, cols = task.grid
    member = task.graph.member
    sample, node = np.nonzero(observation["placed"][:, member])
    position = observation["position"][sample, member[node]]
    col = np.clip((position[:, 0] * cols).astype(np.int64), 0, cols - 1)
    row = np.clip((position[:, 1] * rows).astype(np.int64), 0, rows - 1)
    return sample, node, row * padded_cols + col
