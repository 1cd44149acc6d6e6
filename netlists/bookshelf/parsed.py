"""The parsed files of a Bookshelf design together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netlists.bookshelf.records import Nets, Nodes, Positions, Weights
from netlists.bookshelf.rows import RowBox
from netlists.errors import NetlistError


@dataclass(frozen=True)
class Records:
    """The parsed files of a design and where they came from, by suffix."""

    nodes: Nodes
    nets: Nets
    positions: Positions
    rows: RowBox
    weights: Weights
    sources: dict[str, Path]

    def error(self, suffix: str, message: str, line: int | None) -> NetlistError:
        return NetlistError(message, self.sources.get(suffix), line)


def check_known(
    parsed: Records, suffix: str, names: list[str], node: NDArray[np.int64], lines: list[int], expected: str
) -> None:
    """Raises NetlistError if a name names no node, that is, if its `node` is -1."""
    if (node < 0).any():
        at = int(np.argmax(node < 0))
        raise parsed.error(suffix, f"expected {expected}, found '{names[at]}'", lines[at])
