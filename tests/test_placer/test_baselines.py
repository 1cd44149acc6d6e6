import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.legality import violations
from strategies import constrained_designs, designs

from env import CostModel, legalize
from env.search import SearchConfig, anneal_soft_macros, search
from netlists import NetlistError
from placer.baselines import METHODS, Budget


def search_method(design, start, model, budget):
    return search(design, start, SearchConfig(moves=1000, seed=int(budget.rng.integers(1000))), model).placement


ALL = {**METHODS, "search": search_method}


def run(method, design, start, seed=0, seconds=0.3, **told):
    model = CostModel(design.netlist, design.canvas)
    budget = Budget(time.monotonic() + seconds, np.random.default_rng(seed), **told)
    return ALL[method](design.with_placement(start), start, model, budget), model


@pytest.mark.parametrize("method", ALL)
def test_methods_improve_a_sample_and_end_legal(small, method):
    placement, model = run(method, small, small.placement, seconds=1.5)
    assert violations(small.netlist, small.canvas, placement) == []
    assert model.evaluate(placement).proxy_cost < model.evaluate(small.placement).proxy_cost


@pytest.mark.parametrize("method", METHODS)
def test_methods_tell_how_far_they_are(small, method):
    told = []
    placement, model = run(method, small, small.placement, seconds=1, tell=told.append)
    assert told
    assert model.evaluate(placement).proxy_cost <= min(told) + 1e-6
    assert min(told) < model.evaluate(small.placement).proxy_cost


@pytest.mark.parametrize("method", ["annealing", "descent", "search"])
def test_methods_that_start_from_a_placement_never_end_worse(small, method):
    start, model = run("search", small, small.placement)
    placement, _ = run(method, small, start)
    assert model.evaluate(placement).proxy_cost <= model.evaluate(start).proxy_cost + 1e-12


def test_annealing_improves_hard_macros_among_well_placed_soft_ones(small):
    model = CostModel(small.netlist, small.canvas)
    start = anneal_soft_macros(small, small.placement, model, moves=100_000).placement
    placement, _ = run("annealing", small, start, seconds=2)
    assert model.evaluate(placement).proxy_cost < 0.99 * model.evaluate(start).proxy_cost


@pytest.mark.parametrize("method", ALL)
def test_fixed_macros_stay(small, method):
    fixed = small.placement.fixed.copy()
    fixed[np.flatnonzero(small.netlist.is_hard)[::3]] = True
    start = small.placement.replace(fixed=fixed)
    placement, _ = run(method, small, start)
    assert np.array_equal(placement.x[fixed], start.x[fixed])
    assert np.array_equal(placement.y[fixed], start.y[fixed])
    assert violations(small.netlist, small.canvas, placement) == []


def check_every_method(design, seed, seconds):
    """Whatever the method, nothing illegal comes out; a hard macro may be fixed where it lies."""
    placement = design.placement.replace(placed=np.ones(len(design.placement), bool))
    try:
        start = legalize(design, placement)
    except NetlistError:
        return 0
    rng = np.random.default_rng(seed)
    fixed = start.fixed | (design.netlist.is_hard & (rng.random(len(start)) < 0.2))
    start = start.replace(fixed=fixed)
    for method in ALL:
        found, _ = run(method, design, start, seed, seconds)
        assert violations(design.netlist, design.canvas, found) == [], method
        assert np.array_equal(found.x[fixed], start.x[fixed]), method
        assert np.array_equal(found.orientation[fixed], start.orientation[fixed]), method
    return len(ALL)


@settings(max_examples=25)
@given(st.one_of(designs(legal_halo=True), constrained_designs()), st.integers(0, 1000))
def test_no_method_is_ever_illegal(design, seed):
    check_every_method(design, seed, 0.02)


@pytest.mark.slow
def test_no_illegal_result_in_ten_thousand_runs():
    runs = 0

    @settings(max_examples=3500, database=None)
    @given(st.one_of(designs(legal_halo=True), constrained_designs()), st.integers(0, 10**6))
    def check(design, seed):
        nonlocal runs
        runs += check_every_method(design, seed, 0.004)

    check()
    assert runs >= 10_000
