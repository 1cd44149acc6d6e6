"""The floorplan environment and the compiled core: exact cost, episodes, search. Never imports torch."""

import sys
from typing import Any

try:
    from env import _core as _core
except ImportError as error:
    raise ImportError("the compiled module env._core is missing; build it with `pip install -e .`") from error

from env.cost import CostMaps, CostModel, Costs, CostWeights
from env.graph import NODE_FEATURES, Graph, graph
from env.legality import Legality, check_legality
from env.start import analytic_start, legalize, place_soft_macros

ENV_ID = "placer/Floorplan-v0"

_LAZY = {
    "FloorplanEnv": "env.floorplan",
    "FloorplanVectorEnv": "env.vector",
    "FloorplanConfig": "env.episodes",
    "Task": "env.episodes",
    "INFEASIBLE_REWARD": "env.episodes",
}
"""What needs gymnasium, or comes with it, is imported when asked for: evaluating a placement takes neither."""


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'env' has no attribute '{name}'")
    from importlib import import_module

    found = getattr(import_module(_LAZY[name]), name)
    if "gymnasium" in sys.modules:
        register()
    return found


def register() -> None:
    """Registers `placer/Floorplan-v0` with gymnasium: `gymnasium.make(ENV_ID, design=design)`.

    That happens by itself when `FloorplanEnv` is first asked for, and where gymnasium is imported before `env`.
    """
    from gymnasium.envs.registration import register, registry

    if ENV_ID not in registry:
        register(ENV_ID, entry_point="env.floorplan:FloorplanEnv", disable_env_checker=True)


if "gymnasium" in sys.modules:
    register()

__all__ = [
    "ENV_ID",
    "INFEASIBLE_REWARD",
    "NODE_FEATURES",
    "CostMaps",
    "CostModel",
    "CostWeights",
    "Costs",
    "FloorplanConfig",
    "FloorplanEnv",
    "FloorplanVectorEnv",
    "Graph",
    "Legality",
    "Task",
    "analytic_start",
    "check_legality",
    "graph",
    "legalize",
    "place_soft_macros",
    "register",
]
