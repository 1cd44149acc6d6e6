"""Many episodes of different designs, stepped in one compiled call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from numpy.typing import NDArray

from env.episodes import Episodes, FloorplanConfig, Task
from env.floorplan import observation_space
from netlists import Design, Placement

Observation = dict[str, NDArray]


class FloorplanVectorEnv(VectorEnv[Observation, NDArray[np.int64], NDArray]):
    """B episodes, each of a design of its own. Nothing is padded: arrays of different designs are concatenated.

    An observation has the entries of `FloorplanEnv` one environment after the other, and `macro` as (B,).
    `cell_start`, `routing_start` and `node_start`, (B + 1,), say where each environment's part begins. An episode that
    ends starts again in the same step (SAME_STEP): `info["final_obs"]`, `info["final_info"]` and `info["_final_obs"]`
    tell how it ended.

    Args:
        designs: designs, or tasks prepared by `Task.make` with the same config; the same one may occur often.
        config: order, reward and soft-macro placement.
        num_threads: threads that step them; the result does not depend on it.
    """

    metadata = {"autoreset_mode": AutoresetMode.SAME_STEP}  # noqa: RUF012 - gymnasium's own declaration

    def __init__(
        self, designs: Sequence[Design | Task], config: FloorplanConfig | None = None, num_threads: int = 1
    ) -> None:
        self.config = config or FloorplanConfig()
        tasks = [item if isinstance(item, Task) else Task.make(item, self.config) for item in designs]
        self.episodes = Episodes(tasks, self.config, num_threads)
        self.tasks = tasks
        self.num_envs = len(tasks)
        self.cell_start = self.episodes.cell_start
        self.routing_start = self.episodes.routing_start
        self.node_start = self.episodes.node_start
        self.single_action_space = spaces.Discrete(tasks[0].num_cells)
        self.single_observation_space = observation_space(tasks[0])
        self.action_space = spaces.MultiDiscrete([task.num_cells for task in tasks])
        self.observation_space = self._batched_space()

    def _batched_space(self) -> spaces.Dict:
        parts = [observation_space(task) for task in self.tasks]
        joined: dict[str, spaces.Space] = {"macro": spaces.MultiDiscrete([part["macro"].n for part in parts])}  # type: ignore[attr-defined]
        for name, space in parts[0].items():
            if name == "macro":
                continue
            shape = (sum(part[name].shape[0] for part in parts), *space.shape[1:])  # type: ignore[index]
            if isinstance(space, spaces.MultiBinary):
                joined[name] = spaces.MultiBinary(shape)
            else:
                low, high = float(np.min(space.low)), float(np.max(space.high))  # type: ignore[attr-defined]
                joined[name] = spaces.Box(low, high, shape, np.float32)
        return spaces.Dict(joined)

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Starts all episodes."""
        del options
        if isinstance(seed, int):
            self._np_random, self._np_random_seed = np.random.default_rng(seed), seed
        for episode in range(self.num_envs):
            self.episodes.reset(episode)
        observation = self._observe()
        return observation, {"action_mask": observation["action_mask"]}

    def step(
        self, actions: NDArray[np.int64]
    ) -> tuple[Observation, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]:
        """Places the next macro in every environment.

        Raises:
            ValueError: an action is not legal.
        """
        outcome = self.episodes.step(actions)
        info: dict[str, Any] = {}
        if outcome.terminated.any():
            info = self._final(outcome.terminated, outcome.infeasible, outcome.costs)
            for episode in np.flatnonzero(outcome.terminated):
                self.episodes.reset(int(episode))
        observation = self._observe()
        info["action_mask"] = observation["action_mask"]
        truncated = np.zeros(self.num_envs, bool)
        return observation, outcome.reward, outcome.terminated, truncated, info

    def _final(self, ended: NDArray[np.bool_], infeasible: NDArray[np.bool_], costs: list) -> dict[str, Any]:
        observation = self.episodes.observe()
        steps = self.episodes.steps()
        final_obs = np.full(self.num_envs, None, object)
        final_info = np.full(self.num_envs, None, object)
        for episode in np.flatnonzero(ended).tolist():
            final_obs[episode] = {"macro": steps[episode], **self.episodes.slice(observation, episode)}
            details: dict[str, Any] = {"placement": self.episodes.placement(episode)}
            if infeasible[episode]:
                details["infeasible"] = True
            else:
                details["costs"] = asdict(costs[episode])
            final_info[episode] = details
        return {"final_obs": final_obs, "_final_obs": ended, "final_info": final_info, "_final_info": ended}

    def _observe(self) -> Observation:
        return {"macro": self.episodes.steps()} | self.episodes.observe()

    def placement(self, episode: int) -> Placement:
        """The placement of one environment as it stands."""
        return self.episodes.placement(episode)
