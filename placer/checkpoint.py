"""Checkpoints: tensors as safetensors, everything else as JSON in its header. Loading one runs no code."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from netlists import NetlistError
from netlists.files import write_bytes
from placer.config import PolicyConfig
from placer.policy import Policy
from placer.versions import versions

FORMAT = "macro-placer-policy"
VERSION = 1
"""Raised when the networks or their inputs change so that older weights mean nothing."""

SHIPPED = Path(__file__).parent / "checkpoints" / "shipped.safetensors"


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


def load_checkpoint(path: str | Path) -> Checkpoint:
    """Reads a checkpoint.

    Raises:
        NetlistError: the file is missing, no checkpoint, or of another version.
    """
    path = Path(path)
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except (OSError, safetensors.SafetensorError) as error:
        raise NetlistError(f"expected a policy checkpoint (.safetensors), cannot read it: {error}", path) from error
    if header.get("format") != FORMAT:
        raise NetlistError(f"expected a checkpoint of format '{FORMAT}', found '{header.get('format')}'", path)
    if header.get("version") != str(VERSION):
        raise NetlistError(
            f"expected a checkpoint of version {VERSION}, found {header.get('version')}; "
            "train it again with this release",
            path,
        )
    try:
        policy = Policy(PolicyConfig(**json.loads(header["policy"])))
        policy.load_state_dict(_part(tensors, "policy."))
        record = json.loads(header["record"])
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise NetlistError(f"the checkpoint does not fit this release: {error}", path) from error
    return Checkpoint(policy, record, _part(tensors, "state."))


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def policy_path(policy: str | Path) -> Path:
    """The file behind a `--policy`: `shipped`, a checkpoint, or the folder of a training run."""
    if str(policy) == "shipped":
        return SHIPPED
    path = Path(policy)
    return path / "policy.safetensors" if path.is_dir() else path


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
