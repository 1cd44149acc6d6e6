"""AlphaChip's netlist format: `netlist.pb.txt`, `.gz` too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlists import _pbtext
from netlists.errors import NetlistError
from netlists.files import read_bytes, write_bytes
from netlists.netlist import Attribute, Kind, Netlist
from netlists.orientation import ORIENTATION_CODE, ORIENTATIONS, turn_offset
from netlists.placement import Placement

_PORT, _MACRO, _MACRO_PIN, _STDCELL = range(4)
"""Node types of the file, as `_pbtext` codes them."""

SOFT_PREFIX = "Grp_"
"""What the name of a soft macro begins with."""


def read_netlist(path: str | Path) -> tuple[Netlist, Placement]:
    """A netlist and the positions that its file states.

    Raises:
        NetlistError: the file cannot be read or breaks the format.
    """
    path = Path(path)
    return parse_netlist(read_bytes(path), path)


def parse_netlist(text: bytes, source: str | Path | None = None) -> tuple[Netlist, Placement]:
    """A netlist and the positions that its text states.

    A net is a port, macro pin or standard cell with at least one `input`: the nodes that it drives. Nodes without a
    position are not placed; ports are fixed.

    Raises:
        NetlistError: the text breaks the format; names `source` and the line.
    """
    try:
        columns = _pbtext.parse(text)
    except UnicodeDecodeError as error:
        raise NetlistError("expected UTF-8 names, found other bytes", source) from error
    except ValueError as error:
        line, message = error.args
        raise NetlistError(message, source, line) from None
    return _Builder(columns, source).build()


class _Builder:
    """Turns the columns of a file into the arrays of a netlist."""

    def __init__(self, columns: dict[str, Any], source: str | Path | None) -> None:
        self.columns = columns
        self.source = source
        self.names: list[str] = columns["name"]
        self.type: NDArray[np.int8] = columns["type"]

    def build(self) -> tuple[Netlist, Placement]:
        columns, file_type = self.columns, self.type
        self._check(
            file_type < 0, lambda i: f"node '{self.names[i]}' has no type; expected PORT, MACRO, MACRO_PIN or STDCELL"
        )
        node_index = np.flatnonzero(file_type != _MACRO_PIN).astype(np.int32)
        node_of = np.full(len(file_type), -1, np.int32)
        node_of[node_index] = np.arange(len(node_index), dtype=np.int32)
        kind = self._kinds(node_index)
        size = self._sizes(node_index)
        pin_index, pin_node = self._pins(node_of)
        pin_of = np.full(len(file_type), -1, np.int32)
        pin_of[pin_index] = np.arange(len(pin_index), dtype=np.int32)
        is_pin = file_type[pin_index] == _MACRO_PIN
        offset = np.stack([columns["x_offset"], columns["y_offset"]])[:, pin_index]
        offset = np.where(is_pin & ~np.isnan(offset), offset, 0.0)
        net_start, net_pin, driver = self._nets(pin_of)
        weight = columns["weight"]
        self._check(weight < 0, lambda i: f"weight of '{self.names[i]}' is {weight[i]:g}, expected at least 0")
        netlist = Netlist(
            node_name=tuple(self.names[i] for i in node_index),
            kind=kind,
            size=size,
            node_index=node_index,
            pin_name=tuple(self.names[i] for i in pin_index),
            pin_node=pin_node,
            pin_offset=offset,
            pin_index=pin_index,
            net_start=net_start,
            net_pin=net_pin,
            net_weight=np.where(np.isnan(weight), 1.0, weight)[driver],
            attributes=self._attributes(driver),
        )
        return netlist, self._placement(node_index, kind)

    def _check(self, bad: NDArray[np.bool_], message: Any) -> None:
        if bad.any():
            at = int(np.argmax(bad))
            raise NetlistError(message(at), self.source, int(self.columns["line"][at]))

    def _kinds(self, node_index: NDArray[np.int32]) -> NDArray[np.uint8]:
        kind_of_type = np.array([Kind.PORT, Kind.HARD_MACRO, 255, Kind.STDCELL], np.uint8)
        kind = kind_of_type[self.type[node_index]]
        soft = np.array([self.names[i].startswith(SOFT_PREFIX) for i in node_index], bool)
        kind[soft & (kind == Kind.HARD_MACRO)] = Kind.SOFT_MACRO
        return kind

    def _sizes(self, node_index: NDArray[np.int32]) -> NDArray[np.float64]:
        is_port = self.type == _PORT
        for axis in ("width", "height"):
            size = self.columns[axis]
            needs = (self.type == _MACRO) | (self.type == _STDCELL)
            self._check(
                needs & ~(size >= 0) | (self.type == _MACRO) & (size == 0) & ~self._is_soft_name(),
                lambda i, size=size, axis=axis: (
                    f"{axis} of '{self.names[i]}' is "
                    f"{'missing' if np.isnan(size[i]) else f'{size[i]:g}'}, expected a size above 0 um"
                ),
            )
        size = np.stack([self.columns["width"], self.columns["height"]])
        size = np.where(is_port | np.isnan(size), 0.0, size)
        return size[:, node_index]

    def _is_soft_name(self) -> NDArray[np.bool_]:
        return np.array([name.startswith(SOFT_PREFIX) for name in self.names], bool)

    def _pins(self, node_of: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """File index and owner of each pin. Ports and standard cells have one where a net touches them."""
        macro, is_pin = self.columns["macro"], self.type == _MACRO_PIN
        self._check(is_pin & (macro < 0), lambda i: f"pin '{self.names[i]}' has no macro_name")
        self._check(
            is_pin & (self.type[macro] == _MACRO_PIN),
            lambda i: f"pin '{self.names[i]}' belongs to '{self.names[macro[i]]}', which is a pin; expected a node",
        )
        on_net = np.diff(self.columns["input_start"]) > 0
        on_net[self.columns["input"]] = True
        self._check(
            on_net & (self.type == _MACRO),
            lambda i: f"macro '{self.names[i]}' is on a net itself; expected nets on its MACRO_PINs",
        )
        pin_index = np.flatnonzero(is_pin | on_net).astype(np.int32)
        pin_node = np.where(is_pin[pin_index], node_of[macro[pin_index]], node_of[pin_index])
        return pin_index, pin_node.astype(np.int32)

    def _nets(self, pin_of: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int64]]:
        """CSR of the nets, driver first, and the file index of each driver."""
        start, sinks = self.columns["input_start"], self.columns["input"]
        driver = np.flatnonzero(np.diff(start) > 0)
        degree = np.diff(start)[driver] + 1
        net_start = np.concatenate([[0], np.cumsum(degree)]).astype(np.int32)
        net_pin = np.empty(net_start[-1], np.int32)
        is_driver = np.zeros(len(net_pin), bool)
        is_driver[net_start[:-1]] = True
        net_pin[is_driver] = pin_of[driver]
        net_pin[~is_driver] = pin_of[sinks]
        return net_start, net_pin, driver

    def _attributes(self, driver: NDArray[np.int64]) -> tuple[Attribute, ...]:
        """What has no field in the model: unknown attributes, and weights of nodes that drive nothing."""
        attributes = [Attribute(*entry) for entry in self.columns["attributes"]]
        idle = ~np.isnan(self.columns["weight"])
        idle[driver] = False
        attributes += [
            Attribute(int(i), "weight", "f", repr(float(self.columns["weight"][i]))) for i in np.flatnonzero(idle)
        ]
        return tuple(sorted(attributes, key=lambda a: a.owner))

    def _placement(self, node_index: NDArray[np.int32], kind: NDArray[np.uint8]) -> Placement:
        x, y = self.columns["x"][node_index], self.columns["y"][node_index]
        placed = ~(np.isnan(x) | np.isnan(y))
        half = np.isnan(self.columns["x"]) != np.isnan(self.columns["y"])
        self._check(half, lambda i: f"'{self.names[i]}' states one of x and y; expected both or neither")
        orientation = np.zeros(len(node_index), np.uint8)
        for node, index in enumerate(node_index):
            name = self.columns["orientation"][index]
            if name and name != "-":
                code = ORIENTATION_CODE.get(name)
                if code is None:
                    raise NetlistError(
                        f"orientation of '{self.names[index]}' is '{name}', expected one of {', '.join(ORIENTATIONS)}",
                        self.source,
                        int(self.columns["line"][index]),
                    )
                orientation[node] = code
        return Placement(np.where(placed, x, 0.0), np.where(placed, y, 0.0), orientation, kind == Kind.PORT, placed)


def write_netlist(path: str | Path, netlist: Netlist, placement: Placement) -> None:
    """Writes a netlist with these positions, so that reading it gives both back.

    Raises:
        NetlistError: the file cannot be written.
    """
    write_bytes(Path(path), format_netlist(netlist, placement).encode())


def format_netlist(netlist: Netlist, placement: Placement) -> str:
    """The text of a netlist file."""
    unknown: dict[int, list[Attribute]] = {}
    for attribute in netlist.attributes:
        unknown.setdefault(attribute.owner, []).append(attribute)
    blocks = dict(_node_blocks(netlist, placement, unknown))
    blocks.update(_pin_blocks(netlist, placement, unknown))
    text = [blocks[index] for index in sorted(blocks)]
    if -1 in unknown:
        text.insert(0, _block("__metadata__", [], [(a.key, a.field, a.text) for a in unknown[-1]]))
    return "".join(text)


_Entry = tuple[str, str, str]
"""Key, value field and value text of an attribute."""


def _node_blocks(netlist: Netlist, placement: Placement, unknown: dict[int, list[Attribute]]):
    types = {
        Kind.PORT: "PORT",
        Kind.HARD_MACRO: "MACRO",
        Kind.SOFT_MACRO: "macro",
        Kind.STDCELL: "STDCELL",
    }
    own_pin = {int(index): pin for pin, index in enumerate(netlist.pin_index)}
    drives = _drives(netlist)
    for node, index in enumerate(netlist.node_index.tolist()):
        entries: list[_Entry] = [("type", "placeholder", _quote(types[Kind(netlist.kind[node])]))]
        if netlist.kind[node] != Kind.PORT:
            entries += _numbers(width=netlist.size[0, node], height=netlist.size[1, node])
        if placement.placed[node]:
            entries += _numbers(x=placement.x[node], y=placement.y[node])
        if netlist.kind[node] == Kind.HARD_MACRO or placement.orientation[node]:
            entries.append(("orientation", "placeholder", _quote(ORIENTATIONS[placement.orientation[node]])))
        inputs, weight = drives.get(own_pin.get(index, -1), ([], None))
        yield index, _block(netlist.node_name[node], inputs, _merge(entries, weight, unknown.get(index, [])))


def _pin_blocks(netlist: Netlist, placement: Placement, unknown: dict[int, list[Attribute]]):
    drives = _drives(netlist)
    turned = turn_offset(netlist.pin_offset, placement.orientation[netlist.pin_node])
    own = np.isin(netlist.pin_index, netlist.node_index)
    for pin in np.flatnonzero(~own).tolist():
        node, index = int(netlist.pin_node[pin]), int(netlist.pin_index[pin])
        type_name = "macro_pin" if netlist.kind[node] == Kind.SOFT_MACRO else "MACRO_PIN"
        entries: list[_Entry] = [
            ("macro_name", "placeholder", _quote(netlist.node_name[node])),
            ("type", "placeholder", _quote(type_name)),
            *_numbers(x_offset=netlist.pin_offset[0, pin], y_offset=netlist.pin_offset[1, pin]),
        ]
        if placement.placed[node]:
            entries += _numbers(x=placement.x[node] + turned[0, pin], y=placement.y[node] + turned[1, pin])
        inputs, weight = drives.get(pin, ([], None))
        yield index, _block(netlist.pin_name[pin], inputs, _merge(entries, weight, unknown.get(index, [])))


def _drives(netlist: Netlist) -> dict[int, tuple[list[str], float]]:
    """Names of the sinks, and the weight, of each pin that drives a net.

    Raises:
        NetlistError: a pin drives several nets, which the format cannot say.
    """
    start, pins = netlist.net_start.tolist(), netlist.net_pin.tolist()
    drivers, times = np.unique(netlist.net_pin[netlist.net_start[:-1]], return_counts=True)
    if (times > 1).any():
        name = netlist.pin_name[drivers[np.argmax(times > 1)]]
        raise NetlistError(f"pin '{name}' drives {times.max()} nets; expected one, as the netlist format has it")
    return {
        pins[begin]: ([netlist.pin_name[pin] for pin in pins[begin + 1 : end]], weight)
        for begin, end, weight in zip(start, start[1:], netlist.net_weight.tolist(), strict=False)
    }


def _merge(entries: list[_Entry], weight: float | None, unknown: list[Attribute]) -> list[_Entry]:
    if weight is not None and weight != 1.0:
        entries = [*entries, *_numbers(weight=weight)]
    return sorted([*entries, *((a.key, a.field, a.text) for a in unknown)], key=lambda entry: entry[0])


def _numbers(**values: float) -> list[_Entry]:
    return [(key, "f", repr(float(value))) for key, value in values.items()]


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'


def _block(name: str, inputs: list[str], entries: list[_Entry]) -> str:
    lines = ["node {", f"  name: {_quote(name)}"]
    lines += [f"  input: {_quote(sink)}" for sink in inputs]
    for key, field, text in entries:
        lines += ["  attr {", f'    key: "{key}"', "    value {", f"      {field}: {text}", "    }", "  }"]
    return "\n".join([*lines, "}", ""])
