"""Rollouts, and the arithmetic of policy optimisation as pure functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from env.episodes import FloorplanConfig
from env.vector import FloorplanVectorEnv
from placer.batching import GraphBatch, Sample, StepBatch, collate
from placer.compiled import compile_policy
from placer.features import PolicyTask
from placer.layers import channels_last
from placer.policy import Policy, sample_actions

SCALE_EPISODES = 256
"""Over how many episodes `ReturnScale` averages."""

WORST_RETURN = -3.0
"""Least standardised return of a complete episode; one that ran into a dead end has less by the share of macros that it
left out, times this: on designs where every episode ends so, there is something to learn from."""


def gae(
    rewards: NDArray, values: NDArray, dones: NDArray, last_value: NDArray, gamma: float, gae_lambda: float
) -> tuple[NDArray, NDArray]:
    """Generalised advantages (Schulman et al. 2016) and returns.

    Args:
        rewards, values, dones: (T, B); `dones[t]`: the episode ended with step t.
        last_value: (B,) value of the state after the last step.
        gamma: discount.
        gae_lambda: weight of longer returns.

    Returns:
        Advantages and returns, (T, B).
    """
    advantages = np.zeros_like(rewards)
    running = np.zeros_like(last_value)
    following = last_value
    for t in reversed(range(len(rewards))):
        alive = 1.0 - dones[t]
        delta = rewards[t] + gamma * following * alive - values[t]
        running = delta + gamma * gae_lambda * alive * running
        advantages[t] = running
        following = values[t]
    return advantages, advantages + values


@dataclass
class ReturnScale:
    """Mean and spread of the returns of each design's episodes: what they are measured in while learning.

    Designs differ in cost by far more than placements of one design do, and a placement that was not possible costs
    far more still. Averages run over the last few hundred episodes.
    """

    mean: NDArray[np.float64]
    square: NDArray[np.float64]
    """(tasks,) running averages of the return and of its square."""
    count: NDArray[np.float64]

    @staticmethod
    def make(num_tasks: int) -> ReturnScale:
        return ReturnScale(*(np.zeros(num_tasks) for _ in range(3)))

    def update(self, task: int, total: float) -> None:
        """Takes in the return of a complete episode."""
        self.count[task] = min(self.count[task] + 1, SCALE_EPISODES)
        share = 1 / self.count[task]
        self.mean[task] += share * (total - self.mean[task])
        self.square[task] += share * (total**2 - self.square[task])

    def spread(self, task: int) -> float:
        """Standard deviation; 1 where too few episodes are known."""
        variance = self.square[task] - self.mean[task] ** 2
        return float(np.sqrt(max(variance, 1e-8))) if self.count[task] > 1 else 1.0

    def standardise(self, task: int, total: float | None, left_out: float = 0.0) -> float:
        """Distance of a return from the mean, in spreads.

        Args:
            task: index.
            total: return of a complete episode; None of a dead end, see `WORST_RETURN`.
            left_out: share of the macros that found no place.
        """
        if total is None:
            return WORST_RETURN * (1 + left_out)
        return max((total - self.mean[task]) / self.spread(task), WORST_RETURN)


def normalise_by_task(advantages: NDArray, task_of: Sequence[int]) -> NDArray:
    """Advantages (T, B) with mean 0 and deviation 1 over the steps of each task."""
    result = np.empty_like(advantages)
    for k in set(task_of):
        part = advantages[:, np.equal(task_of, k)]
        result[:, np.equal(task_of, k)] = (part - part.mean()) / (part.std() + 1e-8)
    return result


@dataclass(frozen=True)
class PPOTerms:
    """Scalars of one gradient step."""

    policy_loss: Tensor
    value_loss: Tensor
    entropy: Tensor
    approx_kl: Tensor
    clip_fraction: Tensor


def ppo_loss(
    logits: Tensor,
    values: Tensor,
    actions: Tensor,
    old_log_probability: Tensor,
    advantages: Tensor,
    returns: Tensor,
    clip: float,
) -> PPOTerms:
    """The clipped objective of PPO (Schulman et al. 2017), terms apart.

    Args:
        logits: (B, A), -inf where illegal.
        values, actions, old_log_probability, advantages, returns: (B,).
        clip: largest change of the probability ratio that is rewarded.
    """
    log_probability = logits.log_softmax(dim=1)
    chosen = log_probability.gather(1, actions[:, None]).squeeze(1)
    log_ratio = chosen - old_log_probability
    ratio = log_ratio.exp()
    gain = torch.minimum(advantages * ratio, advantages * ratio.clamp(1 - clip, 1 + clip))
    probability = log_probability.exp()
    entropy = -(probability * log_probability.masked_fill(probability == 0, 0.0)).sum(dim=1)
    return PPOTerms(
        policy_loss=-gain.mean(),
        value_loss=0.5 * (values - returns).square().mean(),
        entropy=entropy.mean(),
        approx_kl=(ratio - 1 - log_ratio).mean().detach(),
        clip_fraction=((ratio - 1).abs() > clip).float().mean().detach(),
    )


@dataclass
class Rollout:
    """T steps of B environments. Arrays are (T, B)."""

    batch: StepBatch
    """The T * B observations, those of a step side by side."""
    actions: NDArray[np.int64]
    """Flat cell of the padded grid of `batch`."""
    log_probability: NDArray[np.float32]
    values: NDArray[np.float32]
    rewards: NDArray[np.float32]
    dones: NDArray[np.float32]
    last_value: NDArray[np.float32]
    finished: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    """Environment and final info of the episodes that ended."""


Forward = Callable[[StepBatch], tuple[Tensor, Tensor]]
"""Logits (B, R * C) and values (B,), float32 on the CPU, of observations of certain graphs."""


def forward_of(policy: Policy, graphs: GraphBatch, device: str) -> Forward:
    """What a policy says, without gradients, of observations of these graphs, which it encodes at once."""
    if device == "cpu" and not policy.policy_head.bf16:
        return compiled_forward(policy, graphs)
    embeddings = policy.embed(graphs)

    def forward(batch: StepBatch) -> tuple[Tensor, Tensor]:
        logits, values = policy(embeddings, batch.to(device))
        return logits.float().cpu(), values.float().cpu()

    return forward


def compiled_forward(policy: Policy, graphs: GraphBatch) -> Forward:
    """The same for a CPU, compiled: it has no gradients to prepare for. On as many threads as torch has."""
    net = compile_policy({name: tensor.numpy() for name, tensor in policy.state_dict().items()}, policy.config)
    net.embed(*(part.numpy() for part in (graphs.x, graphs.edge_index, graphs.share, graphs.log_weight, graphs.start)))

    def forward(batch: StepBatch) -> tuple[Tensor, Tensor]:
        logits, values = torch.empty(batch.legal.shape), torch.empty(len(batch.legal))
        net.forward(
            channels_last(batch.maps).numpy(),
            batch.features.numpy(),
            batch.legal.view(torch.uint8).numpy(),
            batch.rows.numpy(),
            batch.cols.numpy(),
            batch.macro.numpy(),
            batch.graph_of.numpy(),
            batch.spread_start.numpy(),
            batch.spread_node.numpy(),
            batch.spread_cell.numpy(),
            logits.numpy(),
            values.numpy(),
            torch.get_num_threads(),
        )
        return logits, values

    return forward


class Player:
    """Plays episodes of a vector environment with a policy.

    Args:
        tasks: of the designs to place.
        task_of: index of the task of each environment.
        floorplan: that the tasks were made with.
        threads: that step the environments.
        device: of the policy.
    """

    def __init__(
        self,
        tasks: Sequence[PolicyTask],
        task_of: Sequence[int],
        floorplan: FloorplanConfig,
        threads: int = 1,
        device: str = "cpu",
    ) -> None:
        self.tasks, self.task_of, self.device = list(tasks), list(task_of), device
        self.env = FloorplanVectorEnv([self.tasks[k].task for k in self.task_of], floorplan, threads)
        self.graphs = GraphBatch.make(self.tasks, device)
        self.graph_start = self.graphs.start.cpu().numpy()
        self.observation, _ = self.env.reset()

    def samples(self) -> list[Sample]:
        """The observation at hand, one entry an environment. Arrays are fresh at every step: they may be kept."""
        macro = self.observation["macro"]
        maps = {name: array for name, array in self.observation.items() if name != "macro"}
        return [(k, int(macro[b]), self.env.episodes.slice(maps, b)) for b, k in enumerate(self.task_of)]

    @torch.no_grad()
    def play(
        self,
        policy: Policy,
        steps: int,
        generator: torch.Generator,
    ) -> Rollout:
        """Plays so many steps in every environment.

        Args:
            policy: in evaluation mode.
            steps: of every environment.
            generator: draws the actions.
        """
        forward = forward_of(policy, self.graphs, self.device)
        shape = (steps, self.env.num_envs)
        actions, dones = np.zeros(shape, np.int64), np.zeros(shape, np.float32)
        log_probabilities, values, rewards = (np.zeros(shape, np.float32) for _ in range(3))
        batches: list[StepBatch] = []
        finished: list[tuple[int, dict[str, Any]]] = []
        for t in range(steps):
            batch = collate(self.tasks, self.graph_start, self.samples())
            batches.append(batch)
            logits, value = forward(batch)
            action, log_probability = sample_actions(logits, generator)
            actions[t], log_probabilities[t], values[t] = action.numpy(), log_probability.numpy(), value.numpy()
            own = to_own_grid(actions[t], batch.padded_cols, batch.cols.numpy())
            self.observation, rewards[t], done, _, info = self.env.step(own)
            dones[t] = done
            finished += [(int(b), info["final_info"][b]) for b in np.flatnonzero(done)]
        last_value = forward(collate(self.tasks, self.graph_start, self.samples()))[1].numpy()
        return Rollout(
            StepBatch.join(batches), actions, log_probabilities, values, rewards, dones, last_value, finished
        )


def to_own_grid(action: NDArray[np.int64], padded_cols: int, cols: NDArray[np.int64]) -> NDArray[np.int64]:
    """Flat cells of each sample's own grid, from flat cells of the padded grid of a batch."""
    return action // padded_cols * cols + action % padded_cols
