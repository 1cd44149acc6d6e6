import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import netlists
from netlists import turn_size
from netlists.grid import GridConfig, choose_grid, empty_share


@given(st.floats(1, 1e5), st.floats(0.02, 50), st.integers(0, 40), st.integers(0, 2**32 - 1))
def test_any_canvas_gets_a_grid(width, aspect, count, seed):
    rng = np.random.default_rng(seed)
    height = width / aspect
    size = rng.uniform(0.005, rng.choice([0.05, 0.3, 1.0]), (2, count)) * [[width], [height]]
    cols, rows = choose_grid(width, height, size)
    config = GridConfig()
    assert config.min_lines <= min(cols, rows) <= max(cols, rows) <= config.max_lines
    assert config.min_cells <= cols * rows <= config.max_cells
    if 1 / 3 < aspect < 3:
        assert max(width / cols * rows / height, height / rows * cols / width) <= config.max_aspect * (1 + 1e-9)


def test_macros_are_packed_first_fit_on_cell_centres():
    # On 4 x 4 cells of 10 um a macro of 18 um covers 3 x 3 cells; no second one fits. One of 10 um covers one cell.
    assert empty_share(40, 40, np.full((2, 1), 18.0), 4, 4) == pytest.approx(7 / 16)
    assert empty_share(40, 40, np.full((2, 2), 18.0), 4, 4) is None
    assert empty_share(40, 40, np.full((2, 5), 10.0), 4, 4) == pytest.approx(11 / 16)
    assert empty_share(40, 40, np.full((2, 17), 10.0), 4, 4) is None
    assert empty_share(40, 40, np.full((2, 1), 41.0), 4, 4) is None


@given(st.integers(0, 2**32 - 1))
def test_packing_equals_the_obvious_one(seed):
    rng = np.random.default_rng(seed)
    cols, rows = rng.integers(3, 9, 2).tolist()
    size = rng.choice([3.0, 10.0, 12.5, 21.0], (2, int(rng.integers(1, 8))))
    centres = []
    for w, h in sorted(size.T.tolist(), key=lambda outline: -outline[0] * outline[1]):
        free = [
            ((c + 0.5) * 10, (r + 0.5) * 10)
            for r in range(rows)
            for c in range(cols)
            if w / 2 <= (c + 0.5) * 10 <= cols * 10 - w / 2
            and h / 2 <= (r + 0.5) * 10 <= rows * 10 - h / 2
            and all(
                abs((c + 0.5) * 10 - x) >= (w + v) / 2 or abs((r + 0.5) * 10 - y) >= (h + g) / 2
                for x, y, v, g in centres
            )
        ]
        if not free:
            assert empty_share(cols * 10, rows * 10, size, cols, rows) is None
            return
        centres.append((*free[0], w, h))
    touched = {
        (c, r)
        for x, y, w, h in centres
        for c in range(cols)
        for r in range(rows)
        if x - w / 2 < (c + 1) * 10 and x + w / 2 > c * 10 and y - h / 2 < (r + 1) * 10 and y + h / 2 > r * 10
    }
    assert empty_share(cols * 10, rows * 10, size, cols, rows) == pytest.approx(1 - len(touched) / (cols * rows))


@pytest.mark.parametrize("name", ["ariane133", "ariane136", "mempool_tile", "nvdla", "../ASAP7/ariane136"])
def test_published_designs_get_their_published_grids(benchmarks, expected, name):
    design = netlists.read(benchmarks / "clustered" / "NanGate45" / name)
    hard = design.netlist.is_hard
    size = turn_size(design.netlist.size, design.placement.orientation)[:, hard]
    published = expected[name.removeprefix("../") if "/" in name else f"NanGate45/{name}"]["grid_cols_rows"]
    assert list(choose_grid(design.canvas.width, design.canvas.height, size)) == published
