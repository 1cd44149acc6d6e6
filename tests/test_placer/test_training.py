import json
import time
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch

import netlists
from env import CostModel, FloorplanEnv
from env.episodes import FloorplanConfig, Task
from netlists import NetlistError
from netlists.synthetic import SyntheticConfig, generate
from placer.checkpoint import load_checkpoint, save_checkpoint, weights_of
from placer.config import PolicyConfig, PPOConfig, TrainConfig
from placer.features import PolicyTask
from placer.imitation import BestWeights, ImitationConfig, cross_entropy, imitate, make_lesson
from placer.kept import kept_placement
from placer.pipeline import PlaceConfig, place
from placer.policy import Policy
from placer.ppo import CURVE_FILE, POLICY_FILE, STATE_FILE, group_by_grid, train, whole_episodes
from placer.rollout import ppo_loss
from placer.symmetry import Symmetry
from placer.zero_shot import zero_shot

TINY = PolicyConfig(dim=16, layers=2, heads=2, channels=16, blocks=1)


@pytest.fixture(scope="module")
def two_macros():
    return generate(SyntheticConfig("mixed", num_hard=2, num_soft=30, cells=256), np.random.default_rng(2))


def settings(**changes):
    base = TrainConfig(
        envs=4,
        iterations=2,
        minutes=5,
        checkpoint_every=1,
        threads=1,
        policy=TINY,
        ppo=PPOConfig(steps=8, epochs=1, minibatch=16),
        floorplan=FloorplanConfig(shaped=True),
    )
    return replace(base, **changes)


def curve(folder):
    return [json.loads(line) for line in (folder / CURVE_FILE).read_text().splitlines()]


def weights_equal(a, b):
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


def test_a_run_ends_with_the_iteration_that_reaches_its_environment_steps(two_macros, tmp_path):
    train([two_macros], settings(iterations=None, env_steps=33), tmp_path)
    assert [row["env_steps"] for row in curve(tmp_path)] == [32, 64]


def test_designs_take_turns_where_an_iteration_plays_a_part_of_them(two_macros, tmp_path):
    config = settings(designs_at_once=1, designs_each_iteration=1, envs=3)
    for iterations in (2, 3):
        train([two_macros] * 3, replace(config, iterations=iterations), tmp_path)
        assert [row["env_steps"] for row in curve(tmp_path)] == [8, 16, 24][:iterations]
        assert len(list(tmp_path.glob("*.plc"))) == iterations


def test_same_seed_same_weights(small, two_macros, tmp_path):
    runs = [train([small, two_macros], settings(seed=s), tmp_path / str(i)) for i, s in enumerate((1, 1, 2))]
    assert weights_equal(runs[0], runs[1])
    assert not weights_equal(runs[0], runs[2])


def test_designs_of_one_group_and_of_another_learn_in_one_run(small, two_macros, tmp_path):
    tasks = [PolicyTask.make(Task.make(design, FloorplanConfig())) for design in (small, two_macros, small)]
    assert tasks[0].grid < tasks[1].grid
    assert group_by_grid(tasks, 2) == [[0, 2], [1]]
    assert group_by_grid(tasks, 8) == [[0, 2, 1]]
    train([small, two_macros], settings(designs_at_once=1, ppo=PPOConfig(epochs=1, minibatch=16)), tmp_path)
    record = load_checkpoint(tmp_path / POLICY_FILE).record
    assert set(record["progress"]["best"]) == {small.name, two_macros.name}
    whole = [whole_episodes(len(task.order_node)) for task in tasks[:2]]
    assert curve(tmp_path)[0]["env_steps"] == 2 * sum(whole)


def test_a_share_of_the_samples_is_learned_from(small, tmp_path, monkeypatch):
    learned = []

    def counted(logits, *arguments, **named):
        learned.append(len(logits))
        return ppo_loss(logits, *arguments, **named)

    monkeypatch.setattr("placer.ppo.ppo_loss", counted)
    for share, expected in ((1.0, 32), (0.25, 8), (0.01, 1)):
        learned.clear()
        ppo = PPOConfig(steps=8, epochs=1, minibatch=16, sample_share=share)
        train([small], settings(ppo=ppo, iterations=1), tmp_path)
        assert sum(learned) == expected
        assert curve(tmp_path)[0]["env_steps"] == 32


def test_updates_end_once_the_policy_has_moved_far(small, tmp_path):
    made = {}
    for target_kl in (1e-4, 1e9):
        ppo = PPOConfig(steps=8, epochs=2, minibatch=4, learning_rate=1e-2, target_kl=target_kl)
        train([small], settings(ppo=ppo, iterations=1), tmp_path)
        (row,) = curve(tmp_path)
        made[row["gradient_steps"]] = row["approx_kl"]
    (few, few_moved), (every, all_moved) = sorted(made.items())
    assert 1 <= few < every == 2 * 32 // 4
    assert few_moved <= 1e-4 < all_moved


def test_errors_of_the_values_do_not_shorten_the_steps_of_the_policy(small, tmp_path):
    ppo = [PPOConfig(steps=16, epochs=1, minibatch=16, value=value) for value in (0.0, 1e4)]
    few, many = (train([small], settings(ppo=of, iterations=1), tmp_path / str(of.value)) for of in ppo)
    assert weights_equal(few.encoder, many.encoder)
    assert weights_equal(few.policy_head, many.policy_head)
    assert not weights_equal(few.value_head, many.value_head)


def test_resume_goes_on_where_the_run_stood(small, tmp_path):
    train([small], settings(), tmp_path)
    first = load_checkpoint(tmp_path / STATE_FILE)
    with (tmp_path / CURVE_FILE).open("a") as file:
        file.write('{"iteration": 3}\n')  # of a run that was killed before its next checkpoint
    resumed = train([small], settings(iterations=3), tmp_path, resume=True)
    assert [row["iteration"] for row in curve(tmp_path)] == [1, 2, 3]
    assert curve(tmp_path)[2]["env_steps"] == 3 * 4 * 8
    assert not weights_equal(first.policy, resumed)
    assert float(first.state["adam.0.step"]) < float(load_checkpoint(tmp_path / STATE_FILE).state["adam.0.step"])


def test_best_placements_and_curves_are_kept(two_macros, tmp_path):
    train([two_macros], settings(), tmp_path)
    best = load_checkpoint(tmp_path / POLICY_FILE).record["progress"]["best"][two_macros.name]
    canvas, placement = netlists.read_plc(tmp_path / f"{two_macros.name}.plc", two_macros.netlist)
    assert CostModel(two_macros.netlist, canvas).evaluate(placement).proxy_cost == pytest.approx(best, abs=1e-5)
    assert {"proxy_cost", "wirelength_cost", "density_cost", "congestion_cost", "entropy", "value_loss"} <= set(
        curve(tmp_path)[-1]
    )
    assert list((tmp_path / "tensorboard").iterdir())


def test_a_known_placement_is_kept_and_found_again_for_the_same_design_only(two_macros, small, tmp_path):
    known = place(two_macros, seconds=1, policy="none", threads=1)  # searched: no episode of two iterations beats it
    train([two_macros], settings(), tmp_path, known=known.placement)
    record = load_checkpoint(tmp_path / POLICY_FILE).record
    assert record["progress"]["best"][two_macros.name] == pytest.approx(known.costs.proxy_cost)
    kept = kept_placement(tmp_path, record, two_macros)
    model = CostModel(two_macros.netlist, two_macros.canvas)
    assert model.evaluate(kept).proxy_cost == pytest.approx(known.costs.proxy_cost, abs=1e-5)
    placed = place(two_macros, seconds=0, policy=tmp_path, threads=1)  # an annealed rollout may be better
    assert placed.details["starts"]["kept"] == pytest.approx(model.evaluate(kept).proxy_cost)
    assert placed.costs.proxy_cost <= model.evaluate(kept).proxy_cost

    canvas = replace(two_macros.canvas, width=two_macros.canvas.width + 1)
    fixed = np.arange(len(two_macros.placement)) == 0
    moved = two_macros.placement.replace(x=two_macros.placement.x + ~two_macros.placement.fixed)
    assert kept_placement(tmp_path, record, small) is None
    assert kept_placement(tmp_path, record, replace(two_macros, canvas=canvas)) is None
    other = two_macros.placement.replace(fixed=two_macros.placement.fixed ^ fixed)
    assert kept_placement(tmp_path, record, two_macros.with_placement(other)) is None
    assert kept_placement(tmp_path, record, two_macros.with_placement(moved)) is not None
    assert kept_placement(tmp_path / POLICY_FILE, record, two_macros) is None  # a checkpoint without its run


def test_an_iteration_is_whole_episodes():
    assert [whole_episodes(length) for length in (133, 20, 64, 1)] == [133, 80, 64, 64]


def test_checkpoint_round_trip_and_refusals(tmp_path):
    policy = Policy(TINY)
    path = tmp_path / "p.safetensors"
    save_checkpoint(path, policy, {"note": 1}, {"extra": torch.arange(3)})
    loaded = load_checkpoint(path)
    assert weights_equal(policy, loaded.policy)
    assert loaded.record["note"] == 1
    assert loaded.state["extra"].tolist() == [0, 1, 2]
    path.write_bytes(path.read_bytes().replace(b'"version":"1"', b'"version":"9"'))
    with pytest.raises(NetlistError, match="expected a checkpoint of version 1, found 9"):
        load_checkpoint(path)
    path.write_bytes(b"junk")
    with pytest.raises(NetlistError, match="expected a policy checkpoint"):
        load_checkpoint(path)
    with pytest.raises(NetlistError, match="expected a policy checkpoint"):
        load_checkpoint(tmp_path / "none.safetensors")


def test_imitation_learns_what_it_is_shown(small):
    torch.manual_seed(0)
    lesson = make_lesson(small, moves=100_000, seed=0)
    assert len(lesson.targets) == small.netlist.is_hard.sum()
    assert all(np.isclose(target.sum(), 1, atol=1e-4) for target in lesson.targets)
    losses = imitate(Policy(TINY), [lesson], ImitationConfig(epochs=40, learning_rate=5e-3))
    assert losses[-1] < losses[0] - 0.3


def test_a_lesson_of_counted_moves_is_the_same_again(small):
    first, again = (make_lesson(small, moves=2000, seed=0) for _ in range(2))
    assert first.proxy_cost == again.proxy_cost
    assert all(np.array_equal(a, b) for a, b in zip(first.targets, again.targets, strict=True))


def test_imitation_shows_lessons_mirrored_and_turned(small):
    """A policy that saw one lesson in all eight ways foresees it in each of them, not only as it stands."""
    lesson = make_lesson(small, moves=20_000, seed=0)
    ways = [lesson.turned(Symmetry(*flags)) for flags in product((False, True), repeat=3)]

    def loss_of_ways(turn):
        torch.manual_seed(0)
        policy = Policy(TINY)
        config = ImitationConfig(epochs=60, learning_rate=5e-3, turn=turn)
        imitate(policy, [lesson], config)
        return cross_entropy(policy, [lesson], config), cross_entropy(policy, ways, config)

    (one_way, all_ways), (_, turned_all_ways) = loss_of_ways(turn=False), loss_of_ways(turn=True)
    assert one_way < all_ways - 0.1
    assert turned_all_ways < all_ways - 0.1


def test_imitation_ends_when_its_time_is_over(small):
    lesson = make_lesson(small, moves=1000, seed=0)
    passes: list[int] = []
    began = time.monotonic()
    imitate(Policy(TINY), [lesson], ImitationConfig(minutes=0.5 / 60), lambda epoch, _: passes.append(epoch))
    assert len(passes) > 1
    assert 0.5 <= time.monotonic() - began < 5.0


def test_imitation_without_lessons_is_refused():
    with pytest.raises(ValueError, match="at least one lesson"):
        imitate(Policy(TINY), [], ImitationConfig(samples=10))


def test_a_lesson_from_a_rollout_shows_a_better_placement_near_it(small):
    """Expert iteration: search that goes on from a rollout leaves most macros near where the policy put them."""
    torch.manual_seed(3)
    weights = weights_of(Policy(TINY).eval())
    rollout = zero_shot(small, weights, PlaceConfig(threads=1, seed=3), 0.0)[0]
    moves = 1000  # with five times as many on so few macros, search forgets where it began
    lesson = make_lesson(small, moves, seed=0, rollout=rollout)
    assert lesson.proxy_cost < CostModel(small.netlist, small.canvas).evaluate(rollout).proxy_cost
    order, canvas = lesson.task.task.order, small.canvas
    cell = np.array([target.argmax() for target in lesson.targets])
    col, row = rollout.x[order] / canvas.cell_width, rollout.y[order] / canvas.cell_height
    distance = np.hypot(cell % canvas.cols + 0.5 - col, cell // canvas.cols + 0.5 - row)
    anew = np.array([target.argmax() for target in make_lesson(small, moves, seed=0).targets])
    assert distance.mean() < np.hypot(anew % canvas.cols + 0.5 - col, anew // canvas.cols + 0.5 - row).mean()


def test_the_loss_on_lessons_is_what_imitation_lowers(small):
    """However they are batched, and without a change of the policy."""
    torch.manual_seed(0)
    lessons = [make_lesson(small, 1000, seed) for seed in range(3)]
    policy = Policy(TINY)
    before = cross_entropy(policy, lessons, ImitationConfig(minibatch=2, designs_at_once=2))
    (first,) = imitate(policy, lessons, ImitationConfig(epochs=1, minibatch=1000))  # a single step
    assert before == pytest.approx(first, rel=1e-5)
    assert cross_entropy(policy, lessons, ImitationConfig()) < before


def test_imitation_ends_when_it_has_seen_its_samples(small):
    lesson = make_lesson(small, moves=2000, seed=0)
    count, seen, passes = len(lesson.targets), [], []
    policy = Policy(TINY)
    policy.register_forward_pre_hook(lambda _, inputs: seen.append(len(inputs[1].maps)))
    config = ImitationConfig(samples=2 * count + 1, minibatch=max(1, count // 4))
    imitate(policy, [lesson], config, lambda epoch, _: passes.append(epoch))
    assert 2 * count < sum(seen) <= 2 * count + max(seen)
    assert passes == [0, 1, 2]


def test_the_weights_kept_are_those_that_foresee_further_lessons_best(small):
    """One lesson is soon learned by heart: what comes of going on is no better with another one, and is not kept."""
    torch.manual_seed(0)
    lesson, other = (make_lesson(small, 1000, seed) for seed in range(2))
    config = ImitationConfig(samples=4000, minibatch=64, learning_rate=1e-2)
    policies, best = [Policy(TINY), Policy(TINY)], BestWeights([other])
    policies[1].load_state_dict(policies[0].state_dict())
    imitate(policies[0], [lesson], config)
    imitate(policies[1], [lesson], config, best=best)
    last, kept = (cross_entropy(policy, [other], config) for policy in policies)
    assert best.samples < config.samples
    assert best.loss == kept < last


def random_costs(design, episodes):
    """Proxy costs of episodes that choose uniformly among the legal cells; the second macro may find no room."""
    environment, rng, costs = FloorplanEnv(design), np.random.default_rng(0), []
    for _ in range(episodes):
        observation, _ = environment.reset()
        terminated = False
        while not terminated:
            action = rng.choice(np.flatnonzero(observation["action_mask"]))
            observation, _, terminated, _, info = environment.step(action)
        if "costs" in info:
            costs.append(info["costs"]["proxy_cost"])
    assert len(costs) > episodes / 4
    return costs


def gained(random, folder, last):
    """Share of the gap between the mean and the best random episode that the last iterations' mean has closed."""
    learned = np.mean([row["proxy_cost"] for row in curve(folder) if "proxy_cost" in row][-last:])
    return (np.mean(random) - learned) / (np.mean(random) - np.min(random))


def test_learning_solves_two_macros_in_20_iterations(two_macros, tmp_path):
    """Fails if the policy, the mask or the loss is broken. Four seeds close .90 to .91 of the gap.

    Broken on purpose, on other designs of two macros: the loss with its sign turned closes -.99 or -.10 of it, a policy
    of equal logits -.13, advantages of the step before .11, and a policy that ignores the mask is refused by the
    environment.
    """
    config = settings(iterations=20, envs=16, checkpoint_every=20, ppo=PPOConfig(steps=16, learning_rate=2e-3))
    train([two_macros], replace(config, floorplan=FloorplanConfig()), tmp_path)
    assert gained(random_costs(two_macros, 400), tmp_path, 3) > 0.8
    rows = curve(tmp_path)
    assert abs(rows[0]["approx_kl"]) < 0.03  # the update sees the probabilities that the rollout saw
    assert rows[-1]["infeasible"] < rows[0]["infeasible"] / 4
    assert rows[-1]["entropy"] < rows[0]["entropy"] / 2


@pytest.mark.slow
def test_two_macros_are_solved_in_a_minute(two_macros, tmp_path):
    """The best of 400 random episodes is near the optimum; the mean of the trained policy must come close to it."""
    config = settings(iterations=10_000, minutes=0.9, threads=2, envs=16, ppo=PPOConfig(steps=16, learning_rate=2e-3))
    train([two_macros], config, tmp_path)
    random = random_costs(two_macros, 400)
    assert len(random) > 100
    assert gained(random, tmp_path, 5) > 0.8


def test_a_run_in_the_folder_of_another_one_is_not_mixed_with_it(two_macros, tmp_path):
    known = place(two_macros, seconds=1, policy="none", threads=1)
    train([two_macros], settings(iterations=3), tmp_path, known=known.placement)
    train([two_macros], settings(iterations=1, checkpoint_every=2), tmp_path)
    assert [row["iteration"] for row in curve(tmp_path)] == [1]
    record = load_checkpoint(tmp_path / POLICY_FILE).record
    model = CostModel(two_macros.netlist, two_macros.canvas)
    cost = model.evaluate(kept_placement(tmp_path, record, two_macros)).proxy_cost
    assert cost > 1.01 * known.costs.proxy_cost
    train([two_macros], settings(iterations=2), tmp_path, resume=True)
    assert [row["iteration"] for row in curve(tmp_path)] == [1, 2]


def test_resuming_with_other_designs_is_refused(small, two_macros, tmp_path):
    train([two_macros], settings(iterations=1), tmp_path)
    for others in ([small], [two_macros, small]):
        with pytest.raises(NetlistError, match="expected the same designs in that order"):
            train(others, settings(), tmp_path, resume=True)


def test_a_damaged_state_is_refused(two_macros, tmp_path):
    train([two_macros], settings(iterations=1), tmp_path)
    checkpoint = load_checkpoint(tmp_path / STATE_FILE)
    record = {name: value for name, value in checkpoint.record.items() if name != "versions"}
    save_checkpoint(tmp_path / STATE_FILE, checkpoint.policy, record)  # without the state of generator and optimiser
    with pytest.raises(NetlistError, match="does not fit this release: 'generator'"):
        train([two_macros], settings(), tmp_path, resume=True)


def test_a_run_that_diverges_says_so_and_keeps_what_was_before(two_macros, tmp_path):
    train([two_macros], settings(iterations=1), tmp_path)
    before = load_checkpoint(tmp_path / POLICY_FILE).policy
    wild = settings(ppo=replace(settings().ppo, learning_rate=1e38, target_kl=float("inf"), epochs=4))
    with pytest.raises(NetlistError, match="diverged in iteration 2; lower the learning rate"):
        train([two_macros], wild, tmp_path, resume=True)
    assert weights_equal(before, load_checkpoint(tmp_path / POLICY_FILE).policy)


def test_a_run_without_an_iteration_can_be_resumed(two_macros, tmp_path):
    train([two_macros], settings(minutes=0), tmp_path)
    train([two_macros], settings(iterations=1), tmp_path, resume=True)
    assert [row["iteration"] for row in curve(tmp_path)] == [1]


def test_what_a_killed_run_kept_after_its_last_checkpoint_is_not_lost(two_macros, tmp_path):
    train([two_macros], settings(iterations=1), tmp_path)
    searched = place(two_macros, seconds=1, policy="none", threads=1).placement
    netlists.write_plc(tmp_path / f"{two_macros.name}.plc", two_macros.netlist, two_macros.canvas, searched)
    train([two_macros], settings(iterations=3), tmp_path, resume=True)
    record = load_checkpoint(tmp_path / POLICY_FILE).record
    model = CostModel(two_macros.netlist, two_macros.canvas)
    assert record["progress"]["best"][two_macros.name] == pytest.approx(model.evaluate(searched).proxy_cost)


def test_a_design_that_fits_no_grid_cell_is_refused(tmp_path):
    """The canvas has room for its macro, but not where an episode puts one that takes three columns with its halo."""
    design = generate(SyntheticConfig("mixed", num_hard=1, num_soft=20), np.random.default_rng(0))
    size = design.netlist.size.copy()
    size[:, design.netlist.is_hard] = [[0.9 * design.canvas.width], [0.1 * design.canvas.height]]
    canvas = replace(design.canvas, cols=2, halo=0.2 * design.canvas.width)
    wide = replace(design, netlist=replace(design.netlist, size=size), canvas=canvas)
    assert place(wide, seconds=0, threads=1).start == "analytic"
    with pytest.raises(NetlistError, match="no grid cell is free for the centre"):
        train([wide], settings(), tmp_path)
    with pytest.raises(NetlistError, match="no grid cell is free for the centre"):
        make_lesson(wide, moves=100, seed=0)
