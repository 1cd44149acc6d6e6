"""What placing a design came to."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from env.cost import Costs
from env.search import SearchResult
from netlists import Placement


@dataclass(frozen=True)
class Stage:
    """A part of the pipeline, its end and what it reached."""

    name: str
    seconds: float
    """Since the beginning of the run."""
    proxy_cost: float


@dataclass(frozen=True)
class PlaceResult:
    """What came out."""

    placement: Placement
    costs: Costs
    start_costs: Costs | None
    """Costs of the given placement; None where not everything in it is placed."""
    stages: list[Stage]
    legal: bool
    start: str
    """The start that the search went on from."""
    details: dict[str, Any]
    """Costs of all starts; moves, acceptance and trace of the search; a `note` on what was asked for and not done."""
    search: SearchResult | None = None
    """What the search found, if there was one."""
    interrupted: bool = False
    """By Ctrl-C: the best that was found until then."""

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "costs": asdict(self.costs),
            "start_costs": asdict(self.start_costs) if self.start_costs else None,
            "legal": self.legal,
            "start": self.start,
            "interrupted": self.interrupted,
            "stages": [asdict(stage) for stage in self.stages],
            **self.details,
        }
