"""Writes a policy with random weights: the control that a trained one must beat.

    python scripts/untrained_policy.py --out runs/untrained.safetensors
    placer bench --designs ... --methods runs/untrained.safetensors shipped --seconds 0 --from-scratch --out OUT

All that it knows is the wire prior, the preference for cells that lengthen few nets.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
import tyro

from placer.checkpoint import save_checkpoint
from placer.config import PolicyConfig
from placer.policy import Policy


@dataclass(frozen=True)
class Untrained:
    """Where it goes, and what it is."""

    out: Path
    """Checkpoint to write."""
    wire_prior: float = 2.0
    """Strength of the wire prior; the shipped policy began with 2.0 and ended with 2.01."""
    seed: int = 0
    """Of the weights."""


def main(config: Untrained) -> None:
    """Writes the checkpoint."""
    torch.manual_seed(config.seed)
    policy = Policy(PolicyConfig())
    with torch.no_grad():
        policy.policy_head.wire_prior.fill_(config.wire_prior)
    save_checkpoint(config.out, policy, {"untrained": True, "seed": config.seed})


if __name__ == "__main__":
    main(tyro.cli(Untrained))
