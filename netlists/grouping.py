"""Groups of standard cells: fixed ones around macros and ports, wide ones broken up, tiny ones merged.

Rules and their sources: `netlists/docs/clustering.md`. A group of a node is a number from 0, or -1 for none.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from netlists.canvas import Canvas
from netlists.design import Design
from netlists.grouped import group_centres, small_nets
from netlists.netlist import Kind, Netlist

Groups = NDArray[np.int32]
"""(N,) the group of each node; -1 for none."""


def fixed_groups(design: Design, levels: int, max_fanout: int) -> Groups:
    """A group for each hard macro and for each clump of ports, each with the cells within so many nets.

    Returns:
        (N,) groups of hard macros, placed ports and the cells beside them; all else -1.
    """
    netlist = design.netlist
    group = np.full(netlist.num_nodes, -1, np.int32)
    hard = np.flatnonzero(netlist.is_hard)
    group[hard] = np.arange(len(hard))
    _clump_ports(design, group, len(hard))
    free_cell = _free_cells(design)
    use = small_nets(netlist, max_fanout)
    for _ in range(levels):
        cell, new = _beside(netlist, group, use, free_cell & (group < 0))
        group[cell] = new
    return group


def _free_cells(design: Design) -> NDArray[np.bool_]:
    return (design.netlist.kind == Kind.STDCELL) & ~design.placement.fixed


def _clump_ports(design: Design, group: Groups, first: int) -> None:
    """Ports of a side of the canvas in runs no longer than a grid cell; ports without a position in none."""
    netlist, canvas, placement = design.netlist, design.canvas, design.placement
    port = np.flatnonzero(netlist.is_port & placement.placed)
    side = port_sides(placement.x[port], placement.y[port], canvas)
    along = np.where(side % 2 == 0, placement.y[port], placement.x[port])
    order = np.lexsort((along, side))
    number, start, previous = first - 1, 0.0, -1
    for at in order.tolist():
        reach = canvas.cell_height if side[at] % 2 == 0 else canvas.cell_width
        if side[at] != previous or along[at] - start > reach:
            number, start, previous = number + 1, along[at], side[at]
        group[port[at]] = number


def port_sides(x: NDArray[np.float64], y: NDArray[np.float64], canvas: Canvas) -> NDArray[np.int64]:
    """Side of the canvas of each port, by the diagonals: 0 left, 1 top, 2 right, 3 bottom."""
    rising = x * canvas.height / canvas.width
    above, over = y > rising, y > canvas.height - rising
    return np.where(above, np.where(over, 1, 0), np.where(over, 2, 3))


def _beside(
    netlist: Netlist, group: Groups, use: NDArray[np.bool_], open_cell: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Open cells that share a net with a grouped node, driver to sink or sink to driver, and the group of the first.

    Pins come in the order of their file indices, the fan-out of each before its fan-in.
    """
    degree = np.diff(netlist.net_start)
    net = np.repeat(np.arange(netlist.num_nets), degree)
    is_sink = np.ones(len(net), bool)
    is_sink[netlist.net_start[:-1]] = False
    is_sink &= use[net]
    sink, driver = netlist.net_pin[is_sink], netlist.net_pin[netlist.net_start[:-1]][net[is_sink]]
    seed, reached = np.concatenate([driver, sink]), np.concatenate([sink, driver])
    backward = np.repeat([0, 1], len(sink))
    node = netlist.pin_node[reached]
    hit = np.flatnonzero((group[netlist.pin_node[seed]] >= 0) & open_cell[node])
    hit = hit[np.lexsort((netlist.pin_index[reached[hit]], backward[hit], netlist.pin_index[seed[hit]]))]
    cell, first = np.unique(node[hit], return_index=True)
    return cell.astype(np.int64), group[netlist.pin_node[seed[hit[first]]]]


def break_up(design: Design, group: Groups, longest: float) -> Groups:
    """Cuts groups of cells that span more than `longest` um into squares about their centre of mass."""
    placement = design.placement
    count = int(group.max(initial=-1)) + 1
    cell = np.flatnonzero((group >= 0) & placement.placed)
    own = group[cell]
    centre, _ = group_centres(design, group, np.arange(count, dtype=np.int32))
    bucket = np.zeros((2, len(cell)), np.int64)
    for axis, at in enumerate((placement.x[cell], placement.y[cell])):
        low, high = np.full(count, np.inf), np.full(count, -np.inf)
        np.minimum.at(low, own, at)
        np.maximum.at(high, own, at)
        wide = (high - low > longest)[own]
        away = (at - centre[axis, own]) / longest
        bucket[axis, wide] = np.trunc(away + np.copysign(0.5, away)).astype(np.int64)[wide]
    moved = np.flatnonzero(bucket.any(axis=0))
    key = np.stack([own[moved], bucket[0, moved], bucket[1, moved]])
    _, piece = np.unique(key, axis=1, return_inverse=True)
    broken = group.copy()
    broken[cell[moved]] = count + piece.ravel()
    return broken


def merge_tiny(design: Design, group: Groups, smallest: int, reach: float, max_fanout: int) -> Groups:
    """Joins groups of at most `smallest` cells to the group that shares most nets with them, within `reach` um.

    Repeats until none that is left has a group to join. Distance is Manhattan, between centres of mass; groups without
    positions are close to all.
    """
    group = group.copy()
    while True:
        target = _merge_targets(design, group, smallest, reach, max_fanout)
        if not target:
            return group
        root = np.arange(int(group.max()) + 1, dtype=np.int32)
        for source, into in target.items():
            # What it should join may itself have joined another in this round.
            while root[into] != into:
                into = int(root[into])
            if into != source:
                root[source] = into
        while not np.array_equal(root[root], root):
            root = root[root]
        group[group >= 0] = root[group[group >= 0]]


def _merge_targets(design: Design, group: Groups, smallest: int, reach: float, max_fanout: int) -> dict[int, int]:
    """The group that each tiny group should join, in the order of their numbers."""
    ids, size = np.unique(group[group >= 0], return_counts=True)
    tiny = np.zeros(int(ids.max(initial=-1)) + 1, bool)
    tiny[ids[size <= smallest]] = True
    pair, shared = _shared_nets(design.netlist, group, tiny, max_fanout)
    centre, placed = group_centres(design, group, ids.astype(np.int32))
    a, b = np.searchsorted(ids, pair)
    away = np.abs(centre[:, a] - centre[:, b]).sum(axis=0)
    near = (away <= reach) | ~(placed[a] & placed[b])
    order = np.lexsort((pair[1], -shared, pair[0]))
    order = order[near[order]]
    source, first = np.unique(pair[0, order], return_index=True)
    return dict(zip(source.tolist(), pair[1, order[first]].tolist(), strict=True))


def _shared_nets(
    netlist: Netlist, group: Groups, chosen: NDArray[np.bool_], max_fanout: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(2, Q) pairs (chosen group, other group) that meet on a net, and on how many."""
    degree = np.diff(netlist.net_start)
    net = np.repeat(np.arange(netlist.num_nets), degree)
    own = group[netlist.pin_node[netlist.net_pin]]
    inside = small_nets(netlist, max_fanout)[net] & (own >= 0)
    net, own = np.unique(np.stack([net[inside], own[inside]]), axis=1)
    start = np.searchsorted(net, np.arange(netlist.num_nets + 1))
    entry = np.flatnonzero(chosen[own])
    count = np.diff(start)[net[entry]]
    within = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
    other = own[np.repeat(start[net[entry]], count) + within]
    pairs = np.stack([np.repeat(own[entry], count), other]).astype(np.int64)
    return np.unique(pairs[:, pairs[0] != pairs[1]], axis=1, return_counts=True)


def compact(group: Groups) -> Groups:
    """The same groups numbered from 0 without gaps."""
    ids, renumbered = np.unique(group, return_inverse=True)
    return (renumbered.ravel() - int(len(ids) > 0 and ids[0] < 0)).astype(np.int32).reshape(group.shape)
