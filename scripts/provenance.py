"""What a record says of how it was made."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from placer.versions import versions


def commit() -> str:
    """The commit of the working tree, or `unknown`."""
    found = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"


def provenance() -> dict[str, Any]:
    """Command, commit and versions."""
    return {"command": [Path(sys.argv[0]).name, *sys.argv[1:]], "commit": commit(), "versions": versions()}
