"""Studies of learning: policies imitate (`imitated.py`), go on with PPO if asked (`--ppo-steps`), and are judged.

Imitation foresees search; only PPO learns from the cost itself. It goes on as in `pretrain.py`, equally long for all.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import as_completed
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from imitated import (
    LearningStudy,
    Variant,
    checkpoint_of,
    drawn_for,
    missing,
    remembered,
    settings_of,
    train_missing,
    trained,
    unseen_lessons,
)
from lessons import draw_design, draw_designs, processes
from pretrain import PPO_AFTER_IMITATION
from study import LESSONS, Maker, designs_to_judge_by, run_study

from env.episodes import Task
from netlists import Design
from placer.checkpoint import save_checkpoint
from placer.config import EPISODE, TrainConfig
from placer.features import PolicyTask
from placer.policy import Policy
from placer.ppo import read_curve, train
from placer.rollout import Player, forward_of

PPO_SETTINGS = ("ppo_steps", "ppo_designs", "ppo_envs", "ppo_envs_each", "ppo_minibatch", "ppo_sample_share")
"""That a policy remembers besides those of imitation."""

PPO_ENTROPY = 1.8
"""Mean entropy, in nats, of the actions with which PPO begins: what was left to the shipped policy when it began. A few
designs learned by heart leave a policy far surer of them than many designs do: divided by one temperature for all, its
logits left nothing to explore, and the first iteration tore such a policy apart (mean divergence 7.5)."""


def ppo_settings_of(config: LearningStudy, variant: Variant) -> dict[str, Any]:
    """What a policy remembers of how it was to learn, imitation included."""
    return settings_of(config, variant) | {name: getattr(config, name) for name in PPO_SETTINGS}


def reinforced_path(config: LearningStudy, variant: Variant, seed: int) -> Path:
    """Where a policy is kept after PPO."""
    imitated = checkpoint_of(config, variant, seed)
    return imitated.with_name(f"{imitated.stem}_ppo.safetensors")


def reinforce_missing(variants: Sequence[Variant], config: LearningStudy) -> None:
    """PPO for the policies that have not had it yet, several at a time, each in a process of its own."""
    todo = missing(variants, config, reinforced_path)
    if not todo:
        return
    most = max(variant.designs for variant in variants)
    with processes(config.jobs) as pool:
        futures = [pool.submit(reinforce, most, config, variant, seed) for variant, seed in todo]
        for future in as_completed(futures):
            print(*future.result(), flush=True)


def reinforce(most: int, config: LearningStudy, variant: Variant, seed: int) -> tuple[str, int, dict[str, Any]]:
    """Writes the policy after PPO; returns how it went.

    Args:
        most: designs of the variant that has most, see `Variant.designs`.
        config, variant, seed: what to learn from, and for how long.

    Raises:
        KeyboardInterrupt: there was one, and nothing is written.
    """
    policy, _ = remembered(checkpoint_of(config, variant, seed), settings_of(config, variant))
    if variant.prepare:
        variant.prepare(policy)
    designs = ppo_designs(most, config, variant, seed)
    temperature = temperature_for(PPO_ENTROPY, policy, designs[: config.designs_at_once], seed)
    policy.policy_head.sharpen(temperature)
    settings = TrainConfig(
        seed=seed,
        envs=max(config.ppo_envs, config.ppo_envs_each * len(designs)),
        designs_each_iteration=config.ppo_envs // config.ppo_envs_each,
        minutes=24 * 60,
        env_steps=config.ppo_steps,
        threads=config.threads,
        device=config.device,
        ppo=replace(PPO_AFTER_IMITATION, sample_share=config.ppo_sample_share, minibatch=config.ppo_minibatch),
    )
    path = reinforced_path(config, variant, seed)
    policy = train(designs, settings, path.with_suffix(""), policy)
    rows = read_curve(path.with_suffix(""))
    if rows[-1]["env_steps"] < config.ppo_steps:
        raise KeyboardInterrupt  # which `train` takes for a wish to end
    details = {
        "temperature": round(temperature, 3),
        "env_steps": rows[-1]["env_steps"],
        "ppo_seconds": rows[-1]["seconds"],
        "episode_costs": [round(row["proxy_cost"], 4) for row in rows if "proxy_cost" in row],
        "divergence": [round(row["approx_kl"], 4) for row in rows],
    }
    save_checkpoint(path, policy, ppo_settings_of(config, variant) | details)
    return variant.name, seed, details


def temperature_for(entropy: float, policy: Policy, designs: Sequence[Design], seed: int) -> float:
    """By which logits are to be divided for that mean entropy of the actions, in nats, in an episode of each design."""
    tasks = [PolicyTask.make(Task.make(design, EPISODE)) for design in designs]
    player = Player(tasks, range(len(tasks)), EPISODE)
    steps = max(len(task.order_node) for task in tasks)
    roll = player.play(policy.eval(), steps, torch.Generator().manual_seed(seed))
    logits, _ = forward_of(policy, player.graphs, "cpu")(roll.batch)
    low, high = 1e-3, 1e3
    while high / low > 1.001:
        middle = (low * high) ** 0.5
        found = torch.distributions.Categorical(logits=logits / middle).entropy().mean()
        low, high = (low, middle) if found > entropy else (middle, high)
    return high


def ppo_designs(most: int, config: LearningStudy, variant: Variant, seed: int) -> list[Design]:
    """Further designs, the same for every policy, or those that it imitated."""
    if config.ppo_designs:
        return list(draw_designs([LESSONS, most], config.ppo_designs))
    return [draw_design([LESSONS], int(index)) for index in drawn_for(variant, most, seed)]


def reinforced(config: LearningStudy, variant: Variant, seed: int) -> tuple[Policy, dict[str, Any]]:
    """The policy after PPO, and how it went, see `remembered`."""
    return remembered(reinforced_path(config, variant, seed), ppo_settings_of(config, variant))


def run_learning_study(
    variants: Sequence[Variant], config: LearningStudy, others: dict[str, Maker]
) -> dict[str, Any] | None:
    """Trains what is missing; goes on with the record, or begins it.

    Args:
        variants: to train and to judge.
        config: all settings of the study.
        others: further policies to judge.

    Returns:
        The record; None if nothing is to be judged.
    """
    train_missing(variants, config)
    if config.ppo_steps:
        reinforce_missing(variants, config)
    if not config.judge:
        return None
    designs = designs_to_judge_by(config)
    if config.ppo_steps:
        learned = partial(reinforced, config)
    else:
        learned = partial(trained, unseen_lessons(designs, config), config)
    return run_study(config, others | {variant.name: partial(learned, variant) for variant in variants}, designs)
