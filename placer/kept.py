"""The best placements that training runs keep: `NAME.plc` in the folder of the run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from env.legality import check_legality
from netlists import Design, Placement, read_plc


def kept_placement(run: str | Path, record: dict[str, Any], design: Design) -> Placement | None:
    """The placement of a design that a run kept; None if `run` is no folder of a run, or none of this very design.

    Args:
        run: what `--policy` says.
        record: of the policy's checkpoint; its `kept` maps fingerprints of designs to the names of their files.
        design: nodes, nets, canvas and fixed nodes must be those of the design that was trained on.

    Raises:
        NetlistError: the file is damaged.
    """
    name = record.get("kept", {}).get(design.fingerprint())
    path = Path(run) / f"{name}.plc"
    if name is None or not path.exists():
        return None
    _, placement = read_plc(path, design.netlist)
    given = design.placement
    placement = placement.replace(
        x=np.where(given.fixed, given.x, placement.x), y=np.where(given.fixed, given.y, placement.y), fixed=given.fixed
    )
    legal = check_legality(design.with_placement(placement)).legal
    return placement if legal and placement.placed.all() else None
