"""From a flat netlist and a group for each cell to the clustered netlist: AlphaChip's construction, vectorised."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from netlists.design import Design
from netlists.errors import NetlistError
from netlists.netlist import Attribute, Kind, Netlist
from netlists.placement import Placement
from netlists.protobuf import SOFT_PREFIX

UTILISATION = 0.5
"""Share of a soft macro's area that its cells fill."""

MAX_FANOUT = 500
"""Sinks of the largest net that counts."""

BLOATING_KEY = "soft_macro_area_bloating_ratio"
"""Metadata entry in which AlphaChip's files state 1 / utilisation."""


def small_nets(netlist: Netlist, max_fanout: int) -> NDArray[np.bool_]:
    """(E,) flags: nets of at most so many sinks."""
    return np.diff(netlist.net_start) - 1 <= max_fanout


def group_design(
    design: Design, group: NDArray[np.int32], utilisation: float = UTILISATION, max_fanout: int = MAX_FANOUT
) -> Design:
    """Replaces standard cells by the soft macros `Grp_<group>`. Rules: `netlists/docs/clustering.md`.

    Args:
        design: a flat design.
        group: (N,) the group of each standard cell; -1, and what is said of other nodes, leaves a node as it is.
        utilisation: see `UTILISATION`.
        max_fanout: nets of more sinks are left out.

    Raises:
        NetlistError: a node that stays is already named like a soft macro of a group.
    """
    netlist = design.netlist
    group = np.where(netlist.kind == Kind.STDCELL, group, -1).astype(np.int32)
    nets = _Nets.regroup(netlist, group[netlist.pin_node], max_fanout)
    ids = np.unique(group[group >= 0])
    parts = _Assembly(netlist, group, ids, nets)
    clustered = Netlist(
        node_name=parts.node_names(),
        kind=np.concatenate([netlist.kind[parts.node], np.full(len(ids), Kind.SOFT_MACRO, np.uint8)]),
        size=np.concatenate([netlist.size[:, parts.node], _square(netlist, group, ids, utilisation)], axis=1),
        node_index=np.concatenate([parts.renumber(netlist.node_index[parts.node]), parts.group_index]),
        pin_name=parts.pin_names(),
        pin_node=parts.pin_nodes(),
        pin_offset=np.concatenate([netlist.pin_offset[:, parts.pin], np.zeros((2, parts.num_group_pins))], axis=1),
        pin_index=np.concatenate([parts.renumber(netlist.pin_index[parts.pin]), parts.group_pin_index()]),
        attributes=_attributes(netlist, parts, utilisation),
        **parts.nets(),
    )
    if len(set(clustered.node_name)) < clustered.num_nodes:
        raise NetlistError(f"the netlist already has nodes named {SOFT_PREFIX}<number>; expected it to be flat")
    placement = _placement(design, group, ids, parts.node)
    return replace(design, netlist=clustered, placement=placement)


@dataclass(frozen=True)
class _Nets:
    """Nets after grouping, as (net, sink) entries sorted by net, then sink.

    Sinks are keys: the file index of a pin, or -1 - g for group g. They sort as AlphaChip lists them.
    """

    driver: NDArray[np.int32]
    """(E',) driver pin of each net that still has sinks."""
    driver_group: NDArray[np.int32]
    """(E',) -1 where the driver is no grouped cell."""
    weight: NDArray[np.float64]
    start: NDArray[np.int64]
    """(E' + 1,) offsets into `sink`."""
    sink: NDArray[np.int64]

    @staticmethod
    def regroup(netlist: Netlist, pin_group: NDArray[np.int32], max_fanout: int) -> _Nets:
        degree = np.diff(netlist.net_start)
        net = np.repeat(np.arange(netlist.num_nets), degree)
        is_sink = np.ones(len(net), bool)
        is_sink[netlist.net_start[:-1]] = False
        is_sink &= small_nets(netlist, max_fanout)[net]
        driver = netlist.net_pin[netlist.net_start[:-1]]
        net, sink = net[is_sink], netlist.net_pin[is_sink]
        sink_group = pin_group[sink]
        crosses = (sink_group < 0) | (sink_group != pin_group[driver[net]])
        key = np.where(sink_group >= 0, -1 - sink_group.astype(np.int64), netlist.pin_index[sink])
        entries = np.unique(np.stack([net[crosses], key[crosses]]), axis=1)
        kept, count = np.unique(entries[0], return_counts=True)
        return _Nets(
            driver[kept],
            pin_group[driver[kept]],
            netlist.net_weight[kept],
            np.concatenate([[0], np.cumsum(count)]),
            entries[1],
        )

    @property
    def degree(self) -> NDArray[np.int64]:
        return np.diff(self.start)


class _Assembly:
    """Numbers what stays and what is new. New nodes follow the old ones: each soft macro, its outputs, its input."""

    def __init__(self, netlist: Netlist, group: NDArray[np.int32], ids: NDArray[np.int32], nets: _Nets) -> None:
        self.netlist, self.ids, self.source = netlist, ids, nets
        self.node = np.flatnonzero(group < 0)
        self.pin = self._kept_pins(group)
        self.old_index = np.union1d(netlist.node_index[self.node], netlist.pin_index[self.pin])
        grouped = nets.driver_group >= 0
        self.free = np.flatnonzero(~grouped)
        """Nets whose driver stays."""
        multi = np.flatnonzero(grouped & (nets.degree > 1))
        order = np.lexsort((netlist.pin_index[nets.driver[multi]], nets.driver_group[multi]))
        self.multi = multi[order]
        """Nets with a pin of their own on the soft macro that drives them."""
        self._merge_singles(np.flatnonzero(grouped & (nets.degree == 1)))
        self._number()

    def _kept_pins(self, group: NDArray[np.int32]) -> NDArray[np.int64]:
        """Pins of nodes that stay, in file order; pins that are their node's own only where a net still touches it."""
        netlist, nets = self.netlist, self.source
        own = np.isin(netlist.pin_index, netlist.node_index)
        touched = np.isin(netlist.pin_index, nets.sink)
        touched[nets.driver] = True
        kept = np.flatnonzero((group[netlist.pin_node] < 0) & (~own | touched))
        return kept[np.argsort(netlist.pin_index[kept], kind="stable")]

    def _merge_singles(self, single: NDArray[np.int64]) -> None:
        """Nets from one group to one sink become one whose weight is their sum."""
        nets = self.source
        pairs = np.stack([nets.driver_group[single].astype(np.int64), nets.sink[nets.start[single]]])
        self.single, inverse = np.unique(pairs, axis=1, return_inverse=True)
        self.single_weight = np.bincount(inverse.ravel(), nets.weight[single], minlength=self.single.shape[1])

    def _number(self) -> None:
        """Where the pins of each group lie among all group pins, and the file indices of groups."""
        self.num_multi = self._per_group(self.source.driver_group[self.multi])
        self.num_single = self._per_group(self.single[0])
        num_pins = self.num_multi + self.num_single + 1
        self.pin_base = np.cumsum(num_pins) - num_pins
        self.num_group_pins = int(num_pins.sum())
        self.group_index = len(self.old_index) + self.pin_base + np.arange(len(self.ids))

    def _per_group(self, group: NDArray[np.integer]) -> NDArray[np.int64]:
        return np.bincount(np.searchsorted(self.ids, group), minlength=len(self.ids))

    def renumber(self, index: NDArray[np.int32]) -> NDArray[np.int64]:
        """New file indices of nodes and pins that stay."""
        return np.searchsorted(self.old_index, index)

    def node_names(self) -> tuple[str, ...]:
        names = self.netlist.node_name
        return (*(names[node] for node in self.node.tolist()), *(f"{SOFT_PREFIX}{g}" for g in self.ids.tolist()))

    def pin_names(self) -> tuple[str, ...]:
        names = [self.netlist.pin_name[pin] for pin in self.pin.tolist()]
        counts = zip(self.ids.tolist(), self.num_multi.tolist(), self.num_single.tolist(), strict=True)
        for group, multi, single in counts:
            names += [f"{SOFT_PREFIX}{group}/Poutput_multi_{i}" for i in range(multi)]
            names += [f"{SOFT_PREFIX}{group}/Poutput_single_{i}" for i in range(single)]
            names.append(f"{SOFT_PREFIX}{group}/Pinput")
        return tuple(names)

    def pin_nodes(self) -> NDArray[np.int64]:
        counts = self.num_multi + self.num_single + 1
        kept = np.searchsorted(self.node, self.netlist.pin_node[self.pin])
        return np.concatenate([kept, np.repeat(len(self.node) + np.arange(len(self.ids)), counts)])

    def group_pin_index(self) -> NDArray[np.int64]:
        counts = self.num_multi + self.num_single + 1
        return len(self.old_index) + np.arange(self.num_group_pins) + np.repeat(np.arange(len(self.ids)) + 1, counts)

    def _sink_pins(self, key: NDArray[np.int64]) -> NDArray[np.int64]:
        """New pin of each sink key."""
        group = np.searchsorted(self.ids, np.where(key < 0, -1 - key, self.ids[0] if len(self.ids) else 0))
        if len(self.ids):
            group_pin = len(self.pin) + self.pin_base[group] + (self.num_multi + self.num_single)[group]
        else:
            group_pin = np.zeros(len(key), np.int64)
        return np.where(key < 0, group_pin, np.searchsorted(self.netlist.pin_index[self.pin], key))

    def nets(self) -> dict[str, NDArray]:
        """CSR of the nets in the order of their drivers, as files list them."""
        source = self.source
        multi_group = np.searchsorted(self.ids, source.driver_group[self.multi])
        rank = np.arange(len(self.multi)) - (np.cumsum(self.num_multi) - self.num_multi)[multi_group]
        multi_pin = len(self.pin) + self.pin_base[multi_group] + rank
        single_group = np.searchsorted(self.ids, self.single[0])
        rank = np.arange(len(single_group)) - (np.cumsum(self.num_single) - self.num_single)[single_group]
        single_pin = len(self.pin) + self.pin_base[single_group] + self.num_multi[single_group] + rank
        free_pin = np.searchsorted(self.netlist.pin_index[self.pin], self.netlist.pin_index[source.driver[self.free]])
        kept = np.concatenate([self.free, self.multi])
        driver = np.concatenate([free_pin, multi_pin, single_pin])
        weight = np.concatenate([source.weight[kept], self.single_weight])
        degree = np.concatenate([source.degree[kept], np.ones(len(single_pin), np.int64)])
        first = np.concatenate([source.start[kept], len(source.sink) + np.arange(len(single_pin))])
        sinks = self._sink_pins(np.concatenate([source.sink, self.single[1]]))
        order = np.argsort(driver, kind="stable")
        driver, weight, degree, first = driver[order], weight[order], degree[order], first[order]
        start = np.concatenate([[0], np.cumsum(degree + 1)])
        net_pin = np.empty(start[-1], np.int64)
        is_driver = np.zeros(len(net_pin), bool)
        is_driver[start[:-1]] = True
        net_pin[is_driver] = driver
        within = np.arange(int(degree.sum())) - np.repeat(np.cumsum(degree) - degree, degree)
        net_pin[~is_driver] = sinks[np.repeat(first, degree) + within]
        return {"net_start": start, "net_pin": net_pin, "net_weight": weight}


def _square(
    netlist: Netlist, group: NDArray[np.int32], ids: NDArray[np.int32], utilisation: float
) -> NDArray[np.float64]:
    """(2, K): squares of the area that the cells of each group need."""
    cell = np.flatnonzero(group >= 0)
    area = np.bincount(np.searchsorted(ids, group[cell]), np.prod(netlist.size[:, cell], axis=0), len(ids))
    side = np.sqrt(area / utilisation)
    return np.stack([side, side])


def group_centres(
    design: Design, group: NDArray[np.int32], ids: NDArray[np.int32]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """(2, K) centre of mass of the placed cells of each group, and (K,) whether it has any."""
    netlist, placement = design.netlist, design.placement
    cell = np.flatnonzero((group >= 0) & placement.placed)
    at = np.searchsorted(ids, group[cell])
    count = np.bincount(at, minlength=len(ids))
    area = np.prod(netlist.size[:, cell], axis=0)
    flat = np.bincount(at, area, len(ids)) <= 0
    mass = np.where(flat[at], 1.0, area)
    total = np.maximum(np.bincount(at, mass, len(ids)), 1e-300)
    centre = [np.bincount(at, mass * axis[cell], len(ids)) / total for axis in (placement.x, placement.y)]
    return np.stack(centre), count > 0


def _placement(design: Design, group: NDArray[np.int32], ids: NDArray[np.int32], node: NDArray[np.int64]) -> Placement:
    (x, y), placed = group_centres(design, group, ids)
    old, none = design.placement, np.zeros(len(ids), bool)
    return Placement(
        np.concatenate([old.x[node], x]),
        np.concatenate([old.y[node], y]),
        np.concatenate([old.orientation[node], none.astype(np.uint8)]),
        np.concatenate([old.fixed[node], none]),
        np.concatenate([old.placed[node], placed]),
    )


def _attributes(netlist: Netlist, parts: _Assembly, utilisation: float) -> tuple[Attribute, ...]:
    known = set(parts.old_index.tolist())
    kept = [
        attribute._replace(owner=int(parts.renumber(np.array(attribute.owner)))) if attribute.owner >= 0 else attribute
        for attribute in netlist.attributes
        if attribute.owner in known or (attribute.owner < 0 and attribute.key != BLOATING_KEY)
    ]
    kept.append(Attribute(-1, BLOATING_KEY, "f", repr(1.0 / utilisation)))
    return tuple(sorted(kept, key=lambda attribute: attribute.owner))
