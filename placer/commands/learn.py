"""`placer train` and `placer finetune`: one loop with two sets of options."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, replace
from pathlib import Path

from tyro.conf import Positional

import netlists
from netlists import NetlistError
from placer import report


@dataclass(frozen=True, kw_only=True)
class _Learning:
    """Options that training and fine-tuning share."""

    out: Path
    """Folder of the run."""
    minutes: float = 10.0
    """Wall time, over all resumptions."""
    iterations: int | None = None
    """Most iterations; with a number the run is reproducible."""
    envs: int = 16
    """Environments, dealt to the designs in turn."""
    seed: int = 0
    """Of everything random."""
    threads: int = 2
    """Threads of torch and of the environments."""
    device: str = "cpu"
    """cpu, cuda ..."""
    learning_rate: float = 5e-4
    """Of Adam at the start."""
    entropy: float = 0.01
    """Weight of the entropy bonus."""
    bf16: bool = False
    """Convolutions in bfloat16: faster on CUDA and on CPUs with AVX512-BF16 or AMX."""
    resume: bool = False
    """Go on from where a run in the same folder stands."""
    quiet: bool = False
    """No lines of progress."""


@dataclass(frozen=True, kw_only=True)
class Train(_Learning):
    """Train a policy on a set of designs."""

    designs: list[Path]
    """Netlist files or design folders."""
    policy: str | None = None
    """Checkpoint to start from; a new policy without it."""

    def run(self) -> int:
        return _train(self, [netlists.read(path) for path in self.designs], self.policy)


@dataclass(frozen=True, kw_only=True)
class Finetune(_Learning):
    """Fine-tune a policy on one design, beginning with what `place --seconds 0` makes of it.

    The best placement found is kept beside the policy, and `place --policy RUN` starts from it too.
    """

    design: Positional[Path]
    """Netlist file, or design folder."""
    placement: Path | None = None
    """Placement (.plc) to read canvas, ports and fixed macros from."""
    policy: str = "shipped"
    """shipped, or a checkpoint."""
    entropy: float = 0.003
    """Weight of the entropy bonus."""

    def run(self) -> int:
        return _train(self, [netlists.read(self.design, self.placement)], self.policy)


def _train(args: _Learning, designs: list[netlists.Design], policy: str | None) -> int:
    # Before torch is loaded: between its operations its threads would keep cores busy that compiled layers need.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

    from placer import place
    from placer.checkpoint import load_checkpoint
    from placer.config import FINETUNE, PPOConfig, TrainConfig
    from placer.ppo import POLICY_FILE, STATE_FILE, check_device, train
    from placer.weights import policy_path

    report.check_seed(args.seed)
    if args.threads < 1 or not 0 <= args.minutes < math.inf or not 0 < args.learning_rate < math.inf:
        raise NetlistError(
            f"expected threads >= 1, finite minutes >= 0 and a finite learning rate > 0, got {args.threads}, "
            f"{args.minutes:g} and {args.learning_rate:g}"
        )
    if (args.iterations is not None and args.iterations < 0) or not 0 <= args.entropy < math.inf:
        raise NetlistError(
            f"expected iterations >= 0 and a finite weight of the entropy >= 0, got {args.iterations} and "
            f"{args.entropy:g}"
        )
    if not designs:
        raise NetlistError("expected at least one design, got none")
    check_device(args.device)
    resuming = args.resume and (args.out / STATE_FILE).exists()
    finetuning = isinstance(args, Finetune)
    ppo = FINETUNE if finetuning else PPOConfig()
    config = TrainConfig(
        seed=args.seed,
        envs=args.envs,
        minutes=args.minutes,
        iterations=args.iterations,
        threads=args.threads,
        device=args.device,
        bf16=args.bf16,
        polish=finetuning,
        ppo=replace(ppo, learning_rate=args.learning_rate, entropy=args.entropy),
    )
    start = load_checkpoint(policy_path(policy)).policy if policy and not resuming else None
    known = None
    if finetuning and policy and not resuming:
        zero_shot = place(designs[0], seconds=0, seed=args.seed, policy=policy, threads=args.threads)
        if zero_shot.interrupted:
            raise KeyboardInterrupt
        known = zero_shot.placement
    train(designs, config, args.out, start, args.resume, report.TrainReport(args.quiet), known)
    print(f"policy: {args.out / POLICY_FILE}\ncurves: tensorboard --logdir {args.out}")
    return 0
