"""The floorplan environment: one episode places all movable hard macros of a design."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from env.episodes import Episodes, FloorplanConfig, Task
from env.render import render_array
from netlists import Design, Placement

Observation = dict[str, Any]

LARGEST = 1e6
"""Bound of the observation's real numbers; costs and shares of the canvas stay far below it."""


def observation_space(task: Task) -> spaces.Dict:
    """The one home of the shapes of an observation; `env/README.md` says what the entries mean."""
    cells, routing, nodes = task.num_cells, task.num_routing_cells, task.design.netlist.num_nodes
    return spaces.Dict(
        {
            "macro": spaces.Discrete(len(task.order) + 1),
            "action_mask": spaces.MultiBinary(cells),
            "wire_mask": spaces.Box(-LARGEST, LARGEST, (cells,), np.float32),
            "density": spaces.Box(0.0, LARGEST, (cells,), np.float32),
            "congestion_hor": spaces.Box(0.0, LARGEST, (routing,), np.float32),
            "congestion_ver": spaces.Box(0.0, LARGEST, (routing,), np.float32),
            "position": spaces.Box(-LARGEST, LARGEST, (nodes, 2), np.float32),
            "placed": spaces.MultiBinary(nodes),
        }
    )


class LegalCells(spaces.Discrete):
    """All cells of a grid; what is sampled from it is legal at the time."""

    def __init__(self, count: int, action_mask: Callable[[], NDArray[np.int8]]) -> None:
        super().__init__(count)
        self._action_mask = action_mask

    def sample(self, mask: Any = None, probability: Any = None) -> np.int64:
        """A random cell, of the legal ones unless a mask or probabilities are given."""
        if mask is None and probability is None:
            mask = self._action_mask()
        return super().sample(mask, probability)


class FloorplanEnv(gymnasium.Env[Observation, np.int64]):
    """Places the movable hard macros of a design one by one, then the soft macros. Specification: `env/README.md`.

    Args:
        design: what to place.
        config: order, reward and soft-macro placement.
        start: provisional positions of soft macros; by default `analytic_start`.
        render_mode: None or "rgb_array".

    Raises:
        NetlistError: the design has nothing to place or cannot be placed.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 4}  # noqa: RUF012 - gymnasium's own declaration

    def __init__(
        self,
        design: Design,
        config: FloorplanConfig | None = None,
        start: Placement | None = None,
        render_mode: str | None = None,
    ) -> None:
        self.config = config or FloorplanConfig()
        self.task = Task.make(design, self.config, start)
        self.render_mode = render_mode
        self._episodes = Episodes([self.task], self.config)
        self.action_space = LegalCells(self.task.num_cells, lambda: self._episodes.observe()["action_mask"])
        self.observation_space = observation_space(self.task)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Starts an episode. Nothing in it is random: `seed` only seeds `np_random`."""
        super().reset(seed=seed, options=options)
        self._episodes.reset(0)
        observation = self._observe()
        return observation, {"action_mask": observation["action_mask"]}

    def step(self, action: np.int64) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Puts the next macro's centre on a grid cell's centre, or see `FloorplanConfig.whole_cells`.

        Raises:
            ValueError: the action is not legal, or the episode has ended.
        """
        outcome = self._episodes.step(np.array([action], np.int64))
        observation = self._observe()
        info: dict[str, Any] = {"action_mask": observation["action_mask"]}
        cost = outcome.costs[0]
        if cost is not None:
            info["costs"] = asdict(cost)
        if outcome.infeasible[0]:
            info["infeasible"] = True
        return observation, float(outcome.reward[0]), bool(outcome.terminated[0]), False, info

    def _observe(self) -> Observation:
        observation: Observation = {"macro": self._episodes.steps()[0]}
        return observation | self._episodes.observe()

    @property
    def placement(self) -> Placement:
        """The placement as it stands; complete once the episode has ended."""
        return self._episodes.placement(0)

    def render(self) -> NDArray[np.uint8] | None:  # type: ignore[override]
        """The placement as an (height, width, 3) picture, in render mode "rgb_array"."""
        if self.render_mode is None:
            return None
        return render_array(self.task.design.with_placement(self.placement))
