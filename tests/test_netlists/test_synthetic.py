import numpy as np
import pytest
from reference.legality import violations

from env.graph import graph
from netlists.grid import empty_share
from netlists.samples import SAMPLES, sample_path
from netlists.synthetic import CELLS, FAMILIES, SyntheticConfig, generate
from netlists.synthetic_nets import DEGREE_SHARE


@pytest.mark.parametrize("family", FAMILIES)
def test_designs_are_legal_reproducible_and_in_range(family):
    for seed in range(4):
        design = generate(SyntheticConfig(family), np.random.default_rng(seed))
        again = generate(SyntheticConfig(family), np.random.default_rng(seed))
        assert (design.netlist, design.canvas, design.placement) == (again.netlist, again.canvas, again.placement)
        assert violations(design.netlist, design.canvas, design.placement) == []
        area = np.prod(design.netlist.size, axis=0).sum() / (design.canvas.width * design.canvas.height)
        assert 0.2 < area < 0.95
        degree = np.diff(design.netlist.net_start)
        assert 0.3 < np.mean(degree == 2) < 0.95
        assert degree.max() > len(DEGREE_SHARE)


def test_hard_macros_meet_soft_ones_only(sample):
    netlist = sample.netlist
    for net in range(netlist.num_nets):
        nodes = netlist.pin_node[netlist.net_pin[netlist.net_start[net] : netlist.net_start[net + 1]]]
        if netlist.is_hard[nodes].any():
            assert netlist.is_soft[nodes].any()
            assert not netlist.is_port[nodes].any()


@pytest.mark.parametrize("family", FAMILIES)
def test_netlists_are_connected_as_real_ones_are(family):
    """Real clustered ones: 17 to 28 neighbours of a soft macro, spread .47 to .62 of that; 1.2 to 6 of a hard one."""
    figures = []
    for seed in range(4):
        design = generate(SyntheticConfig(family, 60, 400), np.random.default_rng(seed))
        made, soft, hard = graph(design, design.placement), design.netlist.is_soft, design.netlist.is_hard
        neighbours = np.bincount(made.edge_index[0], minlength=len(made.x))[made.node]
        connections = np.bincount(made.edge_index[0], made.edge_weight, len(made.x))[made.node]
        area = np.log(design.netlist.size.prod(axis=0)[soft])
        with_area = np.corrcoef(area, np.log1p(connections[soft]))[0, 1]
        of_soft = neighbours[soft]
        figures.append((of_soft.mean(), of_soft.std() / of_soft.mean(), neighbours[hard].mean(), with_area))
    of_soft, spread, of_hard, with_area = np.mean(figures, axis=0)
    assert 15 < of_soft < 35
    assert 0.35 < spread < 0.7
    assert 1.2 < of_hard < 6
    assert 0.3 < with_area < 0.8


def test_grids_suit_the_macros():
    """On real designs macros, packed, touch 1.09 to 1.20 times the cells that their area comes to."""
    touched = []
    for seed in range(20):
        config = SyntheticConfig(FAMILIES[seed % len(FAMILIES)], 30, 100, cells=300 if seed % 2 else None)
        design = generate(config, np.random.default_rng(seed))
        canvas, size = design.canvas, design.netlist.size[:, design.netlist.is_hard]
        assert canvas.cols * canvas.rows >= (config.cells or CELLS[0])
        empty = empty_share(canvas.width, canvas.height, size, canvas.cols, canvas.rows)
        touched.append((1 - empty) / (np.prod(size, axis=0).sum() / (canvas.width * canvas.height)))
    assert max(touched) < 1.5
    assert np.mean(touched) < 1.3


def test_families_differ():
    designs = [generate(SyntheticConfig(family, 24, 100), np.random.default_rng(1)) for family in FAMILIES]
    assert len({design.netlist.net_pin.tobytes() for design in designs}) == len(FAMILIES)


def test_counts_are_as_asked():
    design = generate(SyntheticConfig("tiles", num_hard=30, num_soft=120), np.random.default_rng(0))
    assert design.netlist.is_hard.sum() == 30
    assert design.netlist.is_soft.sum() == 120


def test_wrong_settings_and_samples():
    with pytest.raises(ValueError, match="expected one of cpu"):
        generate(SyntheticConfig("gpu"), np.random.default_rng(0))
    with pytest.raises(ValueError, match="at least 1 hard"):
        generate(SyntheticConfig(num_hard=0), np.random.default_rng(0))
    with pytest.raises(ValueError, match=SAMPLES[0]):
        sample_path("none")


@pytest.mark.parametrize(("hard", "soft"), [(1, 1), (1, 2), (5, 1)])
def test_few_macros_are_a_design_too(hard, soft):
    design = generate(SyntheticConfig("mixed", hard, soft), np.random.default_rng(0))
    assert (design.netlist.is_hard.sum(), design.netlist.is_soft.sum()) == (hard, soft)
    assert design.netlist.num_nets > 0
