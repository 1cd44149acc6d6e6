"""Which way of learning makes the better policy? Equal time, the same synthetic designs, one table.

    python scripts/methods.py --designs DESIGN ... --out results/methods.json

- ppo: proximal policy optimisation from new weights.
- imitation: of placements that search made of analytic starts.
- imitation_ppo: half of the time each.
- expert: imitation for half of the time; then search improves what the policy itself makes of the designs, and the
  policy imitates that (expert iteration, Anthony et al. 2017).

Everything counts: making the targets, too. How policies are judged is in `study.py`.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from lessons import make_lessons
from study import POLICY_ALONE, Maker, Study, designs_to_judge_by, lesson_designs, new_policy, run_study

from netlists import Design, Placement
from placer.checkpoint import weights_of
from placer.config import PPOConfig, TrainConfig
from placer.imitation import ImitationConfig, Lesson, imitate
from placer.pipeline import PlaceConfig
from placer.policy import Policy
from placer.ppo import read_curve, train
from placer.zero_shot import zero_shot


@dataclass(frozen=True)
class Methods(Study):
    """What to train on, for how long, and what to judge by."""

    out: Path = Path("results/methods.json")
    """JSON record to write."""
    methods: tuple[str, ...] = ("ppo", "imitation", "imitation_ppo", "expert")
    """To compare."""
    minutes: float = 4.0
    """Of each method, on one thread."""
    lessons: int = 40
    """Synthetic designs to learn from; PPO takes the first of them, as more would make an iteration too long."""
    ppo_designs: int = 8
    """So many."""
    rounds: int = 1
    """Of expert iteration after the first imitation."""
    ppo_envs: int = 16
    """Environments, dealt to them in turn."""
    moves: int = 100_000
    """Of the search that makes the targets of a design."""
    minibatch: int = 32
    """Samples in one gradient step of imitation."""


class Budget:
    """Minutes that a method has."""

    def __init__(self, minutes: float) -> None:
        self.began, self.minutes = time.monotonic(), minutes

    def left(self, until: float = 1.0) -> float:
        """Minutes until a share of the budget is used."""
        return max(0.0, until * self.minutes - (time.monotonic() - self.began) / 60)


def reinforced(policy: Policy, seed: int, minutes: float, config: Methods) -> dict[str, Any]:
    """Changes a policy by PPO."""
    designs = list(lesson_designs(config.ppo_designs))
    settings = TrainConfig(
        seed=seed,
        envs=config.ppo_envs,
        minutes=minutes,
        threads=config.threads,
        ppo=PPOConfig(entropy=0.003, epochs=2, minibatch=128),
    )
    with tempfile.TemporaryDirectory() as folder:
        train(designs, settings, Path(folder), policy)
        iterations = read_curve(Path(folder))
    scored = [row["proxy_cost"] for row in iterations if "proxy_cost" in row]  # in some no episode found room
    costs = [round(float(np.mean(part)), 4) for part in (scored[:3], scored[-3:]) if part]
    return {"iterations": len(iterations), "env_steps": iterations[-1]["env_steps"], "sampled_cost": costs}


def imitated(policy: Policy, lessons: Sequence[Lesson], seed: int, minutes: float, config: Methods) -> dict[str, Any]:
    """Changes a policy by imitation."""
    settings = ImitationConfig(minutes=minutes, minibatch=config.minibatch, designs_at_once=4, seed=seed)
    curve = imitate(policy, lessons, settings)
    return {"passes": len(curve), "loss": [round(curve[0], 4), round(curve[-1], 4)]}


def lessons_of(policy: Policy, seed: int, config: Methods) -> list[Lesson]:
    """What search makes of the policy's own best rollouts."""
    weights, place = weights_of(policy.eval()), PlaceConfig(seed=seed, threads=config.threads)

    def best_rollout(design: Design) -> Placement | None:
        return next(iter(zero_shot(design, weights, place, 0.0, wire_weights=POLICY_ALONE)), None)

    return make_lessons(lesson_designs(config.lessons), config.moves, config.threads, rollout=best_rollout)


def ppo(seed: int, config: Methods) -> tuple[Policy, dict[str, Any]]:
    """PPO from new weights."""
    policy = new_policy(seed)
    return policy, reinforced(policy, seed, config.minutes, config)


def imitation(seed: int, config: Methods, share: float = 1.0) -> tuple[Policy, dict[str, Any]]:
    """Imitation of searched placements until a share of the time is used."""
    policy, budget = new_policy(seed), Budget(config.minutes)
    lessons = make_lessons(lesson_designs(config.lessons), config.moves, config.threads)
    return policy, imitated(policy, lessons, seed, budget.left(share), config)


def imitation_ppo(seed: int, config: Methods) -> tuple[Policy, dict[str, Any]]:
    """Imitation, then PPO."""
    budget = Budget(config.minutes)
    policy, first = imitation(seed, config, share=0.5)
    return policy, {"imitation": first, "ppo": reinforced(policy, seed, budget.left(), config)}


def expert(seed: int, config: Methods) -> tuple[Policy, dict[str, Any]]:
    """Imitation, then rounds of search from the policy's own placements and imitation of what it found."""
    budget = Budget(config.minutes)
    policy, first = imitation(seed, config, share=0.5)
    rounds = [first]
    for number in range(1, config.rounds + 1):
        lessons = lessons_of(policy, seed + number, config)
        searched = round(float(np.mean([lesson.proxy_cost for lesson in lessons])), 4)
        learned = imitated(policy, lessons, seed, budget.left(0.5 + 0.5 * number / config.rounds), config)
        rounds.append({"searched_cost": searched, **learned})
    return policy, {"rounds": rounds}


METHODS = {"ppo": ppo, "imitation": imitation, "imitation_ppo": imitation_ppo, "expert": expert}


def main(config: Methods) -> None:
    """Goes on with the record, or begins it."""
    makers: dict[str, Maker] = {
        name: lambda seed, method=METHODS[name]: method(seed, config) for name in config.methods
    }
    run_study(config, makers, designs_to_judge_by(config))


if __name__ == "__main__":
    main(tyro.cli(Methods))
