"""Rival methods in the same harness: `placer place --method NAME`. None of them imports torch."""

from placer.baselines.annealing import anneal_grid
from placer.baselines.descent import descend
from placer.baselines.method import Budget, Method
from placer.baselines.rollouts import greedy_wire_mask, random_legal

METHODS: dict[str, Method] = {
    "random": random_legal,
    "greedy": greedy_wire_mask,
    "annealing": anneal_grid,
    "descent": descend,
}
"""By the name that `--method` takes; add yours here, or pass any `Method` to `placer.place`."""

__all__ = ["METHODS", "Budget", "Method", "anneal_grid", "descend", "greedy_wire_mask", "random_legal"]
