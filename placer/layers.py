"""Message passing over the netlist graph."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch_geometric.nn import MessagePassing


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
        received = self.propagate(edge_index, h=self.source(normed), share=share, log_weight=log_weight)
        return h + self.update_mlp(torch.cat([normed, received], dim=1))

    def message(self, h_j: Tensor, share: Tensor, log_weight: Tensor) -> Tensor:  # type: ignore[override]
        """What a node receives along one edge, (K, dim)."""
        gate = torch.sigmoid(self.weight_gate(log_weight[:, None]))
        return share[:, None] * gate * torch.nn.functional.silu(h_j)


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
