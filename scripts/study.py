"""Studies of learning: policies made in different ways, judged by what they make of designs they never saw.

Each policy is judged zero-shot: the best of the rollouts of one batch, soft macros annealed. No rollout leans further
on the wire mask than the policy does, so that what is compared is what was learned. Nothing is bounded by the clock.
Costs are divided by those of the untrained policy. A study that was interrupted, or that is asked for further seeds,
goes on where it stood: policies that the record holds are not made again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from lessons import draw_designs
from numpy.typing import NDArray
from record import begin_or_resume, short_name

import netlists
from env.cost import CostModel
from env.start import analytic_start, legalize
from netlists import Design
from netlists.files import write_bytes
from placer.checkpoint import load_checkpoint, weights_of
from placer.config import PolicyConfig
from placer.pipeline import PlaceConfig
from placer.policy import Policy
from placer.starts import soften
from placer.weights import policy_path
from placer.zero_shot import WIRE_WEIGHTS, zero_shot

LESSONS, HELD_OUT, CHOOSING = 0, 1, 2
"""Streams of synthetic designs: those to learn from, those to judge by, and those by which weights are chosen."""

UNTRAINED = "untrained"
"""The policy to compare with."""

JUDGE_WEIGHTS = np.tile(WIRE_WEIGHTS, 2)
"""Of the eight rollouts that a policy is judged by."""

POLICY_ALONE = np.zeros_like(JUDGE_WEIGHTS)
"""Rollouts none of which leans further on the wire mask than the policy does."""

JUDGED = 3
"""Best rollouts whose soft macros are placed with care."""

Designs = dict[str, dict[str, Design]]
"""By kind, real or synthetic, and name."""

Maker = Callable[[int], tuple[Policy, dict[str, Any]]]
"""Makes a policy from a seed, and says how it went."""


@dataclass(frozen=True)
class Study:
    """What policies are judged by; each study adds how they are made."""

    may_differ: ClassVar[tuple[str, ...]] = ("seeds",)
    """Settings under which a study may go on with a record: they change no run that it holds."""

    designs: tuple[Path, ...] = ()
    """Netlist files or design folders; given positions of movable macros are ignored."""
    out: Path = Path("results/study.json")
    """JSON record to write."""
    held_out: int = 10
    """Synthetic designs to judge by."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Of weights, the choice of designs, the order of samples and the rollouts."""
    threads: int = 1
    """Threads of torch and of the environments."""


def lesson_designs(count: int) -> Iterator[Design]:
    """Small synthetic designs to learn from."""
    return draw_designs([LESSONS], count)


def new_policy(seed: int) -> Policy:
    """Of the usual size, with weights of that seed."""
    torch.manual_seed(seed)
    return Policy(PolicyConfig())


def checkpoint_maker(policy: str | Path) -> Maker:
    """A checkpoint, the same for every seed, which is of the rollouts alone."""
    return lambda _: (load_checkpoint(policy_path(policy)).policy, {})


def designs_to_judge_by(config: Study) -> Designs:
    """The given designs, and synthetic ones of all families in turn that are in no lesson."""
    real = {short_name(path): netlists.read(path) for path in config.designs}
    return {"real": real, "synthetic": held_out_designs(config.held_out)}


def held_out_designs(count: int) -> dict[str, Design]:
    """Synthetic designs, by name, that are in no lesson."""
    drawn = draw_designs([HELD_OUT], count)
    return {f"{index}_{design.name}": design for index, design in enumerate(drawn)}


def read_placed(path: Path, placement: str | None) -> Design:
    """A design with the .plc of that name in its folder, where there is one; else with its initial one."""
    given = path / placement if placement else None
    return netlists.read(path, given if given and given.exists() else None)


def judge(
    policy: Policy, design: Design, seed: int, threads: int, wire_weights: NDArray[np.float32] = JUDGE_WEIGHTS
) -> float:
    """Proxy cost of the best rollout; of the analytic placement if none found room for every macro."""
    model = CostModel(design.netlist, design.canvas)
    config = PlaceConfig(seed=seed, threads=threads)
    rolled = zero_shot(design, weights_of(policy), config, 0.0, wire_weights=wire_weights)
    starts = rolled or [legalize(design, analytic_start(design, model.core), model.core)]
    return min(soften(design, start, model, seed).costs.proxy_cost for start in starts[:JUDGED])


def run_study(config: Study, makers: dict[str, Maker], designs: Designs) -> dict[str, Any]:
    """Makes and judges every policy that the record does not hold, all of one seed before the next; returns the record.

    Args:
        config: all settings of the study.
        makers: by the name of the policy; the untrained one comes by itself.
        designs: see `designs_to_judge_by`.
    """
    torch.set_num_threads(config.threads)
    record = begin_or_resume(config, {"runs": [], "summary": {}}, config.may_differ)
    known = {(run["policy"], run["seed"]) for run in record["runs"]}
    untrained: dict[str, Maker] = {UNTRAINED: lambda seed: (new_policy(seed), {})}
    for seed in config.seeds:
        for name, make in (untrained | makers).items():
            if (name, seed) in known:
                continue
            began = time.monotonic()
            policy, details = make(seed)
            made = time.monotonic()
            costs = {
                kind: {
                    design: judge(policy.eval(), of_kind[design], seed, config.threads, POLICY_ALONE)
                    for design in of_kind
                }
                for kind, of_kind in designs.items()
            }
            seconds = {"seconds": round(made - began, 1), "judging_seconds": round(time.monotonic() - made, 1)}
            record["runs"].append({"policy": name, "seed": seed, **details, **seconds, "costs": costs})
            record["summary"] = summarise(record["runs"])
            write_bytes(config.out, (json.dumps(record, indent=1) + "\n").encode())
            means = {kind: round(float(np.mean(list(of.values()))), 4) for kind, of in costs.items() if of}
            print(name, seed, means, details, seconds, flush=True)
    return record


def summarise(runs: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """By policy: mean and spread over seeds, of costs and of the mean ratio to the untrained policy's."""
    found: dict[str, dict[str, Any]] = {}
    for name in dict.fromkeys(run["policy"] for run in runs):
        of_policy = [run["costs"] for run in runs if run["policy"] == name]
        found[name] = {"seeds": len(of_policy)}
        for kind in of_policy[0]:
            costs = {design: [run[kind][design] for run in of_policy] for design in of_policy[0][kind]}
            if not costs:
                continue
            base = found[UNTRAINED][kind]["proxy_costs"] if name != UNTRAINED else {}
            found[name][kind] = {"proxy_costs": {design: mean_and_spread(values) for design, values in costs.items()}}
            against = base or found[name][kind]["proxy_costs"]
            ratios = [np.array(values) / against[design]["mean"] for design, values in costs.items()]
            found[name][kind]["relative"] = mean_and_spread(np.mean(ratios, axis=0))
    return found


def mean_and_spread(values: Sequence[float] | NDArray) -> dict[str, float]:
    """Mean and sample standard deviation, rounded for a record."""
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    return {"mean": round(float(np.mean(values)), 5), "std": round(spread, 5)}
