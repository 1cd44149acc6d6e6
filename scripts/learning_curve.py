"""Trains from scratch on two small designs and compares with a uniformly random masked policy.

    python scripts/learning_curve.py --out results/learning_curve.json

Writes the mean proxy cost of sampled episodes over time, and that of random episodes in the same environment.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from episodes import Episodes, episode_costs

import netlists
from env import FloorplanEnv
from netlists import Design
from netlists.samples import sample_path
from placer.config import PPOConfig, TrainConfig
from placer.ppo import read_curve, train
from placer.report import TrainReport
from placer.versions import provenance


@dataclass(frozen=True)
class Curve:
    """Length of the run and where it goes."""

    out: Path = Path("results/learning_curve.json")
    """JSON record to write; a picture of the same name goes beside it."""
    run: Path = Path("runs/learning_curve")
    """Folder of the training run."""
    samples: tuple[str, ...] = ("cpu_small", "tiles_small")
    """Shipped samples to train on."""
    minutes: float = 10.0
    """Of training."""
    episodes: int = 100
    """On each design, of the trained policy and of random actions."""
    seed: int = 0
    """Of training and of the episodes."""
    threads: int = 2
    """Threads of torch and of the environments."""


def summary(costs: list[float]) -> dict[str, float]:
    """Mean, spread and number."""
    return {"mean": float(np.mean(costs)), "std": float(np.std(costs)), "episodes": len(costs)}


def random_costs(design: Design, config: TrainConfig, episodes: int, seed: int) -> list[float]:
    """Proxy costs of episodes that choose uniformly among the legal cells."""
    env, rng, costs = FloorplanEnv(design, config.floorplan), np.random.default_rng(seed), []
    for _ in range(episodes):
        observation, _ = env.reset()
        terminated, info = False, {}
        while not terminated:
            observation, _, terminated, _, info = env.step(rng.choice(np.flatnonzero(observation["action_mask"])))
        costs.append(info["costs"]["proxy_cost"])
    return costs


def draw(path: Path, record: dict[str, Any]) -> None:
    """The curve over environment steps, with the random policy as a band."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), dpi=110, layout="constrained")
    axes = figure.add_subplot()
    rows = [row for row in record["curve"] if "proxy_cost" in row]
    axes.plot(
        [row["env_steps"] for row in rows],
        [row["proxy_cost"] for row in rows],
        color="#3b6ea5",
        label="policy, sampled",
    )
    axes.axhline(record["random_at_the_curves_mix"], color="#b3261e", label="uniformly random, masked")
    axes.set_xlabel("environment steps")
    axes.set_ylabel("mean proxy cost of finished episodes")
    axes.legend(frameon=False)
    figure.savefig(path)


def main(config: Curve) -> None:
    """Trains, measures the random policy, writes record and picture."""
    designs = [netlists.read(sample_path(name)) for name in config.samples]
    settings = TrainConfig(
        seed=config.seed, minutes=config.minutes, threads=config.threads, ppo=PPOConfig(learning_rate=1e-3)
    )
    policy = train(designs, settings, config.run, resume=True, observer=TrainReport(quiet=False))
    curve = read_curve(config.run)
    sampled = Episodes(count=config.episodes, seed=config.seed, threads=config.threads)
    by_design = {}
    for name, design in zip(config.samples, designs, strict=True):
        drawn = random_costs(design, settings, config.episodes, config.seed)
        learned = episode_costs(policy.eval(), design, sampled)
        by_design[name] = {"random": summary(drawn), "policy": summary(learned)}
    # The curve averages over finished episodes: a design counts as often as its episodes are short.
    often = [1 / design.netlist.is_hard.sum() for design in designs]
    mix = float(np.average([entry["random"]["mean"] for entry in by_design.values()], weights=often))
    finished = [row["proxy_cost"] for row in curve if "proxy_cost" in row]
    names = ("iteration", "env_steps", "seconds", "proxy_cost", "entropy", "value_loss", "steps_per_second")
    record = {
        "settings": {
            "samples": config.samples,
            "minutes": config.minutes,
            "seed": config.seed,
            "threads": config.threads,
        },
        **provenance(),
        "proxy_cost_by_design": by_design,
        "random_at_the_curves_mix": mix,
        "first_iterations": float(np.mean(finished[:3])),
        "last_iterations": float(np.mean(finished[-10:])),
        "curve": [{name: row[name] for name in names if name in row} for row in curve],
    }
    config.out.parent.mkdir(parents=True, exist_ok=True)
    config.out.write_text(json.dumps(record, indent=1) + "\n")
    draw(config.out.with_suffix(".png"), record)
    print(json.dumps(by_design, indent=1))


if __name__ == "__main__":
    main(tyro.cli(Curve))
