"""What a result was made with."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any


def versions() -> dict[str, str]:
    """Versions of the interpreter and of the packages that matter."""
    names = ("macro-placer", "torch", "torch-geometric", "gymnasium", "numpy")
    found = {"python": platform.python_version()}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "unknown"
    return found


def commit() -> str:
    """The commit of the source tree that this runs from, or `unknown`: installed packages are in none."""
    here = Path(__file__)
    try:
        if _git(here.parent, "ls-files", "--error-unmatch", here.name):
            return _git(here.parent, "rev-parse", "HEAD") or "unknown"
    except OSError:
        pass  # there is no git
    return "unknown"


def _git(folder: Path, *arguments: str) -> str:
    """What git prints; nothing if it fails."""
    done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


INSTRUCTIONS = ("amx_bf16", "avx512_bf16", "avx512f", "avx2")
"""Sets of vector instructions, the fastest first, by which processors of one name differ."""


def machine() -> dict[str, Any]:
    """What the figures of a record depend on."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    known = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    flags = known.get("flags", "").split()
    return {
        "processor": known.get("model name") or platform.processor() or platform.machine(),
        "instructions": next((name for name in INSTRUCTIONS if name in flags), "unknown"),
        "cores": os.cpu_count(),
    }


def provenance() -> dict[str, Any]:
    """Command, commit, versions and machine: how a record was made."""
    command = [Path(sys.argv[0]).name, *sys.argv[1:]]
    return {"command": command, "commit": commit(), "versions": versions(), "machine": machine()}
