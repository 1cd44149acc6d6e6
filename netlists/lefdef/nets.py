"""Nets of a DEF as those of a netlist: pins, drivers, no duplicates."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netlists.errors import NetlistError
from netlists.lefdef.def_ import DefBlock
from netlists.lefdef.lef import Direction, LefMacro, LefPin, Library

SUPPLY_USES = ("POWER", "GROUND")
"""Nets of these uses are no signals; they are left out."""


@dataclass(frozen=True, eq=False)
class Entries:
    """What the entries of a DEF's nets connect to, one an entry.

    Attributes:
        net: int64, index of the net in the DEF.
        node: int64, index of the node.
        pin: int64, index into the DEF's pin names; -1 where the node is its own pin.
        offset: (2, n) float64, um, of the pin from its node's centre.
        drives: bool, whether the pin is an output of its component, or an input of the block.
    """

    net: NDArray[np.int64]
    node: NDArray[np.int64]
    pin: NDArray[np.int64]
    offset: NDArray[np.float64]
    drives: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class ConnectedPins:
    """The pins that nets touch, by node, and the nets over them in the form of `Netlist`."""

    pin_node: NDArray[np.int64]
    pin: NDArray[np.int64]
    offset: NDArray[np.float64]
    net_start: NDArray[np.int64]
    net_pin: NDArray[np.int64]
    net_weight: NDArray[np.float64]


def entries(
    library: Library,
    block: DefBlock,
    component_node: NDArray[np.int64],
    has_pins: NDArray[np.bool_],
    source: str | Path | None,
) -> Entries:
    """The entries of all signal nets.

    Args:
        library: says where the pins of macros are.
        block: the nets. Its pins are the nodes 0, 1 ...
        component_node: node of each component; -1: left out.
        has_pins: of each node: its pins have places of their own.
        source: the DEF file, for errors.

    Raises:
        NetlistError: a macro has no pin of a name that a net uses.
    """
    nets, components = block.nets, block.components
    is_supply = np.array([use.upper() in SUPPLY_USES for use in nets.use], bool)
    net = np.repeat(np.arange(len(nets.name)), np.diff(nets.entry_start))
    is_port = nets.component < 0
    node = np.where(is_port, nets.pin, component_node[nets.component] if len(component_node) else -1).astype(np.int64)
    kinds = max(1, len(nets.pin_name))
    named = nets.pin.astype(np.int64)
    named[~is_port] = _first_of_same(block)[named[~is_port]]
    macro_pin = np.where(is_port, -1, 0).astype(np.int64)
    macro_pin[~is_port] = components.macro[nets.component[~is_port]].astype(np.int64) * kinds + named[~is_port]
    distinct, first, which = np.unique(macro_pin, return_index=True, return_inverse=True)
    offset, drives = np.zeros((2, len(distinct))), np.zeros(len(distinct), bool)
    finder = _PinFinder(block)
    for i, (key, entry) in enumerate(zip(distinct.tolist(), first.tolist(), strict=True)):
        if key >= 0:
            macro = library.macros[components.macro_name[key // kinds]]
            pin = finder.find(macro, nets.pin_name[key % kinds])
            if pin is None:
                raise NetlistError(
                    f"in NETS: net '{nets.name[net[entry]]}': macro '{macro.name}' of component "
                    f"'{components.name[nets.component[entry]]}' has no pin '{nets.pin_name[key % kinds]}' "
                    f"in {macro.source}:{macro.line}; expected one of its {len(macro.pins)} pins",
                    source,
                    int(nets.entry_line[entry]),
                )
            offset[:, i], drives[i] = macro.pin_offset(pin), pin.direction == Direction.OUTPUT
    entry_drives = drives[which]
    entry_drives[is_port] = block.pins.direction[nets.pin[is_port]] == Direction.INPUT
    own = is_port | ~has_pins[node]
    kept = (node >= 0) & ~is_supply[net]
    pin = np.where(own, -1, named)
    return Entries(net[kept], node[kept], pin[kept], np.where(own, 0.0, offset[:, which])[:, kept], entry_drives[kept])


def _first_of_same(block: DefBlock) -> NDArray[np.int64]:
    """Of each pin name, the first that differs from it in escapes only."""
    first: dict[str, int] = {}
    return np.array(
        [first.setdefault(_plain(name, block.bus), i) for i, name in enumerate(block.nets.pin_name)], np.int64
    )


class _PinFinder:
    """Pins of macros by the names that a DEF gives them; its bus characters and escapes may differ from the LEF's."""

    def __init__(self, block: DefBlock) -> None:
        self.block = block
        self.plain: dict[str, dict[str, LefPin]] = {}

    def find(self, macro: LefMacro, name: str) -> LefPin | None:
        if name in macro.pins:
            return macro.pins[name]
        if macro.name not in self.plain:
            self.plain[macro.name] = {_plain(pin, macro.bus): macro.pins[pin] for pin in macro.pins}
        return self.plain[macro.name].get(_plain(name, self.block.bus))


def _plain(name: str, bus: str) -> str:
    """A name without escapes, its bus characters square brackets."""
    plain = name.replace("\\", "")
    if bus != "[]":
        plain = plain.replace(bus[0], "[").replace(bus[1], "]")
    return plain


def connect(entries: Entries, weight: NDArray[np.float64]) -> ConnectedPins:
    """The pins and nets of a netlist.

    A pin that a net names twice counts once; nets of fewer than two pins are left out. A net is led by its first pin
    that drives; without one, by its first pin. A pin leads one net only, as AlphaChip's files demand: a further net
    that it drives is led by the first of its pins that leads none, and where all do the net joins the one that its
    driver leads.

    Args:
        entries: of all nets.
        weight: of each net of the DEF.
    """
    most = int(entries.pin.max(initial=-1)) + 2
    keys, first, pin = np.unique(entries.node * most + entries.pin + 1, return_index=True, return_inverse=True)
    net, pin, drives = _distinct(entries.net, pin.astype(np.int64), entries.drives, len(keys))
    lead, into = _leads(net, pin, drives)
    if len(into):
        moved = np.arange(len(weight))
        moved[list(into)] = list(into.values())
        net, pin, drives = _distinct(moved[net], pin, drives, len(keys))
    # Nets in the order of the pins that lead them, as in AlphaChip's files.
    order = np.lexsort((np.arange(len(net)), lead[net] != pin, lead[net]))
    _, first_entry, degree = np.unique(lead[net], return_index=True, return_counts=True)
    used, net_pin = np.unique(pin[order], return_inverse=True)
    return ConnectedPins(
        pin_node=keys[used] // most,
        pin=keys[used] % most - 1,
        offset=entries.offset[:, first[used]],
        net_start=np.concatenate([[0], np.cumsum(degree)]),
        net_pin=net_pin,
        net_weight=weight[net[first_entry]],
    )


def _distinct(
    net: NDArray[np.int64], pin: NDArray[np.int64], drives: NDArray[np.bool_], num_pins: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """The entries without repetitions, and without nets of one pin; they drive if any that they stand for does."""
    _, first, which, count = np.unique(net * num_pins + pin, return_index=True, return_inverse=True, return_counts=True)
    drives = np.bincount(which, drives, len(count)) > 0
    order = np.lexsort((first, net[first]))
    first, drives = first[order], drives[order]
    net, pin = net[first], pin[first]
    if not len(net):
        return net, pin, drives
    kept = np.bincount(net)[net] >= 2
    return net[kept], pin[kept], drives[kept]


def _leads(
    net: NDArray[np.int64], pin: NDArray[np.int64], drives: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], dict[int, int]]:
    """The leading pin of each net, and the nets that join another. Entries are sorted by net."""
    count = int(net.max(initial=-1)) + 1
    lead = np.full(count, -1, np.int64)
    order = np.lexsort((np.arange(len(net)), ~drives, net))
    present, first = np.unique(net[order], return_index=True)
    lead[present] = pin[order][first]
    _, earliest = np.unique(lead[present], return_index=True)
    contested = np.setdiff1d(np.arange(len(present)), earliest)
    leads = {int(lead[present[i]]): int(present[i]) for i in earliest}
    starts = np.searchsorted(net, present[contested]).tolist()
    ends = np.searchsorted(net, present[contested], side="right").tolist()
    into: dict[int, int] = {}
    for k, begin, end in zip(present[contested].tolist(), starts, ends, strict=True):
        free = next((p for p in pin[begin:end].tolist() if p not in leads), None)
        if free is None:
            into[k] = leads[int(lead[k])]
        else:
            lead[k] = free
            leads[free] = k
    return lead, into
