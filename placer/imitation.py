"""Learning from placements that search improved: the policy is shown where search put each macro."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from env.cost import CostModel
from env.episodes import Episodes, Task
from env.search import SearchConfig, search
from env.start import analytic_start, legalize, place_soft_macros, to_cells
from netlists import Design, Placement
from placer.batching import GraphBatch, Sample, StepBatch, collate, group_by_grid
from placer.config import EPISODE
from placer.features import PolicyTask
from placer.policy import Policy
from placer.symmetry import Symmetry

SIGMA = 0.7
"""Spread of a target around the place that search chose, in grid cells."""

LESSON_EPISODE = replace(EPISODE, soft_rounds=0, soft_moves=0)
"""An episode as the policy plays it, whose soft macros stay at their provisional places."""

POOL = 8
"""Groups of lessons that are formed together, by the sizes of their grids."""

FIRST_LOOK, LOOK_AGAIN = 1000, 1.1
"""Samples after which weights are compared for the first time, and by how much their number then grows until the next
time: few lessons are soon learned by heart, many not in a hundred times as long."""


@dataclass(frozen=True)
class ImitationConfig:
    """Supervised learning on searched placements."""

    epochs: int = 20
    """Passes over all samples..."""
    samples: int | None = None
    """...or so many samples in all, in as many passes as that takes, of which the last one may be cut short..."""
    minutes: float | None = None
    """...or as many samples as can be seen in so much wall time."""
    minibatch: int = 128
    """Samples in one gradient step."""
    designs_at_once: int = 8
    """Graphs that are encoded together; minibatches are drawn from their samples."""
    turn: bool = False
    """Mirror and turn each lesson at random, anew in each pass: worth it where lessons are few."""
    learning_rate: float = 1e-3
    """Of Adam, at the start; it falls to a hundredth along a cosine of the share of the run that is over."""
    seed: int = 0
    """Of the order of samples."""
    device: str = "cpu"
    """Torch device: cpu, cuda ..."""


@dataclass(frozen=True)
class Lesson:
    """A design, and one sample with its target for each of its macros."""

    task: PolicyTask
    observations: list[dict[str, NDArray]]
    targets: list[NDArray[np.float32]]
    """(G,) probabilities of the cells."""
    proxy_cost: float
    """What search reached."""

    def turned(self, symmetry: Symmetry) -> Lesson:
        """The same lesson, seen mirrored and turned."""
        task = self.task
        observations = [symmetry.observation(task, seen, step) for step, seen in enumerate(self.observations)]
        targets = [symmetry.choices(target, task, step) for step, target in enumerate(self.targets)]
        return Lesson(symmetry.task(task), observations, targets, self.proxy_cost)


def make_lesson(design: Design, moves: int, seed: int, rollout: Placement | None = None) -> Lesson:
    """Searches a placement and replays it as an episode.

    Search keeps the hard macros on the grid cells that an episode can put them on: what it finds between cells is worth
    less once the macros lie on the nearest ones. Where that is impossible from the start, each macro
    of the episode goes to the legal cell nearest to where search put it. So what is seen on the way is what a policy
    that follows the targets will see.

    Args:
        design: its positions do not count.
        moves, seed: of the search.
        rollout: where search begins, hard macros on cells; by default at the analytic placement. What is made of a
            policy's own placement tells that policy how to do better (expert iteration: Anthony et al. 2017).

    Raises:
        NetlistError: the design cannot be placed, or its first macro fits on no grid cell.
    """
    costs = CostModel(design.netlist, design.canvas)
    start = analytic_start(design, costs.core)
    task = Task.make(design, LESSON_EPISODE, start)
    task.check_begins()
    begin, on_cells = rollout, True
    if begin is None:
        legal = legalize(design, start, costs.core)
        cells = to_cells(design, legal, task.order, costs.core)
        begin, on_cells = place_soft_macros(design, cells or legal, costs.core), cells is not None
    settings = SearchConfig(moves=moves, seed=seed, start_temperature=2e-4, on_cells=on_cells)
    found = search(design, begin, settings, costs)
    replayed = replay(task, found.placement)
    return Lesson(PolicyTask.make(task), replayed.observations, replayed.targets, found.costs.proxy_cost)


class Replay(NamedTuple):
    """A placement told as an episode; it ends early if a macro finds no legal cell."""

    observations: list[dict[str, NDArray]]
    targets: list[NDArray[np.float32]]
    """(G,) probabilities of the cells, a step each."""
    placement: Placement
    """Where the macros came to lie."""


def replay(task: Task, placement: Placement) -> Replay:
    """The episode in which each macro goes to the legal cell nearest to where it lies in the placement."""
    canvas = task.design.canvas
    episodes = Episodes([task], task.config)
    col, row = np.arange(canvas.cols) + 0.5, np.arange(canvas.rows) + 0.5
    offset = task.cell_offset / (canvas.cell_width, canvas.cell_height)
    observations, targets = [], []
    for node in task.order:
        observation = episodes.observe()
        if not observation["action_mask"].any():
            break
        x, y = (placement.x[node], placement.y[node]) / np.array([canvas.cell_width, canvas.cell_height]) - offset[node]
        distance = ((row[:, None] - y) ** 2 + (col - x) ** 2).reshape(-1)
        distance = np.where(observation["action_mask"] > 0, distance, np.inf)
        weight = np.exp(-(distance - distance.min()) / (2 * SIGMA**2))
        observations.append(observation)
        targets.append((weight / weight.sum()).astype(np.float32))
        outcome = episodes.step(np.array([distance.argmin()]))
        if outcome.terminated[0]:
            break
    return Replay(observations, targets, episodes.placement(0))


@dataclass
class BestWeights:
    """The weights that foresaw further lessons best, of those that a policy had now and then while it was trained."""

    lessons: Sequence[Lesson]
    """None of those that the policy is shown."""
    loss: float = math.inf
    """Least cross-entropy so far..."""
    samples: int = 0
    """...which was after so many samples."""
    weights: dict[str, Tensor] = field(default_factory=dict)
    next_look: float = FIRST_LOOK

    def look(self, policy: Policy, config: ImitationConfig, samples: int, last: bool) -> None:
        """Keeps the weights if they are the best so far; after the last look the policy has the best."""
        if samples >= self.next_look or last:
            self.next_look = max(self.next_look, samples) * LOOK_AGAIN
            loss = cross_entropy(policy, self.lessons, config)
            policy.train()
            if loss < self.loss:
                self.loss, self.samples = loss, samples
                self.weights = {name: tensor.clone() for name, tensor in policy.state_dict().items()}
        if last:
            policy.load_state_dict(self.weights)


def imitate(
    policy: Policy,
    lessons: Sequence[Lesson],
    config: ImitationConfig,
    listener: Callable[[int, float], None] | None = None,
    best: BestWeights | None = None,
) -> list[float]:
    """Trains a policy on lessons; returns the mean cross-entropy of each epoch.

    Args:
        policy: changed in place, and left on `config.device`.
        lessons: what it is shown.
        config: see there.
        listener: told of epoch and loss.
        best: chooses the weights that the policy ends with; by default they are the last ones.

    Raises:
        ValueError: there are no lessons.
    """
    if not lessons:
        raise ValueError("expected at least one lesson, got none")
    rng = np.random.default_rng(config.seed)
    policy.to(config.device)
    optimizer = torch.optim.Adam(policy.parameters(), lr=config.learning_rate)
    share_done = _share_done(lessons, config)
    policy.train()
    curve: list[float] = []
    seen, done = 0, 0.0
    while done < 1:
        losses: list[float] = []
        for batch in _batches(lessons, config, rng, config.turn):
            optimizer.param_groups[0]["lr"] = _learning_rate(config, done)
            losses.append(_learn(policy, optimizer, batch))
            seen += len(batch.target)
            done = share_done(seen)
            if best:
                best.look(policy, config, seen, done >= 1)
            if done >= 1:
                break
        curve.append(float(np.mean(losses)))
        if listener:
            listener(len(curve) - 1, curve[-1])
    return curve


def cross_entropy(policy: Policy, lessons: Sequence[Lesson], config: ImitationConfig) -> float:
    """The mean over the samples of lessons that a policy need not have seen; the policy is not changed.

    Args:
        policy: left in evaluation mode.
        lessons: at least one.
        config: `minibatch` and `designs_at_once` bound what is computed together, on `device`; the rest does not count.
    """
    policy.to(config.device).eval()
    total, seen = 0.0, 0
    with torch.no_grad():
        for batch in _batches(lessons, config, np.random.default_rng(config.seed)):
            total += _loss(policy, batch).item() * len(batch.target)
            seen += len(batch.target)
    return total / seen


def _share_done(lessons: Sequence[Lesson], config: ImitationConfig) -> Callable[[int], float]:
    """Tells the share of the run that is over from the number of samples seen, or from the clock."""
    if config.minutes is not None:
        began, seconds = time.monotonic(), 60 * config.minutes
        return lambda _: (time.monotonic() - began) / seconds if seconds > 0 else 1.0
    total = config.samples or config.epochs * sum(len(lesson.targets) for lesson in lessons)
    return lambda seen: seen / total


def _learning_rate(config: ImitationConfig, share: float) -> float:
    least = config.learning_rate / 100
    return least + (config.learning_rate - least) * (1 + math.cos(math.pi * min(1.0, share))) / 2


@dataclass(frozen=True)
class _Batch:
    """What one gradient step sees."""

    graphs: GraphBatch
    steps: StepBatch
    target: Tensor
    """(B, R * C) probabilities of the cells of the padded grid."""


def _batches(
    lessons: Sequence[Lesson], config: ImitationConfig, rng: np.random.Generator, turn: bool = False
) -> Iterator[_Batch]:
    """One pass over all lessons, in groups whose graphs are encoded together."""
    for group in _groups(lessons, config.designs_at_once, rng):
        if turn:
            group = _turned_alike(group, rng)
        tasks = [lesson.task for lesson in group]
        graphs = GraphBatch.make(tasks, config.device)
        graph_start = graphs.start.cpu().numpy()
        index = [(k, step) for k, lesson in enumerate(group) for step in range(len(lesson.targets))]
        drawn = rng.permutation(len(index))
        for part in np.array_split(drawn, max(1, len(drawn) // config.minibatch)):
            chosen = [index[i] for i in part]
            samples: list[Sample] = [(k, step, group[k].observations[step]) for k, step in chosen]
            steps = collate(tasks, graph_start, samples)
            targets, grids = [group[k].targets[step] for k, step in chosen], [tasks[k].grid for k, _ in chosen]
            target = _pad_targets(targets, grids, steps.maps.shape[2:])
            yield _Batch(graphs, steps.to(config.device), target.to(config.device))


def _groups(lessons: Sequence[Lesson], at_once: int, rng: np.random.Generator) -> Iterator[list[Lesson]]:
    """All lessons in random order, but that those of a group have similar grids."""
    order = rng.permutation(len(lessons))
    for pool in np.array_split(order, -(-len(order) // (POOL * at_once))):
        groups = group_by_grid([lessons[i].task for i in pool], at_once)
        for at in rng.permutation(len(groups)).tolist():
            yield [lessons[int(pool[k])] for k in groups[at]]


def _turned_alike(lessons: Sequence[Lesson], rng: np.random.Generator) -> list[Lesson]:
    """Each one mirrored at random, and all of them upright or all of them lying: a batch is padded to the largest."""
    upright = bool(rng.integers(2))
    turned: list[Lesson] = []
    for lesson in lessons:
        symmetry, (rows, cols) = Symmetry.draw(rng), lesson.task.grid
        if rows != cols:
            symmetry = symmetry._replace(transpose=upright != (rows > cols))
        turned.append(lesson.turned(symmetry))
    return turned


def _loss(policy: Policy, batch: _Batch) -> Tensor:
    """Mean cross-entropy."""
    logits, _ = policy(policy.embed(batch.graphs), batch.steps)
    log_probability = logits.log_softmax(dim=1).masked_fill(~batch.steps.legal, 0.0)
    return -(batch.target * log_probability).sum(dim=1).mean()


def _learn(policy: Policy, optimizer: torch.optim.Optimizer, batch: _Batch) -> float:
    """One gradient step; returns the cross-entropy before it."""
    loss = _loss(policy, batch)
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
    optimizer.step()
    return loss.item()


def _pad_targets(targets: list[NDArray[np.float32]], grids: list[tuple[int, int]], shape: Sequence[int]) -> Tensor:
    padded = np.zeros((len(targets), *shape), np.float32)
    for i, (target, (rows, cols)) in enumerate(zip(targets, grids, strict=True)):
        padded[i, :rows, :cols] = target.reshape(rows, cols)
    return torch.from_numpy(padded.reshape(len(targets), -1))
