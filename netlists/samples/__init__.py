"""Small designs that ship with the package, made by `scripts/make_samples.py`."""

from __future__ import annotations

from pathlib import Path

SAMPLES: tuple[str, ...] = ("cpu_small", "accelerator_small", "tiles_small")


def sample_path(name: str) -> Path:
    """The design folder of a sample.

    Raises:
        ValueError: there is no such sample.
    """
    if name not in SAMPLES:
        raise ValueError(f"sample is '{name}', expected one of {', '.join(SAMPLES)}")
    return Path(__file__).parent / name
