"""Message passing over the netlist graph."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch_geometric.nn import MessagePassing

from placer._policy_net import sum_messages, sum_messages_gradient


class GatedSum(torch.autograd.Function):
    """What nodes receive along edges, compiled for a CPU; the twin of `NetConv.propagate`.

    PyG's way makes several arrays of (K, dim) forwards and backwards, which takes ten times as long with a few hundred
    thousand edges.
    """

    @staticmethod
    def forward(ctx: Any, *tensors: Tensor) -> Tensor:
        """From edge_index, share, log_weight, the weight (dim,) and bias of the gate, and sent (V, dim): (V, dim)."""
        ctx.save_for_backward(*tensors)
        received = torch.empty_like(tensors[-1])
        inputs = (tensor.detach().numpy() for tensor in tensors)
        sum_messages(*inputs, received=received.numpy(), threads=torch.get_num_threads())
        return received

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of the gate and of what was sent."""
        tensors = ctx.saved_tensors
        weight, bias, sent = (torch.empty_like(tensor) for tensor in tensors[3:])
        inputs = (tensor.detach().numpy() for tensor in (*tensors, gradients[0].contiguous()))
        sum_messages_gradient(
            *inputs,
            sent_gradient=sent.numpy(),
            gate_weight_gradient=weight.numpy(),
            gate_bias_gradient=bias.numpy(),
            threads=torch.get_num_threads(),
        )
        return None, None, None, weight, bias, sent


class NetConv(MessagePassing):
    r"""Residual message passing weighted by how strongly two nodes are connected.

    .. math::
        h_i' = h_i + \mathrm{MLP}\Big(h_i \,\Vert\, \sum_j \frac{w_{ij}}{\sum_k w_{ik}} \phi(h_j, \log w_{ij})\Big)

    Shapes:
        h: (V, dim); edge_index: (2, K); share, log_weight: (K,); returns (V, dim).
    """

    def __init__(self, dim: int) -> None:
        super().__init__(aggr="sum")
        self.source = nn.Linear(dim, dim)
        self.weight_gate = nn.Linear(1, dim)
        self.update_mlp = nn.Sequential(nn.Linear(2 * dim, dim), nn.SiLU(), nn.Linear(dim, dim))
        self.norm = nn.LayerNorm(dim)

    def forward(self, h: Tensor, edge_index: Tensor, share: Tensor, log_weight: Tensor) -> Tensor:
        """One round of message passing."""
        normed = self.norm(h)
        sent = nn.functional.silu(self.source(normed))
        if sent.device.type == "cpu":
            gate = self.weight_gate
            received = GatedSum.apply(edge_index, share, log_weight, gate.weight[:, 0].contiguous(), gate.bias, sent)
        else:
            received = self.propagate(edge_index, h=sent, share=share, log_weight=log_weight)
        return h + self.update_mlp(torch.cat([normed, received], dim=1))

    def message(self, h_j: Tensor, share: Tensor, log_weight: Tensor) -> Tensor:  # type: ignore[override]
        """What a node receives along one edge, (K, dim)."""
        gate = torch.sigmoid(self.weight_gate(log_weight[:, None]))
        return share[:, None] * gate * h_j


class GridBlock(nn.Module):
    """Residual 3x3 convolution over grids of different sizes in one batch.

    Cells beyond a grid are zeroed after every layer, which is what a convolution sees beyond the edge of a grid that
    is alone: batching changes nothing.

    Shapes:
        x: (B, C, R, C'); valid: (B, 1, R, C') or None where all grids are equal; shift: (B, C); returns as x.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor, valid: Tensor | None, shift: Tensor) -> Tensor:
        """Adds what two convolutions, conditioned by `shift`, make of x."""
        y = on_grid(torch.nn.functional.silu(self.first(x) + shift[:, :, None, None].to(x.dtype)), valid)
        return on_grid(torch.nn.functional.silu(x + self.second(y)), valid)


def on_grid(x: Tensor, valid: Tensor | None) -> Tensor:
    """Zeroes the cells beyond each grid; returns x itself where there are none."""
    return x if valid is None else x * valid
