"""The command line: `placer place | evaluate | train | finetune | synth`."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

BEGAN = time.monotonic()
"""Time budgets count from here, before anything heavy is imported."""

import tyro  # noqa: E402
from tyro.conf import Positional  # noqa: E402

import netlists  # noqa: E402
from env import CostModel, CostWeights, check_legality  # noqa: E402
from netlists import NetlistError, PlcCosts, write_plc  # noqa: E402
from netlists.files import make_folder  # noqa: E402
from placer import report  # noqa: E402


@dataclass(frozen=True)
class Place:
    """Place the macros of a design: writes placement.plc, placement.png and result.json."""

    design: Positional[Path]
    """Netlist file, or design folder."""
    out: Path
    """Folder for the results."""
    placement: Path | None = None
    """Placement (.plc) to read canvas, ports, fixed macros and a hint from."""
    policy: str = "shipped"
    """shipped, none, a checkpoint, or the folder of a training run."""
    seconds: float = 60.0
    """Wall time since the start of the command; 0: the policy alone."""
    seed: int = 0
    """Of everything random."""
    threads: int = 2
    """Search threads."""
    from_scratch: bool = False
    """Ignore the positions of movable macros in the given placement."""
    weights: tuple[float, float, float] = (1.0, 0.5, 0.5)
    """Weights of wirelength, density and congestion."""
    json: bool = False
    """Print the result as JSON and nothing else."""

    def run(self) -> int:
        from placer import place
        from placer.versions import versions

        if self.seconds < 0 or self.threads < 1:
            raise NetlistError(f"expected seconds >= 0 and threads >= 1, got {self.seconds:g} and {self.threads}")
        design = netlists.read(self.design, self.placement)
        make_folder(self.out)
        with report.place_progress(self.json, self.seconds) as listener:
            result = place(
                design,
                seconds=self.seconds,
                seed=self.seed,
                policy=self.policy,
                threads=self.threads,
                from_scratch=self.from_scratch,
                weights=CostWeights(*self.weights),
                listener=listener,
                began=BEGAN,
            )
        placed = design.with_placement(result.placement)
        costs = result.costs
        write_plc(
            self.out / "placement.plc",
            design.netlist,
            design.canvas,
            result.placement,
            PlcCosts(costs.wirelength, costs.wirelength_cost, costs.congestion_cost, costs.density_cost),
        )
        record = {
            "command": ["placer", *sys.argv[1:]],
            "seed": self.seed,
            "versions": versions(),
            "seconds": round(time.monotonic() - BEGAN, 2),
            **result.record(),
        }
        report.write_json(self.out / "result.json", record)
        from env.render import save_picture

        save_picture(self.out / "placement.png", placed)
        if self.json:
            print(json.dumps(record))
            return 0
        rows = [report.cost_row("given", result.start_costs)] if result.start_costs else []
        report.print_table(design.name, report.COST_COLUMNS, [*rows, report.cost_row("placed", costs)])
        print(f"legal: {'yes' if result.legal else 'no'}; start: {result.start}; {record['seconds']:.1f} s")
        for name in ("placement.plc", "placement.png", "result.json"):
            print(f"  {self.out / name}")
        return 0


@dataclass(frozen=True)
class Evaluate:
    """Evaluate wirelength, density and congestion of a placement."""

    design: Positional[Path]
    """Netlist file, or design folder."""
    placement: Path | None = None
    """Placement (.plc)."""
    weights: tuple[float, float, float] = (1.0, 0.5, 0.5)
    """Weights of wirelength, density and congestion."""
    json: bool = False
    """Print one JSON object."""

    def run(self) -> int:
        design = netlists.read(self.design, self.placement)
        costs = CostModel(design.netlist, design.canvas, CostWeights(*self.weights)).evaluate(design.placement)
        record = report.evaluation(design, costs, check_legality(design))
        if self.json:
            print(json.dumps(record))
            return 0
        report.print_table(design.name, report.COST_COLUMNS, [report.cost_row("placement", costs)])
        print("  ".join(f"{name} {value}" for name, value in record.items() if isinstance(value, int | bool)))
        return 0


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
    """Fine-tune a policy on one design; the best placement found is kept beside it."""

    design: Positional[Path]
    """Netlist file, or design folder."""
    placement: Path | None = None
    """Placement (.plc) to read canvas, ports and fixed macros from."""
    policy: str = "shipped"
    """shipped, or a checkpoint."""
    learning_rate: float = 2e-4
    """Of Adam at the start."""
    entropy: float = 0.003
    """Weight of the entropy bonus."""

    def run(self) -> int:
        return _train(self, [netlists.read(self.design, self.placement)], self.policy)


def _train(args: _Learning, designs: list[netlists.Design], policy: str | None) -> int:
    from placer.checkpoint import load_checkpoint, policy_path
    from placer.config import PPOConfig, TrainConfig
    from placer.ppo import POLICY_FILE, check_device, train

    check_device(args.device)
    config = TrainConfig(
        seed=args.seed,
        envs=args.envs,
        minutes=args.minutes,
        iterations=args.iterations,
        threads=args.threads,
        device=args.device,
        ppo=replace(PPOConfig(), learning_rate=args.learning_rate, entropy=args.entropy),
    )
    start = load_checkpoint(policy_path(policy)).policy if policy else None
    train(designs, config, args.out, start, args.resume, report.TrainReport(args.quiet))
    print(f"policy: {args.out / POLICY_FILE}\ncurves: tensorboard --logdir {args.out}")
    return 0


@dataclass(frozen=True)
class Synth:
    """Make a synthetic design."""

    out: Path
    """Design folder to write."""
    family: str = "mixed"
    """cpu, tiles, accelerator, systolic or mixed."""
    seed: int = 0
    """Of everything random."""
    hard: int | None = None
    """Hard macros; drawn by default."""
    soft: int | None = None
    """Soft macros; drawn by default."""

    def run(self) -> int:
        import numpy as np

        from netlists.synthetic import FAMILIES, SyntheticConfig, generate

        if self.family not in FAMILIES or min(self.hard or 1, self.soft or 1) < 1:
            raise NetlistError(
                f"expected one of {', '.join(FAMILIES)} and at least 1 macro of each kind, got family '{self.family}', "
                f"{self.hard} hard and {self.soft} soft macros"
            )
        config = SyntheticConfig(family=self.family, num_hard=self.hard, num_soft=self.soft)
        design = generate(config, np.random.default_rng(self.seed))
        netlists.write(self.out, design)
        netlist, canvas = design.netlist, design.canvas
        print(
            f"{design.name}: {int(netlist.is_hard.sum())} hard and {int(netlist.is_soft.sum())} soft macros, "
            f"{netlist.num_nets} nets, {canvas.width:g} x {canvas.height:g} um, grid {canvas.cols} x {canvas.rows}\n"
            f"  {self.out}"
        )
        return 0


Command = (
    Annotated[Place, tyro.conf.subcommand("place")]
    | Annotated[Evaluate, tyro.conf.subcommand("evaluate")]
    | Annotated[Train, tyro.conf.subcommand("train")]
    | Annotated[Finetune, tyro.conf.subcommand("finetune")]
    | Annotated[Synth, tyro.conf.subcommand("synth")]
)


def main(argv: list[str] | None = None) -> int:
    """Runs a command; returns the exit code: 0 done, 1 bad input or impossible request, 2 usage, 130 interrupted."""
    command: Any = tyro.cli(
        Command, prog="placer", args=argv, description="Macro placement with a pretrained graph policy."
    )  # type: ignore[call-overload]
    try:
        return command.run()
    except NetlistError as error:
        message = " ".join(str(error).split())
        sys.stderr.write(f"error: {message}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return 130


if __name__ == "__main__":
    sys.exit(main())
