"""Fixtures that several test modules share."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import settings

import netlists
from netlists import Design
from netlists.samples import SAMPLES, sample_path

settings.register_profile("project", deadline=None, max_examples=100, derandomize=True)
settings.load_profile("project")

BENCHMARKS = Path(__file__).parents[2] / "shared" / "benchmarks"


@pytest.fixture(scope="session")
def benchmarks() -> Path:
    """The folder of benchmark designs beside the repository."""
    if not BENCHMARKS.exists():
        pytest.skip(f"the benchmark designs are not at {BENCHMARKS}")
    return BENCHMARKS


@pytest.fixture(scope="session")
def expected(benchmarks: Path) -> dict:
    """Counts and golden costs of the clustered benchmarks."""
    return json.loads((benchmarks / "clustered" / "expected.json").read_text())


@pytest.fixture(params=SAMPLES)
def sample(request: pytest.FixtureRequest) -> Design:
    """Each shipped sample design."""
    return netlists.read(sample_path(request.param))


@pytest.fixture(scope="session")
def small() -> Design:
    """One shipped sample design."""
    return netlists.read(sample_path("cpu_small"))
