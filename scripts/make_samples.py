"""Writes the sample designs that ship with the package: `python scripts/make_samples.py`."""

from __future__ import annotations

import numpy as np

import netlists
from netlists.samples import SAMPLES, sample_path
from netlists.synthetic import SyntheticConfig, generate

SIZES = {"cpu_small": (16, 100, 200), "accelerator_small": (24, 120, 250), "tiles_small": (32, 150, 300)}
"""Hard macros, soft macros, least number of grid cells."""


def main() -> None:
    """Generates each sample from its own seed."""
    for seed, name in enumerate(SAMPLES):
        hard, soft, cells = SIZES[name]
        config = SyntheticConfig(name.removesuffix("_small"), hard, soft, nets_per_soft=6.0, cells=cells)
        design = generate(config, np.random.default_rng([2026, seed]))
        netlists.write(sample_path(name), design)
        print(f"{sample_path(name)}: {hard} hard, {soft} soft macros, {design.netlist.num_nets} nets")


if __name__ == "__main__":
    main()
