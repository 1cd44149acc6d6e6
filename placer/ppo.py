"""Proximal policy optimisation over many netlists at once (pretraining) or one (fine-tuning): one loop."""

from __future__ import annotations

import json
import math
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, astuple, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from env.episodes import Task
from netlists import Design, NetlistError, Placement
from netlists.files import make_folder, remove, write_bytes
from netlists.plc import write_plc
from placer.batching import group_by_grid
from placer.checkpoint import Checkpoint, load_checkpoint, load_optimizer_tensors, optimizer_tensors, save_checkpoint
from placer.config import TrainConfig
from placer.features import PolicyTask
from placer.kept import kept_placement
from placer.policy import Policy
from placer.rollout import Player, ReturnScale, Rollout, gae, normalise_by_task, ppo_loss
from placer.starts import soften
from placer.weights import does_not_fit

POLICY_FILE = "policy.safetensors"
STATE_FILE = "state.safetensors"
CURVE_FILE = "curve.jsonl"
BOARD_FOLDER = "tensorboard"


class Observer(Protocol):
    """Is told how a run goes."""

    def iteration(self, row: dict[str, Any]) -> None:
        """One line of the curve."""


@dataclass
class Progress:
    """Where a run stands; what a resumption goes on from."""

    iteration: int = 0
    env_steps: int = 0
    episodes: int = 0
    seconds: float = 0.0
    best: dict[str, float] = field(default_factory=dict)
    """Least proxy cost of a complete episode, by design."""


def read_curve(folder: Path) -> list[dict[str, Any]]:
    """What the run in the folder recorded of its iterations, a row each."""
    return [json.loads(line) for line in (folder / CURVE_FILE).read_text().splitlines()]


def train(
    designs: Sequence[Design],
    config: TrainConfig,
    out: Path,
    policy: Policy | None = None,
    resume: bool = False,
    observer: Observer | None = None,
    known: Placement | None = None,
) -> Policy:
    """Trains a policy and writes `policy.safetensors`, `state.safetensors`, `curve.jsonl` and TensorBoard files.

    Args:
        designs: what to place; environments are dealt to them in turn.
        config: see there.
        out: folder of the run; the best placement of each design is kept there as `NAME.plc`.
        policy: the one to start from; a new one by default.
        resume: go on from the state that `out` holds, if it holds one; else what another run left there is removed.
        observer: told of every iteration.
        known: a complete placement of the first design, to be kept until the run finds a better one.

    Raises:
        NetlistError: a design cannot be placed, its first macro fits on no grid cell, or the folder cannot be written
            or resumed from: it is of other designs.
    """
    make_folder(out)
    run = _Run(designs, config, out, policy, resume)
    if known:
        run.keep(0, known)
    try:
        while not run.finished():
            row = run.iterate()
            if observer:
                observer.iteration(row)
            if run.progress.iteration % config.checkpoint_every == 0:
                run.save()
    except KeyboardInterrupt:
        pass  # what was learned so far is kept
    run.close()
    return run.policy


@dataclass(frozen=True)
class _Group:
    """Designs that are played together: their graphs are encoded at once, their grids padded to the largest."""

    design_of: list[int]
    """Index of the design of each environment."""
    player: Player
    steps: int
    """Of each environment in an iteration."""


@dataclass(frozen=True)
class _Experience:
    """A rollout of a group, and what it says of each action: advantages and returns, (T, B)."""

    group: _Group
    roll: Rollout
    advantages: NDArray
    returns: NDArray


class _Run:
    """The state of a training run, and one iteration of the loop."""

    def __init__(
        self, designs: Sequence[Design], config: TrainConfig, out: Path, policy: Policy | None, resume: bool
    ) -> None:
        self.config, self.out, self.designs = config, out, list(designs)
        torch.manual_seed(config.seed)
        torch.set_num_threads(config.threads)
        self.generator = torch.Generator().manual_seed(config.seed)
        self.shuffle = np.random.default_rng(config.seed)
        self.progress = Progress()
        self.scale = ReturnScale.make(len(self.designs))
        self.policy = policy or Policy(config.policy)
        self.names = _unique_names(self.designs)
        self.tasks = [PolicyTask.make(Task.make(design, config.floorplan)) for design in self.designs]
        for task in self.tasks:
            task.task.check_begins()
        state: dict[str, Tensor] = {}
        if resume and (out / STATE_FILE).exists():
            state = self._resume()
        else:
            self._remove_former()
            self.policy.value_head.forget()
        self.policy.to(config.device)
        self.policy.policy_head.bf16 = config.bf16
        self.optimizer = torch.optim.Adam(self.policy.parameters(), lr=config.ppo.learning_rate, eps=1e-5)
        if state:
            load_optimizer_tensors(self.optimizer, state)
        self.groups = [self._group(indices) for indices in group_by_grid(self.tasks, config.designs_at_once)]
        from torch.utils.tensorboard import SummaryWriter

        self.writer = SummaryWriter(str(out / BOARD_FOLDER))
        self.started = time.monotonic() - self.progress.seconds
        write_bytes(out / "config.json", json.dumps(asdict(config), indent=1).encode())

    def _group(self, indices: list[int]) -> _Group:
        config, tasks = self.config, [self.tasks[k] for k in indices]
        dealt = [b % len(self.tasks) for b in range(max(config.envs, len(self.tasks)))]
        design_of = [k for k in dealt if k in indices]
        steps = config.ppo.steps or whole_episodes(max(len(task.order_node) for task in tasks))
        task_of = [indices.index(k) for k in design_of]
        player = Player(tasks, task_of, config.floorplan, config.threads, config.device)
        return _Group(design_of, player, steps)

    def _remove_former(self) -> None:
        """What another run left would be taken for this one's when it is resumed."""
        for name in (STATE_FILE, CURVE_FILE, *(f"{name}.plc" for name in self.names)):
            remove(self.out / name)
        shutil.rmtree(self.out / BOARD_FOLDER, ignore_errors=True)

    def _kept(self) -> dict[str, str]:
        """Names of the designs by their fingerprints."""
        return {design.fingerprint(): name for design, name in zip(self.designs, self.names, strict=True)}

    def _resume(self) -> dict[str, Tensor]:
        checkpoint = load_checkpoint(self.out / STATE_FILE)
        try:
            return self._go_on_from(checkpoint)
        except NetlistError:
            raise
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise does_not_fit(self.out / STATE_FILE, error) from error

    def _go_on_from(self, checkpoint: Checkpoint) -> dict[str, Tensor]:
        if list(checkpoint.record["kept"].items()) != list(self._kept().items()):
            raise NetlistError(
                f"is the run of {', '.join(checkpoint.record['designs'])}, expected the same designs in that order; "
                "give those, or another folder",
                self.out,
            )
        self.policy = checkpoint.policy
        self.progress = Progress(**checkpoint.record["progress"])
        self.generator.set_state(checkpoint.state["generator"])
        self.scale = ReturnScale(*(np.array(part) for part in checkpoint.record["return_scale"]))
        self.shuffle.bit_generator.state = checkpoint.record["shuffle"]
        # A run that was killed may have logged iterations after its last checkpoint: they will be run again.
        curve = self.out / CURVE_FILE
        rows = curve.read_bytes().splitlines(keepends=True) if curve.exists() else []
        write_bytes(curve, b"".join(rows[: self.progress.iteration]))
        # It may have kept better placements since, too.
        for design, task, name in zip(self.designs, self.tasks, self.names, strict=True):
            if kept := kept_placement(self.out, checkpoint.record, design):
                cost = task.task.costs.evaluate(kept).proxy_cost
                self.progress.best[name] = min(cost, self.progress.best.get(name, math.inf))
        return checkpoint.state

    def finished(self) -> bool:
        self.progress.seconds = time.monotonic() - self.started
        return self.progress.seconds >= 60 * self.config.minutes or self._share_done() >= 1

    def _share_done(self) -> float:
        """Share of the run that is over: by iterations or environment steps if their number is given, else by time."""
        config, progress = self.config, self.progress
        counted = ((progress.iteration, config.iterations), (progress.env_steps, config.env_steps))
        shares = [done / limit if limit else 1.0 for done, limit in counted if limit is not None]
        return min(1.0, max(shares, default=progress.seconds / (60 * config.minutes)))

    def iterate(self) -> dict[str, Any]:
        """Rollout, advantages, update, record."""
        ppo = self.config.ppo
        began = time.monotonic()

        # Rollout: every environment of a group takes the same number of steps; episodes may span iterations.
        self.policy.eval()
        groups = self._groups_in_turn()
        rolls = [group.player.play(self.policy, group.steps, self.generator) for group in groups]
        seconds = time.monotonic() - began

        # Advantages, in spreads of each design's returns.
        experience = [self._judge(group, roll) for group, roll in zip(groups, rolls, strict=True)]

        # Update: the learning rate falls with the share of the run that is over.
        share = self._share_done()
        for param_group in self.optimizer.param_groups:
            param_group["lr"] = ppo.learning_rate * (1.0 - 0.9 * share)
        self.policy.train()
        losses = self._update(experience)

        # Record.
        steps = sum(roll.rewards.size for roll in rolls)
        finished = [(of.group.design_of[b], info) for of in experience for b, info in of.roll.finished]
        self.progress.iteration += 1
        self.progress.env_steps += steps
        self.progress.episodes += len(finished)
        self.progress.seconds = time.monotonic() - self.started
        returns = np.concatenate([of.returns.ravel() for of in experience])
        missed = returns - np.concatenate([roll.values.ravel() for roll in rolls])
        row = self._row(finished, losses) | {
            "rollout_steps_per_second": steps / seconds,
            "steps_per_second": steps / (time.monotonic() - began),
            "explained_variance": 1 - float(np.var(missed) / (np.var(returns) + 1e-9)),
        }
        self._log(row)
        return row

    def _groups_in_turn(self) -> list[_Group]:
        """Those of this iteration: all of them come, in an order drawn anew each time, before one comes again."""
        config, number = self.config, len(self.groups)
        wanted = config.designs_each_iteration or len(self.designs)
        if wanted >= len(self.designs):
            return self.groups
        count = math.ceil(wanted / config.designs_at_once)
        turns = range(self.progress.iteration * count, (self.progress.iteration + 1) * count)
        orders = [np.random.default_rng([config.seed, turn // number]).permutation(number) for turn in turns]
        return [self.groups[order[turn % number]] for order, turn in zip(orders, turns, strict=True)]

    def _judge(self, group: _Group, roll: Rollout) -> _Experience:
        """What a rollout says of its actions. The standardised return of an episode counts at its end, nothing else."""
        ended: list[tuple[int, float | None, float]] = []
        for b, info in roll.finished:
            design = group.design_of[b]
            total = -info["costs"]["proxy_cost"] if "costs" in info else None
            if total is not None:
                self.scale.update(design, total)
            left_out = np.count_nonzero(~info["placement"].placed) / len(self.tasks[design].order_node)
            ended.append((design, total, left_out))
        rewards = np.zeros_like(roll.rewards)
        rewards[roll.dones > 0] = [self.scale.standardise(*of_episode) for of_episode in ended]
        ppo = self.config.ppo
        advantages, returns = gae(rewards, roll.values, roll.dones, roll.last_value, ppo.gamma, ppo.gae_lambda)
        return _Experience(group, roll, normalise_by_task(advantages, group.design_of), returns)

    def _update(self, experience: list[_Experience]) -> dict[str, float]:
        """Gradient steps on minibatches until the policy has moved by `target_kl`; means of what they said."""
        ppo, device = self.config.ppo, self.config.device
        history: list[dict[str, float]] = []
        for of, index in self._minibatches(experience):
            chosen = torch.from_numpy(index)
            embeddings = self.policy.embed(of.group.player.graphs)
            logits, values = self.policy(embeddings, of.roll.batch.select(chosen).to(device))
            arrays = (of.roll.actions, of.roll.log_probability, of.advantages, of.returns)
            taken = (torch.from_numpy(array.reshape(-1)[index]).to(device) for array in arrays)
            terms = ppo_loss(logits, values, *taken, clip=ppo.clip)
            if terms.approx_kl > ppo.target_kl:
                break
            loss = terms.policy_loss + ppo.value * terms.value_loss - ppo.entropy * terms.entropy
            self.optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.policy.value_head.parameters(), ppo.max_grad_norm)
            norm = torch.nn.utils.clip_grad_norm_(self.policy.acting_parameters(), ppo.max_grad_norm)
            self.optimizer.step()
            history.append({name: value.item() for name, value in vars(terms).items()} | {"grad_norm": float(norm)})
        if not all(bool(torch.isfinite(weights).all()) for weights in self.policy.parameters()):
            raise NetlistError(f"training diverged in iteration {self.progress.iteration + 1}; lower the learning rate")
        means = {name: float(np.mean([of_step[name] for of_step in history])) for name in history[0]}
        return means | {"gradient_steps": len(history)}

    def _minibatches(self, experience: list[_Experience]) -> Iterator[tuple[_Experience, NDArray[np.int64]]]:
        """Some passes over the experience; a minibatch is of one group."""
        ppo = self.config.ppo
        for _ in range(ppo.epochs):
            for i in self.shuffle.permutation(len(experience)):
                of = experience[i]
                drawn = self.shuffle.permutation(of.returns.size)[: math.ceil(ppo.sample_share * of.returns.size)]
                for index in np.array_split(drawn, max(1, len(drawn) // ppo.minibatch)):
                    yield of, index

    def _row(self, finished: list[tuple[int, dict[str, Any]]], losses: dict[str, float]) -> dict[str, Any]:
        complete = [(design, info) for design, info in finished if "costs" in info]
        self._keep_best(complete)
        row: dict[str, Any] = {
            "iteration": self.progress.iteration,
            "env_steps": self.progress.env_steps,
            "episodes": len(finished),
            "infeasible": len(finished) - len(complete),
            "seconds": round(self.progress.seconds, 2),
        }
        if complete:
            for name in ("proxy_cost", "wirelength_cost", "density_cost", "congestion_cost"):
                row[name] = float(np.mean([info["costs"][name] for _, info in complete]))
            row["return"] = -row["proxy_cost"]
        return row | losses

    def _keep_best(self, complete: list[tuple[int, dict[str, Any]]]) -> None:
        """Offers the best episode of every design to `keep`, its soft macros placed with care if so configured."""
        for task in {design for design, _ in complete}:
            infos = [info for design, info in complete if design == task]
            placement: Placement = min(infos, key=lambda info: info["costs"]["proxy_cost"])["placement"]
            if self.config.polish:
                design, model = self.designs[task], self.tasks[task].task.costs
                placement = soften(design, placement, model, self.config.seed).finished
            self.keep(task, placement)

    def keep(self, task: int, placement: Placement) -> None:
        """Writes a complete placement to the folder of the run if it is the best of its design so far."""
        design, name = self.designs[task], self.names[task]
        proxy = self.tasks[task].task.costs.evaluate(placement).proxy_cost
        if proxy < self.progress.best.get(name, np.inf):
            self.progress.best[name] = proxy
            write_plc(self.out / f"{name}.plc", design.netlist, design.canvas, placement)

    def _log(self, row: dict[str, Any]) -> None:
        for name, value in row.items():
            if name not in ("iteration", "env_steps"):
                self.writer.add_scalar(name, value, self.progress.env_steps)
        with (self.out / CURVE_FILE).open("a") as file:
            file.write(json.dumps(row) + "\n")

    def save(self) -> None:
        """Writes the policy, and the state to resume from."""
        record = {
            "config": asdict(self.config),
            "designs": self.names,
            "kept": self._kept(),
            "progress": asdict(self.progress),
            "shuffle": self.shuffle.bit_generator.state,
            "return_scale": [part.tolist() for part in astuple(self.scale)],
        }
        state = optimizer_tensors(self.optimizer) | {"generator": self.generator.get_state()}
        save_checkpoint(self.out / STATE_FILE, self.policy, record, state)
        save_checkpoint(self.out / POLICY_FILE, self.policy, {k: v for k, v in record.items() if k != "shuffle"})

    def close(self) -> None:
        self.save()
        self.writer.close()


def whole_episodes(length: int, least: int = 64) -> int:
    """The steps of the fewest whole episodes of a length that come to `least` steps."""
    return -(-least // length) * length


def _unique_names(designs: Sequence[Design]) -> list[str]:
    names = [design.name for design in designs]
    return [name if names.count(name) == 1 else f"{name}_{i}" for i, name in enumerate(names)]


def check_device(device: str) -> None:
    """Raises NetlistError if torch has no such device."""
    try:
        torch.zeros(1, device=device).item()
    except (RuntimeError, AssertionError) as error:
        raise NetlistError(
            f"device '{device}' is not available: {str(error).splitlines()[0]}; try --device cpu"
        ) from error
