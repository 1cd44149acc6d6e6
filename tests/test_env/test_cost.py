import numpy as np
import pytest
from hypothesis import given
from reference import congestion, density, wirelength
from strategies import designs

import netlists
from env import CostModel, CostWeights
from netlists import Canvas, Design, Netlist, Placement

PLACEMENTS = [
    (design, name)
    for design in (
        "NanGate45/ariane133",
        "NanGate45/ariane136",
        "NanGate45/mempool_tile",
        "NanGate45/nvdla",
        "ASAP7/ariane136",
    )
    for name in ("initial", "legalized")
    if (design, name) != ("NanGate45/mempool_tile", "legalized")
]


def close(found, expected):
    return np.allclose(found, expected, rtol=1e-9, atol=1e-9)


@given(designs())
def test_wirelength_equals_twin(design):
    args = design.netlist, design.canvas, design.placement
    costs = CostModel(*args[:2]).evaluate(args[2])
    assert close(costs.wirelength, wirelength.wirelength(*args))
    assert close(costs.wirelength_cost, wirelength.wirelength_cost(*args))


@given(designs())
def test_density_equals_twin(design):
    args = design.netlist, design.canvas, design.placement
    model = CostModel(*args[:2])
    assert close(model.maps(args[2]).density, density.density_map(*args))
    assert close(model.evaluate(args[2]).density_cost, density.density_cost(*args))


@given(designs())
def test_congestion_equals_twin(design):
    args = design.netlist, design.canvas, design.placement
    model = CostModel(*args[:2])
    maps, (hor, ver) = model.maps(args[2]), congestion.congestion_maps(*args)
    assert close(maps.congestion_hor, hor)
    assert close(maps.congestion_ver, ver)
    assert close(model.evaluate(args[2]).congestion_cost, congestion.congestion_cost(*args))


@given(designs())
def test_threads_do_not_change_costs(design):
    model = CostModel(design.netlist, design.canvas)
    moved = [design.placement.replace(x=design.placement.x + step) for step in range(5)]
    assert model.evaluate_many(moved, threads=3) == [model.evaluate(placement) for placement in moved]


def test_proxy_cost_is_the_weighted_sum(small):
    costs = CostModel(small.netlist, small.canvas, CostWeights(2.0, 3.0, 5.0)).evaluate(small.placement)
    total = 2 * costs.wirelength_cost + 3 * costs.density_cost + 5 * costs.congestion_cost
    assert costs.proxy_cost == pytest.approx(total, rel=1e-12)


def ports(cells: list[tuple[int, int]], weight: float = 1.0) -> Design:
    """Ports in the middle of cells (row, col) of a 10 x 10 grid of 1 um; one net, driven by the first."""
    count = len(cells)
    index = np.arange(count)
    netlist = Netlist(
        node_name=tuple(f"p{i}" for i in index),
        kind=np.zeros(count),
        size=np.zeros((2, count)),
        node_index=index,
        pin_name=tuple(f"p{i}" for i in index),
        pin_node=index,
        pin_offset=np.zeros((2, count)),
        pin_index=index,
        net_start=[0, count],
        net_pin=index,
        net_weight=[weight],
    )
    row, col = np.array(cells, float).T
    flags = np.ones(count, bool)
    return Design(
        netlist, Canvas(10, 10, 10, 10, 1, 1, 0, 0), Placement(col + 0.5, row + 0.5, np.zeros(count), flags, flags)
    )


def routes(design: Design) -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
    """Cells (row, col) with horizontal and with vertical demand."""
    maps = CostModel(design.netlist, design.canvas).maps(design.placement)
    return tuple(
        {(int(r), int(c)) for r, c in np.argwhere(part > 0)} for part in (maps.congestion_hor, maps.congestion_ver)
    )


def test_two_cells_are_an_l_with_the_bend_in_the_sinks_column():
    # From (1, 5) to (4, 2): row 1 over columns [2, 5), then column 2 over rows [1, 4).
    assert routes(ports([(1, 5), (4, 2)])) == ({(1, 2), (1, 3), (1, 4)}, {(1, 2), (2, 2), (3, 2)})


def test_three_cells_on_a_staircase():
    # (0,0) (2,3) (4,5): row 0 [0,3), row 2 [3,5), column 3 [0,2), column 5 [2,4).
    hor, ver = routes(ports([(2, 3), (0, 0), (4, 5)]))
    assert hor == {(0, 0), (0, 1), (0, 2), (2, 3), (2, 4)}
    assert ver == {(0, 3), (1, 3), (2, 5), (3, 5)}


def test_three_cells_with_the_right_ones_in_a_column_above():
    # (0,0) (2,4) (5,4): row 0 [0,4), column 4 [0,5).
    assert routes(ports([(0, 0), (2, 4), (5, 4)])) == ({(0, c) for c in range(4)}, {(r, 4) for r in range(5)})


def test_three_cells_with_the_right_ones_in_a_row():
    # By (col, row): (5,0) (2,3) (2,6): row 5 [0,3), row 2 [3,6), column 3 [2,5).
    hor, ver = routes(ports([(5, 0), (2, 3), (2, 6)]))
    assert hor == {(5, 0), (5, 1), (5, 2), (2, 3), (2, 4), (2, 5)}
    assert ver == {(2, 3), (3, 3), (4, 3)}


def test_three_cells_otherwise_share_the_middle_row():
    # By (row, col): (0,3) (2,0) (4,5): row 2 [0,5), column 3 [0,2), column 5 [2,4).
    hor, ver = routes(ports([(2, 0), (0, 3), (4, 5)]))
    assert hor == {(2, c) for c in range(5)}
    assert ver == {(0, 3), (1, 3), (2, 5), (3, 5)}


def test_demand_of_a_light_net_counts_as_one():
    design = ports([(0, 0), (0, 1)], weight=0.25)
    maps = CostModel(design.netlist, design.canvas).maps(design.placement)
    assert maps.congestion_hor[0, 0] == pytest.approx(1.0)


@pytest.mark.parametrize(("design", "name"), PLACEMENTS)
def test_benchmark_costs_equal_the_original_binarys(benchmarks, expected, design, name):
    folder = benchmarks / "clustered" / design
    read = netlists.read(folder, folder / f"{name}.plc")
    costs = CostModel(read.netlist, read.canvas).evaluate(read.placement)
    golden = expected[design][name]
    assert costs.wirelength == pytest.approx(golden["unrounded"]["wirelength"], rel=1e-6)
    assert costs.wirelength == pytest.approx(golden["printed_by_the_original_binary"]["wirelength"], rel=1e-6)
    for term in ("wirelength_cost", "density_cost", "congestion_cost"):
        assert getattr(costs, term) == pytest.approx(golden["unrounded"][term], abs=1e-6)
        assert round(getattr(costs, term), 4) == golden["printed_by_the_original_binary"][term]
