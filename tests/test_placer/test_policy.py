import copy
import platform
from dataclasses import fields, replace

import numpy as np
import pytest
import torch

import netlists
from env.episodes import FloorplanConfig, Task
from env.graph import Graph
from netlists.samples import sample_path
from placer._policy_net import convolve_grids, sum_messages
from placer.batching import GraphBatch, StepBatch, collate
from placer.config import PolicyConfig
from placer.features import PolicyTask
from placer.layers import GatedSum, GridConvolution, Grids, NetConv, grid_layer
from placer.policy import Policy, sample_actions
from placer.rollout import WORST_RETURN, Player, ReturnScale, gae, normalise_by_task, ppo_loss, to_own_grid


@pytest.fixture(scope="module")
def tasks():
    names = ("cpu_small", "tiles_small")
    return [PolicyTask.make(Task.make(netlists.read(sample_path(name)), FloorplanConfig())) for name in names]


@pytest.fixture(scope="module")
def policy():
    torch.manual_seed(0)
    made = Policy(PolicyConfig())
    with torch.no_grad():
        for parameter in made.policy_head.exit.parameters():  # a new policy ends in zeros
            parameter.normal_()
    return made.eval()


def observations(tasks, steps=5):
    """Samples of both tasks after some random steps."""
    player = Player(tasks, range(len(tasks)), FloorplanConfig())
    rng = np.random.default_rng(0)
    samples = player.samples()
    for _ in range(steps):
        actions = np.array([rng.choice(np.flatnonzero(seen["action_mask"])) for _, _, seen in samples])
        player.observation, *_ = player.env.step(actions)
        samples = player.samples()
    return samples


@torch.no_grad()
def logits_of(policy, tasks, samples):
    graphs = GraphBatch.make(tasks)
    return policy(policy.embed(graphs), collate(tasks, graphs.start.numpy(), samples))


def test_batching_changes_nothing(policy, tasks):
    samples = observations(tasks)
    together, values = logits_of(policy, tasks, samples)
    for i, (task, (_, step, observation)) in enumerate(zip(tasks, samples, strict=True)):
        alone, value = logits_of(policy, [task], [(0, step, observation)])
        rows, cols = task.grid
        padded = together[i].view(-1, max(t.grid[1] for t in tasks))[:rows, :cols].reshape(1, -1)
        assert torch.allclose(padded, alone, atol=1e-4)
        assert torch.allclose(values[i], value, atol=1e-4)


def test_order_of_nodes_and_edges_changes_nothing(policy, tasks):
    task, sample = tasks[0], observations(tasks)[0]
    graph = task.graph
    rng = np.random.default_rng(1)
    order, edges = rng.permutation(len(graph.x)), rng.permutation(graph.edge_index.shape[1])
    rank = np.argsort(order)
    shuffled = Graph(
        graph.x[order],
        rank[graph.edge_index][:, edges],
        graph.edge_weight[edges],
        rank[graph.node],
        graph.member[order],
    )
    other = replace(task, graph=shuffled, order_node=rank[task.order_node])
    expected, value = logits_of(policy, [task], [sample])
    found, other_value = logits_of(policy, [other], [sample])
    assert torch.allclose(found, expected, atol=1e-4)
    assert torch.allclose(other_value, value, atol=1e-4)


def test_the_graph_matters(policy, tasks):
    task, sample = tasks[0], observations(tasks)[0]
    graph = task.graph
    cut = Graph(graph.x, graph.edge_index[:, :0], graph.edge_weight[:0], graph.node, graph.member)
    whole, _ = logits_of(policy, [task], [sample])
    without, _ = logits_of(policy, [replace(task, graph=cut)], [sample])
    legal = torch.isfinite(whole)
    assert not torch.allclose(whole[legal], without[legal], atol=1e-3)


def test_illegal_cells_have_no_probability(policy, tasks):
    samples = observations(tasks)
    logits, _ = logits_of(policy, tasks, samples)
    legal = collate(tasks, np.array([0, len(tasks[0].graph.x)]), samples).legal
    assert (logits.softmax(dim=1)[~legal] == 0).all()
    generator = torch.Generator().manual_seed(0)
    for _ in range(50):
        action, _ = sample_actions(logits, generator)
        assert legal.gather(1, action[:, None]).all()


def test_sharpening_divides_the_logits(policy, tasks):
    samples, sharp = observations(tasks), copy.deepcopy(policy)
    sharp.policy_head.sharpen(0.5)
    before, after = (logits_of(either, tasks, samples)[0] for either in (policy, sharp))
    assert before[before.isfinite()].std() > 0.1
    assert torch.allclose(after, 2 * before, atol=1e-5)


def test_values_teach_the_value_head_alone(policy, tasks):
    graphs = GraphBatch.make(tasks)
    _, values = policy(policy.embed(graphs), collate(tasks, graphs.start.numpy(), observations(tasks)))
    policy.zero_grad()
    values.sum().backward()
    taught = {name.split(".")[0] for name, weight in policy.named_parameters() if weight.grad is not None}
    policy.zero_grad()
    assert taught == {"value_head"}


def test_cells_of_the_padded_grid_in_the_samples_own():
    padded = np.array([2 * 12 + 6, 3 * 12 + 8, 100])
    assert to_own_grid(padded, 12, np.array([7, 9, 12])).tolist() == [20, 35, 100]


def test_selected_samples_are_those_of_a_batch_of_their_own(tasks):
    first, second = observations(tasks, 2), observations(tasks, 6)
    start = GraphBatch.make(tasks).start.numpy()
    joined = StepBatch.join([collate(tasks, start, samples) for samples in (first, second)])
    chosen = joined.select(torch.tensor([3, 0, 1]))
    expected = collate(tasks, start, [second[1], first[0], first[1]])
    for field in fields(StepBatch):
        assert torch.equal(getattr(chosen, field.name), getattr(expected, field.name)), field.name


def test_gae_equals_the_sum_of_discounted_errors():
    rng = np.random.default_rng(0)
    steps, gamma, lam = 6, 0.9, 0.8
    rewards, values, last = rng.normal(size=(steps, 1)), rng.normal(size=(steps, 1)), rng.normal(size=1)
    dones = np.array([0, 0, 1, 0, 0, 0.0])[:, None]
    advantages, returns = gae(rewards, values, dones, last, gamma, lam)
    following = np.concatenate([values[1:, 0], last])
    for t in range(steps):
        expected, discount = 0.0, 1.0
        for k in range(t, steps):
            alive = 1 - dones[k, 0]
            expected += discount * (rewards[k, 0] + gamma * following[k] * alive - values[k, 0])
            discount *= gamma * lam * alive
        assert advantages[t, 0] == pytest.approx(expected)
    assert np.allclose(returns, advantages + values)


def test_returns_are_measured_in_the_spread_of_their_design():
    scale = ReturnScale.make(2)
    for total in (-1.0, -2.0, -3.0):
        scale.update(0, total)
    assert scale.mean[0] == pytest.approx(-2)
    assert scale.spread(0) == pytest.approx(np.sqrt(2 / 3))
    assert scale.spread(1) == 1  # no episode yet
    assert scale.standardise(0, -1.4) == pytest.approx((-1.4 + 2) / np.sqrt(2 / 3))
    assert scale.standardise(0, -50.0) == scale.standardise(1, None) == WORST_RETURN
    assert scale.standardise(0, None, 0.5) == 1.5 * WORST_RETURN


def test_advantages_are_normalised_design_by_design():
    advantages = normalise_by_task(np.random.default_rng(0).normal([0, 5, 100], [1, 2, 50], (40, 3)), [0, 1, 0])
    for part in (advantages[:, [0, 2]], advantages[:, 1]):
        assert part.mean() == pytest.approx(0)
        assert part.std() == pytest.approx(1)


def test_bfloat16_is_close(policy, tasks):
    samples = observations(tasks)
    exact, value = logits_of(policy, tasks, samples)
    policy.policy_head.bf16 = True
    rounded, rounded_value = logits_of(policy, tasks, samples)
    policy.policy_head.bf16 = False
    assert rounded.dtype == torch.float32
    assert torch.equal(torch.isfinite(rounded), torch.isfinite(exact))
    legal = torch.isfinite(exact)
    assert (rounded - exact)[legal].abs().max() < 0.05 * exact[legal].std()
    assert torch.allclose(rounded_value, value, atol=0.05)


def test_ppo_loss_at_ratio_one_and_beyond_the_clip():
    logits = torch.tensor([[0.0, 0.0, float("-inf")], [1.0, 0.0, 0.0]], requires_grad=True)
    actions, advantages = torch.tensor([0, 1]), torch.tensor([2.0, -1.0])
    old = logits.detach().log_softmax(1).gather(1, actions[:, None]).squeeze(1)
    values, returns = torch.tensor([1.0, 2.0]), torch.tensor([2.0, 4.0])
    terms = ppo_loss(logits, values, actions, old, advantages, returns, clip=0.2)
    assert terms.policy_loss.item() == pytest.approx(-0.5)  # minus the mean advantage
    assert terms.value_loss.item() == pytest.approx(0.5 * (1 + 4) / 2)
    assert terms.approx_kl.item() == pytest.approx(0)
    terms.entropy.backward()
    assert torch.isfinite(logits.grad).all()
    # The first ratio is e, beyond the clip: its gain is 1.2 * 2; the second stays 1.
    terms = ppo_loss(logits, values, actions, old - torch.tensor([1.0, 0.0]), advantages, returns, clip=0.2)
    assert terms.policy_loss.item() == pytest.approx(-(2.4 - 1.0) / 2)
    assert terms.clip_fraction.item() == pytest.approx(0.5)


def test_net_conv_without_edges_and_with_two_nodes():
    torch.manual_seed(0)
    conv = NetConv(4)
    h = torch.randn(2, 4)
    alone = conv(h, torch.zeros(2, 0, dtype=torch.long), torch.zeros(0), torch.zeros(0))
    edge = conv(h, torch.tensor([[0], [1]]), torch.ones(1), torch.ones(1))
    assert torch.allclose(edge[0], alone[0])  # only the receiver changes
    assert not torch.allclose(edge[1], alone[1])


@pytest.mark.parametrize("dim", [4, 20, 48])
def test_compiled_message_passing_is_that_of_pyg(dim):
    torch.manual_seed(dim)
    conv = NetConv(dim)
    nodes, edges = 30, 700
    edge_index = torch.randint(nodes, (2, edges))
    share, log_weight = torch.rand(edges), 3 * torch.rand(edges)
    sent = torch.randn(nodes, dim, requires_grad=True)
    gate = (conv.weight_gate.weight, conv.weight_gate.bias)
    weights = torch.randn(nodes, dim)

    compiled = GatedSum.apply(edge_index, share, log_weight, gate[0][:, 0].contiguous(), gate[1], sent)
    found = torch.autograd.grad((compiled * weights).sum(), (*gate, sent))
    plain = conv.propagate(edge_index, h=sent, share=share, log_weight=log_weight)
    expected = torch.autograd.grad((plain * weights).sum(), (*gate, sent))

    assert torch.allclose(compiled, plain, rtol=1e-5, atol=1e-6)
    for one, other in zip(found, expected, strict=True):
        assert torch.allclose(one, other, rtol=1e-4, atol=1e-5)
        assert one.abs().max() > 0.1


def test_compiled_message_passing_does_not_depend_on_threads_and_refuses_other_nodes():
    torch.manual_seed(0)
    edges = (torch.randint(9, (2, 50)), torch.rand(50), torch.rand(50))
    gate, sent = (torch.randn(40), torch.randn(40)), torch.randn(9, 40)
    arrays = [tensor.numpy() for tensor in (*edges, *gate, sent)]
    received = [np.empty((9, 40), np.float32) for _ in range(2)]
    for threads, to in zip((1, 3), received, strict=True):
        sum_messages(*arrays, to, threads)
    assert np.array_equal(*received)
    with pytest.raises(ValueError, match="edge_index is out of range"):
        sum_messages(*arrays[:5], arrays[5][:8], received[0][:8], 1)


@pytest.mark.parametrize(("channels", "out"), [(17, 32), (32, 32), (20, 5)])
@pytest.mark.parametrize("has_residual", [False, True])
def test_compiled_convolutions_are_those_of_torch(channels, out, has_residual):
    torch.manual_seed(channels)
    conv = torch.nn.Conv2d(channels, out, 3, padding=1)
    own = [(7, 10), (6, 3), (1, 1)]
    grids = Grids(*torch.tensor(own).unbind(1), padded=(7, 10))
    valid = grids.valid
    assert valid.sum(dim=(1, 2, 3)).tolist() == [rows * cols for rows, cols in own]
    x = (torch.randn(len(own), channels, 7, 10) * valid).requires_grad_()
    shift = torch.randn(len(own), out, requires_grad=True)
    residual = torch.randn(len(own), out, 7, 10, requires_grad=True) if has_residual else None
    inputs = [tensor for tensor in (x, conv.weight, conv.bias, shift, residual) if tensor is not None]
    weights = torch.randn(len(own), out, 7, 10)

    compiled = grid_layer(conv, x, grids, shift, residual)
    found = torch.autograd.grad((compiled * weights).sum(), inputs)
    total = conv(x) + shift[:, :, None, None]
    plain = torch.nn.functional.silu(total if residual is None else residual + total) * valid
    expected = torch.autograd.grad((plain * weights).sum(), inputs)

    assert torch.allclose(compiled, plain, rtol=1e-4, atol=1e-5)
    assert torch.equal(compiled == 0, plain == 0)  # beyond the grids
    found, expected = ([gradients[0] * valid, *gradients[1:]] for gradients in (found, expected))  # x is zero beyond
    for one, other in zip(found, expected, strict=True):
        assert torch.allclose(one, other, rtol=1e-3, atol=1e-4)
        assert one.abs().max() > 0.1


def test_compiled_convolutions_refuse_other_shapes():
    shapes = [(2, 4, 5, 3), (6, 3, 3, 3), (2, 6), (2, 4, 5, 6), (2, 4, 5, 6)]
    x, weight, shift, *to = [np.zeros(shape, np.float32) for shape in shapes]
    rows = np.array([4, 4])
    convolve_grids(x, weight, shift, None, rows, rows, *to)
    with pytest.raises(ValueError, match="rows is out of range"):
        convolve_grids(x, weight, shift, None, np.array([4, 5]), rows, *to)
    with pytest.raises(ValueError, match="shift has another shape"):
        convolve_grids(x, weight, shift[:, :5], None, rows, rows, *to)
    with pytest.raises(ValueError, match="arrays of a layer differ"):
        convolve_grids(x, weight, shift, to[0][:1], rows, rows, *to)


@pytest.mark.skipif(platform.machine() != "x86_64", reason="only there are they slow, and flushed")
@pytest.mark.parametrize("threads", [1, 2])
def test_gradients_too_small_for_their_precision_count_as_zero(threads):
    """They would take a hundred times as long; what is no business of the layer keeps them."""
    tiny, torch_threads = float(np.float32(1e-39)), torch.get_num_threads()
    x, weight = torch.ones(2, 3, 4, 4, requires_grad=True), torch.ones(5, 3, 3, 3)
    size = torch.tensor([4, 4])
    torch.set_num_threads(threads)
    written = GridConvolution.apply(x, weight, torch.zeros(2, 5), None, size, size)
    (lost,) = torch.autograd.grad(written, x, torch.full_like(written, tiny), retain_graph=True)
    (kept,) = torch.autograd.grad(written, x, torch.full_like(written, 1e10 * tiny))
    torch.set_num_threads(torch_threads)
    assert not lost.any()
    assert (kept > 0).all()
    assert np.float32(tiny) * np.float32(1) > 0
