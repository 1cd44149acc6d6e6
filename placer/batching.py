"""From NumPy observations to tensors: graphs are joined, grids of different sizes share a batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from env.episodes import Task
from env.graph import Graph, graph

MAP_CHANNELS = 9
"""Action mask, wire mask, density, congestion (2), offset from the start position (2), cells beside the edge (2)."""

STEP_FEATURES = 6
"""Progress, size of the macro in cells (2), grid size (2), mean legal share."""


@dataclass(frozen=True)
class PolicyTask:
    """A task with the graph that the policy reads."""

    task: Task
    graph: Graph
    order_node: NDArray[np.int64]
    """(T,) graph node of each macro in the order of placing."""

    @staticmethod
    def make(task: Task) -> PolicyTask:
        made = graph(task.design, task.start)
        return PolicyTask(task, made, made.node[task.order])

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.task.design.canvas.rows, self.task.design.canvas.cols


@dataclass(frozen=True)
class GraphBatch:
    """Graphs of K tasks side by side.

    Attributes:
        x: (V, F); edge_index: (2, K); share: (K,), edge weight over the sum at the receiver; log_weight: (K,).
        graph_of: (V,) which task a node belongs to; start: (tasks + 1,) offsets of the nodes.
    """

    x: Tensor
    edge_index: Tensor
    share: Tensor
    log_weight: Tensor
    graph_of: Tensor
    start: Tensor

    @staticmethod
    def make(tasks: Sequence[PolicyTask], device: torch.device | str = "cpu") -> GraphBatch:
        counts = [len(task.graph.x) for task in tasks]
        start = np.cumsum([0, *counts])
        edge_index = np.concatenate([t.graph.edge_index + s for t, s in zip(tasks, start, strict=False)], axis=1)
        weight = np.concatenate([t.graph.edge_weight for t in tasks])
        total = np.bincount(edge_index[1], weight, minlength=int(start[-1]))
        share = weight / np.maximum(total[edge_index[1]], 1e-12)
        return GraphBatch(
            torch.as_tensor(np.concatenate([t.graph.x for t in tasks]), device=device),
            torch.as_tensor(edge_index, device=device),
            torch.as_tensor(share.astype(np.float32), device=device),
            torch.as_tensor(np.log1p(weight).astype(np.float32), device=device),
            torch.as_tensor(np.repeat(np.arange(len(tasks)), counts), device=device),
            torch.as_tensor(start, device=device),
        )


@dataclass(frozen=True)
class StepBatch:
    """B observations, grids padded to the largest one among them.

    Attributes:
        maps: (B, MAP_CHANNELS, R, C).
        features: (B, STEP_FEATURES).
        legal: (B, R * C) bool.
        valid: (B, 1, R, C) float, 1 on the grid.
        macro: (B,) graph node, within the joined graphs, of the macro to place.
        graph_of: (B,) task.
        spread_node, spread_cell: (S,) nodes that lie on the canvas and the flat (B * R * C) cell that they lie in.
        spread_sample: (S,) sample of each.
    """

    maps: Tensor
    features: Tensor
    legal: Tensor
    valid: Tensor
    macro: Tensor
    graph_of: Tensor
    spread_node: Tensor
    spread_cell: Tensor
    spread_sample: Tensor

    def to(self, device: torch.device | str) -> StepBatch:
        return StepBatch(*(getattr(self, field.name).to(device) for field in fields(self)))

    @property
    def cols(self) -> int:
        """Columns of the padded grid: flat action of a sample = row * cols + column."""
        return self.maps.shape[3]


Sample = tuple[int, int, dict[str, NDArray]]
"""Task index, step of the episode, one environment's observation arrays."""


def collate(tasks: Sequence[PolicyTask], graph_start: NDArray[np.int64], samples: Sequence[Sample]) -> StepBatch:
    """Joins observations into one batch."""
    rows = max(tasks[k].grid[0] for k, _, _ in samples)
    cols = max(tasks[k].grid[1] for k, _, _ in samples)
    count = len(samples)
    maps = np.zeros((count, MAP_CHANNELS, rows, cols), np.float32)
    features = np.zeros((count, STEP_FEATURES), np.float32)
    legal = np.zeros((count, rows, cols), bool)
    valid = np.zeros((count, 1, rows, cols), np.float32)
    macro = np.zeros(count, np.int64)
    spread: list[tuple[NDArray, NDArray, NDArray]] = []
    for i, (k, step, observation) in enumerate(samples):
        task = tasks[k]
        r, c = task.grid
        step = min(step, len(task.order_node) - 1)
        maps[i, :, :r, :c], features[i] = _describe(task, step, observation)
        legal[i, :r, :c] = observation["action_mask"].reshape(r, c)
        valid[i, 0, :r, :c] = 1
        macro[i] = graph_start[k] + task.order_node[step]
        nodes, cells = _spread_cells(task, observation, cols)
        spread.append((graph_start[k] + nodes, i * rows * cols + cells, np.full(len(nodes), i)))
    joined = [np.concatenate(parts) for parts in zip(*spread, strict=True)]
    return StepBatch(
        torch.from_numpy(maps),
        torch.from_numpy(features),
        torch.from_numpy(legal.reshape(count, -1)),
        torch.from_numpy(valid),
        torch.from_numpy(macro),
        torch.tensor([k for k, _, _ in samples]),
        *(torch.from_numpy(part) for part in joined),
    )


def _describe(
    task: PolicyTask, step: int, observation: dict[str, NDArray]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Maps (MAP_CHANNELS, rows, cols) and features (STEP_FEATURES,) of one observation."""
    rows, cols = task.grid
    canvas = task.task.design.canvas
    mask = observation["action_mask"].astype(np.float32).reshape(rows, cols)
    node = task.order_node[step]
    width, height, start_x, start_y = task.graph.x[node][[0, 1, 9, 10]]
    x, y = (np.arange(cols, dtype=np.float32) + 0.5) / cols, (np.arange(rows, dtype=np.float32) + 0.5) / rows
    maps = np.empty((MAP_CHANNELS, rows, cols), np.float32)
    maps[0] = mask
    maps[1] = _normalise(observation["wire_mask"].reshape(rows, cols), mask > 0)
    maps[2] = observation["density"].reshape(rows, cols)
    shape = (canvas.congestion_rows or rows, canvas.congestion_cols or cols)
    maps[3] = _resample(observation["congestion_hor"].reshape(shape), rows, cols)
    maps[4] = _resample(observation["congestion_ver"].reshape(shape), rows, cols)
    maps[5] = x - start_x
    maps[6] = (y - start_y)[:, None]
    maps[7] = np.minimum(x, 1 - x)
    maps[8] = np.minimum(y, 1 - y)[:, None]
    features = np.array(
        [step / len(task.order_node), width * cols / 4, height * rows / 4, cols / 32, rows / 32, mask.mean()],
        np.float32,
    )
    return maps, features


def _normalise(wire: NDArray[np.float32], legal: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The wire mask from 0 at the best legal cell to 1 on the average of the legal ones."""
    if not legal.any():
        return np.zeros_like(wire)
    least = wire[legal].min()
    return np.clip((wire - least) / (wire[legal].mean() - least + 1e-9), 0, 4)


def _resample(values: NDArray[np.float32], rows: int, cols: int) -> NDArray[np.float32]:
    if values.shape == (rows, cols):
        return values
    row = np.arange(rows) * values.shape[0] // rows
    col = np.arange(cols) * values.shape[1] // cols
    return values[np.ix_(row, col)]


def _spread_cells(
    task: PolicyTask, observation: dict[str, NDArray], padded_cols: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Graph nodes that lie somewhere, and the cell of the padded grid that each lies in."""
    rows, cols = task.grid
    member = task.graph.member
    nodes = np.flatnonzero(observation["placed"][member])
    position = observation["position"][member[nodes]]
    col = np.clip((position[:, 0] * cols).astype(np.int64), 0, cols - 1)
    row = np.clip((position[:, 1] * rows).astype(np.int64), 0, rows - 1)
    return nodes, row * padded_cols + col
