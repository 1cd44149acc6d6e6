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

    def task(self, task: PolicyTask) -> PolicyTask:
        """What a policy reads of the turned task; `task` in it is still the one that was not turned."""
        x = task.graph.x.copy()
        x[:, START] = self.points(x[:, START])
        if not self.transpose:
            return replace(task, graph=replace(task.graph, x=x))
        x[:, SIZE] = x[:, SIZE[::-1]]
        grids = {"grid": task.grid[::-1], "routing_grid": task.routing_grid[::-1]}
        return replace(task, graph=replace(task.graph, x=x), **grids)

    def observation(self, task: PolicyTask, observation: dict[str, NDArray]) -> dict[str, NDArray]:
        """What would be observed of the turned task.

        Args:
            task: before it is turned.
            observation: arrays of one episode, or of several, a row each.
        """
        shapes = {"congestion_hor": task.routing_grid, "congestion_ver": task.routing_grid}
        turned = {
            name: self.points(array) if name == "position" else self.cells(array, shapes.get(name, task.grid))
            for name, array in observation.items()
            if name != "placed"
        }
        if self.transpose:
            hor, ver = turned["congestion_ver"], turned["congestion_hor"]
            turned |= {"congestion_hor": hor, "congestion_ver": ver}
        return turned | {"placed": observation["placed"]}
