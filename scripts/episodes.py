"""What sampled episodes of checkpoints cost in the mean: what PPO minimises, and less noisy than the best of a few.

    python scripts/episodes.py --policies shipped runs/ppo/shipped.safetensors --designs DESIGN ... --out OUT

Episodes are those of training: no rollout is greedy, sharpened or leans further on the wire mask. Nothing is bounded by
the clock.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro
from record import portable_provenance, portable_settings, short_name
from study import held_out_designs

import netlists
from env.episodes import Task
from netlists import Design
from netlists.files import make_folder, write_bytes
from placer.checkpoint import load_checkpoint
from placer.config import TrainConfig
from placer.features import PolicyTask
from placer.policy import Policy
from placer.rollout import Player
from placer.weights import policy_path


@dataclass(frozen=True)
class Episodes:
    """What to play, and with which policies."""

    policies: tuple[Path, ...] = (Path("shipped"),)
    """`shipped`, checkpoints, or folders of training runs; the others are compared with the first."""
    designs: tuple[Path, ...] = ()
    """Netlist files or design folders; given positions of movable macros are ignored."""
    held_out: int = 24
    """Synthetic designs that no policy of a study, nor the shipped one, learned from."""
    count: int = 16
    """Episodes of each design."""
    seed: int = 1
    """Of the actions."""
    threads: int = 2
    """Threads of torch and of the environments."""
    out: Path = Path("results/episodes.json")
    """JSON record to write."""


Costs = dict[str, dict[str, float]]
"""By design: see `played`."""


def episode_costs(policy: Policy, design: Design, config: Episodes) -> list[float]:
    """Proxy costs of the episodes that found room for every macro."""
    floorplan = TrainConfig().floorplan
    task = PolicyTask.make(Task.make(design, floorplan))
    player = Player([task], [0] * config.count, floorplan, config.threads)
    roll = player.play(policy, len(task.order_node), torch.Generator().manual_seed(config.seed))
    return [info["costs"]["proxy_cost"] for _, info in roll.finished if "costs" in info]


def played(policy: Policy, designs: Mapping[str, Design], config: Episodes) -> Costs:
    """Of every design on which an episode is complete: their number, mean cost, and its standard error."""
    costs = {name: episode_costs(policy, design, config) for name, design in designs.items()}
    return {name: {"complete": len(of), **mean_and_error(of)} for name, of in costs.items() if of}


def mean_and_error(values: Sequence[float]) -> dict[str, float]:
    """Mean and standard error, that of a single value 0."""
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    return {"mean": float(np.mean(values)), "standard_error": spread / len(values) ** 0.5}


def over(costs: Costs, first: Costs) -> dict[str, float]:
    """Ratio of two policies' mean costs: its mean and standard error over the designs that both can place."""
    ratios = [costs[name]["mean"] / first[name]["mean"] for name in costs if name in first]
    return {"designs": len(ratios), **mean_and_error(ratios)}


def main(config: Episodes) -> None:
    """Plays, prints, and writes the record after each policy."""
    torch.set_num_threads(config.threads)
    kinds = {
        "real": {short_name(path): netlists.read(path) for path in config.designs},
        "synthetic": held_out_designs(config.held_out),
    }
    record: dict[str, Any] = {**portable_provenance(), "settings": portable_settings(config), "policies": {}}
    make_folder(config.out.parent)
    first: dict[str, Costs] = {}
    for path in config.policies:
        policy = load_checkpoint(policy_path(path)).policy.eval()
        found = {kind: played(policy, designs, config) for kind, designs in kinds.items() if designs}
        first = first or found
        over_first = {kind: over(found[kind], first[kind]) for kind in found}
        record["policies"][short_name(path)] = {**found, "over_first": over_first}
        write_bytes(config.out, (json.dumps(record, indent=1) + "\n").encode())
        print(short_name(path), {name: round(of["mean"], 4) for name, of in found.get("real", {}).items()}, over_first)


if __name__ == "__main__":
    main(tyro.cli(Episodes))
