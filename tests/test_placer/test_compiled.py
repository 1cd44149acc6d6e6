"""The compiled policy against the one that learns."""

from __future__ import annotations

import subprocess
import sys
from itertools import chain

import numpy as np
import pytest
import torch

import netlists
from env import FloorplanConfig, Task
from env.episodes import Episodes
from env.graph import NODE_FEATURES
from netlists import NetlistError
from netlists.samples import sample_path
from netlists.synthetic import SyntheticConfig, generate
from placer.batching import GraphBatch, collate
from placer.checkpoint import save_checkpoint
from placer.compiled import CompiledPolicy, compile_policy, sample_actions
from placer.config import PolicyConfig
from placer.features import MAP_CHANNELS, STEP_FEATURES, PolicyTask
from placer.pipeline import PlaceConfig
from placer.policy import Policy
from placer.rollout import Player, compiled_forward, forward_of
from placer.weights import SHIPPED, read_weights
from placer.zero_shot import rows_of, zero_shot

BATCH = 3


def make_task(cells: int) -> PolicyTask:
    design = generate(SyntheticConfig("mixed", 12, cells=cells), np.random.default_rng(cells))
    return PolicyTask.make(Task.make(design, FloorplanConfig(soft_rounds=0)))


def random_policy(config: PolicyConfig) -> Policy:
    """A policy none of whose layers is without effect."""
    torch.manual_seed(1)
    policy = Policy(config)
    with torch.no_grad():
        # A new policy ends in zeros, and its values hardly differ.
        for parameter in chain(policy.policy_head.exit.parameters(), policy.value_head.mlp[-1].parameters()):
            parameter.normal_()
    return policy.eval()


@pytest.mark.parametrize("cells", [25, 81, 256])
@pytest.mark.parametrize(
    "config",
    [PolicyConfig(), PolicyConfig(dim=20, layers=1, heads=3, channels=20, blocks=1), PolicyConfig(blocks=0, layers=0)],
)
def test_compiled_policy_says_what_torch_says(tmp_path, cells, config):
    policy, task = random_policy(config), make_task(cells)
    save_checkpoint(tmp_path / "policy.safetensors", policy, {})
    compiled = CompiledPolicy(read_weights(tmp_path / "policy.safetensors"), task)
    episodes = Episodes([task.task] * BATCH, FloorplanConfig(soft_rounds=0))
    rng = np.random.default_rng(0)
    with torch.no_grad():
        embeddings = policy.embed(GraphBatch.make([task]))
        for _ in range(4):
            observation, steps = rows_of(episodes), episodes.steps()
            found = compiled.logits(steps, observation, threads=2)
            samples = [(0, int(steps[b]), episodes.slice(episodes.observe(), b)) for b in range(BATCH)]
            expected = policy(embeddings, collate([task], np.array([0]), samples))[0].numpy()
            legal = observation["action_mask"] > 0
            assert np.array_equal(np.isfinite(found), legal)
            assert legal.any()
            assert np.ptp(expected[legal]) > 0.1
            np.testing.assert_allclose(found[legal], expected[legal], rtol=1e-4, atol=1e-4)
            assert np.array_equal(found, compiled.logits(steps, observation, threads=1))
            episodes.step(np.array([rng.choice(np.flatnonzero(row)) for row in legal]))


def test_checkpoint_of_other_sizes_is_refused(tmp_path):
    save_checkpoint(tmp_path / "policy.safetensors", Policy(PolicyConfig(channels=16)), {})
    weights = read_weights(tmp_path / "policy.safetensors")
    for wrong in (PolicyConfig(channels=17), PolicyConfig(channels=16, blocks=4)):
        changed = type(weights)(weights.source, wrong, {}, weights.tensors, {})
        with pytest.raises(NetlistError, match="does not fit this release"):
            CompiledPolicy(changed, make_task(25))


def test_compiled_rollouts_say_what_torch_says_of_several_designs():
    policy, tasks = random_policy(PolicyConfig()), [make_task(25), make_task(256)]
    graphs = GraphBatch.make(tasks)
    player = Player(tasks, [0, 1, 1], FloorplanConfig())
    rng = np.random.default_rng(0)
    with torch.no_grad():
        forward = compiled_forward(policy, graphs)
        for _ in range(4):
            samples = player.samples()
            batch = collate(tasks, graphs.start.numpy(), samples)
            found, expected = forward(batch), policy(policy.embed(graphs), batch)
            for one, other in zip(found, expected, strict=True):
                assert torch.equal(one.isfinite(), other.isfinite())
                assert one[one.isfinite()].std() > 0.01
                assert torch.allclose(one, other, rtol=1e-4, atol=1e-4)
            actions = np.array([rng.choice(np.flatnonzero(arrays["action_mask"])) for _, _, arrays in samples])
            player.observation, *_ = player.env.step(actions)


@torch.no_grad()
def test_rollouts_in_bfloat16_are_those_of_torch():
    policy, task = random_policy(PolicyConfig()), make_task(25)
    graphs = GraphBatch.make([task])
    batch = collate([task], np.array([0]), Player([task], [0], FloorplanConfig()).samples())
    expected = forward_of(policy, graphs, "cpu")(batch)
    policy.policy_head.bf16 = True
    found = forward_of(policy, graphs, "cpu")(batch)
    assert torch.equal(found[0], policy(policy.embed(graphs), batch)[0])
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == torch.float32
        assert not torch.equal(one, other)
        assert torch.allclose(one, other, rtol=0.05, atol=0.1)


def arrays_of_a_step(**changed):
    """What `PolicyNet.forward` takes: two nodes lie on a grid of 3 x 2 cells that is padded to 3 x 4."""
    arrays = {
        "maps": np.zeros((1, 3, 4, MAP_CHANNELS), np.float32),
        "features": np.zeros((1, STEP_FEATURES), np.float32),
        "legal": np.array([[1, 1, 0, 0] * 3], np.uint8),
        "rows": np.array([3]),
        "cols": np.array([2]),
        "macro": np.array([1]),
        "graph_of": np.array([0]),
        "spread_start": np.array([0, 2]),
        "spread_node": np.array([0, 1]),
        "spread_cell": np.array([0, 9]),
        "logits": np.empty((1, 12), np.float32),
        "values": np.empty(1, np.float32),
    }
    return arrays | changed


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("legal", np.ones((1, 12), np.uint8), "legal reaches beyond a grid"),
        ("spread_cell", np.array([0, 10]), "spread_cell reaches beyond a grid"),
        ("spread_cell", np.array([0, 12]), "spread_cell is out of range"),
        ("spread_start", np.array([0, 1]), "spread_start does not run from 0 to the end"),
        ("spread_node", np.array([0, 2]), "spread_node is out of range"),
        ("macro", np.array([2]), "macro is out of range"),
        ("graph_of", np.array([1]), "graph_of is out of range"),
        ("rows", np.array([4]), "rows is out of range"),
        ("cols", np.array([2, 2]), "rows or cols has another length"),
        ("logits", np.empty((1, 11), np.float32), "logits or values has another shape"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(name, value, message):
    weights = read_weights(SHIPPED)
    net, one = compile_policy(weights.tensors, weights.config), np.ones(1, np.float32)
    nodes = np.zeros((2, len(NODE_FEATURES)), np.float32)
    with pytest.raises(ValueError, match="edge_index is out of range"):
        net.embed(nodes, np.full((2, 1), 2), one, one, np.array([0, 2]))
    with pytest.raises(ValueError, match="graph_start does not run from 0 to the end"):
        net.embed(nodes, np.full((2, 1), 1), one, one, np.array([0, 1]))
    net.embed(nodes, np.full((2, 1), 1), one, one, np.array([0, 2]))
    fits = arrays_of_a_step()
    net.forward(**fits)
    assert np.array_equal(np.isfinite(fits["logits"]), fits["legal"] > 0)
    with pytest.raises(ValueError, match=message):
        net.forward(**arrays_of_a_step(**{name: value}))


def test_actions_follow_the_probabilities():
    logits = np.log(np.array([[0.2, 0.8, 0.0]], np.float32), where=[[True, True, False]], out=np.full((1, 3), -np.inf))
    rng = np.random.default_rng(0)
    drawn = sample_actions(np.repeat(logits, 20_000, axis=0), rng, 1.0)
    assert np.bincount(drawn, minlength=3) / 20_000 == pytest.approx([0.2, 0.8, 0.0], abs=0.01)
    assert np.bincount(sample_actions(np.repeat(logits, 20_000, axis=0), rng, 0.5), minlength=3)[1] > 0.92 * 20_000


def test_placing_with_a_policy_needs_no_torch():
    code = (
        "import sys, netlists, placer; from netlists.samples import sample_path; "
        "result = placer.place(netlists.read(sample_path('cpu_small')), seconds=1.5, threads=1); "
        "assert any(stage.name == 'policy' for stage in result.stages); "
        "assert not set(sys.modules) & {'torch', 'torch_geometric', 'gymnasium'}"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_sample_is_placed_alike_with_any_number_of_threads():
    design, weights = netlists.read(sample_path("tiles_small")), read_weights(SHIPPED)
    one, two = (zero_shot(design, weights, PlaceConfig(seed=3, threads=threads), 0.0) for threads in (1, 2))
    assert one == two
