"""What the studies in `scripts/` conclude from what they measured."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from episodes import Episodes, over, played
from finetune_race import compare
from imitated import Variant, train_missing, trained
from leave_one_out import summarise
from lessons import draw_lessons, make_lessons, processes
from observation import Observation, leave_out, without_graph
from record import begin_or_resume
from reinforced import ppo_designs, reinforce, reinforced, temperature_for
from scaling import Scaling
from study import LESSONS, lesson_designs, new_policy

from env.episodes import Task
from placer.config import EPISODE
from placer.features import PolicyTask


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


def test_lessons_do_not_depend_on_threads_or_processes():
    one, two = (make_lessons(lesson_designs(2), 500, threads) for threads in (1, 2))
    with processes(2) as pool:
        three = draw_lessons([LESSONS], 2, 500, pool)
    for others in (two, three):
        assert [lesson.proxy_cost for lesson in one] == [lesson.proxy_cost for lesson in others]
        assert [lesson.task.task.design.name for lesson in one] == [lesson.task.task.design.name for lesson in others]


def test_policies_of_a_study_are_trained_once_and_with_the_settings_asked_for(tmp_path):
    config = Scaling(seeds=(0,), samples=16, minibatch=8, moves=500, runs=tmp_path, jobs=2, judge=False)
    one, two = Variant("one", 1), Variant("two", 2, without_graph)
    train_missing([one], config)
    (first,) = tmp_path.iterdir()
    before = first.stat().st_mtime_ns
    train_missing([one, two], config)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one_0.safetensors", "two_0.safetensors"]
    assert first.stat().st_mtime_ns == before
    policy, details = trained({}, config, two, 0)
    assert details["distinct_samples"] > 16
    assert details["device"] == "cpu"
    ablated = new_policy(0)
    without_graph(ablated)
    assert torch.equal(policy.policy_head.enter.weight == 0, ablated.policy_head.enter.weight == 0)
    with pytest.raises(SystemExit, match="trained with other samples"):
        trained({}, replace(config, samples=17), two, 0)
    with pytest.raises(SystemExit, match="trained with other designs"):
        trained({}, config, replace(two, designs=3), 0)


def test_what_is_left_out_stays_out_of_ppo(tmp_path):
    config = Observation(
        seeds=(0,), samples=16, minibatch=8, moves=500, lessons=1, runs=tmp_path, ppo_steps=1, ppo_designs=1, ppo_envs=4
    )
    variant = Variant("without_graph", 1, without_graph)
    train_missing([variant], config)
    imitated, _ = trained({}, config, variant, 0)
    reinforce(1, config, variant, 0)
    policy, details = reinforced(config, variant, 0)
    learned, before = policy.policy_head.enter.weight, imitated.policy_head.enter.weight
    assert not torch.equal(learned, before)
    assert torch.equal(learned == 0, before == 0)
    assert details["env_steps"] > 0
    assert 0 < details["temperature"] < 1
    with pytest.raises(SystemExit, match="trained with other ppo_steps"):
        reinforced(replace(config, ppo_steps=2), variant, 0)


def test_ppo_begins_at_the_entropy_asked_for(small):
    policy = new_policy(0)
    hot, cold = (temperature_for(entropy, policy, [small], 0) for entropy in (3.0, 1.0))
    assert hot > cold
    policy.policy_head.sharpen(cold)
    assert temperature_for(1.0, policy, [small], 0) == pytest.approx(1, abs=0.3)


def test_ppo_goes_on_with_the_designs_that_were_imitated_or_with_others(tmp_path):
    config, variant = Scaling(seeds=(0,), samples=16, minibatch=8, moves=500, runs=tmp_path), Variant("2", 2)
    train_missing([variant, Variant("3", 3)], config)
    _, details = trained({}, config, variant, 0)
    same = ppo_designs(3, config, variant, 0)
    macros = [len(PolicyTask.make(Task.make(design, EPISODE)).order_node) for design in same]
    assert sum(macros) == details["distinct_samples"]
    others = ppo_designs(3, replace(config, ppo_designs=2), variant, 0)
    assert len(same) == len(others) == 2
    assert not {design.fingerprint() for design in same} & {design.fingerprint() for design in others}


def test_a_record_goes_on_under_further_seeds_and_says_so(tmp_path):
    config = Scaling(out=tmp_path / "record.json", seeds=(0,))
    record = begin_or_resume(config, {"runs": []}, may_differ=("seeds",))
    config.out.write_text(json.dumps(record))
    assert begin_or_resume(config, {"runs": []}, may_differ=("seeds",)) == record
    further = begin_or_resume(replace(config, seeds=(0, 1)), {"runs": []}, may_differ=("seeds",))
    assert further["settings"] == record["settings"] | {"seeds": [0, 1]}
    assert [of.keys() for of in further["continued"]] == [{"command", "commit"}]
    with pytest.raises(SystemExit, match="other settings"):
        begin_or_resume(replace(config, samples=1), {"runs": []}, may_differ=("seeds",))


def test_parts_of_the_observation_are_left_out_together():
    both, one = new_policy(0), new_policy(0)
    leave_out("graph+wire_mask", both)
    leave_out("graph", one)
    assert both.policy_head.wire_prior == 0 != one.policy_head.wire_prior
    left_out = both.policy_head.enter.weight == 0
    assert (left_out & ~(one.policy_head.enter.weight == 0)).any()
    assert left_out.all(dim=(0, 2, 3)).sum() == 1 + both.policy_head.heads


def test_leaving_one_family_out_compares_means_over_its_designs():
    costs = {"a1": [1.0, 3.0], "a2": [2.0, 2.0]}
    runs = [
        {"family": "a", "seed": seed, "costs": {name: [c + add for c in of] for name, of in costs.items()}}
        for seed, add in ((None, 0.0), (0, 0.5), (1, -1.5))
    ]
    assert summarise(runs) == {
        "a": {"before": {"mean": 2.0, "std": 0.0}, "after": {"mean": 1.5, "std": pytest.approx(2**0.5, abs=1e-5)}}
    }


def test_policies_are_compared_on_designs_that_both_can_place(small):
    one, two, three = ({"mean": mean} for mean in (1.0, 2.0, 3.0))
    found = over({"a": two, "b": three, "c": one}, {"a": one, "b": one})
    assert found == {"designs": 2, "mean": 2.5, "standard_error": pytest.approx(0.5)}
    costs = played(new_policy(0).eval(), {"cpu": small}, Episodes(count=3, threads=1))
    assert costs["cpu"]["complete"] == 3
    assert 0.7 < costs["cpu"]["mean"] < 1.3
    assert 0 < costs["cpu"]["standard_error"] < 0.1
