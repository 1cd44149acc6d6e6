"""Hypothesis strategies for small random designs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st

from netlists import (
    ORIENTATIONS,
    Blockage,
    Canvas,
    Constraints,
    Design,
    Kind,
    MacroRule,
    Netlist,
    Placement,
    constrain,
)


@st.composite
def constrained_designs(draw) -> Design:
    """Designs whose hard macros have halos of their own, allowed orientations, a distance to the edge and a grid."""
    design = draw(designs(legal_halo=True))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rules = []
    for node in np.flatnonzero(design.netlist.is_hard):
        halo = float(rng.choice([0.0, 0.3, 1.0])) if rng.random() < 0.5 else None
        allowed = tuple(rng.choice(ORIENTATIONS, rng.integers(1, 4), replace=False)) if rng.random() < 0.4 else ()
        rules.append(MacroRule(design.netlist.node_name[node], halo, tuple(map(str, allowed))))
    snaps = rng.random() < 0.6
    constraints = Constraints(
        tuple(rules),
        boundary=float(rng.choice([0.0, 0.7, 2.0])),
        pitch=(float(rng.choice([0.0, 0.19, 0.5])), float(rng.choice([0.005, 0.7]))) if snaps else (0.0, 0.0),
        offset=(float(rng.choice([0.0, 0.13])), -0.2) if snaps else (0.0, 0.0),
        blockages=(Blockage(10.0, 10.0, 14.0, 13.0, float(rng.choice([1.0, 0.3]))),) if rng.random() < 0.4 else (),
    )
    return constrain(design, constraints)


@st.composite
def designs(draw, legal_halo: bool = False) -> Design:
    """1 to 12 nodes of every kind, anywhere and in any orientation, on any small grid."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    cols, rows = draw(st.integers(1, 12)), draw(st.integers(1, 12))
    separate = draw(st.booleans())
    canvas = Canvas(
        width=float(rng.uniform(20, 100)),
        height=float(rng.uniform(20, 100)),
        cols=cols,
        rows=rows,
        routes_hor=float(rng.uniform(0.5, 3)),
        routes_ver=float(rng.uniform(0.5, 3)),
        macro_routes_hor=float(rng.uniform(0, 2)),
        macro_routes_ver=float(rng.uniform(0, 2)),
        smoothing=draw(st.integers(0, 5)),
        congestion_cols=draw(st.integers(1, 12)) if separate else None,
        congestion_rows=draw(st.integers(1, 12)) if separate else None,
        blockages=(Blockage(1.0, 1.0, 5.0, 6.0, 1.0),) if draw(st.booleans()) else (),
        halo=float(rng.choice([0.0, 0.5])) if legal_halo else 0.0,
    )
    kinds = rng.choice([0, 1, 1, 2, 2, 3], draw(st.integers(2, 12))).astype(np.uint8)
    return Design(_netlist(kinds, rng), canvas, _placement(kinds, canvas, rng), "random")


def _netlist(kinds: np.ndarray, rng: np.random.Generator) -> Netlist:
    size = np.where(kinds == Kind.PORT, 0.0, rng.choice([1.0, 2.5, 4.0, 7.3], (2, len(kinds))))
    names = [f"{'Grp_' if kind == Kind.SOFT_MACRO else 'n'}{i}" for i, kind in enumerate(kinds)]
    offsets = {
        node: rng.choice([0.0, 0.3, -0.5, 1.0] if kind == Kind.HARD_MACRO else [0.0], (rng.integers(1, 4), 2)).tolist()
        for node, kind in enumerate(kinds)
        if kind in (Kind.HARD_MACRO, Kind.SOFT_MACRO)
    }
    pins = _pins(names, offsets)
    drivers = np.sort(rng.permutation(len(pins))[: rng.integers(0, len(pins) + 1)])
    nets = [[d, *rng.choice(len(pins), rng.integers(1, len(pins) + 1), replace=False)] for d in drivers]
    return _netlist_of(names, kinds, size, pins, nets, rng.choice([0.5, 1.0, 1.0, 3.0], len(nets)))


class _Pin(NamedTuple):
    node: int
    dx: float
    dy: float
    index: int
    name: str


def _pins(names: list[str], offsets: dict[int, list[list[float]]]) -> list[_Pin]:
    """Pins of all nodes, indexed as in files, where they follow their node; a node without offsets is its own pin."""
    index, pins = 0, []
    for node, name in enumerate(names):
        if node not in offsets:
            pins.append(_Pin(node, 0.0, 0.0, index, name))
        for k, (dx, dy) in enumerate(offsets.get(node, [])):
            pins.append(_Pin(node, dx, dy, index + 1 + k, f"{name}/p{k}"))
        index += 1 + len(offsets.get(node, []))
    return pins


def _netlist_of(names: list[str], kinds: np.ndarray, size: np.ndarray, pins: list[_Pin], nets, weight) -> Netlist:
    """`nets`: pins of each, the driver first. Ports and cells keep a pin where a net touches it, as in files."""
    own = np.isin(kinds, (Kind.PORT, Kind.STDCELL))
    later = np.cumsum([0, *np.bincount([pin.node for pin in pins if not own[pin.node]], minlength=len(kinds))])[:-1]
    used = {pin for net in nets for pin in net}
    kept = [p for p, pin in enumerate(pins) if not own[pin.node] or p in used]
    rank = {p: i for i, p in enumerate(kept)}
    pins, nets = [pins[p] for p in kept], [[rank[p] for p in net] for net in nets]
    return Netlist(
        node_name=tuple(names),
        kind=kinds,
        size=size,
        node_index=np.arange(len(kinds)) + later,
        pin_name=tuple(pin.name for pin in pins),
        pin_node=[pin.node for pin in pins],
        pin_offset=np.array([[pin.dx for pin in pins], [pin.dy for pin in pins]]).reshape(2, -1),
        pin_index=[pin.index for pin in pins],
        net_start=np.cumsum([0, *map(len, nets)]),
        net_pin=[pin for net in nets for pin in net],
        net_weight=weight,
    )


def _placement(kinds: np.ndarray, canvas: Canvas, rng: np.random.Generator) -> Placement:
    count = len(kinds)
    at = []
    for extent, lines in ((canvas.width, canvas.cols), (canvas.height, canvas.rows)):
        special = np.array([0.0, extent, 0.5 * extent / lines, -3.0, extent + 2.0, extent / 2])
        at.append(np.where(rng.random(count) < 0.3, rng.choice(special, count), rng.uniform(0, extent, count)))
    placed = rng.random(count) < (1.0 if rng.random() < 0.6 else 0.8)
    orientation = np.where(kinds == Kind.PORT, 0, rng.integers(0, 8, count)).astype(np.uint8)
    fixed = kinds == Kind.PORT
    return Placement(np.where(placed, at[0], 0.0), np.where(placed, at[1], 0.0), orientation * placed, fixed, placed)


def flat_design(seed: int, num_cells: int = 300, num_hard: int = 6, num_ports: int = 20, placed: bool = True) -> Design:
    """A small flat netlist: modules of cells around macros, ports on the boundary, every driver with 1 to 4 sinks."""
    rng = np.random.default_rng(seed)
    side = 40.0 + 2.0 * float(np.sqrt(num_cells))
    kinds = np.repeat([Kind.PORT, Kind.HARD_MACRO, Kind.STDCELL], [num_ports, num_hard, num_cells]).astype(np.uint8)
    names = [f"{'pmc'[kind]}{i}" for i, kind in enumerate([0] * num_ports + [1] * num_hard + [2] * num_cells)]
    hard = np.flatnonzero(kinds == Kind.HARD_MACRO).tolist()
    pins = _pins(names, {node: [[float(pin) - 3.5, 2.0] for pin in range(8)] for node in hard})
    module = rng.integers(0, max(1, num_hard), len(kinds))
    module[kinds == Kind.HARD_MACRO] = np.arange(num_hard)
    owner = np.array([pin.node for pin in pins])
    nets = []
    for driver in range(len(pins)):
        if rng.random() < 0.85 and len(pins) > 1:
            near = np.flatnonzero((module[owner] == module[owner[driver]]) & (np.arange(len(pins)) != driver))
            pool = near if len(near) and rng.random() < 0.9 else np.delete(np.arange(len(pins)), driver)
            sinks = rng.choice(pool, min(len(pool), int(rng.integers(1, 5))), replace=False)
            nets.append([driver, *np.sort(sinks).tolist()])
    size = np.select(
        [kinds == Kind.PORT, kinds == Kind.HARD_MACRO], [0.0, 9.0], rng.choice([0.5, 1.0, 1.5], (2, len(kinds)))
    )
    netlist = _netlist_of(names, kinds, size, pins, nets, rng.choice([1.0, 1.0, 1.0, 2.0], len(nets)))
    x, y = np.round(rng.uniform(5, side - 5, (2, len(kinds))), 3)
    port = kinds == Kind.PORT
    x[port] = rng.choice([0.0, side], num_ports)
    known = np.full(len(kinds), placed) | port
    placement = Placement(np.where(known, x, 0.0), np.where(known, y, 0.0), np.zeros(len(kinds)), port, known)
    return Design(netlist, Canvas(side, side, 10, 10), placement, "flat")


def tiled_design(seed: int, count: int, gap: float) -> Design:
    """A canvas cut into hard macros of different sizes, so far apart, placed legally; a ring of two-pin nets."""
    rng = np.random.default_rng(seed)
    tiles = [np.array([0.0, 0.0, 100.0, 100.0])]
    while len(tiles) < count:
        largest = tiles.pop(int(np.argmax([np.prod(tile[2:] - tile[:2]) for tile in tiles])))
        axis = int(np.argmax(largest[2:] - largest[:2]))
        at = largest[axis] + rng.uniform(0.3, 0.7) * (largest[axis + 2] - largest[axis])
        low, high = largest.copy(), largest.copy()
        low[axis + 2], high[axis] = at, at
        tiles += [low, high]
    box = np.array(tiles).T
    node = np.arange(count)
    netlist = Netlist(
        node_name=tuple(f"m{i}" for i in node),
        kind=np.full(count, Kind.HARD_MACRO),
        size=box[2:] - box[:2] - gap,
        node_index=2 * node,
        pin_name=tuple(f"m{i}/p" for i in node),
        pin_node=node,
        pin_offset=np.zeros((2, count)),
        pin_index=2 * node + 1,
        net_start=2 * np.arange(count + 1),
        net_pin=np.stack([node, (node + 1) % count], axis=1).ravel(),
        net_weight=np.ones(count),
    )
    x, y = (box[:2] + box[2:]) / 2
    still = np.zeros(count)
    return Design(netlist, Canvas(100.0, 100.0, 12, 12), Placement(x, y, still, still, np.ones(count)))
