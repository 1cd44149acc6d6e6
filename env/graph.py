"""The static graph that a policy reads: macros and port clusters, joined by nets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from env.start import analytic_start
from netlists import Design, Kind, Placement

PORT_BINS = 8
"""Port clusters along each axis of the canvas."""

NODE_FEATURES: tuple[str, ...] = (
    "width",
    "height",
    "sqrt_area",
    "is_hard",
    "is_soft",
    "is_port",
    "is_fixed",
    "log_pins",
    "log_weight",
    "start_x",
    "start_y",
    "hard_share",
    "soft_share",
)
"""Columns of `Graph.x`: sizes, positions and areas as shares of the canvas, counts as logarithms."""


@dataclass(frozen=True)
class Graph:
    """V nodes: every hard and soft macro, and the ports gathered in clusters by where they lie.

    Attributes:
        x: (V, len(NODE_FEATURES)) float32.
        edge_index: (2, K) int64, both directions of every edge.
        edge_weight: (K,) float32: sum over nets between the two of weight / (pins - 1).
        node: (N,) int64: the graph node of each netlist node.
        member: (V,) int64: a netlist node of each graph node (of a cluster: its first port).
    """

    x: NDArray[np.float32]
    edge_index: NDArray[np.int64]
    edge_weight: NDArray[np.float32]
    node: NDArray[np.int64]
    member: NDArray[np.int64]


def graph(design: Design, start: Placement | None = None) -> Graph:
    """The graph of a design. Edges join the driver of a net with its sinks, so their number is linear in the pins.

    Args:
        design: its fixed nodes and ports count where they lie.
        start: positions for the features `start_x`, `start_y`; by default those of `analytic_start`.
    """
    start = start or analytic_start(design)
    node, member = _group_ports(design)
    edge_index, edge_weight = _edges(design, node)
    return Graph(_features(design, start, node, member), edge_index, edge_weight, node, member)


def _group_ports(design: Design) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    netlist, canvas, placement = design.netlist, design.canvas, design.placement
    is_port = netlist.is_port
    column = np.clip(PORT_BINS * placement.x / canvas.width, 0, PORT_BINS - 1).astype(np.int64)
    row = np.clip(PORT_BINS * placement.y / canvas.height, 0, PORT_BINS - 1).astype(np.int64)
    # Macros come first, in their order, then the clusters that hold a port.
    key = np.where(is_port, netlist.num_nodes + row * PORT_BINS + column, np.arange(netlist.num_nodes))
    _, member, node = np.unique(key, return_index=True, return_inverse=True)
    return node.astype(np.int64), member.astype(np.int64)


def _edges(design: Design, node: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    netlist = design.netlist
    degree = np.diff(netlist.net_start)
    net_of = np.repeat(np.arange(netlist.num_nets), degree)
    pin_graph_node = node[netlist.pin_node[netlist.net_pin]]
    driver = pin_graph_node[netlist.net_start[:-1]][net_of]
    is_edge = driver != pin_graph_node
    weight = (netlist.net_weight / (degree - 1))[net_of][is_edge]
    ends = np.sort(np.stack([driver[is_edge], pin_graph_node[is_edge]]), axis=0)
    count = int(node.max(initial=0)) + 1
    key, group = np.unique(ends[0] * count + ends[1], return_inverse=True)
    summed = np.bincount(group, weight, minlength=len(key)).astype(np.float32)
    one_way = np.stack([key // count, key % count])
    return np.concatenate([one_way, one_way[::-1]], axis=1), np.concatenate([summed, summed])


def _features(
    design: Design, start: Placement, node: NDArray[np.int64], member: NDArray[np.int64]
) -> NDArray[np.float32]:
    netlist, canvas = design.netlist, design.canvas
    kind = netlist.kind[member]
    width, height = netlist.size[:, member]
    supply = canvas.width * canvas.height
    area = netlist.size[0] * netlist.size[1]
    num_nodes = len(member)
    pins = np.bincount(node[netlist.pin_node], minlength=num_nodes)
    degree = np.diff(netlist.net_start)
    weight = np.bincount(
        node[netlist.pin_node[netlist.net_pin]],
        np.repeat(netlist.net_weight, degree),
        minlength=num_nodes,
    )
    members = np.bincount(node, minlength=num_nodes)
    columns = {
        "width": width / canvas.width,
        "height": height / canvas.height,
        "sqrt_area": np.sqrt(width * height / supply),
        "is_hard": kind == Kind.HARD_MACRO,
        "is_soft": netlist.is_soft[member],
        "is_port": kind == Kind.PORT,
        "is_fixed": design.placement.fixed[member],
        "log_pins": np.log1p(pins) / 5,
        "log_weight": np.log1p(weight) / 5,
        "start_x": np.bincount(node, start.x, minlength=num_nodes) / members / canvas.width,
        "start_y": np.bincount(node, start.y, minlength=num_nodes) / members / canvas.height,
        "hard_share": np.full(num_nodes, area[netlist.is_hard].sum() / supply),
        "soft_share": np.full(num_nodes, area[netlist.is_soft].sum() / supply),
    }
    return np.stack([columns[name] for name in NODE_FEATURES], axis=1).astype(np.float32)
