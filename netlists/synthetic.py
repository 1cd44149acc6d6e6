"""Seeded synthetic designs that look like clustered chips: banks of SRAMs in a hierarchy of modules.

What is drawn, and from which range, is named beside each constant. The ranges surround what the public clustered
designs of the MacroPlacement benchmarks show (20 to 136 hard macros, 560 to 790 soft ones, 12 to 24 thousand nets).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netlists.canvas import Canvas
from netlists.design import Design
from netlists.grid import GridConfig, choose_grid
from netlists.netlist import Kind, Netlist
from netlists.placement import Placement
from netlists.synthetic_nets import NETS_PER_SOFT, Modules, Nets, draw_modules, log_integer

FAMILIES: tuple[str, ...] = ("cpu", "tiles", "accelerator", "systolic", "mixed")

HARD_RANGE, SOFT_RANGE = (10, 300), (100, 1500)
HARD_SHARE, TOTAL_SHARE = (0.2, 0.6), (0.4, 0.88)
"""Area of hard macros, and of all macros, over that of the canvas."""
ASPECT = (0.75, 1.35)
"""Width over height of the canvas."""
CELLS = (200, 1000)
"""Least number of cells of the grid; real ones are chosen from 500 cells on."""
DEMAND = (0.008, 0.13)
"""Rough routing demand over supply, which fixes the size of the canvas: older technologies lie low, newer ones high."""
MARGIN = 0.01
"""Gap between packed macros, um."""


@dataclass(frozen=True)
class SyntheticConfig:
    """What to generate; None is drawn from the ranges above."""

    family: str = "mixed"
    num_hard: int | None = None
    num_soft: int | None = None
    nets_per_soft: float | None = None
    cells: int | None = None
    """Least number of cells of the grid."""


def generate(config: SyntheticConfig, rng: np.random.Generator) -> Design:
    """Draws a design. Ports are fixed on the boundary, hard macros packed legally, soft macros in the centre.

    Raises:
        ValueError: no such family, or a count below 1.
    """
    if config.family not in FAMILIES:
        raise ValueError(f"family is '{config.family}', expected one of {', '.join(FAMILIES)}")
    num_hard = config.num_hard if config.num_hard is not None else log_integer(rng, HARD_RANGE)
    num_soft = config.num_soft if config.num_soft is not None else log_integer(rng, SOFT_RANGE)
    if min(num_hard, num_soft) < 1:
        raise ValueError(f"expected at least 1 hard and 1 soft macro, got {num_hard} and {num_soft}")
    modules = draw_modules(config.family, num_hard, num_soft, rng)
    num_ports = int(np.clip(rng.integers(num_soft // 4, num_soft), 8, 1000))
    hard_size = _draw_hard_sizes(modules, rng)
    nets = Nets(num_ports, num_hard, num_soft, modules, rng)
    nets.connect_hard(hard_size)
    nets.connect_soft(config.nets_per_soft or rng.uniform(*NETS_PER_SOFT))
    nets.connect_ports()
    return _assemble(config, num_ports, hard_size, num_soft, nets, rng)


def _draw_hard_sizes(modules: Modules, rng: np.random.Generator) -> NDArray[np.float64]:
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


def _assemble(
    config: SyntheticConfig,
    num_ports: int,
    hard_size: NDArray[np.float64],
    num_soft: int,
    nets: Nets,
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
    soft_area = nets.modules.soft_area
    soft_side = np.sqrt(soft_area / soft_area.sum() * soft_share * width * height)
    squash = np.exp(rng.uniform(-0.5, 0.5, num_soft))
    width, height = round(float(width), 3), round(float(height), 3)
    cols, rows = _draw_grid(config, width, height, size, rng)

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


def _draw_grid(
    config: SyntheticConfig, width: float, height: float, hard_size: NDArray[np.float64], rng: np.random.Generator
) -> tuple[int, int]:
    """Columns and rows, as AlphaChip chooses them for these macros, but for the least number of cells.

    Grids of real designs are made so. On any other one macros a little larger than a cell take two, and many a design
    has hardly a placement on cells: all that could be learned from it is how to fail.
    """
    least = config.cells or log_integer(rng, CELLS)
    default = GridConfig()
    finest = least * default.max_cells // default.min_cells
    lines = min(default.min_lines, math.isqrt(least))
    return choose_grid(width, height, hard_size, GridConfig(lines, min_cells=least, max_cells=finest))


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
    nets: Nets,
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
