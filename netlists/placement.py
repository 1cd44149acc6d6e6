"""A placement: positions, orientations, fixed flags."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Placement:
    """Where the N nodes of a netlist lie. The arrays are read-only.

    Attributes:
        x, y: (N,) float64, um, centres.
        orientation: (N,) uint8, code into `ORIENTATIONS`.
        fixed: (N,) bool, nodes that nothing may move.
        placed: (N,) bool; the position of a node that is not placed means nothing.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    orientation: NDArray[np.uint8]
    fixed: NDArray[np.bool_]
    placed: NDArray[np.bool_]

    def __post_init__(self) -> None:
        """Raises ValueError where the arrays differ in length."""
        dtypes = (np.float64, np.float64, np.uint8, np.bool_, np.bool_)
        fields = ("x", "y", "orientation", "fixed", "placed")
        for name, dtype in zip(fields, dtypes, strict=True):
            array = np.array(getattr(self, name), dtype=dtype, order="C")
            if array.shape != np.shape(self.x) or array.ndim != 1:
                raise ValueError(f"placement: {name} has shape {array.shape}, expected {np.shape(self.x)}")
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    def __len__(self) -> int:
        return len(self.x)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Placement):
            return NotImplemented
        return all(
            np.array_equal(getattr(self, name), getattr(other, name))
            for name in ("x", "y", "orientation", "fixed", "placed")
        )

    def replace(self, **changes: Any) -> Placement:
        """A copy with the named arrays exchanged."""
        return replace(self, **changes)
