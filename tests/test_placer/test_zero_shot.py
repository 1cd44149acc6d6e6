import numpy as np

import netlists
from netlists.samples import sample_path
from placer import zero_shot as zero_shot_module
from placer.pipeline import PlaceConfig
from placer.weights import SHIPPED, read_weights
from placer.zero_shot import TRIAL_BATCHES, WIRE_WEIGHTS, Rollout, best_wire_weight, zero_shot


def test_best_wire_weight_costs_least_on_average(small):
    costs = [(0.70, 0.0), (0.90, 0.0), (0.75, 4.0), (0.78, 4.0), (0.95, 30.0)]
    assert best_wire_weight([Rollout(cost, small.placement, weight) for cost, weight in costs]) == 4.0


def test_later_batches_lean_on_the_wire_mask_as_the_best_did(monkeypatch):
    played = []

    def recording(policy, episodes, rng, wire_weights, **settings):
        rollouts = roll_out(policy, episodes, rng, wire_weights, **settings)
        played.append((wire_weights.tolist(), rollouts))
        return rollouts

    roll_out = zero_shot_module.roll_out
    monkeypatch.setattr(zero_shot_module, "roll_out", recording)
    design = netlists.read(sample_path("tiles_small"))
    seconds = 0.5
    while len(played) <= TRIAL_BATCHES and seconds < 60:
        played.clear()
        zero_shot(design, read_weights(SHIPPED), PlaceConfig(threads=1), seconds)
        seconds *= 2
    assert all(weights == WIRE_WEIGHTS.tolist() for weights, _ in played[:TRIAL_BATCHES])
    for batch in range(TRIAL_BATCHES, len(played)):
        before = [rollout for _, rollouts in played[:batch] for rollout in rollouts]
        expected = WIRE_WEIGHTS.copy()
        expected[batch % 2 :: 2] = best_wire_weight(before)
        assert np.all(np.array(played[batch][0], np.float32) == expected)
    assert len(played) > TRIAL_BATCHES
