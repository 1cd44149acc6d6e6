"""Studies of imitation: policies that differ in one thing, trained side by side, kept, and judged separately.

Trained policies are kept in `--runs`, and none that is there is trained again: they can be trained on another machine
(`--no-judge --device cuda --jobs 15`) than where they are judged (`study.py`). Besides what their placements cost, it
is asked how well they foresee where search puts the macros of designs that they never saw: cross-entropy is less noisy
than what a few placements cost.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np
import torch
from lessons import draw_lessons, processes
from numpy.typing import NDArray
from record import device_name
from study import CHOOSING, LESSONS, Designs, Study, new_policy

from netlists.files import make_folder
from placer.checkpoint import load_checkpoint, save_checkpoint
from placer.imitation import BestWeights, ImitationConfig, Lesson, cross_entropy, imitate, make_lesson
from placer.policy import Policy

SETTINGS = ("samples", "minibatch", "designs_at_once", "turn", "moves", "choose_by")
"""That a trained policy remembers: those of the study that judges it must be the same."""


@dataclass(frozen=True)
class LearningStudy(Study):
    """How long to imitate, and to go on with PPO (`reinforced.py`), where, and what to judge by."""

    may_differ: ClassVar[tuple[str, ...]] = (*Study.may_differ, "jobs")

    samples: int = 200_000
    """That each policy sees: some 13 times each of those of 256 designs."""
    minibatch: int = 64
    """Samples in one gradient step."""
    designs_at_once: int = 8
    """Designs that the samples of a step come from."""
    turn: bool = False
    """See `ImitationConfig.turn`."""
    moves: int = 500_000
    """Of the search that makes the targets of a design."""
    choose_by: int = 8
    """Further synthetic designs, the same for every policy: of all weights on the way those are kept that foresee these
    best; 0: the last weights. A few designs are otherwise learned by heart, which is worse than to learn nothing."""
    runs: Path = Path("runs/imitated")
    """Folder of the trained policies."""
    ppo_steps: int = 0
    """Environment steps of PPO after imitation, all environments together and whole iterations; 0: imitation only."""
    ppo_designs: int = 0
    """Further synthetic designs to play then, the same for every policy; 0: those that it imitated."""
    ppo_envs: int = 256
    """Environments played in an iteration."""
    ppo_envs_each: int = 8
    """Of a design, at least: where there are too many designs for that, an iteration plays a part of them, in turn."""
    ppo_minibatch: int = 256
    """Samples in one gradient step then."""
    ppo_sample_share: float = 0.25
    """See `PPOConfig.sample_share`."""
    jobs: int = 1
    """Policies trained, or lessons made, at the same time, each on `threads` threads."""
    device: str = "cpu"
    """Torch device to train on: cpu, cuda ..."""
    judge: bool = True
    """Judge the policies, and write the record; if not, they are only trained."""


@dataclass(frozen=True)
class Variant:
    """One of the policies to compare, but for the seed."""

    name: str
    """In the record, and in the name of its file."""
    designs: int
    """Synthetic ones to learn from. Each seed draws its own ones from those of the variant that has most."""
    prepare: Callable[[Policy], None] | None = None
    """Changes the new policy before it learns; a function that can be pickled."""


Config = TypeVar("Config", bound=LearningStudy)

Unseen = dict[str, list[Lesson]]
"""By kind, real or synthetic: lessons that no policy learns from."""


def unseen_lessons(designs: Designs, config: LearningStudy) -> Unseen:
    """Searched placements of the designs that policies are judged by."""
    return {
        kind: [make_lesson(design, config.moves, seed=0) for design in of_kind.values()]
        for kind, of_kind in designs.items()
        if of_kind
    }


def checkpoint_of(config: LearningStudy, variant: Variant, seed: int) -> Path:
    """Where a trained policy is kept."""
    return config.runs / f"{variant.name}_{seed}.safetensors"


def missing(
    variants: Sequence[Variant], config: Config, path_of: Callable[[Config, Variant, int], Path]
) -> list[tuple[Variant, int]]:
    """The variants and seeds of which no policy is kept yet, all of one seed before the next."""
    wanted = [(variant, seed) for seed in config.seeds for variant in variants]
    return [(variant, seed) for variant, seed in wanted if not path_of(config, variant, seed).exists()]


def drawn_for(variant: Variant, number: int, seed: int) -> NDArray[np.int64]:
    """Indices of the designs that a policy learns from, of so many."""
    return np.random.default_rng(seed).permutation(number)[: variant.designs]


def train_missing(variants: Sequence[Variant], config: LearningStudy) -> None:
    """Trains the policies that are not there yet, several at a time, each in a process of its own."""
    make_folder(config.runs)
    todo = missing(variants, config, checkpoint_of)
    if not todo:
        return
    most = max(variant.designs for variant in variants)
    with processes(config.jobs) as pool:
        lessons = draw_lessons([LESSONS], most, config.moves, pool)
        choosing = draw_lessons([CHOOSING], config.choose_by, config.moves, pool)
        futures = []
        for variant, seed in todo:
            drawn = drawn_for(variant, len(lessons), seed)
            futures.append(pool.submit(train_one, [lessons[i] for i in drawn], choosing, config, variant, seed))
        for future in as_completed(futures):
            print(*future.result(), flush=True)


def train_one(
    lessons: Sequence[Lesson], choosing: Sequence[Lesson], config: LearningStudy, variant: Variant, seed: int
) -> tuple[str, int, dict[str, Any]]:
    """Writes a new policy that has seen `config.samples` samples of the lessons; returns how it went.

    Args:
        lessons: to learn from.
        choosing: by which weights are chosen, if there are any.
        config, variant, seed: of the policy.
    """
    torch.set_num_threads(config.threads)
    # Steps are cut from groups of designs: a few designs are repeated, so that groups and steps are of the usual size.
    repeated = list(lessons) * max(1, config.designs_at_once // len(lessons))
    policy, began = new_policy(seed), time.monotonic()
    if variant.prepare:
        variant.prepare(policy)
    best = BestWeights(choosing) if choosing else None
    curve = imitate(policy, repeated, imitation_config(config, seed), best=best)
    details = {
        "distinct_samples": sum(len(lesson.targets) for lesson in lessons),
        "first_loss": round(curve[0], 4),
        "final_loss": round(float(np.mean(curve[-max(1, len(curve) // 10) :])), 4),
        **({"kept_after": best.samples, "kept_loss": round(best.loss, 4)} if best else {}),
        "device": device_name(config.device),
        "training_seconds": round(time.monotonic() - began, 1),
    }
    save_checkpoint(checkpoint_of(config, variant, seed), policy, settings_of(config, variant) | details)
    return variant.name, seed, details


def imitation_config(config: LearningStudy, seed: int) -> ImitationConfig:
    """Samples, not epochs, and steps of one size."""
    return ImitationConfig(
        samples=config.samples,
        minibatch=config.minibatch,
        designs_at_once=config.designs_at_once,
        turn=config.turn,
        seed=seed,
        device=config.device,
    )


def settings_of(config: LearningStudy, variant: Variant) -> dict[str, Any]:
    """What a policy that imitated remembers of how it was to do so."""
    return {name: getattr(config, name) for name in SETTINGS} | {"designs": variant.designs}


def remembered(path: Path, expected: dict[str, Any]) -> tuple[Policy, dict[str, Any]]:
    """A trained policy, and what else it remembers of its training than the settings expected.

    Exits with a message if it was trained with other settings.
    """
    checkpoint = load_checkpoint(path)
    details = {name: value for name, value in checkpoint.record.items() if name != "versions"}
    for name, value in expected.items():
        if details.pop(name, None) != value:
            sys.exit(f"{path} was trained with other {name}; move it away or name another --runs")
    return checkpoint.policy, details


def trained(unseen: Unseen, config: LearningStudy, variant: Variant, seed: int) -> tuple[Policy, dict[str, Any]]:
    """The trained policy, and how it went, see `remembered`."""
    policy, details = remembered(checkpoint_of(config, variant, seed), settings_of(config, variant))
    settings = imitation_config(config, seed)
    unseen_loss = {kind: round(cross_entropy(policy, of, settings), 4) for kind, of in unseen.items()}
    return policy, details | {"unseen_loss": unseen_loss}
