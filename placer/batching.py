"""From NumPy observations to tensors: graphs are joined, grids of different sizes share a batch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from placer.features import MAP_CHANNELS, STEP_FEATURES, PolicyTask, describe, spread_cells


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
        return GraphBatch(
            torch.as_tensor(np.concatenate([t.graph.x for t in tasks]), device=device),
            torch.as_tensor(edge_index, device=device),
            torch.as_tensor(np.concatenate([t.edge_share for t in tasks]), device=device),
            torch.as_tensor(np.concatenate([t.edge_log_weight for t in tasks]), device=device),
            torch.as_tensor(np.repeat(np.arange(len(tasks)), counts), device=device),
            torch.as_tensor(start, device=device),
        )


@dataclass(frozen=True)
class StepBatch:
    """B observations, grids padded to the largest one among them.

    Attributes:
        maps: (B, MAP_CHANNELS, R, C), stored channels last, which convolutions on a CPU are twice as fast with.
        features: (B, STEP_FEATURES).
        legal: (B, R * C) bool.
        rows, cols: (B,) of each sample's own grid.
        macro: (B,) graph node, within the joined graphs, of the macro to place.
        graph_of: (B,) task.
        spread_start: (B + 1,) where each sample's entries begin in the two that follow.
        spread_node, spread_cell: (S,) nodes that lie on the canvas and the flat cell of the padded grid (R * C) that
            they lie in.
    """

    maps: Tensor
    features: Tensor
    legal: Tensor
    rows: Tensor
    cols: Tensor
    macro: Tensor
    graph_of: Tensor
    spread_start: Tensor
    spread_node: Tensor
    spread_cell: Tensor

    def to(self, device: torch.device | str) -> StepBatch:
        return StepBatch(*(getattr(self, field.name).to(device) for field in fields(self)))

    @property
    def padded_cols(self) -> int:
        """Columns of the padded grid: flat action of a sample = row * padded_cols + column."""
        return self.maps.shape[3]

    @property
    def spread_sample(self) -> Tensor:
        """(S,) sample of each entry of `spread_node`."""
        return torch.repeat_interleave(self.spread_start.diff(), output_size=len(self.spread_node))

    def select(self, index: Tensor) -> StepBatch:
        """The samples at `index`, in that order."""
        count = self.spread_start.diff()[index]
        start = torch.nn.functional.pad(count.cumsum(0), (1, 0))
        entry = torch.arange(int(start[-1]), device=index.device)
        entry += torch.repeat_interleave(self.spread_start[index] - start[:-1], count)
        ragged = {"spread_start": start, "spread_node": self.spread_node[entry], "spread_cell": self.spread_cell[entry]}
        parts = {field.name: getattr(self, field.name) for field in fields(self) if field.name not in ragged}
        return StepBatch(**{name: part[index] for name, part in parts.items()}, **ragged)

    @staticmethod
    def join(batches: Sequence[StepBatch]) -> StepBatch:
        """Batches of equal padded grids, one after the other."""
        offset = np.cumsum([0, *(len(batch.spread_node) for batch in batches)]).tolist()
        starts = [batch.spread_start[:-1] + begin for batch, begin in zip(batches, offset, strict=False)]
        starts.append(starts[0].new_tensor(offset[-1:]))
        parts = {f.name: torch.cat([getattr(b, f.name) for b in batches]) for f in fields(StepBatch)}
        return StepBatch(**parts | {"spread_start": torch.cat(starts)})


Sample = tuple[int, int, dict[str, NDArray]]
"""Task index, step of the episode, one environment's observation arrays."""


def collate(tasks: Sequence[PolicyTask], graph_start: NDArray[np.int64], samples: Sequence[Sample]) -> StepBatch:
    """Joins observations into one batch. Samples of one task are described together."""
    task_of = [k for k, _, _ in samples]
    rows = max(tasks[k].grid[0] for k in task_of)
    cols = max(tasks[k].grid[1] for k in task_of)
    count = len(samples)
    maps = np.zeros((count, rows, cols, MAP_CHANNELS), np.float32)
    features = np.zeros((count, STEP_FEATURES), np.float32)
    legal = np.zeros((count, rows, cols), bool)
    macro = np.zeros(count, np.int64)
    spread: list[tuple[NDArray, NDArray, NDArray]] = []
    for k in sorted(set(task_of)):
        task, at = tasks[k], np.flatnonzero(np.equal(task_of, k))
        r, c = task.grid
        of_task = [samples[i] for i in at.tolist()]
        step = np.minimum([step for _, step, _ in of_task], len(task.order_node) - 1)
        observation = {name: np.stack([arrays[name] for _, _, arrays in of_task]) for name in of_task[0][2]}
        maps[at, :r, :c], features[at] = describe(task, step, observation)
        legal[at, :r, :c] = observation["action_mask"].reshape(-1, r, c)
        macro[at] = graph_start[k] + task.order_node[step]
        sample, node, cell = spread_cells(task, observation, cols)
        spread.append((at[sample], graph_start[k] + node, cell))
    sample, node, cell = (np.concatenate(parts) for parts in zip(*spread, strict=True))
    order = np.argsort(sample, kind="stable")
    start = np.cumsum([0, *np.bincount(sample, minlength=count)])
    return StepBatch(
        torch.from_numpy(maps).permute(0, 3, 1, 2),
        torch.from_numpy(features),
        torch.from_numpy(legal.reshape(count, -1)),
        torch.tensor([tasks[k].grid[0] for k in task_of]),
        torch.tensor([tasks[k].grid[1] for k in task_of]),
        torch.from_numpy(macro),
        torch.tensor(task_of),
        torch.from_numpy(start),
        torch.from_numpy(node[order]),
        torch.from_numpy(cell[order]),
    )


def group_by_grid(tasks: Sequence[PolicyTask], at_once: int) -> list[list[int]]:
    """Indices of tasks, in groups of at most so many: those of small grids together, those of large ones together.

    A batch is padded to the largest grid in it.
    """
    order = sorted(range(len(tasks)), key=lambda k: math.prod(tasks[k].grid))
    return [part.tolist() for part in np.array_split(order, -(-len(order) // at_once))]
