"""What the studies in `scripts/` conclude from what they measured."""

import numpy as np
import pytest
from finetune_race import compare
from lessons import make_lessons
from study import lesson_designs


def curve(costs, steps=100):
    """A training curve; None: no episode of the iteration found room."""
    rows = [{"env_steps": (i + 1) * steps} for i in range(len(costs))]
    return [row | ({} if cost is None else {"proxy_cost": cost}) for row, cost in zip(rows, costs, strict=True)]


def test_a_race_is_decided_by_steps_to_what_training_from_scratch_reaches():
    scratch = curve([None, *np.linspace(1.0, 0.8, 27), 0.7, 0.6, 0.8])
    found = compare(scratch, curve([0.8, 0.7, 0.55, 0.5]))
    assert found["reached"] == pytest.approx(0.7)
    assert found["shipped_steps"] == 300
    assert found["scratch_steps"] == found["scratch_steps_in_all"] == 3100
    assert compare(scratch, curve([0.9, 0.9]))["shipped_steps"] is None


def test_lessons_do_not_depend_on_threads():
    one, two = (make_lessons(lesson_designs(2), 500, threads) for threads in (1, 2))
    assert [lesson.proxy_cost for lesson in one] == [lesson.proxy_cost for lesson in two]
    assert [lesson.task.task.design.name for lesson in one] == [lesson.task.task.design.name for lesson in two]
