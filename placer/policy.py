"""The policy: a graph network embeds the netlist, a convolutional head turns embeddings and maps into a move."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from env.graph import NODE_FEATURES
from placer.batching import GraphBatch, StepBatch
from placer.config import PolicyConfig
from placer.features import MAP_CHANNELS, STEP_FEATURES, WIRE_MASK
from placer.layers import GridBlock, Grids, NetConv, grid_layer

WIRE_PRIOR = 0.5
"""How strongly a new policy prefers cells with a small wire mask: a little, so that it starts near random."""


@dataclass(frozen=True)
class Embeddings:
    """What the encoder says of the netlists; holds for a whole episode.

    Attributes:
        node: (V, dim); key: (V, heads * dim_head); graph: (tasks, dim).
    """

    node: Tensor
    key: Tensor
    graph: Tensor


class Encoder(nn.Module):
    """Embeds the nodes of netlist graphs.

    Shapes:
        GraphBatch with V nodes of K tasks -> node (V, dim), graph (K, dim).
    """

    def __init__(self, config: PolicyConfig) -> None:
        super().__init__()
        self.enter = nn.Linear(len(NODE_FEATURES), config.dim)
        self.convs = nn.ModuleList(NetConv(config.dim) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.dim)

    def forward(self, graphs: GraphBatch) -> tuple[Tensor, Tensor]:
        """Node embeddings, and their mean over each graph."""
        h = self.enter(graphs.x)
        for conv in self.convs:
            h = conv(h, graphs.edge_index, graphs.share, graphs.log_weight)
        h = self.norm(h)
        count = graphs.start.diff()
        total = torch.zeros(len(count), h.shape[1], dtype=h.dtype, device=h.device).index_add(0, graphs.graph_of, h)
        return h, total / count[:, None]


class PolicyHead(nn.Module):
    """Logits over the grid cells of every sample, and the features that the value head reads.

    Node embeddings reach the grid as affinity maps: each node that lies on the canvas adds, to the cell that it lies
    in, the inner product of its key with a query made from the macro to place.

    Shapes:
        Embeddings, StepBatch of B samples -> logits (B, R * C), features (B, channels), context (B, channels).
    """

    def __init__(self, config: PolicyConfig) -> None:
        super().__init__()
        self.heads, self.head_dim = config.heads, max(4, config.dim // config.heads)
        self.key = nn.Linear(config.dim, self.heads * self.head_dim)
        self.query = nn.Linear(config.dim, self.heads * self.head_dim)
        self.context = nn.Sequential(
            nn.Linear(2 * config.dim + STEP_FEATURES, config.channels),
            nn.SiLU(),
            nn.Linear(config.channels, config.channels),
        )
        self.enter = nn.Conv2d(MAP_CHANNELS + self.heads, config.channels, 3, padding=1)
        self.blocks = nn.ModuleList(GridBlock(config.channels) for _ in range(config.blocks))
        self.shifts = nn.ModuleList(nn.Linear(config.channels, config.channels) for _ in range(config.blocks))
        self.exit = nn.Conv2d(config.channels, 1, 1)
        self.wire_prior = nn.Parameter(torch.tensor(WIRE_PRIOR))
        self.bf16 = False
        nn.init.zeros_(self.exit.weight)
        nn.init.zeros_(self.exit.bias)  # type: ignore[arg-type]

    def forward(self, embeddings: Embeddings, batch: StepBatch) -> tuple[Tensor, Tensor, Tensor]:
        """Logits (illegal cells at -inf), pooled features and context."""
        count, _, rows, cols = batch.maps.shape
        macro = embeddings.node[batch.macro]
        context = self.context(torch.cat([macro, embeddings.graph[batch.graph_of], batch.features], dim=1))
        affinity = self._affinity(embeddings, batch, macro)
        x = torch.cat([batch.maps, affinity.view(count, rows, cols, self.heads).permute(0, 3, 1, 2)], dim=1)
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self.bf16):
            x = self._trunk(x, Grids(batch.rows, batch.cols, (rows, cols)), context)
            logits = self.exit(x)
        logits = logits.float().flatten(1) - self.wire_prior * batch.maps[:, WIRE_MASK].flatten(1)
        features = x.sum(dim=(2, 3)).float() / (batch.rows * batch.cols)[:, None]
        return logits.masked_fill(~batch.legal, float("-inf")), features, context

    @torch.no_grad()
    def sharpen(self, temperature: float) -> None:
        """Divides all logits by a temperature for good."""
        for factor in (self.exit.weight, self.exit.bias, self.wire_prior):
            factor.div_(temperature)  # type: ignore[union-attr]

    def _trunk(self, x: Tensor, grids: Grids, context: Tensor) -> Tensor:
        """What the convolutions make of the maps, (B, channels, R, C)."""
        x = grid_layer(self.enter, x, grids, context)
        for block, shift in zip(self.blocks, self.shifts, strict=True):
            x = block(x, grids, shift(context))
        return x

    def _affinity(self, embeddings: Embeddings, batch: StepBatch, macro: Tensor) -> Tensor:
        # index_select, not indexing: its gradient is an index_add, which is much faster than that of indexing.
        sample = batch.spread_sample
        query = self.query(macro).index_select(0, sample)
        product = query * embeddings.key.index_select(0, batch.spread_node)
        product = product.view(-1, self.heads, self.head_dim).sum(-1) / self.head_dim
        count, _, rows, cols = batch.maps.shape
        zeros = torch.zeros(count * rows * cols, self.heads, dtype=product.dtype, device=product.device)
        return zeros.index_add(0, sample * (rows * cols) + batch.spread_cell, product)


class ValueHead(nn.Module):
    """The return that is still to come.

    Shapes:
        features (B, channels), context (B, channels) -> (B,).
    """

    def __init__(self, config: PolicyConfig) -> None:
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(2 * config.channels, 64), nn.SiLU(), nn.Linear(64, 1))

    def forget(self) -> None:
        """Makes every value zero: what returns are measured in is another matter in every run."""
        last = self.mlp[-1]
        assert isinstance(last, nn.Linear)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)

    def forward(self, features: Tensor, context: Tensor) -> Tensor:
        """Values in units of the standardised return."""
        return self.mlp(torch.cat([features, context], dim=1)).squeeze(1)


class Policy(nn.Module):
    """Encoder, policy head and value head together."""

    def __init__(self, config: PolicyConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.policy_head = PolicyHead(config)
        self.value_head = ValueHead(config)

    def acting_parameters(self) -> list[nn.Parameter]:
        """Those that actions depend on: all but the value head's."""
        return [*self.encoder.parameters(), *self.policy_head.parameters()]

    def embed(self, graphs: GraphBatch) -> Embeddings:
        """Encodes the static part; do it once per episode."""
        node, graph = self.encoder(graphs)
        return Embeddings(node, self.policy_head.key(node), graph)

    def forward(self, embeddings: Embeddings, batch: StepBatch) -> tuple[Tensor, Tensor]:
        """Logits (B, R * C), -inf where illegal, and values (B,).

        Errors of the values teach the value head alone: through the layers that it shares with the policy their
        gradient was eight times as large as that of the returns (`results/trials.md`, what held PPO back).
        """
        logits, features, context = self.policy_head(embeddings, batch)
        return logits, self.value_head(features.detach(), context.detach())


def sample_actions(logits: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draws an action a sample, with its log-probability."""
    log_probability = logits.log_softmax(dim=1)
    action = torch.multinomial(log_probability.exp(), 1, generator=generator).squeeze(1)
    return action, log_probability.gather(1, action[:, None]).squeeze(1)
