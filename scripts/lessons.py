"""Synthetic designs to learn from, and what search makes of them: pretraining and the studies share this."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from typing import TypeVar

import numpy as np

from netlists import Design, NetlistError, Placement
from netlists.synthetic import FAMILIES, SyntheticConfig, generate
from netlists.synthetic_nets import log_integer
from placer.imitation import Lesson, make_lesson

SMALL_HARD_RANGE, SMALL_CELLS = (30, 120), (150, 400)
"""Hard macros and least number of grid cells of small designs. Grids of a batch are padded to the largest one: few
large ones would make all slow."""

T = TypeVar("T")


def draw_design(stream: Sequence[int], index: int) -> Design:
    """A small design of a stream, its family in turn; those of different streams are different ones."""
    rng = np.random.default_rng([*stream, index])
    num_hard, cells = log_integer(rng, SMALL_HARD_RANGE), log_integer(rng, SMALL_CELLS)
    return generate(SyntheticConfig(FAMILIES[index % len(FAMILIES)], num_hard, cells=cells), rng)


def draw_designs(stream: Sequence[int], count: int, pool: ProcessPoolExecutor | None = None) -> Iterator[Design]:
    """The first designs of a stream; processes, if given, share the work."""
    draw = partial(draw_design, stream)
    return pool.map(draw, range(count)) if pool else map(draw, range(count))


def of_designs(make: Callable[[int, Design], T], designs: Iterable[Design], threads: int) -> list[T]:
    """What is made of index and design, but for those that have no legal placement; each thread takes one."""

    def made(numbered: tuple[int, Design]) -> T | None:
        try:
            return make(*numbered)
        except NetlistError as error:
            print(f"skipped {numbered[1].name}: {error}", flush=True)
            return None

    with ThreadPoolExecutor(threads) as pool:
        return [found for found in pool.map(made, enumerate(designs)) if found is not None]


def make_lessons(
    designs: Iterable[Design],
    moves: int,
    threads: int,
    seed: int = 0,
    rollout: Callable[[Design], Placement | None] = lambda _: None,
) -> list[Lesson]:
    """Searched placements of the designs.

    Args:
        designs: those without a legal placement are left out.
        moves: of each search.
        threads: designs at the same time; the lessons do not depend on it.
        seed: of the first design's search, counted up from there.
        rollout: where search begins; None: at the analytic placement.
    """

    def lesson_of(index: int, design: Design) -> Lesson:
        lesson = make_lesson(design, moves, seed + index, rollout(design))
        print(f"lesson of {design.name}: proxy cost {lesson.proxy_cost:.4f}", flush=True)
        return lesson

    return of_designs(lesson_of, designs, threads)


def draw_lessons(
    stream: Sequence[int], count: int, moves: int, pool: ProcessPoolExecutor, seed: int = 0
) -> list[Lesson]:
    """The same of the first designs of a stream, in processes: threads do not share the Python that draws designs.

    Args:
        stream, count: see `draw_designs`.
        moves, seed: see `make_lessons`.
        pool: processes to share the work.
    """
    made = pool.map(partial(_drawn_lesson, stream, moves, seed), range(count))
    return [lesson for of_index in made for lesson in of_index]


def _drawn_lesson(stream: Sequence[int], moves: int, seed: int, index: int) -> list[Lesson]:
    return make_lessons([draw_design(stream, index)], moves, threads=1, seed=seed + index)


def processes(jobs: int) -> ProcessPoolExecutor:
    """So many; fresh ones, since torch does not survive a fork."""
    return ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn"))
