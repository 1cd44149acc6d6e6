"""The same on a GPU as on a CPU: the networks, imitation, training and its resumption."""

import json
from dataclasses import replace

import pytest
import torch

from placer.batching import GraphBatch, collate
from placer.checkpoint import load_checkpoint
from placer.config import PolicyConfig, PPOConfig, TrainConfig
from placer.imitation import ImitationConfig, cross_entropy, imitate, make_lesson
from placer.pipeline import place
from placer.policy import Policy
from placer.ppo import CURVE_FILE, train
from placer.weights import SHIPPED

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA device"),
]


TINY = PolicyConfig(dim=16, layers=2, heads=2, channels=16, blocks=1)


@pytest.fixture(scope="module")
def lesson(small):
    return make_lesson(small, moves=20_000, seed=0)


@torch.no_grad()
def logits_on(device, policy, lesson):
    graphs = GraphBatch.make([lesson.task], device)
    samples = [(0, step, observation) for step, observation in enumerate(lesson.observations)]
    batch = collate([lesson.task], graphs.start.cpu().numpy(), samples).to(device)
    policy = policy.to(device).eval()
    return policy(policy.embed(graphs), batch)


def test_networks_say_the_same(lesson):
    """To what the order of sums and TF32 convolutions (11 bits) change."""
    policy = load_checkpoint(SHIPPED).policy
    (logits, values), (expected, expected_values) = (logits_on(device, policy, lesson) for device in ("cuda", "cpu"))
    assert logits.device.type == "cuda"
    torch.testing.assert_close(logits.cpu(), expected, rtol=1e-2, atol=2e-2)
    torch.testing.assert_close(values.cpu(), expected_values, rtol=1e-2, atol=2e-2)


def test_imitation_learns(lesson):
    config = ImitationConfig(epochs=40, learning_rate=5e-3, device="cuda")
    torch.manual_seed(0)
    policy = Policy(TINY)
    losses = imitate(policy, [lesson], config)
    assert losses[-1] < losses[0] - 0.3
    on_gpu, on_cpu = (cross_entropy(policy, [lesson], replace(config, device=device)) for device in ("cuda", "cpu"))
    assert on_gpu == pytest.approx(on_cpu, rel=1e-2)


@pytest.mark.parametrize("bf16", [False, True])
def test_training_on_a_gpu_goes_on_on_a_cpu(small, tmp_path, bf16):
    config = TrainConfig(envs=4, iterations=2, threads=1, policy=TINY, ppo=PPOConfig(steps=8, epochs=1, minibatch=16))
    train([small], replace(config, device="cuda", bf16=bf16), tmp_path)
    train([small], replace(config, iterations=3), tmp_path, resume=True)
    rows = [json.loads(line) for line in (tmp_path / CURVE_FILE).read_text().splitlines()]
    assert [row["iteration"] for row in rows] == [1, 2, 3]
    assert place(small, seconds=1, policy=tmp_path).legal
