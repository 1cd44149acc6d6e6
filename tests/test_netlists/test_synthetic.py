import numpy as np
import pytest
from reference.legality import violations

from netlists.samples import SAMPLES, sample_path
from netlists.synthetic import DEGREE_SHARE, FAMILIES, SyntheticConfig, generate


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
