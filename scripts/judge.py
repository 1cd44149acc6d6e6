"""What checkpoints make of designs that they never saw, judged as policies are in the studies (`study.py`).

    python scripts/judge.py --policies shipped runs/imitation/shipped.safetensors --designs DESIGN ... --out OUT

Nothing is bounded by the clock; a policy takes 11 s a seed on two cores, with five real designs and ten synthetic ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro
from study import Study, checkpoint_maker, designs_to_judge_by, run_study


@dataclass(frozen=True)
class Judge(Study):
    """What to judge, and what by."""

    out: Path = Path("results/judged.json")
    """JSON record to write."""
    policies: tuple[Path, ...] = (Path("shipped"),)
    """`shipped`, checkpoints, or folders of training runs; the untrained policy comes by itself."""


def main(config: Judge) -> None:
    """Judges what the record does not hold yet, and prints costs over those of the untrained policy."""
    makers = {policy.stem: checkpoint_maker(policy) for policy in config.policies}
    record = run_study(config, makers, designs_to_judge_by(config))
    for name, summary in record["summary"].items():
        print(name, {kind: summary[kind]["relative"] for kind in ("real", "synthetic") if kind in summary})


if __name__ == "__main__":
    main(tyro.cli(Judge))
