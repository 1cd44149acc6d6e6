"""The interface of a placing method."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from env.cost import CostModel
from netlists import Design, Placement


@dataclass(frozen=True)
class Budget:
    """What a method may use."""

    deadline: float
    """`time.monotonic()` at which it must have returned."""
    rng: np.random.Generator
    """The only source of random numbers."""
    threads: int = 1
    """Threads."""
    tell: Callable[[float], None] = lambda _: None
    """To be called now and then with the proxy cost so far: what a user sees of a long run."""

    @property
    def left(self) -> float:
        """Seconds until the deadline, at least 0."""
        return max(0.0, self.deadline - time.monotonic())


class Method(Protocol):
    """Places a design."""

    def __call__(self, design: Design, start: Placement, model: CostModel, budget: Budget) -> Placement:
        """Returns a legal placement; after Ctrl-C the best it has.

        Args:
            design: netlist and canvas; fixed flags as in `start`.
            start: legal, everything placed; a method may ignore where its movable macros lie.
            model: the cost that counts.
            budget: time, random numbers, threads.
        """
        ...
