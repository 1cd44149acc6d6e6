"""Nodes, nets and pins of a Bookshelf design as the arrays of a netlist."""

from __future__ import annotations

from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from netlists.bookshelf.parsed import Records, check_known
from netlists.netlist import Kind, Netlist
from netlists.orientation import turn_offset


def build_netlist(
    parsed: Records,
    node_of: dict[str, int],
    kind: NDArray[np.uint8],
    size: NDArray[np.float64],
    orientation: NDArray[np.uint8],
) -> Netlist:
    """Nodes in their order, then pins in the order of the nets; a port or cell that can be its own pin is.

    Nets are in the order of their drivers, as in netlist files. Offsets of ports, which have no orientation in the
    model, are turned.
    """
    nets = parsed.nets
    count = len(kind)
    node = np.array(list(map(node_of.get, nets.pin_node, repeat(-1))), np.int64).reshape(-1)
    check_known(parsed, ".nets", nets.pin_node, node, nets.line, "a node of the .nodes file")
    order, start = _driver_first(np.array(nets.degree, np.int64), np.array(nets.direction) == "O")
    offset = np.array([nets.dx, nets.dy]).reshape(2, -1)[:, order]
    node = node[order]
    offset = np.where(kind[node] == Kind.PORT, turn_offset(offset, orientation[node]), offset) + 0.0
    own = _own_pin_nodes(kind, node, offset, start)
    weight = _net_weights(parsed, node_of)[np.array(nets.degree, np.int64) > 1]
    by_driver, pins = _by_driver(start, node, own)
    start = np.concatenate([[0], np.cumsum(np.diff(start)[by_driver])])
    node, offset = node[pins], offset[:, pins]
    # Pins that are their node's own share its index; the others follow the nodes.
    index = np.where(own[node], node, count + np.cumsum(~own[node]) - 1)
    pin_index, first, net_pin = np.unique(index, return_index=True, return_inverse=True)
    names = parsed.nodes.name
    pin_node = node[first]
    return Netlist(
        node_name=tuple(names),
        kind=kind,
        size=np.where(kind == Kind.PORT, 0.0, size),
        node_index=np.arange(count),
        pin_name=_pin_names(names, node_of, pin_node, pin_index),
        pin_node=pin_node,
        pin_offset=offset[:, first],
        pin_index=pin_index,
        net_start=start,
        net_pin=net_pin.ravel(),
        net_weight=weight[by_driver],
    )


def _pin_names(
    names: list[str], node_of: dict[str, int], pin_node: NDArray[np.int64], pin_index: NDArray[np.int64]
) -> tuple[str, ...]:
    """Names of their own for pins, which Bookshelf leaves nameless; those that are their node's own have its name."""
    found = []
    for node, index in zip(pin_node.tolist(), pin_index.tolist(), strict=True):
        name = names[node] if index < len(names) else f"{names[node]}/p{index}"
        while index >= len(names) and name in node_of:
            name += "_"
        found.append(name)
    return tuple(found)


def _driver_first(degree: NDArray[np.int64], drives: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Order of pins with the first output of each net in front, and offsets, of the nets with at least two pins."""
    net = np.repeat(np.arange(len(degree)), degree)
    at = np.arange(len(net))
    output = np.flatnonzero(drives)
    _, first = np.unique(net[output], return_index=True)
    front = np.zeros(len(net), bool)
    front[output[first]] = True
    order = np.lexsort((at, ~front, net))
    kept = degree > 1
    return order[kept[net[order]]], np.concatenate([[0], np.cumsum(degree[kept])])


def _by_driver(
    start: NDArray[np.int64], node: NDArray[np.int64], own: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Order of the nets, and of their pins, in which the file indices of drivers ascend."""
    driver = node[start[:-1]]
    order = np.argsort(np.where(own[driver], driver, len(own)), kind="stable")
    return order, np.argsort(np.repeat(np.argsort(order), np.diff(start)), kind="stable")


def _own_pin_nodes(
    kind: NDArray[np.uint8], node: NDArray[np.int64], offset: NDArray[np.float64], start: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """(N,) flags: ports and cells all of whose pins lie at the centre and that drive one net at most."""
    own = (kind == Kind.PORT) | (kind == Kind.STDCELL)
    own[node[(offset != 0).any(axis=0)]] = False
    drives = np.bincount(node[start[:-1]], minlength=len(kind))
    return own & (drives <= 1)


def _net_weights(parsed: Records, node_of: dict[str, int]) -> NDArray[np.float64]:
    """Weights of nets by their names. Weights of nodes, which old files hold instead, are not used."""
    weight = np.ones(len(parsed.nets.name))
    net_of = {name: i for i, name in enumerate(parsed.nets.name)}
    stated = parsed.weights
    for name, value, line in zip(stated.name, stated.weight, stated.line, strict=True):
        if name in net_of:
            weight[net_of[name]] = value
        elif name not in node_of:
            raise parsed.error(".wts", f"expected a net or node, found '{name}'", line)
    return weight
