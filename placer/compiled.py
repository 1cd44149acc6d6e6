"""The policy without torch: its forward pass compiled (`placer/cpp`), for placing one design.

Importing torch and PyG takes longer than a policy needs to place a netlist. What the compiled networks say equals
`placer.policy` to rounding; a test holds them together.
"""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from env.graph import NODE_FEATURES
from placer._policy_net import PolicyNet
from placer.features import MAP_CHANNELS, STEP_FEATURES, WIRE_MASK, PolicyTask, describe, spread_cells
from placer.weights import Weights, does_not_fit


class CompiledPolicy:
    """A policy that has read the netlist of one design.

    Args:
        weights: of the policy.
        task: the design, prepared for episodes.

    Raises:
        NetlistError: tensors are missing or have other shapes than the policy's settings say.
    """

    def __init__(self, weights: Weights, task: PolicyTask) -> None:
        self.task = task
        tensors = {name: np.asarray(tensor, np.float32, order="C") for name, tensor in weights.tensors.items()}
        try:
            self._net = PolicyNet(
                tensors,
                **asdict(weights.config),
                node_features=len(NODE_FEATURES),
                step_features=STEP_FEATURES,
                maps=MAP_CHANNELS,
            )
        except ValueError as error:
            raise does_not_fit(weights.source, error) from error
        graph = task.graph
        self._net.embed(graph.x, np.ascontiguousarray(graph.edge_index), task.edge_share, task.edge_log_weight)

    def logits(
        self,
        step: NDArray[np.int64],
        observation: dict[str, NDArray],
        threads: int = 1,
        wire_weight: NDArray[np.float32] | float = 0.0,
    ) -> NDArray[np.float32]:
        """(B, R * C) logits over the cells of the grid, -inf where illegal.

        Args:
            step: (B,) how many macros each episode has placed.
            observation: arrays of `env.episodes.Episodes.observe`, one row an episode.
            threads: among which the episodes are dealt; the result does not depend on them.
            wire_weight: (B,) or one for all: taken from the logits times the normalised wire mask, which is 0 at the
                cell with the least increase of wirelength and 1 on the average.
        """
        task = self.task
        maps, features = describe(task, step, observation)
        sample, node, cell = spread_cells(task, observation, task.grid[1])
        start = np.cumsum([0, *np.bincount(sample, minlength=len(step))])
        legal = (observation["action_mask"] > 0).view(np.uint8)
        logits = self._net.logits(maps, features, legal, task.order_node[step], start, node, cell, threads)
        weight = np.broadcast_to(np.asarray(wire_weight, np.float32), len(step))
        guided = logits - weight[:, None] * maps[..., WIRE_MASK].reshape(logits.shape)
        return guided.astype(np.float32, copy=False)


def sample_actions(logits: NDArray[np.float32], rng: np.random.Generator, temperature: float) -> NDArray[np.int64]:
    """Draws a cell from each row of logits (B, A) divided by a temperature, which is above 0."""
    return (logits / temperature + rng.gumbel(size=logits.shape)).argmax(axis=1)
