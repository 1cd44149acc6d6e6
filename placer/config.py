"""Settings of the policy and of its training; each is a record of what a run was."""

from __future__ import annotations

from dataclasses import dataclass, field

from env.episodes import FloorplanConfig

EPISODE = FloorplanConfig(soft_moves=10_000, whole_cells=True)
"""Of the policy. So many moves that a better episode is a better placement with its soft macros placed with care: on
NanGate45/ariane133 the two costs correlate .54, with 2,000 moves -.02 (16 episodes of the policy that shipped then)."""


@dataclass(frozen=True)
class PolicyConfig:
    """Sizes of the networks."""

    dim: int = 48
    """Width of a node embedding."""
    layers: int = 3
    """Rounds of message passing."""
    heads: int = 8
    """Affinity maps: channels in which node embeddings are spread over the grid."""
    channels: int = 32
    """Width of the convolutional head."""
    blocks: int = 3
    """Residual blocks of the convolutional head."""


@dataclass(frozen=True)
class PPOConfig:
    """Proximal policy optimisation (Schulman et al. 2017) with generalised advantages."""

    steps: int | None = None
    """Steps of every environment in an iteration; None: whole episodes of the longest design, at least 64 steps. The
    reward comes at the end of an episode: steps of which no end is seen teach little."""
    epochs: int = 3
    """Passes over the data of an iteration."""
    minibatch: int = 128
    """Samples in one gradient step."""
    sample_share: float = 1.0
    """Share of the samples of an iteration, drawn at random, that a pass over them learns from. What is random about an
    advantage is mostly the return, which all steps of an episode share, and on a CPU a gradient takes four times as
    long as a step: more episodes, of each of which fewer steps are learned from, teach faster."""
    learning_rate: float = 5e-4
    """Of Adam, at the start; it falls linearly to a tenth of it."""
    clip: float = 0.2
    """Largest change of the action probability ratio that is rewarded."""
    gamma: float = 1.0
    """Discount."""
    gae_lambda: float = 1.0
    """Weight of longer returns in the advantages; 1: the whole return counts, as what the value head misjudges on the
    way would otherwise mislead."""
    entropy: float = 0.01
    """Weight of the entropy bonus."""
    value: float = 0.5
    """Weight of the value loss."""
    max_grad_norm: float = 0.5
    """Gradients are scaled down to this norm, those of the value head and all others each by themselves: how wrong the
    values are should not shorten the steps of the policy."""
    target_kl: float = 0.1
    """An iteration's updates end as soon as the policy has moved so far, in nats. Adam's first steps are its largest,
    and a policy that is sure of itself is moved most: without an end, by up to 30 in its first iteration."""


FINETUNE = PPOConfig(entropy=0.003, epochs=1, minibatch=256, target_kl=1.0)
"""For one design: the return of an episode says little about each of its hundred moves, so new episodes teach more than
further passes over the same ones, and larger minibatches average the noise out. The large first steps are worth it: on
NanGate45/nvdla ended at .1 they led nowhere in twelve iterations."""


@dataclass(frozen=True)
class TrainConfig:
    """A training run. Pretraining and fine-tuning differ in nothing but these."""

    seed: int = 0
    """Of everything random."""
    envs: int = 16
    """Environments, dealt to the designs in turn."""
    designs_at_once: int = 8
    """Designs of similar grids that are played and encoded together, and of which a minibatch consists. More of them
    fill a GPU better; fewer waste less on padding."""
    designs_each_iteration: int | None = None
    """Of more designs, about so many are played in an iteration, in turn, and their environments alone; None: all. How
    many environments a design has says how well its returns are told apart: with many designs, better more
    environments of a part of them than a few of each."""
    minutes: float = 10.0
    """The run ends after so much time, over all resumptions..."""
    iterations: int | None = None
    """...or so many iterations..."""
    env_steps: int | None = None
    """...or after the iteration with which environment steps, all together, come to so many, whichever is first. With
    one of the two numbers the learning rate follows that, not the clock, and the run is reproducible."""
    checkpoint_every: int = 5
    """Iterations between checkpoints."""
    threads: int = 2
    """Threads of torch and of the environments."""
    device: str = "cpu"
    """Torch device: cpu, cuda ..."""
    bf16: bool = False
    """Convolutions in bfloat16: faster on CUDA and on CPUs with AVX512-BF16 or AMX; seven times slower with AVX2."""
    polish: bool = False
    """Before an iteration's best placement is compared with the best so far, its soft macros are placed as carefully
    as `placer place` does it (a fraction of a second)."""
    policy: PolicyConfig = field(default_factory=PolicyConfig)
    """Sizes of a new policy; ignored where one is loaded."""
    ppo: PPOConfig = field(default_factory=PPOConfig)
    """The learning algorithm."""
    floorplan: FloorplanConfig = EPISODE
    """The environment. Learning looks at the cost at the end of an episode only: shaped rewards, taken with provisional
    soft macros, show little of the difference between two final costs."""
