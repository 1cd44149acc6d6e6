"""Checkpoints: tensors as safetensors, everything else as JSON in its header. Loading one runs no code."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from netlists.files import write_bytes
from placer.policy import Policy
from placer.versions import versions
from placer.weights import FORMAT, VERSION, Weights, does_not_fit, read_weights


@dataclass(frozen=True)
class Checkpoint:
    """Weights and what is known of them."""

    policy: Policy
    record: dict[str, Any]
    """How the weights came about: settings, seeds, versions, progress."""
    state: dict[str, Tensor]
    """Tensors beside the weights, to resume training from."""


def save_checkpoint(
    path: str | Path, policy: Policy, record: dict[str, Any], state: dict[str, Tensor] | None = None
) -> None:
    """Writes a checkpoint whole or not at all.

    Raises:
        NetlistError: the file cannot be written.
    """
    tensors = {f"policy.{name}": tensor.detach().cpu().contiguous() for name, tensor in policy.state_dict().items()}
    tensors |= {f"state.{name}": tensor.detach().cpu().contiguous() for name, tensor in (state or {}).items()}
    header = {
        "format": FORMAT,
        "version": str(VERSION),
        "policy": json.dumps(dataclasses.asdict(policy.config)),
        "record": json.dumps({**record, "versions": versions()}),
    }
    write_bytes(Path(path), safetensors.torch.save(tensors, header))


def weights_of(policy: Policy) -> Weights:
    """What a checkpoint of the policy would hold, to place with."""
    tensors = {name: tensor.detach().cpu().float().numpy() for name, tensor in policy.state_dict().items()}
    return Weights(Path("policy in memory"), policy.config, {}, tensors, {})


def load_checkpoint(path: str | Path) -> Checkpoint:
    """Reads a checkpoint.

    Raises:
        NetlistError: the file is missing, no checkpoint, or of another version.
    """
    weights = read_weights(path)
    try:
        policy = Policy(weights.config)
        policy.load_state_dict({name: torch.from_numpy(tensor) for name, tensor in weights.tensors.items()})
    except (RuntimeError, TypeError, ValueError) as error:
        raise does_not_fit(weights.source, error) from error
    state = {name: torch.from_numpy(tensor) for name, tensor in weights.state.items()}
    return Checkpoint(policy, weights.record, state)


def optimizer_tensors(optimizer: torch.optim.Adam) -> dict[str, Tensor]:
    """Adam's moments as named tensors."""
    tensors = {}
    for index, state in optimizer.state_dict()["state"].items():
        for name, value in state.items():
            tensors[f"adam.{index}.{name}"] = torch.as_tensor(value)
    return tensors


def load_optimizer_tensors(optimizer: torch.optim.Adam, tensors: dict[str, Tensor]) -> None:
    """The inverse of `optimizer_tensors`."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        if key.startswith("adam."):
            _, index, name = key.split(".", 2)
            state.setdefault(int(index), {})[name] = tensor
    full = optimizer.state_dict()
    full["state"] = state
    optimizer.load_state_dict(full)
