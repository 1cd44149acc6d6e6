"""Floorplans mirrored and turned: the same problem to the cost, another one to a policy, which learns more from it."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from env.graph import NODE_FEATURES
from placer.features import PolicyTask

SIZE = [NODE_FEATURES.index(name) for name in ("width", "height")]
"""Columns of `Graph.x`."""

START = [NODE_FEATURES.index(name) for name in ("start_x", "start_y")]
"""Columns of `Graph.x`."""


class Symmetry(NamedTuple):
    """One of the eight of a rectangle whose sides may be exchanged: mirrored first, then transposed."""

    mirror_x: bool
    mirror_y: bool
    transpose: bool

    @staticmethod
    def draw(rng: np.random.Generator) -> Symmetry:
        """Each with the same probability."""
        return Symmetry(*rng.integers(2, size=3).astype(bool).tolist())

    def points(self, points: NDArray) -> NDArray:
        """(..., 2) positions as shares of the canvas."""
        turned = np.where([self.mirror_x, self.mirror_y], 1 - points, points).astype(points.dtype)
        return turned[..., ::-1] if self.transpose else turned

    def cells(self, values: NDArray, shape: tuple[int, int]) -> NDArray:
        """(..., rows * cols) values of the cells of a grid of that shape, before it is turned."""
        grid = values.reshape(*values.shape[:-1], *shape)
        grid = grid[..., :: -1 if self.mirror_y else 1, :: -1 if self.mirror_x else 1]
        return (grid.swapaxes(-2, -1) if self.transpose else grid).reshape(values.shape)

    def choices(self, values: NDArray, task: PolicyTask, step: int) -> NDArray:
        """(..., rows * cols) values of the cells that a step's macro can go to.

        One that lies on the left edge of its cell lies, mirrored, on the right one: the left edge of the next cell.
        """
        on_edge = task.task.cell_offset[task.task.order[step]] != 0
        grid = values.reshape(*values.shape[:-1], *task.grid)
        for axis, moves in ((-1, self.mirror_x and on_edge[0]), (-2, self.mirror_y and on_edge[1])):
            if moves:
                grid = np.roll(grid, -1, axis)
        return self.cells(grid.reshape(values.shape), task.grid)

    def task(self, task: PolicyTask) -> PolicyTask:
        """What a policy reads of the turned task; `task` in it is still the one that was not turned."""
        x = task.graph.x.copy()
        x[:, START] = self.points(x[:, START])
        if not self.transpose:
            return replace(task, graph=replace(task.graph, x=x))
        x[:, SIZE] = x[:, SIZE[::-1]]
        grids = {"grid": task.grid[::-1], "routing_grid": task.routing_grid[::-1]}
        return replace(task, graph=replace(task.graph, x=x), **grids)

    def observation(self, task: PolicyTask, observation: dict[str, NDArray], step: int) -> dict[str, NDArray]:
        """What would be observed of the turned task.

        Args:
            task: before it is turned.
            observation: arrays of one episode, or of several, a row each.
            step: how many macros are placed.
        """
        turned = {name: self.choices(observation[name], task, step) for name in ("action_mask", "wire_mask")}
        turned["density"] = self.cells(observation["density"], task.grid)
        hor, ver = (self.cells(observation[f"congestion_{name}"], task.routing_grid) for name in ("hor", "ver"))
        turned["congestion_hor"], turned["congestion_ver"] = (ver, hor) if self.transpose else (hor, ver)
        return turned | {"position": self.points(observation["position"]), "placed": observation["placed"]}
