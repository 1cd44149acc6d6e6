"""Starts that nobody gave: macros at the boundary."""

import numpy as np
import pytest
from reference.legality import violations
from strategies import tiled_design

from env import analytic_start, legalize
from env.start import pulled_outward


@pytest.fixture
def with_a_fixed_macro(small):
    """The sample, its first hard macro fixed."""
    fixed = small.placement.fixed.copy()
    fixed[np.flatnonzero(small.netlist.is_hard)[0]] = True
    return small.with_placement(small.placement.replace(fixed=fixed))


def test_hard_macros_are_pulled_to_the_boundary_and_nothing_else_moves(with_a_fixed_macro):
    design = with_a_fixed_macro
    analytic = analytic_start(design)
    movable = design.netlist.is_hard & ~design.placement.fixed
    width, height = design.canvas.width, design.canvas.height
    found = pulled_outward(design, analytic)
    assert set(found) == {"outward", "edges", "sides", "ends"}
    for placement in found.values():
        assert np.array_equal(placement.x[~movable], analytic.x[~movable])
        assert np.array_equal(placement.y[~movable], analytic.y[~movable])
        assert np.all((placement.x >= 0) & (placement.x <= width) & (placement.y >= 0) & (placement.y <= height))
        assert violations(design.netlist, design.canvas, legalize(design, placement)) == []
    on_side = {name: np.isin(placement.x[movable], (0, width)) for name, placement in found.items()}
    on_end = {name: np.isin(placement.y[movable], (0, height)) for name, placement in found.items()}
    assert np.all(on_side["sides"])
    assert np.all(on_end["ends"])
    assert np.all(on_side["edges"] ^ on_end["edges"])


def test_each_macro_goes_to_the_side_that_is_nearest(small):
    analytic = analytic_start(small)
    hard = small.netlist.is_hard
    at_x, at_y = analytic.x / small.canvas.width, analytic.y / small.canvas.height
    away = np.abs(pulled_outward(small, analytic)["outward"].x - small.canvas.width / 2)
    assert np.all(away[hard] >= np.abs(analytic.x - small.canvas.width / 2)[hard])
    edges = pulled_outward(small, analytic)["edges"]
    moved = np.abs(edges.x / small.canvas.width - at_x) + np.abs(edges.y / small.canvas.height - at_y)
    nearest = np.min([at_x, 1 - at_x, at_y, 1 - at_y], axis=0)
    assert moved[hard] == pytest.approx(nearest[hard])


@pytest.mark.parametrize(("count", "gap"), [(8, 5.0), (8, 3.0), (15, 2.0), (30, 1.5), (60, 1.0)])
def test_macros_of_many_sizes_find_room_on_a_crowded_canvas(count, gap):
    for seed in range(6):  # 73 to 85 % of the canvas
        design = tiled_design(seed, count, gap)
        assert violations(design.netlist, design.canvas, legalize(design, analytic_start(design))) == []
