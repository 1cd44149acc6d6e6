"""What `place` does when it is interrupted, or when a start is not to be had."""

import time
from dataclasses import dataclass

import numpy as np
import pytest
from reference.legality import violations

from env import CostModel
from netlists import NetlistError
from placer import pipeline, place, zero_shot
from placer.baselines import METHODS, Budget


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
    assert found.start == ("given" if seconds else "analytic")
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("what", ["fit_temperature", "soften"])
def test_whatever_is_interrupted_there_is_a_placement(small, monkeypatch, what):
    monkeypatch.setattr(pipeline, what, interrupt)
    found = place(small, seconds=5 if what == "fit_temperature" else 0, policy="none", threads=1)
    assert found.interrupted
    assert found.legal


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


@pytest.mark.parametrize(("policy", "start"), [("none", "analytic"), ("shipped", "policy")])
def test_a_given_placement_that_cannot_be_legalised_is_not_the_end(small, monkeypatch, policy, start):
    def legalize(design, placement, core):
        if placement is design.placement:
            raise NetlistError("found no legal place")
        return real(design, placement, core)

    real = pipeline.legalize
    monkeypatch.setattr(pipeline, "legalize", legalize)
    found = place(small, seconds=3, policy=policy, threads=1)
    assert found.legal
    assert found.start == start
