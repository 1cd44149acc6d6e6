"""Records of studies: named without the paths of a machine, gone on with only under the settings that began them."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from netlists.files import make_folder
from placer.versions import provenance


def short_name(path: Path) -> str:
    """Technology and name, where folders are called so: the last two parts of a path."""
    return "/".join(path.parts[-2:])


def portable_provenance() -> dict[str, Any]:
    """As `provenance`, paths in the command shortened."""
    made_with = provenance()
    return made_with | {"command": [short_name(Path(word)) for word in made_with["command"]]}


def device_name(device: str) -> str:
    """The name of the card behind a torch device, or `cpu`."""
    import torch

    return torch.cuda.get_device_name(device) if device.startswith("cuda") else device


def portable_settings(config: Any) -> dict[str, Any]:
    """The settings, a dataclass, as JSON; paths shortened."""
    return json.loads(json.dumps(asdict(config), default=short_name))


def begin_or_resume(config: Any, empty: dict[str, Any], may_differ: Sequence[str] = ()) -> dict[str, Any]:
    """The record at `config.out`, or a new one with `empty` in it.

    Args:
        config: the settings, a dataclass.
        empty: what a record holds before anything is known.
        may_differ: settings that do not change what the record holds already; it then states the new ones, and under
            `continued` which command and commit brought them.

    Exits with a message if the file there is of other settings.
    """
    make_folder(config.out.parent)
    settings = portable_settings(config)
    if not config.out.exists():
        return {**portable_provenance(), "settings": settings, **empty}
    known = json.loads(config.out.read_text())
    former = known["settings"]
    known["settings"] = former | {name: settings[name] for name in may_differ}
    if known["settings"] != settings:
        sys.exit(f"{config.out} is of other settings; move it away or name another --out")
    if settings != former:
        made_with = portable_provenance()
        known.setdefault("continued", []).append({name: made_with[name] for name in ("command", "commit")})
    return known
