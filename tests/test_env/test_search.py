import math
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from reference.legality import violations
from strategies import constrained_designs, designs

from env import CostModel, analytic_start, legalize
from env.episodes import Episodes, FloorplanConfig, Task, placement_order
from env.search import SLICES, SearchConfig, search
from env.start import movable_macros, to_cells
from netlists import (
    Blockage,
    Canvas,
    Constraints,
    Design,
    Kind,
    MacroRule,
    Netlist,
    NetlistError,
    Placement,
    constrain,
)
from placer import place


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


@settings(max_examples=100)
@given(st.one_of(designs(legal_halo=True), constrained_designs()), st.integers(0, 1000))
def test_what_search_on_cells_finds_an_episode_can_make(design, seed):
    """Macro for macro, whatever the order, with fixed macros, halos, blockages and a snapping grid in the way."""
    try:
        start = analytic_start(design)
        task = Task.make(design, FloorplanConfig(whole_cells=True), start)
        on_cells = to_cells(design, legalize(design, start), task.order)
    except NetlistError:
        assume(False)
    assume(on_cells is not None)
    config = SearchConfig(moves=3000, seed=seed, start_temperature=1e-2, on_cells=True)
    found = search(design, on_cells, config).placement
    assert violations(design.netlist, design.canvas, found) == []
    episodes, canvas = Episodes([task], FloorplanConfig()), design.canvas
    for node in task.order:
        x, y = (found.x[node], found.y[node]) - task.cell_offset[node]
        col, row = int(x / canvas.cell_width), int(y / canvas.cell_height)
        episodes.step(np.array([row * canvas.cols + col]))
    made = episodes.placement(0)
    for axis in ("x", "y", "orientation"):
        assert np.allclose(getattr(made, axis)[task.order], getattr(found, axis)[task.order], rtol=0, atol=1e-9)


def test_search_on_cells_gains(small):
    start = to_cells(small, small.placement, placement_order(small, "area"))
    config = SearchConfig(moves=100_000, on_cells=True)
    found = search(small, start, config)
    hard = small.netlist.is_hard
    assert np.count_nonzero(found.placement.x[hard] != start.x[hard]) > hard.sum() / 2
    assert found.costs.proxy_cost < 0.9 * CostModel(small.netlist, small.canvas).evaluate(start).proxy_cost


def test_macros_too_large_for_the_canvas_are_not_put_on_cells(small):
    netlist = replace(small.netlist, size=np.where(small.netlist.is_hard, 0.4 * small.canvas.width, small.netlist.size))
    assert to_cells(replace(small, netlist=netlist), small.placement, placement_order(small, "area")) is None


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
    """800 macros of six sizes."""
    kinds = rng.uniform(2, 6, (2, 6))
    size = kinds[:, rng.integers(0, 6, 800)]
    return on_square(size, float(np.sqrt(np.sum(size[0] * size[1]) / utilisation)), rng)


def on_square(size, side, rng):
    """Hard macros of these sizes anywhere on a square canvas."""
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
    with pytest.raises(NetlistError, match="found no legal place for macro"):
        legalize(replace(small, canvas=crowded), small.placement)


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1))
def test_macros_of_one_size_keep_halos_of_their_own(seed):
    """Packed tightly, two of them with wide halos: none takes a place that was made for a narrow one."""
    rng = np.random.default_rng(seed)
    design = on_square(np.full((2, 8), 10.0), float(rng.uniform(37, 42)), rng)
    design = constrain(design, Constraints((MacroRule("m0", 4.0), MacroRule("m5", 4.0))))
    try:
        legal = legalize(design, design.placement)
    except NetlistError as error:
        if "found no legal place" not in str(error):
            raise
        return
    assert violations(design.netlist, design.canvas, legal) == []


def test_moves_are_as_many_as_asked(small):
    for moves in (1, 100, 61):
        assert search(small, small.placement, SearchConfig(moves=moves, start_temperature=1e-5)).moves == moves


def test_a_budget_of_several_anneals_keeps_the_best(small, monkeypatch):
    monkeypatch.setattr("env.search.ANNEAL_MOVES", 100)
    one = 100 * len(small.netlist.size[0][movable_macros(small)])
    for threads in (1, 2):
        budgets = [(one // threads) * anneals for anneals in (1, 2, 5)]
        runs = [search(small, small.placement, SearchConfig(moves=moves, threads=threads)) for moves in budgets]
        assert [run.moves for run in runs] == [moves * threads for moves in budgets]
        costs = [run.costs.proxy_cost for run in runs]
        assert costs[0] > costs[2]
        assert costs == sorted(costs, reverse=True)
        assert violations(small.netlist, small.canvas, runs[2].placement) == []


def test_of_anneals_every_further_two_are_twice_as_long(small, monkeypatch):
    monkeypatch.setattr("env.search.ANNEAL_MOVES", 100)
    one = 100 * len(small.netlist.size[0][movable_macros(small)])
    for length, anneals in ((1, 1), (2, 2), (4, 3), (6, 4), (10, 5)):
        assert len(search(small, small.placement, SearchConfig(moves=length * one)).trace) == anneals * SLICES


def test_what_is_left_of_a_budget_goes_to_the_best(small, monkeypatch):
    monkeypatch.setattr("env.search.ANNEAL_MOVES", 500)
    one = 500 * len(small.netlist.size[0][movable_macros(small)])
    start = CostModel(small.netlist, small.canvas).evaluate(small.placement).proxy_cost
    trace = search(small, small.placement, SearchConfig(moves=one * 7 // 5)).trace
    first, rest = trace[:SLICES], trace[SLICES:]
    assert len(rest) == SLICES
    assert rest[0].proxy_cost - first[-1].proxy_cost < 0.5 * (start - first[-1].proxy_cost)


def test_anneals_bounded_by_moves_do_not_depend_on_the_seconds(small, monkeypatch):
    monkeypatch.setattr("env.search.ANNEAL_MOVES", 20)
    configs = [SearchConfig(seconds=seconds, start_temperature=3e-4) for seconds in (1.5, 2.5)]
    traces = [search(small, small.placement, config).trace for config in configs]
    short, long = ([point.proxy_cost for point in trace[: 2 * SLICES]] for trace in traces)
    assert short == long
    assert len(set(short)) > SLICES
    assert 1.2 < traces[0][-1].seconds < 2.0
    assert 2.2 < traces[1][-1].seconds < 3.0


@pytest.mark.parametrize("budget", [{"moves": 1000}, {"seconds": 5.0}])
def test_with_nothing_to_move_a_search_is_over_at_once(small, budget):
    began = time.monotonic()
    for threads in (1, 2):
        config = SearchConfig(**budget, threads=threads)
        found = search(small, small.placement, config, movable=np.asarray(small.netlist.is_port))
        assert found.placement == small.placement
        assert found.moves == 0
    assert time.monotonic() - began < 3


def test_an_interrupted_search_keeps_what_it_found_and_says_so(small):
    def stop(share, *_):
        if share > 0.5:
            raise KeyboardInterrupt

    found = search(small, small.placement, SearchConfig(moves=20_000), listener=stop)
    assert found.interrupted
    assert found.moves < 15_000
    assert found.start is small.placement
    assert found.costs.proxy_cost < CostModel(small.netlist, small.canvas).evaluate(small.placement).proxy_cost


def test_an_orientation_that_is_allowed_may_make_a_macro_fit():
    design = on_square(np.array([[20.0], [80.0]]), 100.0, np.random.default_rng(0))
    flat = replace(design, canvas=Canvas(100, 50, 10, 5))
    with pytest.raises(NetlistError, match="larger than the canvas"):
        place(flat, seconds=0.5, policy="none", threads=1)
    turned = constrain(flat, Constraints((MacroRule("m0", orientations=("E",)),)))
    assert place(turned, seconds=0.5, policy="none", threads=1).legal


def test_a_search_bounded_by_moves_ends_at_its_limit(small):
    began = time.monotonic()
    found = search(small, small.placement, SearchConfig(moves=100_000_000, limit=0.3, start_temperature=1e-4))
    assert time.monotonic() - began < 2
    assert 0 < found.moves < 100_000_000
    unlimited, limited = (
        search(small, small.placement, SearchConfig(moves=20_000, limit=limit)) for limit in (math.inf, 600.0)
    )
    assert limited.placement == unlimited.placement
