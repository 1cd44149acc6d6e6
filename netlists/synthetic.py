"""Seeded synthetic designs that look like clustered chips: banks of SRAMs in a hierarchy of modules.

What is drawn, and from which range, is named beside each constant. The ranges surround what the public clustered
designs of the MacroPlacement benchmarks show (20 to 136 hard macros, 560 to 790 soft ones, 12 to 24 thousand nets).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netlists.canvas import Canvas
from netlists.design import Design
from netlists.netlist import Kind, Netlist
from netlists.placement import Placement

FAMILIES: tuple[str, ...] = ("cpu", "tiles", "accelerator", "systolic", "mixed")

HARD_RANGE, SOFT_RANGE = (10, 300), (100, 1500)
HARD_SHARE, TOTAL_SHARE = (0.2, 0.52), (0.4, 0.88)
"""Area of hard macros, and of all macros, over that of the canvas."""
ASPECT = (0.75, 1.35)
"""Width over height of the canvas."""
GRID_LINES = (14, 38)
"""Columns of the grid; rows follow the aspect within a sixth."""
DEMAND = (0.008, 0.1)
"""Rough routing demand over supply, which fixes the size of the canvas: older technologies lie low, newer ones high."""
NETS_PER_SOFT, BUS_BITS = (8, 24), (5, 48)
"""Nets that a soft macro drives on average; wires each way between a hard macro and one soft macro."""
OWN_SHARE, NEAR_SHARE = (0.8, 0.97), (0.5, 0.98)
"""Shares of sinks within the module of their driver, and of those, of sinks beside it in the module."""
DEGREE_SHARE: tuple[float, ...] = (0.32, 0.18, 0.16, 0.13, 0.09, 0.07, 0.05)
"""Shares of nets with 1, 2, ... sinks; the last one stands for a tail of up to 20."""
WEIGHT_ONE = 0.8
"""Share of nets of weight 1; the others have 2 to 10, bundles of a bus."""
MARGIN = 0.01
"""Gap between packed macros, um."""


@dataclass(frozen=True)
class SyntheticConfig:
    """What to generate; None is drawn from the ranges above."""

    family: str = "mixed"
    num_hard: int | None = None
    num_soft: int | None = None
    nets_per_soft: float | None = None
    cols: int | None = None


@dataclass(frozen=True)
class _Modules:
    """M modules: their bank of hard macros, their soft macros, and how strongly they talk to one another."""

    hard: NDArray[np.int64]
    """(H,) module of each hard macro."""
    soft: NDArray[np.int64]
    """(S,) module of each soft macro."""
    affinity: NDArray[np.float64]
    """(M, M) probabilities, rows sum to 1: where a net that leaves a module goes."""
    own_share: float
    """Share of sinks that stay within the module of their driver."""
    near_share: float
    """Of those, the share that lies beside the driver."""


def generate(config: SyntheticConfig, rng: np.random.Generator) -> Design:
    """Draws a design. Ports are fixed on the boundary, hard macros packed legally, soft macros in the centre.

    Raises:
        ValueError: no such family, or a count below 1.
    """
    if config.family not in FAMILIES:
        raise ValueError(f"family is '{config.family}', expected one of {', '.join(FAMILIES)}")
    num_hard = config.num_hard if config.num_hard is not None else _log_integer(rng, HARD_RANGE)
    num_soft = config.num_soft if config.num_soft is not None else _log_integer(rng, SOFT_RANGE)
    if min(num_hard, num_soft) < 1:
        raise ValueError(f"expected at least 1 hard and 1 soft macro, got {num_hard} and {num_soft}")
    modules = _draw_modules(config.family, num_hard, num_soft, rng)
    num_ports = int(np.clip(rng.integers(num_soft // 4, num_soft), 8, 1000))
    hard_size = _draw_hard_sizes(modules, rng)
    nets = _Nets(num_ports, num_hard, num_soft, modules, rng)
    nets.connect_hard(hard_size)
    nets.connect_soft(config.nets_per_soft or rng.uniform(*NETS_PER_SOFT))
    nets.connect_ports()
    return _assemble(config, num_ports, hard_size, num_soft, nets, rng)


def _log_integer(rng: np.random.Generator, bounds: tuple[int, int]) -> int:
    return int(np.exp(rng.uniform(np.log(bounds[0]), np.log(bounds[1]))))


def _draw_modules(family: str, num_hard: int, num_soft: int, rng: np.random.Generator) -> _Modules:
    per_module = {"cpu": 10, "tiles": 4, "accelerator": 8, "systolic": 3, "mixed": 6}[family]
    least = min(2, num_soft)
    count = int(np.clip(num_hard / per_module * rng.uniform(0.7, 1.4), least, max(least, num_soft // 8)))
    uneven = rng.dirichlet(np.full(count, {"tiles": 50.0, "systolic": 50.0}.get(family, 2.0)))
    module_of_hard = np.sort(rng.choice(count, num_hard, p=uneven))
    module_of_soft = rng.choice(count, num_soft, p=0.5 * uneven + 0.5 / count)
    module_of_soft[: min(count, num_soft)] = np.arange(min(count, num_soft))  # none is without logic
    affinity = _affinity(family, count, rng)
    if count > 1:  # a module alone talks to itself
        np.fill_diagonal(affinity, 0.0)
    affinity /= np.maximum(affinity.sum(axis=1, keepdims=True), 1e-12)
    return _Modules(module_of_hard, module_of_soft, affinity, rng.uniform(*OWN_SHARE), rng.uniform(*NEAR_SHARE))


def _affinity(family: str, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """How much modules talk: a mesh for tiles and systolic arrays, a hub for accelerators, else a tree."""
    index = np.arange(count)
    if family in ("tiles", "systolic"):
        cols = max(1, round(np.sqrt(count)))
        distance = np.abs(index[:, None] % cols - index % cols) + np.abs(index[:, None] // cols - index // cols)
        return np.where(distance == 1, 1.0, 0.02)
    if family == "accelerator":
        hub = (index == 0).astype(float)
        return 0.05 + hub[:, None] + hub[None, :] + (np.abs(index[:, None] - index) == 1) * 0.5
    depth = np.zeros((count, count))
    for level in range(int(np.ceil(np.log2(count)))):
        depth += (index[:, None] >> level) != (index[None, :] >> level)
    decay = rng.uniform(0.25, 0.5)  # Rent-like: connections thin out by this factor with each level of the tree
    return decay**depth


def _draw_hard_sizes(modules: _Modules, rng: np.random.Generator) -> NDArray[np.float64]:
    """(2, H): the macros of a module come in one or two sizes; unit area on average."""
    kinds = rng.integers(1, 5)
    area = rng.lognormal(0.0, 0.5, kinds)
    aspect = np.exp(rng.uniform(np.log(0.4), np.log(2.2), kinds))
    kind_of_module = rng.integers(0, kinds, modules.affinity.shape[0])
    kind = kind_of_module[modules.hard]
    other = rng.random(len(kind)) < 0.15
    kind = np.where(other, rng.integers(0, kinds), kind)
    size = np.stack([np.sqrt(area * aspect), np.sqrt(area / aspect)])[:, kind]
    return size / np.sqrt(np.mean(size[0] * size[1]))


class _Nets:
    """Collects nets as lists of places: (node, pin offset). Nodes are ports, then hard, then soft macros."""

    def __init__(
        self, num_ports: int, num_hard: int, num_soft: int, modules: _Modules, rng: np.random.Generator
    ) -> None:
        self.num_ports, self.num_hard, self.num_soft = num_ports, num_hard, num_soft
        self.modules, self.rng = modules, rng
        self.nets: list[list[int]] = []
        """Pins of each net, driver first."""
        self.weights: list[float] = []
        self.pin_node: list[int] = []
        self.pin_offset: list[tuple[float, float]] = []
        self.soft_of = [np.flatnonzero(modules.soft == m) for m in range(modules.affinity.shape[0])]
        self.input_pin: dict[int, int] = {}

    def pin(self, node: int, offset: tuple[float, float] = (0.0, 0.0)) -> int:
        """A new pin."""
        self.pin_node.append(node)
        self.pin_offset.append(offset)
        return len(self.pin_node) - 1

    def sink(self, node: int) -> int:
        """The one input pin of a soft macro or port."""
        if node not in self.input_pin:
            self.input_pin[node] = self.pin(node)
        return self.input_pin[node]

    def soft_node(self, soft: int) -> int:
        """Node of a soft macro."""
        return self.num_ports + self.num_hard + int(soft)

    def add(self, driver: int, sinks: list[int], weight: float = 1.0) -> None:
        """A new net."""
        self.nets.append([driver, *sinks])
        self.weights.append(weight)

    def draw_soft(self, soft: int, count: int) -> NDArray[np.int64]:
        """Soft macros that a net from this one may reach."""
        rng, module = self.rng, int(self.modules.soft[soft])
        away = rng.random(count) > self.modules.own_share
        near = ~away & (rng.random(count) < self.modules.near_share)
        target = np.where(away, rng.choice(len(self.soft_of), count, p=self.modules.affinity[module]), module)
        # What `rng.choice` would draw, without its checks of every argument.
        drawn = np.array([softs[rng.integers(len(softs))] for softs in (self.soft_of[m] for m in target)])
        return np.where(near, self._beside(soft, count), drawn)

    def _beside(self, soft: int, count: int) -> NDArray[np.int64]:
        """Neighbours of a soft macro on a square on which those of its module lie in rows."""
        own = self.soft_of[int(self.modules.soft[soft])]
        side = int(np.ceil(np.sqrt(len(own))))
        step = np.rint(self.rng.normal(0.0, 1.0, (2, count))).astype(int)
        return own[(np.searchsorted(own, soft) + step[0] + side * step[1]) % len(own)]

    def connect_hard(self, size: NDArray[np.float64]) -> None:
        """Data in and out of each macro to one or two soft macros, address and control shared by its bank."""
        rng = self.rng
        for module, softs in enumerate(self.soft_of):
            bank = np.flatnonzero(self.modules.hard == module)
            if not len(bank):
                continue
            bits, side = _log_integer(rng, BUS_BITS), float(rng.choice([-0.5, 0.5]))
            control = int(rng.choice(softs))
            for chunk in np.array_split(bank, max(1, len(bank) // 8)):
                partner = int(rng.choice(softs))
                for h in chunk.tolist():
                    self._connect_macro(
                        h, size[:, h], side, bits, partner if rng.random() < 0.7 else int(rng.choice(softs))
                    )
                for bit in range(bits // 2):
                    sinks = [self._hard_pin(h, size[:, h], side, -0.45 + 0.02 * bit) for h in chunk.tolist()]
                    self.add(self.pin(self.soft_node(control)), sinks)

    def _hard_pin(self, hard: int, size: NDArray[np.float64], side: float, along: float) -> int:
        return self.pin(self.num_ports + hard, (float(along * size[0]), float(side * size[1])))

    def _connect_macro(self, hard: int, size: NDArray[np.float64], side: float, bits: int, soft: int) -> None:
        for bit, along in enumerate(np.linspace(-0.4, 0.48, 2 * bits)):
            pin = self._hard_pin(hard, size, side, float(along))
            if bit % 2:
                self.add(pin, [self.sink(self.soft_node(soft))])
            else:
                self.add(self.pin(self.soft_node(soft)), [pin])

    def connect_soft(self, per_soft: float) -> None:
        """Logic between soft macros: mostly within a module, some to its neighbours."""
        rng = self.rng
        for soft in range(self.num_soft):
            for _ in range(rng.poisson(per_soft)):
                degree = int(rng.choice(len(DEGREE_SHARE), p=DEGREE_SHARE)) + 1
                if degree == len(DEGREE_SHARE):
                    degree = int(rng.integers(degree, 21))
                reached = np.unique(self.draw_soft(soft, degree))
                sinks = [self.sink(self.soft_node(other)) for other in reached if other != soft]
                if sinks:
                    weight = 1.0 if rng.random() < WEIGHT_ONE else float(rng.integers(2, 11))
                    self.add(self.pin(self.soft_node(soft)), sinks, weight)

    def connect_ports(self) -> None:
        """Every port leads to, or comes from, a soft macro; neighbouring ports share one as bits of a bus."""
        rng = self.rng
        for begin in range(0, self.num_ports, 16):
            soft, drives = int(rng.integers(self.num_soft)), rng.random() < 0.5
            for port in range(begin, min(begin + 16, self.num_ports)):
                pin, other = self.sink(port), self.soft_node(soft)
                if drives:
                    self.add(pin, [self.sink(other)])
                else:
                    self.add(self.pin(other), [pin])


def _assemble(
    config: SyntheticConfig,
    num_ports: int,
    hard_size: NDArray[np.float64],
    num_soft: int,
    nets: _Nets,
    rng: np.random.Generator,
) -> Design:
    """Scales everything to a canvas, packs the hard macros and numbers the nodes as files do."""
    num_hard = hard_size.shape[1]
    aspect = rng.uniform(*ASPECT)
    weight = float(np.sum(nets.weights))
    width = 0.1 * weight / (2 * Canvas.routes_hor * np.exp(rng.uniform(*np.log(DEMAND))))
    height = width / aspect
    hard_share = rng.uniform(*HARD_SHARE)
    packed, scale = None, 0.0
    while packed is None:
        scale = np.sqrt(hard_share * width * height / num_hard)
        packed = _pack(np.round(hard_size * scale, 4), width, height)
        hard_share *= 0.95
    size = np.round(hard_size * scale, 4)
    soft_share = np.clip(rng.uniform(*TOTAL_SHARE) - hard_share, 0.1, 0.45)
    soft_area = rng.lognormal(0.0, 0.8, num_soft)
    soft_side = np.sqrt(soft_area / soft_area.sum() * soft_share * width * height)
    squash = np.exp(rng.uniform(-0.5, 0.5, num_soft))
    cols = config.cols or int(rng.integers(*GRID_LINES))
    rows = int(np.clip(round(cols / aspect * rng.uniform(5 / 6, 7 / 6)), min(10, cols), 45))
    width, height = round(float(width), 3), round(float(height), 3)

    kind = np.repeat([Kind.PORT, Kind.HARD_MACRO, Kind.SOFT_MACRO], [num_ports, num_hard, num_soft]).astype(np.uint8)
    soft_size = np.round(np.stack([soft_side * squash, soft_side / squash]), 4)
    all_size = np.concatenate([np.zeros((2, num_ports)), size, soft_size], axis=1)
    port_x, port_y = _port_positions(num_ports, width, height, rng)
    x = np.concatenate([port_x, packed[0], np.full(num_soft, width / 2)])
    y = np.concatenate([port_y, packed[1], np.full(num_soft, height / 2)])
    offset = np.array(nets.pin_offset).T * np.where(kind[nets.pin_node] == Kind.HARD_MACRO, scale, 0.0)
    netlist = _number(kind, all_size, nets, np.round(offset, 4), num_ports, num_hard)
    count = len(kind)
    placement = Placement(
        np.round(x, 6), np.round(y, 6), np.zeros(count, np.uint8), kind == Kind.PORT, np.ones(count, bool)
    )
    return Design(netlist, Canvas(width, height, cols, rows), placement, f"{config.family}_{num_hard}h_{num_soft}s")


def _port_positions(
    count: int, width: float, height: float, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Ports in a run along the boundary that covers one to four of its sides."""
    first, share = rng.random(), rng.choice([0.2, 0.45, 0.95])
    at = (first + share * (np.arange(count) + 0.5) / count) % 1.0 * 4
    side, along = at.astype(int), at % 1.0
    x = np.choose(side, [along * width, np.full(count, width), (1 - along) * width, np.zeros(count)])
    y = np.choose(side, [np.zeros(count), along * height, np.full(count, height), (1 - along) * height])
    return x, y


def _pack(size: NDArray[np.float64], width: float, height: float) -> NDArray[np.float64] | None:
    """(2, H) centres of macros on shelves, highest first; None if they do not fit."""
    at = np.empty_like(size)
    x = y = MARGIN
    shelf = 0.0
    for macro in np.argsort(-size[1], kind="stable"):
        w, h = size[:, macro]
        if x + w + MARGIN > width:
            x, y, shelf = MARGIN, y + shelf + MARGIN, 0.0
        if x + w + MARGIN > width or y + h + MARGIN > height:
            return None
        at[:, macro] = x + w / 2, y + h / 2
        x, shelf = x + w + MARGIN, max(shelf, h)
    return at


def _number(
    kind: NDArray[np.uint8],
    size: NDArray[np.float64],
    nets: _Nets,
    offset: NDArray[np.float64],
    num_ports: int,
    num_hard: int,
) -> Netlist:
    """Names, and file indices: ports, then each macro followed by its pins."""
    pin_node = np.array(nets.pin_node)
    is_port_pin = kind[pin_node] == Kind.PORT
    # Sort keys: a node comes before its own pins.
    node_key = np.arange(len(kind), dtype=np.int64) * 2
    pin_order = np.argsort(pin_node, kind="stable")
    pin_order = pin_order[~is_port_pin[pin_order]]
    key = np.concatenate([node_key, pin_node[pin_order] * 2 + 1])
    position = np.empty(len(key), np.int64)
    position[np.argsort(key, kind="stable")] = np.arange(len(key))
    node_index = position[: len(kind)]
    pin_index = np.empty(len(pin_node), np.int64)
    pin_index[pin_order] = position[len(kind) :]
    pin_index[is_port_pin] = node_index[pin_node[is_port_pin]]
    names = [f"port_{i}" for i in range(num_ports)]
    names += [f"module_{nets.modules.hard[i]}/sram_{i}" for i in range(num_hard)]
    names += [f"Grp_{i}" for i in range(len(kind) - num_ports - num_hard)]
    driver = np.array([net[0] for net in nets.nets])
    net_order = np.argsort(pin_index[driver], kind="stable")  # files list nets by their driver
    order = np.argsort(pin_index, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    ordered = [nets.nets[i] for i in net_order]
    return Netlist(
        node_name=tuple(names),
        kind=kind,
        size=size,
        node_index=node_index,
        pin_name=tuple(names[pin_node[p]] if is_port_pin[p] else f"{names[pin_node[p]]}/P{p}" for p in order),
        pin_node=pin_node[order],
        pin_offset=offset[:, order],
        pin_index=pin_index[order],
        net_start=np.cumsum([0, *(len(net) for net in ordered)]),
        net_pin=rank[np.concatenate(ordered)],
        net_weight=np.array(nets.weights)[net_order],
    )
