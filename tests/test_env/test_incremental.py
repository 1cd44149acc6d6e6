import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import designs

import netlists
from env import CostModel, _core
from env.cost import core_placement

TERMS = ("wirelength", "wirelength_cost", "density_cost", "congestion_cost")
WEIGHTS = (1.0, 0.5, 0.5)


def start(design):
    model = CostModel(design.netlist, design.canvas)
    return model, _core.IncrementalCost(model.core, core_placement(design.placement), WEIGHTS)


def draw_moves(rng, nodes, canvas, most):
    count = int(rng.integers(1, min(most, len(nodes)) + 1))
    node = rng.choice(nodes, count, replace=False).astype(np.int32)
    x, y = rng.uniform(-3, canvas.width + 3, count), rng.uniform(-3, canvas.height + 3, count)
    return node, x, y, rng.integers(0, 8, count).astype(np.uint8)


def from_scratch(model, design, incremental):
    x, y, orientation = incremental.positions
    costs = model.evaluate(design.placement.replace(x=x, y=y, orientation=orientation))
    return [getattr(costs, term) for term in TERMS]


@given(designs(), st.integers(0, 2**32 - 1))
def test_equals_full_evaluation_after_random_moves(design, seed):
    rng = np.random.default_rng(seed)
    model, incremental = start(design)
    nodes = np.flatnonzero(design.placement.placed)
    for _ in range(30 if len(nodes) else 0):
        incremental.propose(*draw_moves(rng, nodes, design.canvas, 3), np.inf)
        if rng.random() < 0.5:
            incremental.accept()
        else:
            incremental.reject()
    assert np.allclose(incremental.costs, from_scratch(model, design, incremental), rtol=1e-9, atol=1e-9)


def test_reject_restores_every_bit(small):
    _, incremental = start(small)
    rng = np.random.default_rng(0)
    nodes = np.flatnonzero(~small.netlist.is_port)
    before, positions = incremental.costs, incremental.positions
    for _ in range(200):
        assert incremental.propose(*draw_moves(rng, nodes, small.canvas, 5), np.inf)
        incremental.reject()
    assert incremental.costs == before
    assert all(np.array_equal(a, b) for a, b in zip(incremental.positions, positions, strict=True))


def test_limit_refuses_exactly_what_costs_more(small):
    _, incremental = start(small)
    unlimited = incremental.copy()
    rng = np.random.default_rng(1)
    nodes = np.flatnonzero(~small.netlist.is_port)
    limit = float(np.dot(WEIGHTS, incremental.costs[1:]))
    answers = set()
    for _ in range(300):
        moves = draw_moves(rng, nodes, small.canvas, 2)
        unlimited.propose(*moves, np.inf)
        cheap = float(np.dot(WEIGHTS, unlimited.proposed[1:])) <= limit
        unlimited.reject()
        assert incremental.propose(*moves, limit) == cheap
        if cheap:
            incremental.reject()
        answers.add(cheap)
    assert answers == {True, False}


@pytest.mark.parametrize(("hope", "refuses_more"), [(0.0, True), (10.0, False)])
def test_hope_refuses_more_and_changes_no_cost(small, hope, refuses_more):
    _, incremental = start(small)
    unlimited, before = incremental.copy(), incremental.costs
    rng = np.random.default_rng(2)
    nodes = np.flatnonzero(~small.netlist.is_port)
    limit = float(np.dot(WEIGHTS, incremental.costs[1:]))
    num_cheap = num_accepted = 0
    for _ in range(500):
        moves = draw_moves(rng, nodes, small.canvas, 2)
        unlimited.propose(*moves, np.inf)
        costs = unlimited.proposed
        unlimited.reject()
        cheap = float(np.dot(WEIGHTS, costs[1:])) <= limit
        num_cheap += cheap
        if incremental.propose(*moves, limit, hope):
            assert cheap
            assert np.allclose(incremental.proposed, costs, rtol=1e-12)
            incremental.reject()
            num_accepted += 1
        assert incremental.costs == before
    assert 0 < num_accepted <= num_cheap
    assert (num_accepted < num_cheap) == refuses_more


def test_copies_are_independent(small):
    _, incremental = start(small)
    other = incremental.copy()
    before = other.costs
    node = np.flatnonzero(small.netlist.is_hard)[:1].astype(np.int32)
    incremental.propose(node, np.array([0.0]), np.array([0.0]), np.array([3], np.uint8), np.inf)
    incremental.accept()
    assert other.costs == before
    assert incremental.costs != before


def test_unknown_node_is_refused(small):
    _, incremental = start(small)
    with pytest.raises(ValueError, match="not a placed node"):
        incremental.propose(np.array([10**6], np.int32), np.zeros(1), np.zeros(1), np.zeros(1, np.uint8), np.inf)


@pytest.mark.slow
def test_a_million_moves_leave_no_drift(benchmarks):
    folder = benchmarks / "clustered/NanGate45/ariane133"
    design = netlists.read(folder, folder / "legalized.plc")
    model, incremental = start(design)
    rng = np.random.default_rng(0)
    nodes = np.flatnonzero(~design.netlist.is_port)
    for step in range(1_000_000):
        incremental.propose(*draw_moves(rng, nodes, design.canvas, 1), np.inf)
        if step % 2:
            incremental.accept()
        else:
            incremental.reject()
    assert np.allclose(incremental.costs, from_scratch(model, design, incremental), rtol=1e-9, atol=1e-9)
