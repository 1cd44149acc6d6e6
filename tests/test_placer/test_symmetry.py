from dataclasses import replace
from itertools import product

import numpy as np
import pytest

import netlists
from env.episodes import Episodes, FloorplanConfig, Task
from netlists.samples import sample_path
from placer.features import MAP_CHANNELS, WIRE_MASK, PolicyTask, describe, spread_cells
from placer.imitation import Lesson
from placer.symmetry import Symmetry

SYMMETRIES = [Symmetry(*flags) for flags in product((False, True), repeat=3)]
CONFIG = FloorplanConfig(soft_rounds=0)
WHOLE_CELLS = replace(CONFIG, whole_cells=True)


def turned_task(task, symmetry):
    """The task of a netlist that really is mirrored and turned."""
    design, netlist, canvas = task.design, task.design.netlist, task.design.canvas
    sides = np.array([[canvas.width], [canvas.height]])
    mirror = np.array([[symmetry.mirror_x], [symmetry.mirror_y]])
    turn = slice(None, None, -1) if symmetry.transpose else slice(None)

    def moved(placement):
        points = np.stack([placement.x, placement.y])
        x, y = np.where(mirror, sides - points, points)[turn]
        return placement.replace(x=x, y=y)

    offset = np.where(mirror, -netlist.pin_offset, netlist.pin_offset)[turn]
    new_netlist = replace(netlist, size=netlist.size[turn], pin_offset=offset)
    if symmetry.transpose:
        names = [("width", "height"), ("cols", "rows"), ("congestion_cols", "congestion_rows")]
        names += [("routes_hor", "routes_ver"), ("macro_routes_hor", "macro_routes_ver")]
        names += [(b, a) for a, b in names]
        canvas = replace(canvas, **{a: getattr(canvas, b) for a, b in names})
    new_design = replace(design, netlist=new_netlist, canvas=canvas, placement=moved(design.placement))
    return Task.make(new_design, task.config, moved(task.start))


@pytest.mark.parametrize("symmetry", SYMMETRIES)
@pytest.mark.parametrize(
    ("name", "config"), [("cpu_small", CONFIG), ("tiles_small", CONFIG), ("cpu_small", WHOLE_CELLS)]
)
def test_a_turned_observation_is_that_of_the_turned_netlist(name, config, symmetry):
    design = netlists.read(sample_path(name))
    design = replace(design, canvas=replace(design.canvas, cols=14, rows=11))  # not a square
    task = Task.make(design, config)
    read, other = PolicyTask.make(task), PolicyTask.make(turned_task(task, symmetry))
    seen = symmetry.task(read)
    assert (seen.grid, seen.routing_grid) == (other.grid, other.routing_grid)
    macros = np.flatnonzero(design.netlist.is_hard | design.netlist.is_soft)
    assert np.allclose(seen.graph.x[read.graph.node[macros]], other.graph.x[other.graph.node[macros]], atol=1e-6)

    rng, episodes, others = np.random.default_rng(0), Episodes([task], config), Episodes([other.task], config)
    steps = min(6, len(task.order) - 1)
    for step in range(steps + 1):
        observation = episodes.observe()
        if step < steps:
            cell = rng.choice(np.flatnonzero(observation["action_mask"]))
            episodes.step(np.array([cell]))
            others.step(np.flatnonzero(symmetry.choices(np.arange(task.num_cells), read, step) == cell))
    found = describe(seen, np.array([steps]), batched(symmetry.observation(read, observation, steps)))
    expected = describe(other, np.array([steps]), batched(others.observe()))
    hor, ver = 3, 4
    others_maps = [channel for channel in range(MAP_CHANNELS) if channel not in (hor, ver)]
    if config.whole_cells:
        for maps, _ in (found, expected):
            maps[..., WIRE_MASK] *= maps[..., 0]  # the edge of the canvas, where no macro can go, is the other one
    assert np.allclose(found[0][..., others_maps], expected[0][..., others_maps], atol=1e-4)
    assert np.allclose(found[1], expected[1], atol=1e-6)
    # Congestion is near only. Where the bend of an L-shaped route lies depends on how the chip is turned; how many
    # routes cross a line does not, but a route leaves out its upper end: mirrored, it is a cell off, macros are not.
    for channel, along in ((hor, 0), (ver, 1)):
        crossing, expected_crossing = (maps[0][..., channel].sum(axis=along) for maps, _ in (found, expected))
        assert max(np.corrcoef(np.roll(crossing, -off), expected_crossing)[0, 1] for off in (0, 1)) > 0.8


def batched(observation):
    return {name: array[None] for name, array in observation.items()}


def test_a_lesson_turned_shows_its_macros_turned():
    task = PolicyTask.make(Task.make(netlists.read(sample_path("cpu_small")), CONFIG))
    rows, cols = task.grid
    target = np.zeros((rows, cols), np.float32)
    target[1, 3] = 1
    lesson = Lesson(task, [Episodes([task.task], CONFIG).observe()], [target.reshape(-1)], 1.0)
    turned = lesson.turned(Symmetry(mirror_x=True, mirror_y=False, transpose=True))
    assert turned.targets[0].reshape(turned.task.grid)[cols - 1 - 3, 1] == 1
    _, node, cell = spread_cells(task, batched(lesson.observations[0]), cols)
    _, same_node, turned_cell = spread_cells(turned.task, batched(turned.observations[0]), rows)
    assert np.array_equal(node, same_node)
    as_expected = (turned_cell // rows == cols - 1 - cell % cols) & (turned_cell % rows == cell // cols)
    assert as_expected.mean() > 0.9  # all but nodes on the border of two cells
