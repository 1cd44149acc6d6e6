"""Layers of the policy: message passing over the netlist graph, convolutions over the grid."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch_geometric.nn import MessagePassing

from placer._policy_net import convolve_grids, convolve_grids_gradient, sum_messages, sum_messages_gradient


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


@dataclass(frozen=True)
class Grids:
    """The grids of a batch, in the corner of the padded one."""

    rows: Tensor
    cols: Tensor
    """(B,) of each sample."""
    padded: tuple[int, int]
    """Rows and columns of the padded one."""

    @cached_property
    def valid(self) -> Tensor:
        """(B, 1, R, C), 1 on the grid, 0 beyond it; compiled layers do without."""
        on_row, on_col = (
            torch.arange(padded, device=own.device) < own[:, None]
            for own, padded in zip((self.rows, self.cols), self.padded, strict=True)
        )
        return (on_row[:, None, :, None] & on_col[:, None, None, :]).to(torch.float32)


class GridConvolution(torch.autograd.Function):
    """A layer of convolutions compiled for a CPU; the twin of what `grid_layer` does elsewhere.

    Fewer products (`placer/cpp/conv3x3.hpp` says how), none for cells beyond the grids, and no pass over the data for
    each of shift, residual, activation and mask.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, shift: Tensor, residual: Tensor | None, rows: Tensor, cols: Tensor
    ) -> Tensor:
        """Shapes as in `grid_layer`; sample b has a grid of rows[b] x cols[b]."""
        x = channels_last(x)
        before = x.new_empty(*x.shape[:3], len(weight))
        after = torch.empty_like(before)
        convolve_grids(
            x.detach().numpy(),
            weight.detach().numpy(),
            shift.detach().numpy(),
            None if residual is None else channels_last(residual).detach().numpy(),
            rows.numpy(),
            cols.numpy(),
            before=before.numpy(),
            after=after.numpy(),
            threads=torch.get_num_threads(),
        )
        ctx.save_for_backward(x, weight, rows, cols, before)
        ctx.has_residual = residual is not None
        return after.permute(0, 3, 1, 2)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of x, weight, shift and residual."""
        x, weight, _, _, before = tensors = ctx.saved_tensors
        of_x, of_weight, of_shift = torch.empty_like(x), torch.empty_like(weight), x.new_empty(len(x), len(weight))
        of_residual = torch.empty_like(before) if ctx.has_residual else None
        convolve_grids_gradient(
            *(tensor.detach().numpy() for tensor in (*tensors, channels_last(gradients[0]))),
            x_gradient=of_x.numpy(),
            weight_gradient=of_weight.numpy(),
            shift_gradient=of_shift.numpy(),
            residual_gradient=None if of_residual is None else of_residual.numpy(),
            threads=torch.get_num_threads(),
        )
        of_residual = None if of_residual is None else of_residual.permute(0, 3, 1, 2)
        return of_x.permute(0, 3, 1, 2), of_weight, of_shift, of_residual, None, None


def channels_last(x: Tensor) -> Tensor:
    """(B, R, C, channels) of (B, channels, R, C), without a copy where it is stored so."""
    return x.permute(0, 2, 3, 1).contiguous()


def grid_layer(conv: nn.Conv2d, x: Tensor, grids: Grids, shift: Tensor, residual: Tensor | None = None) -> Tensor:
    """SiLU of the sum of a 3x3 convolution, a shift and a residual, over grids of different sizes in one batch.

    Cells beyond a grid are zero after every layer, which is what a convolution sees beyond the edge of a grid that is
    alone: batching changes nothing.

    Shapes:
        x: (B, in, R, C), zero beyond each grid; shift: (B, out); residual, returns: (B, out, R, C).
    """
    if x.device.type == "cpu" and not torch.is_autocast_enabled("cpu"):
        assert conv.bias is not None
        return GridConvolution.apply(x, conv.weight, conv.bias + shift, residual, grids.rows, grids.cols)
    total = conv(x) + shift[:, :, None, None].to(x.dtype)
    return torch.nn.functional.silu(total if residual is None else residual + total) * grids.valid.to(x.dtype)


class GridBlock(nn.Module):
    """Two layers of 3x3 convolutions and a residual around them, conditioned by a shift.

    Shapes:
        x: see `grid_layer`; shift: (B, C); returns as x.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor, grids: Grids, shift: Tensor) -> Tensor:
        """Adds what the layers make of x."""
        y = grid_layer(self.first, x, grids, shift)
        return grid_layer(self.second, y, grids, torch.zeros_like(shift), x)
