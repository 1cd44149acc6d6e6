from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

class Columns(TypedDict):
    """One entry a node of the file, in its order, without `__metadata__`."""

    name: list[str]
    type: NDArray[np.int8]
    orientation: NDArray[np.int8]
    fixed: NDArray[np.int8]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    width: NDArray[np.float64]
    height: NDArray[np.float64]
    x_offset: NDArray[np.float64]
    y_offset: NDArray[np.float64]
    weight: NDArray[np.float64]
    line: NDArray[np.int32]
    input_start: NDArray[np.int32]
    input: NDArray[np.int32]
    macro: NDArray[np.int32]
    attributes: list[tuple[int, str, str, str]]

def parse(text: bytes) -> Columns:
    """Columns of the file's nodes, `__metadata__` apart. Raises ValueError(line, message)."""
