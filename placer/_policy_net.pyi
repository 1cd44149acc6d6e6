"""The policy's forward pass and its message passing, compiled."""

from typing import Annotated

import numpy
from numpy.typing import NDArray


def sum_messages(edge_index: Annotated[NDArray[numpy.int64], dict(shape=(None, None), order='C', device='cpu', writable=False)], share: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu', writable=False)], log_weight: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu', writable=False)], gate_weight: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu', writable=False)], gate_bias: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu', writable=False)], sent: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], received: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu')], threads: int = 1) -> None:
    """
    Writes to `received` (V, C), for every edge (2, K) from j to i, the sum at i of share times sigmoid(gate_weight * log_weight + gate_bias) times row j of `sent`.
    """

def sum_messages_gradient(edge_index: Annotated[NDArray[numpy.int64], dict(shape=(None, None), order='C', device='cpu', writable=False)], share: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu', writable=False)], log_weight: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu', writable=False)], gate_weight: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu', writable=False)], gate_bias: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu', writable=False)], sent: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], received_gradient: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], sent_gradient: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu')], gate_weight_gradient: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu')], gate_bias_gradient: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu')], threads: int = 1) -> None:
    """
    Writes the gradients with respect to `sent` and the gate to the last three arrays.
    """

class PolicyNet:
    """
    Logits of a policy for the grid cells of one design; see placer.policy.
    """

    def __init__(self, tensors: dict, *, dim: int, layers: int, heads: int, channels: int, blocks: int, node_features: int, step_features: int, maps: int) -> None:
        """
        From tensors by name, float32. ValueError: one is missing or has another shape.
        """

    def embed(self, x: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], edge_index: Annotated[NDArray[numpy.int64], dict(shape=(None, None), order='C', device='cpu', writable=False)], share: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu', writable=False)], log_weight: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> None:
        """
        Encodes a graph: x (V, F), edge_index (2, K), share and log_weight (K,). Holds until the next one.
        """

    def logits(self, maps: Annotated[NDArray[numpy.float32], dict(shape=(None, None, None, None), order='C', device='cpu', writable=False)], features: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], legal: Annotated[NDArray[numpy.uint8], dict(shape=(None, None), order='C', device='cpu', writable=False)], macro: Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu', writable=False)], spread_start: Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu', writable=False)], spread_node: Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu', writable=False)], spread_cell: Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu', writable=False)], threads: int = 1) -> Annotated[NDArray[numpy.float32], dict(shape=(None, None))]:
        """
        (B, R * C) logits, -inf where illegal, of B observations; arrays as in placer.batching.StepBatch, maps (B, R, C, M).
        """
