"""What a checkpoint holds, as NumPy arrays: enough to place with, without torch. Reading one runs no code."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
from numpy.typing import NDArray

from netlists import NetlistError
from placer.config import PolicyConfig

FORMAT = "macro-placer-policy"
VERSION = 1
"""Raised when the networks or their inputs change so that older weights mean nothing."""

SHIPPED = Path(__file__).parent / "checkpoints" / "shipped.safetensors"


@dataclass(frozen=True)
class Weights:
    """Tensors of a policy and what is known of them."""

    source: Path
    """The file."""
    config: PolicyConfig
    """Sizes of the networks."""
    record: dict[str, Any]
    """How the weights came about: settings, seeds, versions, progress."""
    tensors: dict[str, NDArray]
    """Of the policy, by name."""
    state: dict[str, NDArray]
    """Beside the weights, to resume training from."""


def policy_path(policy: str | Path) -> Path:
    """The file behind a `--policy`: `shipped`, a checkpoint, or the folder of a training run."""
    if str(policy) == "shipped":
        return SHIPPED
    path = Path(policy)
    return path / "policy.safetensors" if path.is_dir() else path


def read_weights(path: str | Path) -> Weights:
    """Reads a checkpoint.

    Raises:
        NetlistError: the file is missing, no checkpoint, or of another version.
    """
    path = Path(path)
    try:
        with safetensors.safe_open(path, framework="np") as file:
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
        config, record = PolicyConfig(**json.loads(header["policy"])), json.loads(header["record"])
        if not (isinstance(record, dict) and isinstance(record.get("kept", {}), dict)):
            raise TypeError("its record is no table, or its list of kept placements isn't")
    except (KeyError, TypeError, ValueError) as error:
        raise does_not_fit(path, error) from error
    weights = _part(tensors, "policy.")
    for name, tensor in weights.items():
        if not np.isfinite(tensor).all():
            raise NetlistError(f"tensor '{name}' holds values that are no numbers; train it again", path)
    return Weights(path, config, record, weights, _part(tensors, "state."))


def does_not_fit(path: Path, error: Exception) -> NetlistError:
    """What to say of a checkpoint whose networks are others than those of this release."""
    return NetlistError(f"the checkpoint does not fit this release: {error}", path)


def _part(tensors: dict[str, NDArray], prefix: str) -> dict[str, NDArray]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
