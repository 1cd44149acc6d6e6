"""A design from LEF and DEF files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netlists.canvas import Blockage, Canvas
from netlists.design import Design
from netlists.errors import NetlistError
from netlists.grid import choose_grid
from netlists.lefdef.def_ import DefBlock, PlacementBlockage, State, read_def
from netlists.lefdef.lef import LefMacro, Library, read_lefs
from netlists.lefdef.nets import ConnectedPins, connect, entries
from netlists.lefdef.polygon import check_rectilinear, inside_of, outside_of
from netlists.lefdef.rules import constraints_of, fences_of
from netlists.lefdef.supply import routing_supply
from netlists.netlist import Kind, Netlist
from netlists.orientation import turn_offset, turn_size
from netlists.placement import Placement
from netlists.protobuf import SOFT_PREFIX

HARD_CLASSES = ("BLOCK", "RING", "PAD")
"""Classes of LEF macros that are hard macros, whatever their size."""
HARD_ROWS = 4
"""Macros of other classes that are more than this many rows high and wide are hard macros too."""


@dataclass(frozen=True)
class Imported:
    """A design, and how to find back to the DEF that it comes from."""

    design: Design
    units: float
    """Database units a micron."""
    shift: tuple[float, float]
    """Lower-left corner of the die, um: what is added to positions of the design to get those of the DEF."""
    notes: tuple[str, ...]
    """What was left out, one sentence each."""


def read_lefdef(
    lefs: Iterable[str | Path], def_: str | Path, grid: tuple[int, int] | None = None, ignore_regions: bool = False
) -> Design:
    """The flat design of a DEF file: hard macros, standard cells and ports.

    Args:
        lefs: LEF files that hold all macros of the block; `.gz` too.
        def_: the DEF file; `.gz` too.
        grid: columns and rows; None: chosen by `choose_grid`.
        ignore_regions: REGIONS and GROUPS mean nothing; without it a region of hard macros is an error.

    Raises:
        NetlistError: a file cannot be read or breaks its format, or the DEF uses what the LEFs don't define.
    """
    return import_lefdef(lefs, def_, grid, ignore_regions).design


def import_lefdef(
    lefs: Iterable[str | Path], def_: str | Path, grid: tuple[int, int] | None = None, ignore_regions: bool = False
) -> Imported:
    """As `read_lefdef`, with what export needs."""
    return build(read_lefs(lefs), read_def(def_), grid, def_, ignore_regions)


def build(
    library: Library,
    block: DefBlock,
    grid: tuple[int, int] | None = None,
    source: str | Path | None = None,
    ignore_regions: bool = False,
) -> Imported:
    """The design of a block; `source` names its file in errors."""
    builder = _Builder(library, block, source)
    netlist = builder.netlist()
    placement = builder.placement(netlist)
    size = turn_size(netlist.size, placement.orientation)[:, netlist.is_hard & ~placement.fixed]
    canvas = builder.canvas(size, grid, ignore_regions)
    design = Design(netlist, canvas, placement, block.name or "design")
    return Imported(design, block.units, builder.shift, (*block.notes, *builder.notes))


class _Builder:
    """The steps share which component becomes which node: ports first, then hard macros, then cells."""

    def __init__(self, library: Library, block: DefBlock, source: str | Path | None) -> None:
        self.library, self.block, self.source = library, block, source
        self.notes: list[str] = []
        self.macros = self._macros()
        self.num_ports = len(block.pins.name)
        kinds = np.array([self._kind(macro) for macro in self.macros], np.int64)
        kind = kinds[block.components.macro] if len(kinds) else np.zeros(0, np.int64)
        self._note_left_out(kind)
        hard, cells = np.flatnonzero(kind == Kind.HARD_MACRO), np.flatnonzero(kind == Kind.STDCELL)
        self._check_names(hard)
        self.component = np.concatenate([hard, cells])
        """Component of each node that is no port."""
        self.kind = np.repeat([Kind.PORT, Kind.HARD_MACRO, Kind.STDCELL], [self.num_ports, len(hard), len(cells)])
        self.node = np.full(len(kind), -1, np.int64)
        self.node[self.component] = np.arange(len(self.component)) + self.num_ports
        die = np.array(block.die)
        self.low, self.high = die.min(axis=0), die.max(axis=0)
        self.shift = (float(self.low[0] / block.units), float(self.low[1] / block.units))

    def _check_names(self, hard: NDArray[np.int64]) -> None:
        """Hard macros must not be called as soft macros are in AlphaChip's files."""
        components = self.block.components
        for index in hard.tolist():
            if components.name[index].startswith(SOFT_PREFIX):
                raise NetlistError(
                    f"in COMPONENTS: hard macro '{components.name[index]}' begins with '{SOFT_PREFIX}', "
                    "which marks soft macros; expected another name",
                    self.source,
                    int(components.line[index]),
                )

    def _macros(self) -> list[LefMacro]:
        """The LEF macro of each distinct macro name of the block."""
        components = self.block.components
        for index, name in enumerate(components.macro_name):
            if name not in self.library.macros:
                at = int(np.argmax(components.macro == index))
                raise NetlistError(
                    f"in COMPONENTS: component '{components.name[at]}' is a '{name}', which no LEF file defines; "
                    "give the LEF that does",
                    self.source,
                    int(components.line[at]),
                )
        return [self.library.macros[name] for name in components.macro_name]

    def _kind(self, macro: LefMacro) -> int:
        """A `Kind`, or -1 for what is left out."""
        if macro.kind in HARD_CLASSES:
            return Kind.HARD_MACRO
        if macro.kind == "COVER" or macro.subkind == "SPACER":
            return -1
        heights = [site.height for site in self.library.sites.values() if site.kind == "CORE"]
        is_large = bool(heights) and min(macro.width, macro.height) > HARD_ROWS * min(heights)
        return Kind.HARD_MACRO if is_large else Kind.STDCELL

    def _note_left_out(self, kind: NDArray[np.int64]) -> None:
        if (kind < 0).any():
            self.notes.append(f"{int((kind < 0).sum())} fillers and covers are left out")

    def netlist(self) -> Netlist:
        components = self.block.components
        has_pins = self.kind == Kind.HARD_MACRO
        found = entries(self.library, self.block, self.node, np.append(has_pins, False), self.source)
        pins = connect(found, self.block.nets.weight)
        size = np.zeros((2, len(self.kind)))
        if len(self.component):
            of_macro = np.array([[macro.width, macro.height] for macro in self.macros]).T
            size[:, self.num_ports :] = of_macro[:, components.macro[self.component]]
        names = [*self._port_names(), *(components.name[i] for i in self.component.tolist())]
        node_index, pin_index = _indices(pins, has_pins)
        return Netlist(
            node_name=tuple(names),
            kind=self.kind,
            size=size,
            node_index=node_index,
            pin_name=self._pin_names(pins, names, has_pins),
            pin_node=pins.pin_node,
            pin_offset=pins.offset,
            pin_index=pin_index,
            net_start=pins.net_start,
            net_pin=pins.net_pin,
            net_weight=pins.net_weight,
        )

    def _port_names(self) -> list[str]:
        """Names of ports; one that a component has as well gets a suffix, for nodes are known by name."""
        taken = set(self.block.components.name)
        return [f"{name}~port" if name in taken else name for name in self.block.pins.name]

    def _pin_names(self, pins: ConnectedPins, names: list[str], has_pins: NDArray[np.bool_]) -> tuple[str, ...]:
        taken = set(names)
        result = []
        for node, pin in zip(pins.pin_node.tolist(), pins.pin.tolist(), strict=True):
            name = names[node]
            if has_pins[node]:
                name = f"{name}/{self.block.nets.pin_name[pin]}"
                name = f"{name}~pin" if name in taken else name
            result.append(name)
        return tuple(result)

    def placement(self, netlist: Netlist) -> Placement:
        components, units = self.block.components, self.block.units
        port_at, port_placed = self._ports()
        state = components.state[self.component]
        orientation = np.concatenate([np.zeros(self.num_ports, np.uint8), components.orientation[self.component]])
        corner = np.stack([components.x, components.y])[:, self.component]
        half = turn_size(netlist.size, orientation)[:, self.num_ports :] / 2
        at = np.concatenate([port_at, (corner - self.low[:, None]) / units + half], axis=1)
        placed = np.concatenate([port_placed, state != State.UNPLACED])
        fixed = np.concatenate([np.ones(self.num_ports, bool), state >= State.FIXED])
        x, y = np.where(placed, at, 0.0)
        return Placement(x, y, orientation, fixed, placed)

    def _ports(self) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Position of each pin of the block: the centre of the first of its ports that is placed."""
        pins = self.block.pins
        owner = np.repeat(np.arange(self.num_ports), np.diff(pins.port_start))
        placed_ports = np.flatnonzero(pins.port_state != State.UNPLACED)
        placed, first = np.unique(owner[placed_ports], return_index=True)
        port = placed_ports[first]
        box = pins.port_box[port].T
        centre = np.nan_to_num((box[:2] + box[2:]) / 2)
        at = np.zeros((2, self.num_ports))
        origin = np.stack([pins.port_x, pins.port_y])[:, port]
        turned = turn_offset(centre, pins.port_orientation[port])
        at[:, placed] = (origin + turned - self.low[:, None]) / self.block.units
        return at, np.isin(np.arange(self.num_ports), placed)

    def canvas(self, movable_size: NDArray[np.float64], grid: tuple[int, int] | None, ignore_regions: bool) -> Canvas:
        """Raises NetlistError where the die is no area, or hard macros belong in regions.

        Args:
            movable_size: (2, M), of the movable hard macros, um.
            grid: columns and rows; None: chosen.
            ignore_regions: regions mean nothing.
        """
        block = self.block
        corners = np.array(block.die)
        if len(corners) == 2:
            corners = np.array([self.low, (self.high[0], self.low[1]), self.high, (self.low[0], self.high[1])])
        wrong = check_rectilinear(corners)
        if wrong or not (self.high > self.low).all():
            what = wrong or "the die has no area; expected two corners that differ in x and y"
            raise NetlistError(f"in DIEAREA: {what}", self.source, block.die_line)
        width, height = ((self.high - self.low) / block.units).tolist()
        cols, rows = grid or choose_grid(width, height, movable_size)
        hard = self.component[: int((self.kind == Kind.HARD_MACRO).sum())]
        supply = routing_supply(self.library, block, [self.macros[i] for i in block.components.macro[hard].tolist()])
        constraints, constraint_notes = constraints_of(block, self.library.grid, hard.tolist())
        fences, region_notes = fences_of(block, hard.tolist(), ignore_regions, self.source)
        self.notes += [*constraint_notes, *region_notes]
        blockages = [self._blockage(box, 1.0) for box in (*outside_of(corners), *fences)]
        blockages += [found for blockage in block.blockages for found in self._blockages(blockage)]
        return Canvas(
            *(width, height, cols, rows),
            **vars(supply),
            blockages=tuple(found for found in blockages if found),
            constraints=constraints,
        )

    def _blockages(self, blockage: PlacementBlockage) -> list[Blockage | None]:
        if blockage.component:
            self.notes.append(f"the blockage of component '{blockage.component}' is left out: it moves with it")
            return []
        boxes = list(blockage.boxes)
        for polygon in blockage.polygons:
            wrong = check_rectilinear(np.array(polygon))
            if wrong:
                raise NetlistError(f"in BLOCKAGES: {wrong}", self.source, blockage.line)
            boxes += inside_of(np.array(polygon))
        return [self._blockage(box, 1.0 - blockage.density / 100) for box in boxes]

    def _blockage(self, box: tuple[float, float, float, float], rate: float) -> Blockage | None:
        """Clipped to the die; None if nothing is left."""
        low = (np.maximum(box[:2], self.low) - self.low) / self.block.units
        high = (np.minimum(box[2:], self.high) - self.low) / self.block.units
        if rate <= 0 or not (high > low).all():
            return None
        return Blockage(float(low[0]), float(low[1]), float(high[0]), float(high[1]), rate)


def _indices(pins: ConnectedPins, has_pins: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices in AlphaChip's files, where the pins of a macro follow it and other nodes are their own pins."""
    own = ~has_pins[pins.pin_node]
    count = np.ones(len(has_pins), np.int64)
    np.add.at(count, pins.pin_node[~own], 1)
    node_index = np.concatenate([[0], np.cumsum(count)])[:-1].astype(np.int64)
    rank = np.arange(len(pins.pin_node)) - np.searchsorted(pins.pin_node, pins.pin_node)
    return node_index, node_index[pins.pin_node] + np.where(own, 0, rank + 1)
