"""What is a part of the observation worth to PPO? Policies of `observation.py`, after PPO with and without it.

    python scripts/reinforced.py --turn --designs DESIGN ... --out results/reinforced.json

Imitation foresees search; only PPO learns from the cost itself. So policies that imitated with a part of the
observation left out, and those to which nothing was missing, go on with PPO like that, as `pretrain.py` does, for
equally many iterations on the same further designs. Those of a seed differ in nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import tyro
from imitated import Variant, checkpoint_of, missing, remembered, settings_of, train_missing
from lessons import draw_designs, processes
from observation import Observation, variants_of
from pretrain import PPO_AFTER_IMITATION, PPO_TEMPERATURE
from study import LESSONS, designs_to_judge_by, run_study

from placer.checkpoint import save_checkpoint
from placer.config import TrainConfig
from placer.policy import Policy
from placer.ppo import read_curve, train


@dataclass(frozen=True)
class Reinforced(Observation):
    """What to imitate, how PPO goes on, and what to judge by."""

    out: Path = Path("results/reinforced.json")
    """JSON record to write."""
    without: tuple[str, ...] = ("graph",)
    """Parts to leave out: one, or several joined by +."""
    iterations: int = 24
    """Of PPO."""
    ppo_designs: int = 32
    """Further synthetic designs, the same for every policy."""
    envs_each: int = 4
    """Environments of each of them."""
    sample_share: float = 0.25
    """See `PPOConfig.sample_share`."""


def ppo_settings_of(config: Reinforced, variant: Variant) -> dict[str, Any]:
    """What a policy remembers of how it was to learn, imitation included."""
    names = ("iterations", "ppo_designs", "envs_each", "sample_share")
    return settings_of(config, variant) | {name: getattr(config, name) for name in names}


def reinforced_path(config: Reinforced, variant: Variant, seed: int) -> Path:
    """Where a policy is kept after PPO."""
    imitated = checkpoint_of(config, variant, seed)
    return imitated.with_name(f"{imitated.stem}_ppo.safetensors")


def reinforce_missing(variants: Sequence[Variant], config: Reinforced) -> None:
    """PPO for the policies that have not had it yet, several at a time, each in a process of its own."""
    todo = missing(variants, config, reinforced_path)
    if not todo:
        return
    with processes(config.jobs) as pool:
        futures = [pool.submit(reinforce, config, variant, seed) for variant, seed in todo]
        for future in as_completed(futures):
            print(*future.result(), flush=True)


def reinforce(config: Reinforced, variant: Variant, seed: int) -> tuple[str, int, list[float]]:
    """Writes the policy after PPO; returns the mean cost of the episodes of its last iteration.

    Raises:
        KeyboardInterrupt: there was one, and nothing is written.
    """
    policy, _ = remembered(checkpoint_of(config, variant, seed), settings_of(config, variant))
    if variant.prepare:
        variant.prepare(policy)
    policy.policy_head.sharpen(PPO_TEMPERATURE)
    designs = list(draw_designs([LESSONS, config.lessons], config.ppo_designs))
    settings = TrainConfig(
        seed=seed,
        envs=config.envs_each * len(designs),
        minutes=24 * 60,
        iterations=config.iterations,
        threads=config.threads,
        device=config.device,
        ppo=replace(PPO_AFTER_IMITATION, sample_share=config.sample_share),
    )
    path = reinforced_path(config, variant, seed)
    policy = train(designs, settings, path.with_suffix(""), policy)
    rows = read_curve(path.with_suffix(""))
    if len(rows) < config.iterations:
        raise KeyboardInterrupt  # which `train` takes for a wish to end
    costs = [round(row["proxy_cost"], 4) for row in rows if "proxy_cost" in row]
    details = {"env_steps": rows[-1]["env_steps"], "ppo_seconds": rows[-1]["seconds"], "episode_costs": costs}
    save_checkpoint(path, policy, ppo_settings_of(config, variant) | details)
    return variant.name, seed, costs[-1:]


def reinforced(config: Reinforced, variant: Variant, seed: int) -> tuple[Policy, dict[str, Any]]:
    """The policy after PPO, and how it went, see `remembered`."""
    return remembered(reinforced_path(config, variant, seed), ppo_settings_of(config, variant))


def main(config: Reinforced) -> None:
    """Trains what is missing; goes on with the record, or begins it."""
    variants = variants_of(config)
    train_missing(variants, config)
    reinforce_missing(variants, config)
    if config.judge:
        makers = {variant.name: partial(reinforced, config, variant) for variant in variants}
        run_study(config, makers, designs_to_judge_by(config))


if __name__ == "__main__":
    main(tyro.cli(Reinforced))
