"""Learning from placements that search improved: the policy is shown where search put each macro."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from env.cost import CostModel
from env.episodes import Episodes, FloorplanConfig, Task
from env.search import SearchConfig, search
from env.start import analytic_start, legalize, place_soft_macros
from netlists import Design, Placement
from placer.batching import GraphBatch, Sample, collate
from placer.features import PolicyTask
from placer.policy import Policy

SIGMA = 0.7
"""Spread of a target around the place that search chose, in grid cells."""


@dataclass(frozen=True)
class ImitationConfig:
    """Supervised learning on searched placements."""

    search_seconds: float = 5.0
    """Of the search that makes a target."""
    epochs: int = 20
    """Passes over all samples."""
    minibatch: int = 128
    """Samples in one gradient step."""
    designs_at_once: int = 8
    """Graphs that are encoded together; minibatches are drawn from their samples."""
    learning_rate: float = 1e-3
    """Of Adam, at the start; it falls to a hundredth along a cosine."""
    seed: int = 0
    """Of the order of samples."""


@dataclass(frozen=True)
class Lesson:
    """A design, and one sample with its target for each of its macros."""

    task: PolicyTask
    observations: list[dict[str, NDArray]]
    targets: list[NDArray[np.float32]]
    """(G,) probabilities of the cells."""
    proxy_cost: float
    """What search reached."""


def make_lesson(design: Design, seconds: float, seed: int, threads: int = 1) -> Lesson:
    """Searches a placement and replays it as an episode.

    Each macro goes to the legal cell nearest to where search put it, so that what is seen on the way is what a policy
    that follows the targets will see.

    Raises:
        NetlistError: the design cannot be placed.
    """
    costs = CostModel(design.netlist, design.canvas)
    start = analytic_start(design, costs.core)
    legal = place_soft_macros(design, legalize(design, start, costs.core), costs.core)
    found = search(design, legal, SearchConfig(seconds, None, seed, threads, 2e-4), costs)
    task = Task.make(design, FloorplanConfig(soft_rounds=0), start)
    observations, targets = _replay(task, found.placement)
    return Lesson(PolicyTask.make(task), observations, targets, found.costs.proxy_cost)


def _replay(task: Task, placement: Placement) -> tuple[list[dict[str, NDArray]], list[NDArray[np.float32]]]:
    canvas = task.design.canvas
    episodes = Episodes([task], FloorplanConfig(soft_rounds=0))
    col, row = np.arange(canvas.cols) + 0.5, np.arange(canvas.rows) + 0.5
    observations, targets = [], []
    for node in task.order:
        observation = episodes.observe()
        x, y = placement.x[node] / canvas.cell_width, placement.y[node] / canvas.cell_height
        distance = ((row[:, None] - y) ** 2 + (col - x) ** 2).reshape(-1)
        distance = np.where(observation["action_mask"] > 0, distance, np.inf)
        weight = np.exp(-(distance - distance.min()) / (2 * SIGMA**2))
        observations.append(observation)
        targets.append((weight / weight.sum()).astype(np.float32))
        outcome = episodes.step(np.array([distance.argmin()]))
        if outcome.terminated[0]:
            break
    return observations, targets


def imitate(
    policy: Policy,
    lessons: Sequence[Lesson],
    config: ImitationConfig,
    listener: Callable[[int, float], None] | None = None,
) -> list[float]:
    """Trains a policy on lessons; returns the mean cross-entropy of each epoch.

    Args:
        policy: changed in place.
        lessons: what it is shown.
        config: see there.
        listener: told of epoch and loss.
    """
    rng = np.random.default_rng(config.seed)
    optimizer = torch.optim.Adam(policy.parameters(), lr=config.learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, config.epochs, config.learning_rate / 100)
    policy.train()
    curve = []
    for epoch in range(config.epochs):
        losses: list[float] = []
        order = rng.permutation(len(lessons))
        for begin in range(0, len(order), config.designs_at_once):
            group = [lessons[i] for i in order[begin : begin + config.designs_at_once]]
            losses += _train_group(policy, optimizer, group, config, rng)
        schedule.step()
        curve.append(float(np.mean(losses)))
        if listener:
            listener(epoch, curve[-1])
    return curve


def _train_group(
    policy: Policy,
    optimizer: torch.optim.Optimizer,
    group: list[Lesson],
    config: ImitationConfig,
    rng: np.random.Generator,
) -> list[float]:
    tasks = [lesson.task for lesson in group]
    graphs = GraphBatch.make(tasks)
    start = graphs.start.numpy()
    index = [(k, step) for k, lesson in enumerate(group) for step in range(len(lesson.targets))]
    losses = []
    order = rng.permutation(len(index))
    for part in np.array_split(order, max(1, len(order) // config.minibatch)):
        chosen = [index[i] for i in part]
        samples: list[Sample] = [(k, step, group[k].observations[step]) for k, step in chosen]
        batch = collate(tasks, start, samples)
        target = _pad_targets(
            [group[k].targets[step] for k, step in chosen], [tasks[k].grid for k, _ in chosen], batch.maps.shape[2:]
        )
        logits, _ = policy(policy.embed(graphs), batch)
        log_probability = logits.log_softmax(dim=1).masked_fill(~batch.legal, 0.0)
        loss = -(target * log_probability).sum(dim=1).mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    return losses


def _pad_targets(targets: list[NDArray[np.float32]], grids: list[tuple[int, int]], shape: Sequence[int]) -> Tensor:
    padded = np.zeros((len(targets), *shape), np.float32)
    for i, (target, (rows, cols)) in enumerate(zip(targets, grids, strict=True)):
        padded[i, :rows, :cols] = target.reshape(rows, cols)
    return torch.from_numpy(padded.reshape(len(targets), -1))
