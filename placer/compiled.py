"""The policy without torch: its forward pass compiled (`placer/cpp`), for placing one design and for rollouts.

Importing torch and PyG takes longer than a policy needs to place a netlist. What the compiled networks say equals
`placer.policy` to rounding; a test holds them together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from env.graph import NODE_FEATURES
from placer._policy_net import PolicyNet
from placer.config import PolicyConfig
from placer.features import MAP_CHANNELS, STEP_FEATURES, WIRE_MASK, PolicyTask, describe, spread_cells
from placer.weights import Weights, does_not_fit


def compile_policy(tensors: Mapping[str, NDArray], config: PolicyConfig) -> PolicyNet:
    """The networks of a policy.

    Raises:
        ValueError: tensors are missing or have other shapes than the settings say.
    """
    return PolicyNet(
        {name: np.asarray(tensor, np.float32, order="C") for name, tensor in tensors.items()},
        **asdict(config),
        node_features=len(NODE_FEATURES),
        step_features=STEP_FEATURES,
        maps=MAP_CHANNELS,
    )


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
        try:
            self._net = compile_policy(weights.tensors, weights.config)
        except (TypeError, ValueError) as error:
            raise does_not_fit(weights.source, error) from error
        graph = task.graph
        edges = np.ascontiguousarray(graph.edge_index), task.edge_share, task.edge_log_weight
        self._net.embed(graph.x, *edges, graph_start=np.array([0, len(graph.x)]))

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
        count = len(step)
        legal = (observation["action_mask"] > 0).view(np.uint8)
        rows, cols = (np.full(count, size) for size in task.grid)
        logits, values = np.empty(legal.shape, np.float32), np.empty(count, np.float32)
        self._net.forward(
            maps,
            features,
            legal,
            rows,
            cols,
            macro=task.order_node[step],
            graph_of=np.zeros(count, np.int64),
            spread_start=np.cumsum([0, *np.bincount(sample, minlength=count)]),
            spread_node=node,
            spread_cell=cell,
            logits=logits,
            values=values,
            threads=threads,
        )
        weight = np.broadcast_to(np.asarray(wire_weight, np.float32), count)
        guided = logits - weight[:, None] * maps[..., WIRE_MASK].reshape(logits.shape)
        return guided.astype(np.float32, copy=False)


def sample_actions(logits: NDArray[np.float32], rng: np.random.Generator, temperature: float) -> NDArray[np.int64]:
    """Draws a cell from each row of logits (B, A) divided by a temperature, which is above 0."""
    return (logits / temperature + rng.gumbel(size=logits.shape)).argmax(axis=1)
