import pickle
from dataclasses import replace

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from reference import wirelength
from reference.legality import violations

import env as env_package
from env import INFEASIBLE_REWARD, CostModel, FloorplanConfig, FloorplanEnv, FloorplanVectorEnv, graph
from env.episodes import Episodes, Task
from netlists import Blockage, NetlistError
from netlists.orientation import turn_size


def play(environment, rng, steps=None):
    """A random masked episode: actions, rewards, last info."""
    observation, _ = environment.reset(seed=0)
    actions, rewards = [], []
    while True:
        action = rng.choice(np.flatnonzero(observation["action_mask"]))
        observation, reward, terminated, _, info = environment.step(action)
        actions.append(action)
        rewards.append(reward)
        if terminated or len(actions) == steps:
            return actions, rewards, info


def test_gymnasium_check(sample):
    assert env_package.ENV_ID in gymnasium.registry
    env_package.register()  # once more does no harm
    check_env(gymnasium.make(env_package.ENV_ID, design=sample, render_mode="rgb_array").unwrapped)


def test_same_actions_same_episode(sample):
    first, second = FloorplanEnv(sample), FloorplanEnv(sample)
    actions, rewards, info = play(first, np.random.default_rng(0))
    second.reset(seed=0)
    for action, reward in zip(actions, rewards, strict=True):
        observation, found, *_, last = second.step(action)
        assert found == reward
    assert last["costs"] == info["costs"]
    assert first.placement == second.placement
    assert observation["macro"] == len(actions)


@pytest.mark.parametrize("episodes", [20, pytest.param(1000, marks=pytest.mark.slow)])
def test_random_episodes_end_legal(sample, episodes):
    environment = FloorplanEnv(sample)
    rng = np.random.default_rng(1)
    for _ in range(episodes):
        _, _, info = play(environment, rng)
        assert "infeasible" in info or violations(sample.netlist, sample.canvas, environment.placement) == []


def test_final_costs_are_those_of_the_placement(sample):
    environment = FloorplanEnv(sample)
    _, rewards, info = play(environment, np.random.default_rng(2))
    costs = CostModel(sample.netlist, sample.canvas).evaluate(environment.placement)
    assert info["costs"]["proxy_cost"] == pytest.approx(costs.proxy_cost, rel=1e-12)
    assert sum(rewards) == pytest.approx(-costs.proxy_cost, rel=1e-12)


def test_shaping_leaves_the_sum_unchanged(sample):
    sparse, shaped = (FloorplanEnv(sample, FloorplanConfig(shaped=flag)) for flag in (False, True))
    _, rewards, _ = play(sparse, np.random.default_rng(3))
    _, spread, _ = play(shaped, np.random.default_rng(3))
    assert np.count_nonzero(rewards) == 1
    assert np.count_nonzero(spread) > len(spread) // 2
    assert sum(spread) == pytest.approx(sum(rewards), rel=1e-9)


def with_constraints(design):
    """A halo, a blockage, fixed macros (apart from one another) and turned ones."""
    from env import legalize

    hard = np.flatnonzero(design.netlist.is_hard)
    width, height = design.canvas.width, design.canvas.height
    canvas = replace(design.canvas, halo=0.01 * width, blockages=(Blockage(0, 0, 0.15 * width, 0.1 * height),))
    orientation = design.placement.orientation.copy()
    orientation[hard[::3]] = 5
    constrained = replace(design, canvas=canvas)
    placement = legalize(constrained, design.placement.replace(orientation=orientation))
    fixed = placement.fixed.copy()
    fixed[hard[:3]] = True
    return constrained.with_placement(placement.replace(fixed=fixed))


@pytest.mark.parametrize("whole_cells", [False, True])
def test_masks_equal_brute_force_under_constraints(small, whole_cells):
    design = with_constraints(small)
    environment = FloorplanEnv(design, FloorplanConfig(whole_cells=whole_cells))
    rng = np.random.default_rng(4)
    observation, _ = environment.reset()
    canvas = design.canvas
    sides = np.array([canvas.cell_width, canvas.cell_height])
    for node in environment.task.order[:8]:
        taken = np.ceil((turned_size(design, node) + canvas.halo) / sides)
        offset = np.where(taken % 2 == 0, -0.5, 0.0) if whole_cells else np.zeros(2)
        x, y, placed = (getattr(environment.placement, name).copy() for name in ("x", "y", "placed"))
        before = wirelength_of_placed(design, environment.placement)
        scale = (canvas.width + canvas.height) * design.netlist.net_weight.sum()
        placed[node] = True
        for cell in rng.choice(canvas.rows * canvas.cols, 60, replace=False):
            x[node] = (cell % canvas.cols + 0.5 + offset[0]) * canvas.cell_width
            y[node] = (cell // canvas.cols + 0.5 + offset[1]) * canvas.cell_height
            tried = environment.placement.replace(x=x, y=y, placed=placed)
            assert observation["action_mask"][cell] == (violations(design.netlist, canvas, tried) == [])
            increase = (wirelength_of_placed(design, tried) - before) / scale
            assert observation["wire_mask"][cell] == pytest.approx(increase, abs=1e-6)
        legal = np.flatnonzero(observation["action_mask"])
        observation, *_ = environment.step(rng.choice(legal))


def turned_size(design, node):
    """Width and height of a macro as it lies."""
    return turn_size(design.netlist.size[:, [node]], design.placement.orientation[[node]])[:, 0]


@pytest.mark.parametrize(("whole_cells", "columns", "room_for_another"), [(True, [1, 2, 3], [3]), (False, [1, 2], [])])
def test_macros_on_whole_cells_fill_the_canvas(small, whole_cells, columns, room_for_another):
    """Two macros of 2 x 3 cells on a grid of 4 x 3: on centres of cells there is no room for the second."""
    canvas = replace(small.canvas, cols=4, rows=3)
    nodes = np.flatnonzero(small.netlist.is_hard)
    size = np.full_like(small.netlist.size, 1e-3)
    size[:, nodes[:2]] = [[1.99 * canvas.cell_width], [2.99 * canvas.cell_height]]
    design = replace(small, canvas=canvas, netlist=replace(small.netlist, size=size))
    environment = FloorplanEnv(design, FloorplanConfig(whole_cells=whole_cells))
    observation, _ = environment.reset()
    assert np.flatnonzero(observation["action_mask"]).tolist() == [4 + col for col in columns]
    observation, *_ = environment.step(np.int64(4 + columns[0]))
    assert np.flatnonzero(observation["action_mask"]).tolist() == [4 + col for col in room_for_another]


def wirelength_of_placed(design, placement):
    """Weighted half-perimeters over the pins of placed nodes."""
    netlist = design.netlist
    position = wirelength.pin_positions(netlist, placement)
    total = 0.0
    for net in range(netlist.num_nets):
        pins = netlist.net_pin[netlist.net_start[net] : netlist.net_start[net + 1]]
        pins = pins[placement.placed[netlist.pin_node[pins]]]
        if len(pins):
            total += netlist.net_weight[net] * np.ptp(position[:, pins], axis=1).sum()
    return total


def test_maps_at_the_end_are_those_of_the_cost_model(sample):
    environment = FloorplanEnv(sample)
    _, _, _ = play(environment, np.random.default_rng(5), steps=len(environment.task.order) - 1)
    observation = environment._observe()
    placement = environment.placement
    maps = CostModel(sample.netlist, sample.canvas).maps(placement)
    assert observation["density"] == pytest.approx(maps.density.ravel(), abs=1e-5)


def test_illegal_action_raises(small):
    environment = FloorplanEnv(small)
    observation, _ = environment.reset()
    with pytest.raises(ValueError, match="illegal"):
        environment.step(np.int64(np.flatnonzero(observation["action_mask"] == 0)[0]))
    with pytest.raises(ValueError, match="illegal"):
        environment.step(np.int64(10**6))


def test_macros_are_placed_in_the_order_that_is_given(small):
    order = np.random.default_rng(0).permutation(np.flatnonzero(small.netlist.is_hard)).tolist()
    environment = FloorplanEnv(small, FloorplanConfig(order=order))
    observation, _ = environment.reset()
    environment.step(np.int64(np.flatnonzero(observation["action_mask"])[0]))
    placed = np.flatnonzero(environment.placement.placed & small.netlist.is_hard)
    assert placed.tolist() == order[:1]
    with pytest.raises(ValueError, match="each movable hard macro once"):
        FloorplanEnv(small, FloorplanConfig(order=order[1:]))


def test_an_illegal_action_leaves_every_episode_where_it_is(small):
    vector = FloorplanVectorEnv([small, small])
    observation, _ = vector.reset()
    legal = np.flatnonzero(observation["action_mask"][: small.canvas.rows * small.canvas.cols])[0]
    with pytest.raises(ValueError, match="episode 1 is illegal"):
        vector.step(np.array([legal, -1]))
    assert vector.episodes.steps().tolist() == [0, 0]


def test_design_that_cannot_be_placed_ends_with_the_named_reward(small):
    # Wide halos: after some macros no cell is left for the next one.
    crowded = replace(small, canvas=replace(small.canvas, halo=0.2 * small.canvas.width))
    _, rewards, info = play(FloorplanEnv(crowded, FloorplanConfig(shaped=True)), np.random.default_rng(0))
    assert info["infeasible"]
    assert sum(rewards) == pytest.approx(INFEASIBLE_REWARD)


def test_nothing_to_place_is_an_error(small):
    fixed = small.with_placement(small.placement.replace(fixed=np.ones(len(small.placement), bool)))
    with pytest.raises(NetlistError, match="no movable hard macro"):
        FloorplanEnv(fixed)


def test_vector_env_equals_single_envs(sample, small):
    config = FloorplanConfig(shaped=True)
    vector = FloorplanVectorEnv([sample, small, sample], config, num_threads=2)
    singles = [FloorplanEnv(design, config) for design in (sample, small, sample)]
    rng = np.random.default_rng(6)
    observation, _ = vector.reset(seed=0)
    parts = [single.reset()[0] for single in singles]
    for _ in range(60):
        actions = np.array([rng.choice(np.flatnonzero(part["action_mask"])) for part in parts])
        observation, rewards, ended, _, info = vector.step(actions)
        for i, single in enumerate(singles):
            parts[i], reward, terminated, _, single_info = single.step(actions[i])
            assert (rewards[i], ended[i]) == (reward, terminated)
            if terminated:
                assert info["final_info"][i]["costs"] == single_info["costs"]
                for name, array in info["final_obs"][i].items():
                    assert np.array_equal(array, parts[i][name])
                parts[i] = single.reset()[0]
            flat = {k: v for k, v in observation.items() if k != "macro"}
            assert observation["macro"][i] == parts[i]["macro"]
            for name, array in vector.episodes.slice(flat, i).items():
                assert np.array_equal(array, parts[i][name])
    assert vector.observation_space.contains(observation)


def test_graph_is_linear_in_pins_and_symmetric(sample):
    made = graph(sample)
    hard_and_soft = int((~sample.netlist.is_port).sum())
    assert hard_and_soft < len(made.x) <= hard_and_soft + 64
    assert made.edge_index.shape[1] <= 2 * len(sample.netlist.net_pin)
    pairs = {tuple(edge) for edge in made.edge_index.T.tolist()}
    assert pairs == {(b, a) for a, b in pairs}
    assert np.isfinite(made.x).all()
    assert made.node.max() == len(made.x) - 1


def test_an_episode_whose_first_macro_fits_nowhere_ends_at_once(small):
    canvas = replace(small.canvas, blockages=(Blockage(0, 0, small.canvas.width, small.canvas.height),))
    environment = FloorplanEnv(replace(small, canvas=canvas))
    observation, _ = environment.reset()
    assert not observation["action_mask"].any()
    _, reward, terminated, _, info = environment.step(environment.action_space.sample())
    assert terminated
    assert info["infeasible"]
    assert reward == INFEASIBLE_REWARD


def test_blockages_may_reach_far_beyond_the_canvas(small):
    """A box of 1e11 um would be cells beyond what an int holds."""
    masks = []
    for reach in (small.canvas.width, 1e11):
        canvas = replace(small.canvas, blockages=(Blockage(0, 0, reach, 0.4 * small.canvas.height),))
        masks.append(FloorplanEnv(replace(small, canvas=canvas)).reset(seed=0)[0]["action_mask"])
    assert np.array_equal(*masks)
    assert 0 < masks[0].sum() < masks[0].size


def test_a_pickled_task_plays_the_same_episode(small):
    config = FloorplanConfig(order="connections", soft_rounds=1, soft_moves=100)
    task = Task.make(small, config)
    ends = []
    for copy in (task, pickle.loads(pickle.dumps(task))):
        episodes = Episodes([copy], config)
        for _ in copy.order:
            outcome = episodes.step(np.array([episodes.observe()["action_mask"].argmax()]))
        ends.append((episodes.placement(0), outcome.reward.tolist()))
    assert ends[0] == ends[1]
    assert ends[0][0].placed.all()
