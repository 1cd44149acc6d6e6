"""The eight orientations of a macro, as one table."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

ORIENTATIONS: tuple[str, ...] = ("N", "FN", "S", "FS", "E", "W", "FE", "FW")
"""Names by code; the code is what a `Placement` stores."""

ORIENTATION_CODE: dict[str, int] = {name: code for code, name in enumerate(ORIENTATIONS)}

ORIENTATION_MATRIX: NDArray[np.float64] = np.array(
    [
        [[1, 0], [0, 1]],  # N   ( dx,  dy)
        [[-1, 0], [0, 1]],  # FN  (-dx,  dy)
        [[-1, 0], [0, -1]],  # S   (-dx, -dy)
        [[1, 0], [0, -1]],  # FS  ( dx, -dy)
        [[0, 1], [-1, 0]],  # E   ( dy, -dx)
        [[0, -1], [1, 0]],  # W   (-dy,  dx)
        [[0, -1], [-1, 0]],  # FE  (-dy, -dx)
        [[0, 1], [1, 0]],  # FW  ( dy,  dx)
    ],
    dtype=np.float64,
)
"""(8, 2, 2): `turned = ORIENTATION_MATRIX[code] @ (dx, dy)`."""
ORIENTATION_MATRIX.setflags(write=False)


def turn_offset(offset: NDArray[np.float64], orientation: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Pin offsets turned by the orientation of their macro.

    Args:
        offset: (2, P) um, relative to the centre of a macro that lies in N.
        orientation: (P,) orientation code of each pin's macro.

    Returns:
        (2, P) um, relative to the centre of the macro as it lies.
    """
    return np.einsum("pij,jp->ip", ORIENTATION_MATRIX[orientation], offset)


def turn_size(size: NDArray[np.float64], orientation: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Width and height, (2, N) um, of nodes as they lie: E, W, FE and FW swap the two."""
    return np.where(np.asarray(orientation) >= ORIENTATION_CODE["E"], size[::-1], size)
