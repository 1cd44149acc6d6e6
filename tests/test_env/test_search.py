import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from reference.legality import violations
from strategies import constrained_designs, designs

from env import CostModel, analytic_start, legalize
from env.search import SearchConfig, search
from netlists import Blockage, Canvas, Design, Kind, Netlist, NetlistError, Placement


@settings(max_examples=150)
@given(st.one_of(designs(legal_halo=True), constrained_designs()), st.integers(0, 1000), st.booleans())
def test_legaliser_and_search_end_legal(design, seed, analytic):
    placement = design.placement.replace(placed=np.ones(len(design.placement), bool))
    if analytic:
        placement = analytic_start(design.with_placement(placement))
    try:
        legal = legalize(design, placement)
    except NetlistError:
        assume(False)
    assert violations(design.netlist, design.canvas, legal) == []
    config = SearchConfig(moves=6000, seed=seed, threads=1 + seed % 3, start_temperature=1e-2)
    found = search(design, legal, config)
    assert violations(design.netlist, design.canvas, found.placement) == []
    model = CostModel(design.netlist, design.canvas)
    assert found.costs.proxy_cost <= model.evaluate(legal).proxy_cost + 1e-12


def test_fixed_macros_stay(small):
    fixed = small.placement.fixed.copy()
    fixed[np.flatnonzero(small.netlist.is_hard)[:5]] = True
    placement = legalize(small, small.placement.replace(fixed=fixed))
    found = search(small.with_placement(placement), placement, SearchConfig(moves=20000)).placement
    assert np.array_equal(found.x[fixed], small.placement.x[fixed])
    assert np.array_equal(found.y[fixed], small.placement.y[fixed])
    assert violations(small.netlist, small.canvas, found) == []


@pytest.mark.parametrize("threads", [1, 2])
def test_same_seed_same_result(small, threads):
    runs = [search(small, small.placement, SearchConfig(moves=20000, seed=seed, threads=threads)) for seed in (3, 3, 4)]
    assert runs[0].placement == runs[1].placement
    assert runs[0].placement != runs[2].placement


def test_search_improves(small):
    before = CostModel(small.netlist, small.canvas).evaluate(small.placement).proxy_cost
    assert search(small, small.placement, SearchConfig(moves=50000)).costs.proxy_cost < 0.7 * before


def test_search_keeps_to_its_time(small):
    result = search(small, small.placement, SearchConfig(seconds=0.5, threads=2))
    assert 0.3 < result.trace[-1].seconds < 1.0
    assert result.moves > 1000


def crowded(utilisation, rng):
    """800 macros of six sizes, anywhere on a square canvas."""
    kinds = rng.uniform(2, 6, (2, 6))
    size = kinds[:, rng.integers(0, 6, 800)]
    side = float(np.sqrt(np.sum(size[0] * size[1]) / utilisation))
    count = size.shape[1]
    netlist = Netlist(
        node_name=tuple(f"m{i}" for i in range(count)),
        kind=np.full(count, Kind.HARD_MACRO),
        size=size,
        node_index=np.arange(count),
        pin_name=(),
        pin_node=[],
        pin_offset=np.zeros((2, 0)),
        pin_index=[],
        net_start=[0],
        net_pin=[],
        net_weight=[],
    )
    x, y = rng.uniform(0, side, (2, count))
    placement = Placement(x, y, np.zeros(count), np.zeros(count, bool), np.ones(count, bool))
    return Design(netlist, Canvas(side, side, 30, 30), placement)


@pytest.mark.parametrize(("utilisation", "most"), [(0.6, 0.04), (0.85, 0.4)])
def test_800_macros_are_legalised(utilisation, most):
    """Mean displacement as a share of the canvas; at 85 % nothing but packing finds room."""
    design = crowded(utilisation, np.random.default_rng(0))
    legal = legalize(design, design.placement)
    assert violations(design.netlist, design.canvas, legal) == []
    moved = np.hypot(legal.x - design.placement.x, legal.y - design.placement.y)
    assert moved.mean() < most * design.canvas.width


def test_too_little_room_is_an_error(small):
    crowded = Canvas(small.canvas.width, small.canvas.height, 10, 10, blockages=(Blockage(0, 0, 1e6, 1e6),))
    from dataclasses import replace

    with pytest.raises(NetlistError, match="found no legal place for macro"):
        legalize(replace(small, canvas=crowded), small.placement)
