"""Hypergraph partitioning of standard cells with Mt-KaHyPar."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlists.errors import NetlistError
from netlists.netlist import Netlist


@dataclass(frozen=True)
class Hypergraph:
    """V vertices and the nets between them.

    Attributes:
        start: (E + 1,) offsets into `vertex`.
        vertex: distinct vertices of each net, at least two.
        net_weight: (E,) int64, at least 1.
        weight: (V,) int64, at least 1.
        block: (V,) the block that a vertex must be in; -1: any.
    """

    start: NDArray[np.int64]
    vertex: NDArray[np.int64]
    net_weight: NDArray[np.int64]
    weight: NDArray[np.int64]
    block: NDArray[np.int64]


def build_hypergraph(
    netlist: Netlist,
    use: NDArray[np.bool_],
    vertex_of: NDArray[np.int64],
    weight: NDArray[np.int64],
    block: NDArray[np.int64],
) -> Hypergraph:
    """The hypergraph of the flagged nets.

    Args:
        netlist: whose nets.
        use: (E,) flags.
        vertex_of: (N,) the vertex of each node; -1: none. Nodes may share one.
        weight, block: see `Hypergraph`.
    """
    net = np.repeat(np.arange(netlist.num_nets), np.diff(netlist.net_start))
    vertex = vertex_of[netlist.pin_node[netlist.net_pin]]
    inside = use[net] & (vertex >= 0)
    net, vertex = np.unique(np.stack([net[inside], vertex[inside]]), axis=1)
    kept, count = np.unique(net, return_counts=True)
    cut = count > 1
    entry = np.repeat(cut, count)
    net_weight = np.maximum(1, np.round(netlist.net_weight[kept[cut]])).astype(np.int64)
    return Hypergraph(np.concatenate([[0], np.cumsum(count[cut])]), vertex[entry], net_weight, weight, block)


@cache
def _mtkahypar(threads: int) -> tuple[Any, Any]:
    """The library and its one initialiser; a process can have no other, so the first caller's threads count."""
    try:
        import mtkahypar
    except ImportError as error:
        raise NetlistError("clustering needs the package mtkahypar; install it with `pip install mtkahypar`") from error
    return mtkahypar, mtkahypar.initialize(threads, False)


def partition(graph: Hypergraph, num_blocks: int, imbalance: float, seed: int, threads: int) -> NDArray[np.int64]:
    """Blocks of small external degree: the sum of weight * blocks that the net touches, over nets that touch several.

    The same seed gives the same blocks, whatever the number of threads.

    Args:
        graph: what to divide.
        num_blocks: number of blocks.
        imbalance: a block weighs at most 1 + this times the mean; one with heavier fixed vertices takes no others.
        seed: of the order in which the partitioner sees the vertices.
        threads: of the partitioner.

    Returns:
        (V,) the block of each vertex.
    """
    free = np.flatnonzero(graph.block < 0)
    if len(free) <= 1 or num_blocks == 1 or len(graph.net_weight) == 0:
        return _deal(graph, num_blocks)
    library, initializer = _mtkahypar(threads)
    context = initializer.context_from_preset(library.PresetType.DETERMINISTIC)
    context.logging = False
    context.set_partitioning_parameters(num_blocks, imbalance, library.Objective.SOED)
    context.set_individual_target_block_weights(_capacities(graph, num_blocks, imbalance).tolist())
    # The deterministic preset takes no notice of the library's seed; it does of the order of the vertices.
    rank = np.random.default_rng(seed).permutation(len(graph.weight))
    order = np.argsort(rank)
    start, vertex = graph.start.tolist(), rank[graph.vertex].tolist()
    edges = [vertex[begin:end] for begin, end in pairwise(start)]
    hypergraph = initializer.create_hypergraph(
        context, len(graph.weight), len(edges), edges, graph.weight[order].tolist(), graph.net_weight.tolist()
    )
    if len(free) < len(graph.block):
        hypergraph.add_fixed_vertices(graph.block[order].tolist(), num_blocks)
    return np.array(hypergraph.partition(context).get_partition(), np.int64)[rank]


def _capacities(graph: Hypergraph, num_blocks: int, imbalance: float) -> NDArray[np.int64]:
    """(num_blocks,) most weight of each block: room for all, for the heaviest vertex and for what is fixed."""
    mean = graph.weight.sum() / num_blocks
    heaviest = int(graph.weight[graph.block < 0].max(initial=1))
    room = max(int(np.ceil((1 + imbalance) * mean)), int(np.ceil(mean)) + heaviest)
    fixed = graph.block >= 0
    return np.maximum(room, np.bincount(graph.block[fixed], graph.weight[fixed], num_blocks).astype(np.int64))


def _deal(graph: Hypergraph, num_blocks: int) -> NDArray[np.int64]:
    """Blocks where no net says what belongs together: vertices in their order, by equal weight."""
    block = graph.block.copy()
    free = np.flatnonzero(block < 0)
    weight = graph.weight[free].astype(float)
    block[free] = (np.cumsum(weight) - 0.5 * weight) / max(weight.sum(), 1.0) * num_blocks
    return np.minimum(block, num_blocks - 1)
