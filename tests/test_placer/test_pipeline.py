"""What `place` does when it is interrupted, or when a start is not to be had."""

import time
from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pytest
from reference.legality import violations
from strategies import tiled_design

from env import CostModel
from netlists import NetlistError
from netlists.synthetic import SyntheticConfig, generate
from placer import pipeline, place, starts, zero_shot
from placer.baselines import METHODS, Budget

NOT_LEARNED = {"analytic", "outward", "edges", "sides", "ends"}


def interrupt(*_, **__):
    raise KeyboardInterrupt


@pytest.mark.parametrize("seconds", [0, 5])
def test_rollouts_that_are_interrupted_leave_the_other_start(small, monkeypatch, seconds):
    monkeypatch.setattr(zero_shot, "roll_out", interrupt)
    began = time.monotonic()
    found = place(small, seconds=seconds, threads=1)
    assert found.interrupted
    assert found.record()["interrupted"]
    assert found.legal
    assert found.start in NOT_LEARNED | {"given"}
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("seconds", [0, 5])
@pytest.mark.parametrize(
    ("module", "what"), [(pipeline, "fit_temperature"), (starts, "place_soft_macros"), (pipeline, "not_learned")]
)
def test_whatever_is_interrupted_there_is_a_placement(small, monkeypatch, module, what, seconds):
    if what == "fit_temperature" and seconds == 0:
        pytest.skip("without a search there is no temperature to fit")
    monkeypatch.setattr(module, what, interrupt)
    found = place(small, seconds=seconds, policy="none", threads=1)
    assert found.interrupted
    assert found.legal


def crowded(family, seed):
    """A synthetic design with packed macros, which takes more routes than its canvas has."""
    return generate(SyntheticConfig(family), np.random.default_rng([0, seed]))


@dataclass(frozen=True)
class Impatient(Budget):
    """Interrupts when it is asked for the third time."""

    asked: tuple[int, ...] = ()

    @property
    def left(self) -> float:
        object.__setattr__(self, "asked", (*self.asked, 1))
        if len(self.asked) == 3:
            raise KeyboardInterrupt
        return super().left


@pytest.mark.parametrize("method", METHODS)
def test_rival_methods_that_are_interrupted_return_what_they_have(small, method):
    model = CostModel(small.netlist, small.canvas)
    budget = Impatient(time.monotonic() + 30, np.random.default_rng(0))
    placement = METHODS[method](small, small.placement, model, budget)
    assert violations(small.netlist, small.canvas, placement) == []
    assert budget.left < 30


@pytest.fixture(scope="module")
def improved(small):
    """The sample with a placement that is better than any start."""
    return small.with_placement(place(small, seconds=3, policy="none", threads=1).placement)


@pytest.mark.parametrize("policy", ["none", "shipped"])
def test_search_goes_on_from_a_given_placement_that_is_any_good(improved, policy):
    given = CostModel(improved.netlist, improved.canvas).evaluate(improved.placement).proxy_cost
    found = place(improved, seconds=3, policy=policy, threads=1)
    assert found.start == "given"
    assert found.costs.proxy_cost <= found.details["starts"]["given"] <= given
    assert set(found.details["starts"]) == {"given", *NOT_LEARNED} | (set() if policy == "none" else {"policy"})


@pytest.mark.parametrize("policy", ["none", "shipped"])
def test_a_given_placement_worse_than_what_nobody_learned_is_not_gone_on_from(policy):
    found = place(crowded("systolic", 13), seconds=8, policy=policy, threads=1)  # enough on a busy machine, too
    starts = found.details["starts"]
    assert found.start == min(starts, key=lambda name: starts[name]) != "given"
    assert found.costs.proxy_cost < starts[found.start]


def test_large_macros_on_a_congested_canvas_are_pulled_to_the_boundary():
    found = place(crowded("accelerator", 37), seconds=3, policy="none", threads=1, from_scratch=True)
    starts = found.details["starts"]
    assert set(starts) == NOT_LEARNED
    assert found.start in NOT_LEARNED - {"analytic"}
    assert starts[found.start] < 0.95 * starts["analytic"]


def test_a_given_placement_is_compared_only_where_that_takes_little_of_the_time(small, monkeypatch):
    monkeypatch.setattr(pipeline, "COMPARED_MACROS", 0)
    found = place(small, seconds=3, policy="none", threads=1)
    assert found.start == "given"
    assert set(found.details["starts"]) == {"given"}


def test_what_training_kept_is_gone_on_from_where_it_is_cheaper():
    def start(cost):
        return starts.Start(None, None, SimpleNamespace(proxy_cost=cost))

    given, kept, policy, analytic, level = (start(cost) for cost in (0.7, 0.6, 0.5, 0.65, 0.69))
    begins_at = starts.search_begins_at
    assert begins_at({"given": given, "kept": kept, "policy": policy}) == "kept"
    assert begins_at({"given": given, "policy": policy}) == "given"
    assert begins_at({"given": given, "analytic": analytic, "policy": policy}) == "policy"
    assert begins_at({"given": given, "analytic": analytic}) == "analytic"
    assert begins_at({"given": given, "analytic": level, "policy": policy}) == "given"
    assert begins_at({"policy": policy}) == "policy"
    assert begins_at({"analytic": analytic, "policy": start(0.64)}) == "analytic"
    assert begins_at({"analytic": analytic, "policy": start(0.62)}) == "policy"


@pytest.mark.parametrize("policy", ["none", "shipped"])
def test_a_given_placement_that_cannot_be_legalised_is_not_the_end(small, monkeypatch, policy):
    def legalize(design, placement, core):
        if placement is design.placement:
            raise NetlistError("found no legal place")
        return real(design, placement, core)

    real = starts.legalize
    monkeypatch.setattr(starts, "legalize", legalize)
    found = place(small, seconds=3, policy=policy, threads=1)
    assert found.legal
    assert "given" not in found.details["starts"]


@pytest.mark.parametrize("policy", ["none", "shipped"])
def test_the_policy_alone_leaves_a_given_placement_where_nothing_else_is_legal(policy):
    packed = tiled_design(seed=0, count=60, gap=0.2)
    with pytest.raises(NetlistError, match="no legal place"):
        place(packed, seconds=0, policy=policy, threads=1, from_scratch=True)
    found = place(packed, seconds=0, policy=policy, threads=1)
    assert (found.legal, found.start) == (True, "given")


@pytest.mark.parametrize("policy", ["none", "shipped"])
def test_a_fine_grid_takes_no_more_time_than_there_is(small, policy):
    fine = replace(small, canvas=replace(small.canvas, rows=128, cols=128))
    began = time.monotonic()
    found = place(fine, seconds=2, policy=policy, threads=1)
    assert found.legal
    assert time.monotonic() - began < 2 + 2
    assert policy == "none" or ("policy" in found.details["starts"]) != ("left out" in found.details.get("note", ""))


def test_a_port_without_a_position_is_no_fault_of_the_macros(small):
    placed = small.placement.placed.copy()
    placed[np.flatnonzero(small.netlist.is_port)[0]] = False
    assert place(small.with_placement(small.placement.replace(placed=placed)), seconds=1, policy="none").legal
