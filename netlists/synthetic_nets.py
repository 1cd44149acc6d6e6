"""The nets of synthetic designs: modules within which soft macros talk by Rent's rule, and banks of SRAMs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RENT = (0.3, 0.65)
"""Rent exponent r: of the nets that a soft macro drives, the share k ** (r - 1) leaves the k soft macros around it."""
NETS_PER_SOFT = (6, 20)
"""Nets that a soft macro drives on average, before those that reach no other are left out."""
DEGREE_SHARE: tuple[float, ...] = (0.32, 0.18, 0.16, 0.13, 0.09, 0.07, 0.05)
"""Shares of nets with 1, 2, ... sinks; the last one stands for a tail of up to 20."""
WEIGHT_ONE = 0.8
"""Share of nets of weight 1; the others have 2 to 10, bundles of a bus."""
MESHES = ("tiles", "systolic")
"""Families whose modules are alike and talk to their neighbours."""
HARD_MODULES = (0.3, 0.8)
"""Share of modules that hold hard macros, where modules are not alike."""
AREA_SPREAD, ACTIVITY_SPREAD, ACTIVITY_POWER = (0.4, 0.75), 0.4, 0.8
"""Of soft macros: standard deviation of the logarithm of area; of that of their connections, which grow with this power
of it."""
BUS_BITS, BANK, TIED, PARTNERS, FANOUT = (10, 80), (1, 8), (1, 3), (1.0, 7.0), (0.0, 0.5)
"""Wires each way at a hard macro; hard macros that share those to them; those whose own ones lead to the same part of a
module; soft macros that they lead to there; further sinks of each."""
PORT_RUN, PORT_PART = (16, 64), 8
"""Neighbouring ports that lead to the same part of a module, and its soft macros."""


@dataclass(frozen=True)
class Style:
    """How the hard macros of a module are connected: what is drawn from the ranges above."""

    bits: int
    bank: int
    tied: int
    partners: float
    fanout: float

    @staticmethod
    def draw(rng: np.random.Generator) -> Style:
        """Integers by their logarithm."""
        bits, bank, tied = (log_integer(rng, (least, most + 1)) for least, most in (BUS_BITS, BANK, TIED))
        return Style(bits, bank, tied, float(np.exp(rng.uniform(*np.log(PARTNERS)))), rng.uniform(*FANOUT))


@dataclass(frozen=True)
class Modules:
    """M modules: their hard macros, their soft macros, and how strongly they talk to one another."""

    hard: NDArray[np.int64]
    """(H,) module of each hard macro."""
    soft: NDArray[np.int64]
    """(S,) module of each soft macro; those of a module are beside one another in the order of their indices."""
    soft_area: NDArray[np.float64]
    """(S,) areas of soft macros, to be scaled."""
    affinity: NDArray[np.float64]
    """(M, M) probabilities, rows sum to 1: where a net that leaves a module goes."""
    styles: tuple[Style, ...]
    """Of each module."""
    rent: float
    """The Rent exponent."""


def log_integer(rng: np.random.Generator, bounds: tuple[int, int]) -> int:
    """An integer, its logarithm uniform."""
    return int(np.exp(rng.uniform(np.log(bounds[0]), np.log(bounds[1]))))


def draw_modules(family: str, num_hard: int, num_soft: int, rng: np.random.Generator) -> Modules:
    """Modules of a family, with that many hard and soft macros in all."""
    alike = family in MESHES
    per_module = {"cpu": 10, "tiles": 4, "accelerator": 8, "systolic": 3, "mixed": 6}[family]
    least = min(2, num_soft)
    most = max(least, num_soft // 8)
    with_hard = int(np.clip(num_hard / per_module * rng.uniform(0.7, 1.4), least, most))
    count = with_hard if alike else int(np.clip(with_hard / rng.uniform(*HARD_MODULES), least, most))
    uneven = rng.dirichlet(np.full(count, 50.0 if alike else 2.0))
    has_hard = np.isin(np.arange(count), rng.choice(count, min(with_hard, count), replace=False))
    module_of_hard = np.sort(rng.choice(count, num_hard, p=uneven * has_hard / (uneven * has_hard).sum()))
    module_of_soft = rng.choice(count, num_soft, p=0.5 * uneven + 0.5 / count)
    module_of_soft[: min(count, num_soft)] = np.arange(min(count, num_soft))  # none is without logic
    affinity = _affinity(family, count, rng)
    if count > 1:  # a module alone talks to itself
        np.fill_diagonal(affinity, 0.0)
    affinity /= np.maximum(affinity.sum(axis=1, keepdims=True), 1e-12)
    one = Style.draw(rng)
    styles = tuple(Style.draw(rng) if family == "mixed" else one for _ in range(count))
    soft_area = rng.lognormal(0.0, rng.uniform(*AREA_SPREAD), num_soft)
    return Modules(module_of_hard, module_of_soft, soft_area, affinity, styles, rng.uniform(*RENT))


def _affinity(family: str, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """How much modules talk: a mesh for tiles and systolic arrays, a hub for accelerators, else a tree."""
    index = np.arange(count)
    if family in MESHES:
        cols = max(1, round(np.sqrt(count)))
        distance = np.abs(index[:, None] % cols - index % cols) + np.abs(index[:, None] // cols - index // cols)
        return np.where(distance == 1, 1.0, 0.02)
    if family == "accelerator":
        hub = (index == 0).astype(float)
        return 0.05 + hub[:, None] + hub[None, :] + (np.abs(index[:, None] - index) == 1) * 0.5
    depth = np.zeros((count, count))
    for level in range(int(np.ceil(np.log2(count)))):
        depth += (index[:, None] >> level) != (index[None, :] >> level)
    decay = rng.uniform(0.25, 0.5)  # connections thin out by this factor with each level of the tree
    return decay**depth


class Nets:
    """Collects nets as lists of places: (node, pin offset). Nodes are ports, then hard, then soft macros.

    The soft macros of a module are the leaves of a binary tree. A net reaches those of a subtree around its driver, of
    a size drawn by Rent's rule, or the part of another module that talks to its own.
    """

    def __init__(
        self, num_ports: int, num_hard: int, num_soft: int, modules: Modules, rng: np.random.Generator
    ) -> None:
        self.num_ports, self.num_hard, self.num_soft = num_ports, num_hard, num_soft
        self.modules, self.rng = modules, rng
        self.nets: list[list[int]] = []
        """Pins of each net, driver first."""
        self.weights: list[float] = []
        self.pin_node: list[int] = []
        self.pin_offset: list[tuple[float, float]] = []
        self.input_pin: dict[int, int] = {}
        count = modules.affinity.shape[0]
        noise = rng.lognormal(0.0, ACTIVITY_SPREAD, num_soft)
        activity = modules.soft_area**ACTIVITY_POWER * noise
        self.activity = activity / activity.mean()
        """(S,) how much each soft macro talks; 1 on average."""
        self.soft_of = [np.flatnonzero(modules.soft == m) for m in range(count)]
        self.leaf = np.zeros(num_soft, np.int64)
        """(S,) position of each soft macro in its module."""
        for softs in self.soft_of:
            self.leaf[softs] = np.arange(len(softs))
        self.activity_before = [np.cumsum([0.0, *self.activity[softs]]) for softs in self.soft_of]
        self.gate = rng.random((count, count))
        """(M, M) where nets from one module enter another, as a share of its leaves."""

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

    def reached(self, soft: int, count: int) -> NDArray[np.int64]:
        """So many soft macros that a net from this one leads to, some perhaps twice or itself."""
        module = int(self.modules.soft[soft])
        size = self._subtree_size(count)
        if size >= 2 * len(self.soft_of[module]) and len(self.soft_of) > 1:
            other = int(self.rng.choice(len(self.soft_of), p=self.modules.affinity[module]))
            entry = int(self.gate[module, other] * len(self.soft_of[other]))
            return self._drawn(other, entry, self._subtree_size(count), count)
        return self._drawn(module, int(self.leaf[soft]), size, count)

    def _subtree_size(self, count: int) -> int:
        """A power of two, more than `count`: a subtree of k leaves is left with probability k ** (rent - 1)."""
        size = self.rng.random() ** (1.0 / (self.modules.rent - 1.0))
        return 1 << max(int(min(np.log2(size), 30.0)) + 1, count.bit_length())

    def _drawn(self, module: int, leaf: int, size: int, count: int) -> NDArray[np.int64]:
        """Soft macros of the subtree around a leaf, by their activity."""
        begin = leaf // size * size
        before = self.activity_before[module]
        end = min(begin + size, len(before) - 1)
        at = self.rng.uniform(before[begin], before[end], count)
        return self.soft_of[module][np.clip(np.searchsorted(before, at, side="right") - 1, begin, end - 1)]

    def connect_hard(self, size: NDArray[np.float64]) -> None:
        """Buses to the macros of a bank, shared by them, and one from each to soft macros of its own."""
        for module, softs in enumerate(self.soft_of):
            hards, style = np.flatnonzero(self.modules.hard == module), self.modules.styles[module]
            if not len(hards):
                continue
            side = float(self.rng.choice([-0.5, 0.5]))
            for bank in np.array_split(hards, -(-len(hards) // style.bank)):
                self._connect_bank(bank.tolist(), size, side, style, int(self.rng.choice(softs)))

    def _connect_bank(self, bank: list[int], size: NDArray[np.float64], side: float, style: Style, home: int) -> None:
        own, place = self.soft_of[int(self.modules.soft[home])], int(self.leaf[home])
        along = np.linspace(-0.45, 0.45, 2 * style.bits)
        for bit, driver in enumerate(self._partners(home, style)):
            sinks = [self._hard_pin(h, size[:, h], side, along[2 * bit]) for h in bank]
            self.add(self.pin(self.soft_node(driver)), sinks)
        for index, h in enumerate(bank):
            near = int(own[(place + index // style.tied) % len(own)])
            partners = self._partners(near, style)
            for bit, soft in enumerate(partners):
                further = partners[self.rng.integers(style.bits, size=self.rng.poisson(style.fanout))]
                sinks = [self.sink(self.soft_node(s)) for s in dict.fromkeys([soft, *further])]
                self.add(self._hard_pin(h, size[:, h], side, along[2 * bit + 1]), sinks)

    def _partners(self, home: int, style: Style) -> NDArray[np.int64]:
        """(bits,) the soft macro at the other end of each wire of a bus: runs of them, around one soft macro."""
        rng, number = self.rng, 1 + int(self.rng.poisson(style.partners - 1))
        partners = np.array([home, *(self.reached(home, 1)[0] for _ in range(number - 1))])
        return partners[np.sort(rng.choice(number, style.bits, p=rng.dirichlet(np.ones(number))))]

    def _hard_pin(self, hard: int, size: NDArray[np.float64], side: float, along: float) -> int:
        return self.pin(self.num_ports + hard, (float(along * size[0]), float(side * size[1])))

    def connect_soft(self, per_soft: float) -> None:
        """Logic between soft macros: mostly around each, some elsewhere in its module, some in others."""
        rng = self.rng
        for soft in range(self.num_soft):
            number = rng.poisson(per_soft * self.activity[soft])
            for degree in 1 + rng.choice(len(DEGREE_SHARE), number, p=DEGREE_SHARE):
                count = int(degree if degree < len(DEGREE_SHARE) else rng.integers(degree, 21))
                reached = dict.fromkeys(self.reached(soft, count).tolist())
                sinks = [self.sink(self.soft_node(other)) for other in reached if other != soft]
                if sinks:
                    weight = 1.0 if rng.random() < WEIGHT_ONE else float(rng.integers(2, 11))
                    self.add(self.pin(self.soft_node(soft)), sinks, weight)

    def connect_ports(self) -> None:
        """Every port leads to, or comes from, a soft macro; neighbours, as bits of a bus, those of one part."""
        rng, begin = self.rng, 0
        while begin < self.num_ports:
            end = min(begin + log_integer(rng, PORT_RUN), self.num_ports)
            home, drives = int(rng.integers(self.num_soft)), rng.random() < 0.5
            softs = self._drawn(int(self.modules.soft[home]), int(self.leaf[home]), PORT_PART, end - begin)
            for port, soft in zip(range(begin, end), softs, strict=True):
                pin, other = self.sink(port), self.soft_node(soft)
                if drives:
                    self.add(pin, [self.sink(other)])
                else:
                    self.add(self.pin(other), [pin])
            begin = end
