"""The netlist: who connects to whom, and how large everything is."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from netlists.errors import NetlistError

MOST_MICRONS, MOST_WEIGHT = 1e12, 1e12
"""Largest coordinate, size and net weight: beyond what any chip has, and within what sums of them can hold exactly."""


class Kind(IntEnum):
    """What a node is."""

    PORT = 0
    HARD_MACRO = 1
    SOFT_MACRO = 2
    STDCELL = 3


class Attribute(NamedTuple):
    """An attribute of a file node that the model has no field for; it survives a round trip."""

    owner: int
    """Index of the file node; -1 for `__metadata__`."""
    key: str
    field: str
    """Name of the protobuf value field: `f`, `i`, `b`, `s`, `placeholder` ..."""
    text: str
    """The value as it stands in the file, with the quotes of a string and the braces of a block."""


@dataclass(frozen=True, eq=False)
class Netlist:
    """N nodes, P pins, E nets. The arrays are read-only.

    A port or standard cell that is on a net has, in AlphaChip's files, one pin, of offset (0, 0), whose index and name
    are its own; from other formats it may have pins like those of macros instead.

    Attributes:
        node_name: N names.
        kind: (N,) uint8, a `Kind`.
        size: (2, N) float64, um, width and height in orientation N; 0 for ports.
        node_index: (N,) int32, index of the node in AlphaChip's files (where pins are nodes too).
        pin_name: P names.
        pin_node: (P,) int32, the node that owns the pin.
        pin_offset: (2, P) float64, um, from the centre of the node in orientation N.
        pin_index: (P,) int32, index of the pin in AlphaChip's files.
        net_start: (E + 1,) int32, offsets into `net_pin`.
        net_pin: (net_start[-1],) int32; the first pin of a net is its driver, the others are its sinks.
        net_weight: (E,) float64.
        attributes: what the files say beyond that.
    """

    node_name: tuple[str, ...]
    kind: NDArray[np.uint8]
    size: NDArray[np.float64]
    node_index: NDArray[np.int32]
    pin_name: tuple[str, ...]
    pin_node: NDArray[np.int32]
    pin_offset: NDArray[np.float64]
    pin_index: NDArray[np.int32]
    net_start: NDArray[np.int32]
    net_pin: NDArray[np.int32]
    net_weight: NDArray[np.float64]
    attributes: tuple[Attribute, ...] = ()

    def __post_init__(self) -> None:
        dtypes = {
            "kind": np.uint8,
            "size": np.float64,
            "pin_offset": np.float64,
            "net_weight": np.float64,
        }
        for field in fields(self):
            if field.name in ("node_name", "pin_name", "attributes"):
                continue
            dtype = dtypes.get(field.name, np.int32)
            array = np.array(getattr(self, field.name), dtype=dtype, order="C")
            array.setflags(write=False)
            object.__setattr__(self, field.name, array)
        self.validate()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Netlist):
            return NotImplemented
        return all(
            np.array_equal(getattr(self, field.name), getattr(other, field.name))
            if isinstance(getattr(self, field.name), np.ndarray)
            else getattr(self, field.name) == getattr(other, field.name)
            for field in fields(self)
        )

    @property
    def num_nodes(self) -> int:
        return len(self.kind)

    @property
    def num_pins(self) -> int:
        return len(self.pin_node)

    @property
    def num_nets(self) -> int:
        return len(self.net_weight)

    @cached_property
    def is_port(self) -> NDArray[np.bool_]:
        return self.kind == Kind.PORT

    @cached_property
    def is_hard(self) -> NDArray[np.bool_]:
        return self.kind == Kind.HARD_MACRO

    @cached_property
    def is_soft_macro(self) -> NDArray[np.bool_]:
        return self.kind == Kind.SOFT_MACRO

    @cached_property
    def is_soft(self) -> NDArray[np.bool_]:
        """Soft macros and standard cells: what only density minds overlapping."""
        return self.is_soft_macro | (self.kind == Kind.STDCELL)

    def validate(self) -> None:
        """Raises NetlistError, naming field, index and value, where an array breaks the model."""
        num_nodes, num_pins, num_nets = len(self.kind), len(self.pin_node), len(self.net_weight)
        shapes = {
            "size": (2, num_nodes),
            "node_index": (num_nodes,),
            "pin_offset": (2, num_pins),
            "pin_index": (num_pins,),
            "net_start": (num_nets + 1,),
        }
        for name, shape in shapes.items():
            if getattr(self, name).shape != shape:
                raise NetlistError(f"netlist: {name} has shape {getattr(self, name).shape}, expected {shape}")
        for name, count in (("node_name", num_nodes), ("pin_name", num_pins)):
            if len(getattr(self, name)) != count:
                raise NetlistError(f"netlist: {name} has {len(getattr(self, name))} entries, expected {count}")
        if self.net_start[0] != 0 or self.net_start[-1] != len(self.net_pin):
            raise NetlistError(
                f"netlist: net_start runs from {self.net_start[0]} to {self.net_start[-1]}, "
                f"expected 0 to {len(self.net_pin)}"
            )
        self._check("net_start", np.diff(self.net_start) < 2, "a driver and at least one sink a net")
        self._check("kind", self.kind > max(Kind), f"at most {int(max(Kind))}")
        self._check("pin_node", _outside(self.pin_node, num_nodes), f"0 to {num_nodes - 1}")
        self._check("net_pin", _outside(self.net_pin, num_pins), f"0 to {num_pins - 1}")
        self._check("net_weight", ~((self.net_weight >= 0) & (self.net_weight <= MOST_WEIGHT)), f"0 to {MOST_WEIGHT:g}")
        for axis, what in enumerate(("width", "height")):
            size = self.size[axis]
            bad = ~(size <= MOST_MICRONS) | (size < 0) | ((size == 0) & (self.kind == Kind.HARD_MACRO))
            if bad.any():
                node = int(np.argmax(bad))
                raise NetlistError(
                    f"netlist: {what} of node '{self.node_name[node]}' is {size[node]}, "
                    f"expected a finite size above 0 um, at most {MOST_MICRONS:g}"
                )
        far = ~(np.abs(self.pin_offset).max(axis=0, initial=0.0) <= MOST_MICRONS)
        self._check("pin_offset", far, f"finite offsets of at most {MOST_MICRONS:g} um")

    def _check(self, name: str, bad: NDArray[np.bool_], expected: str) -> None:
        if bad.any():
            at = int(np.argmax(bad))
            value = getattr(self, name)[..., at]
            raise NetlistError(f"netlist: {name}[{at}] is {value}, expected {expected}")


def _outside(index: NDArray[np.int32], count: int) -> NDArray[np.bool_]:
    return (index < 0) | (index >= count)
