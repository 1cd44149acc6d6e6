import numpy as np

import netlists
from netlists.samples import sample_path
from placer import zero_shot as zero_shot_module
from placer.pipeline import PlaceConfig
from placer.weights import SHIPPED, read_weights
from placer.zero_shot import TRIAL_BATCHES, TRIED_FROM, WIRE_WEIGHTS, Rollout, cheapest_by, zero_shot


def test_the_kind_that_costs_least_on_average(small):
    costs = [(0.70, 0.0), (0.90, 0.0), (0.75, 4.0), (0.78, 4.0), (0.95, 30.0)]
    rollouts = [Rollout(cost, small.placement, weight, weight < 4) for cost, weight in costs]
    assert cheapest_by(lambda rollout: rollout.wire_weight, rollouts) == 4.0
    assert cheapest_by(lambda rollout: rollout.whole_cells, rollouts) is True


def test_later_batches_are_played_as_the_best_were(monkeypatch):
    played = play(monkeypatch, batches=2 * TRIED_FROM)
    assert all(weights == WIRE_WEIGHTS.tolist() for weights, *_ in played[:TRIAL_BATCHES])
    assert [whole_cells for _, whole_cells, _ in played[:TRIAL_BATCHES]] == [True, False]
    for batch, (weights, whole_cells, _) in enumerate(played[TRIAL_BATCHES:], TRIAL_BATCHES):
        before = [rollout for *_, rollouts in played[:batch] for rollout in rollouts]
        expected = WIRE_WEIGHTS.copy()
        expected[batch % 2 :: 2] = cheapest_by(lambda rollout: rollout.wire_weight, before)
        assert np.all(np.array(weights, np.float32) == expected)
        assert whole_cells == cheapest_by(lambda rollout: rollout.whole_cells, before)


def test_centres_of_cells_are_not_tried_where_few_batches_are_played(monkeypatch):
    monkeypatch.setattr(zero_shot_module, "TRIED_FROM", 10_000)
    assert all(whole_cells for _, whole_cells, _ in play(monkeypatch, batches=TRIAL_BATCHES + 1))


def play(monkeypatch, batches: int) -> list[tuple[list[float], bool, list[Rollout]]]:
    """Wire weights, lattice and rollouts of at least so many batches."""
    played = []

    def recording(policy, episodes, rng, wire_weights, *settings):
        rollouts = roll_out(policy, episodes, rng, wire_weights, *settings)
        played.append((wire_weights.tolist(), episodes.tasks[0].config.whole_cells, rollouts))
        return rollouts

    roll_out = zero_shot_module.roll_out
    monkeypatch.setattr(zero_shot_module, "roll_out", recording)
    design = netlists.read(sample_path("tiles_small"))
    seconds = 0.5
    while len(played) < batches and seconds < 60:
        played.clear()
        zero_shot(design, read_weights(SHIPPED), PlaceConfig(threads=1), seconds)
        seconds *= 2
    assert len(played) >= batches
    return played


def test_rollouts_that_would_take_too_long_are_given_up(small):
    config, weights = PlaceConfig(threads=1), read_weights(SHIPPED)
    assert len(zero_shot(small, weights, config, 0.0, limit=60.0)) == len(WIRE_WEIGHTS)
    assert zero_shot(small, weights, config, 0.0, limit=0.0) == []
