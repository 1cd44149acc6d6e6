"""Hypothesis strategies for small LEF libraries and DEF blocks over them."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
from hypothesis import strategies as st

from netlists.lefdef import DefBlock, Direction, LefMacro, LefPin, Library
from netlists.lefdef.def_ import Components, Group, Halo, Nets, Pins, PlacementBlockage, Region, Row, State, Tracks
from netlists.lefdef.lef import Layer, Shapes, Site

UNITS = (100.0, 1000.0, 2000.0, 20000.0)
STEMS = ("u", "a/b", "ram\\[0\\]", "x\\;y", 'q\\"', "\\#c", "n<1>", "PIN", "-", "end", "\\\\")


def names(draw, count: int, prefix: str) -> list[str]:
    """Distinct names, many of them escaped."""
    return [f"{draw(st.sampled_from(STEMS))}{prefix}{i}" for i in range(count)]


@st.composite
def libraries(draw) -> Library:
    """Up to four macros on a grid of 0.01 um, of every class, with any origin."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    macros = {}
    for name in names(draw, draw(st.integers(1, 4)), "m"):
        kind = draw(st.sampled_from(["BLOCK", "BLOCK", "CORE", "", "PAD", "RING", "COVER", "ENDCAP"]))
        width, height = (rng.integers(1, 4000, 2) / 100).tolist()
        pins = [
            LefPin(
                pin,
                Direction(int(rng.integers(0, 5))),
                str(rng.choice(["", "SIGNAL", "CLOCK"])),
                shapes(rng, width, height),
            )
            for pin in names(draw, draw(st.integers(0, 4)), "p")
        ]
        macros[name] = LefMacro(
            name=name,
            kind=kind,
            subkind="SPACER" if kind == "CORE" and rng.random() < 0.2 else "",
            width=width,
            height=height,
            origin=tuple((rng.integers(-300, 300, 2) / 100).tolist()),
            symmetry=("X", "Y")[: int(rng.integers(0, 3))],
            site="core" if kind == "CORE" else "",
            pins=MappingProxyType({pin.name: pin for pin in pins}),
            obstructions=shapes(rng, width, height),
        )
    layers = [
        Layer("M1", "ROUTING", "HORIZONTAL", (0.2, 0.3), 0.1),
        Layer("V1", "CUT", "", None, None),
        Layer("M2", "ROUTING", "VERTICAL", None, None),
    ]
    return Library(
        MappingProxyType(macros),
        {"core": Site("core", "CORE", 0.2, 1.5, ("Y",))},
        {layer.name: layer for layer in layers},
        draw(st.sampled_from([None, *UNITS])),
        draw(st.sampled_from([None, 0.005])),
        "5.8",
    )


def shapes(rng: np.random.Generator, width: float, height: float) -> Shapes:
    """Up to three rectangles within a macro."""
    count = int(rng.integers(0, 4))
    ends = np.round(np.sort(rng.random((2, count, 2)) * (width, height), axis=0), 2)
    return Shapes(
        tuple(rng.choice(["M1", "M2", "V1"], count).tolist()), np.concatenate([ends[0], ends[1]], 1).reshape(-1, 4)
    )


@st.composite
def blocks(draw, library: Library) -> DefBlock:
    """A block of up to eight components of the library, with everything that a DEF may state."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    units = draw(st.sampled_from(UNITS))
    low = rng.integers(-1000, 1000, 2) * int(units // 100)
    high = low + rng.integers(5000, 20000, 2) * int(units // 100)
    components = _components(names(draw, draw(st.integers(0, 8)), "c"), library, low, high, rng)
    pins = _pins(names(draw, draw(st.integers(0, 5)), "q"), low, high, rng)
    boxes = ((float(low[0]), float(low[1]), float(low[0] + 5), float(low[1] + 7)),)
    return DefBlock(
        name="top",
        units=units,
        die=(tuple(low.astype(float).tolist()), tuple(high.astype(float).tolist())),
        components=components,
        pins=pins,
        nets=_nets(names(draw, draw(st.integers(0, 8)), "n"), components, pins, library, rng),
        rows=(Row("r0", "core", (0.0, 1.0), int(rng.integers(0, 8)), (3, 1), (2.0, 0.0)),),
        tracks=(Tracks("X", 5.0, 100, 50.0, ("M2",)), Tracks("Y", 5.0, 100, 50.0, ("M1", "M2")))[
            : draw(st.integers(0, 2))
        ],
        blockages=(
            PlacementBlockage(boxes),
            PlacementBlockage(boxes, soft=True, pushdown=True),
            PlacementBlockage((), (((0.0, 0.0), (9.0, 0.0), (9.0, 9.0)),), density=30.0, component="x"),
        )[: draw(st.integers(0, 3))],
        regions=(Region("f", "FENCE", boxes), Region("g", "", boxes * 2))[: draw(st.integers(0, 2))],
        groups=(Group("g", "f", ("a*", "b")), Group("h", "", ()))[: draw(st.integers(0, 2))],
    )


def _components(names: list[str], library: Library, low, high, rng: np.random.Generator) -> Components:
    count = len(names)
    used = rng.choice(list(library.macros), count).tolist() if count else []
    macro_name = tuple(dict.fromkeys(used))
    state = rng.integers(0, 4, count).astype(np.uint8)
    placed = state != State.UNPLACED
    at = rng.integers(low, high, (count, 2)).astype(float)
    halo = {i: Halo(1.0, 2.0, 3.5, 4.0, bool(rng.integers(2))) for i in range(count) if rng.random() < 0.3}
    return Components(
        name=tuple(names),
        macro_name=macro_name,
        macro=np.array([macro_name.index(macro) for macro in used], np.int32),
        state=state,
        orientation=np.where(placed, rng.integers(0, 8, count), 0).astype(np.uint8),
        x=np.where(placed, at[:, 0], np.nan),
        y=np.where(placed, at[:, 1], np.nan),
        weight=np.where(rng.random(count) < 0.3, 2.0, np.nan),
        halo=halo,
        region={i: "f" for i in range(count) if rng.random() < 0.2},
        line=np.zeros(count, np.int32),
        span=np.zeros((2, count), np.int64),
    )


def _pins(names: list[str], low, high, rng: np.random.Generator) -> Pins:
    ports = rng.integers(1, 4, len(names))
    count = int(ports.sum())
    state = rng.integers(0, 4, count).astype(np.uint8)
    placed = state != State.UNPLACED
    corner = rng.integers(-50, 50, (count, 2))
    box = np.concatenate([corner, corner + rng.integers(0, 90, (count, 2))], axis=1).astype(float)
    at = rng.integers(low, high, (count, 2)).astype(float)
    return Pins(
        name=tuple(names),
        net=tuple(rng.choice(["", "n"], len(names)).tolist()),
        use=tuple(rng.choice(["", "SIGNAL"], len(names)).tolist()),
        direction=rng.integers(0, 5, len(names)).astype(np.uint8),
        port_start=np.concatenate([[0], np.cumsum(ports)]).astype(np.int32),
        port_state=state,
        port_orientation=np.where(placed, rng.integers(0, 8, count), 0).astype(np.uint8),
        port_x=np.where(placed, at[:, 0], np.nan),
        port_y=np.where(placed, at[:, 1], np.nan),
        port_box=box,
        line=np.zeros(len(names), np.int32),
    )


def _nets(names: list[str], components: Components, pins: Pins, library: Library, rng: np.random.Generator) -> Nets:
    ends = [(-1, i, "") for i in range(len(pins.name))]
    for i, macro in enumerate(components.macro.tolist()):
        ends += [(i, 0, pin) for pin in library.macros[components.macro_name[macro]].pins]
    nets = [
        [ends[k] for k in rng.choice(len(ends), int(rng.integers(0, min(6, len(ends)) + 1)))] if ends else []
        for _ in names
    ]
    entries = [end for net in nets for end in net]
    pin_name = tuple(dict.fromkeys(pin for component, _, pin in entries if component >= 0))
    return Nets(
        name=tuple(names),
        use=tuple(rng.choice(["", "SIGNAL", "CLOCK"], len(names)).tolist()),
        weight=rng.choice([1.0, 0.0, 4.0, 2.5], len(names)),
        entry_start=np.concatenate([[0], np.cumsum([len(net) for net in nets])]).astype(np.int32),
        component=np.array([component for component, _, _ in entries], np.int32),
        pin=np.array([index if c < 0 else pin_name.index(pin) for c, index, pin in entries], np.int32),
        pin_name=pin_name,
        line=np.zeros(len(names), np.int32),
        entry_line=np.zeros(len(entries), np.int32),
    )
