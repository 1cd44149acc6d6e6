"""Constraints of hard macros where macros are moved, masked and counted. `test_search.py` has the random designs."""

from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from reference.legality import violations
from strategies import constrained_designs

from env import FloorplanEnv, analytic_start, check_legality, legalize
from env.legality import count_breaches
from env.search import SearchConfig, search
from env.start import flips, orient
from netlists import Blockage, Constraints, MacroRule, NetlistError, constrain, read_plc, write_plc
from netlists.export import Frame, format_def
from netlists.lefdef import parse_def, parse_lef
from netlists.lefdef.design import build


def under(design, **fields):
    """The design with everything placed, under constraints."""
    design = design.with_placement(design.placement.replace(placed=np.ones(len(design.placement), bool)))
    return constrain(design, Constraints(**fields))


def breaches(design):
    return {kind: count for kind, count in asdict(count_breaches(design, check_legality(design))).items() if count}


@settings(max_examples=60)
@given(constrained_designs())
def test_masks_are_what_the_reference_allows(design):
    """Every cell of every step: legal if and only if the reference finds nothing against it."""
    design = design.with_placement(design.placement.replace(placed=np.ones(len(design.placement), bool)))
    netlist, canvas = design.netlist, design.canvas
    try:
        environment = FloorplanEnv(design)
    except NetlistError:
        assume(False)
    observation, _ = environment.reset(seed=0)
    for node in environment.task.order.tolist():
        placed = environment.placement
        size = netlist.size[:, [node]] if placed.orientation[node] < 4 else netlist.size[::-1, [node]]
        for cell in range(canvas.rows * canvas.cols):
            x, y = placed.x.copy(), placed.y.copy()
            at = (cell % canvas.cols + 0.5) * canvas.cell_width, (cell // canvas.cols + 0.5) * canvas.cell_height
            x[node], y[node] = (
                float(found[0]) for found in canvas.constraints.snap(np.array([at[0]]), np.array([at[1]]), size)
            )
            flags = placed.placed & netlist.is_hard
            flags[node] = True
            against = violations(netlist, canvas, placed.replace(x=x, y=y, placed=flags))
            assert bool(observation["action_mask"][cell]) == (not against), (cell, against)
        legal = np.flatnonzero(observation["action_mask"])
        if len(legal) == 0:
            return
        observation, *_ = environment.step(legal[len(legal) // 2])


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("halo", {"halo": 1e3}),
        ("halo", {"macros": (MacroRule("*", 1e3),)}),
        ("boundary", {"boundary": 1e3}),
        ("snap", {"pitch": (0.77, 0.0)}),
        ("orientation", {"macros": (MacroRule("*", orientations=("FW",)),)}),
        ("blockage", {"blockages": (Blockage(0, 0, 1e6, 1e6, 0.2),)}),
    ],
)
def test_breaches_are_counted(small, kind, fields):
    start = legalize(small, small.placement)
    assert breaches(small.with_placement(start)) == {}
    found = breaches(under(small.with_placement(start), **fields))
    assert set(found) == {kind}
    assert found[kind] > 0
    broken = check_legality(under(small.with_placement(start), **fields))
    assert broken.legal == (kind not in ("halo", "blockage"))


def test_a_fixed_macro_breaks_nothing_of_its_own(small):
    start = legalize(small, small.placement)
    rules = (MacroRule("*", 1e3, ("FW",), True),)
    assert breaches(under(small.with_placement(start), macros=rules, boundary=1e3, pitch=(0.77, 0.0))) == {}


def test_the_larger_halo_counts(small):
    hard = np.flatnonzero(small.netlist.is_hard)
    first, second = (small.netlist.node_name[node] for node in hard[:2])
    kept = small.placement.placed.copy()
    kept[hard[2:]] = False
    x, y = small.placement.x.copy(), small.placement.y.copy()
    width = small.netlist.size[0, hard[:2]].sum() / 2
    x[hard[0]], y[hard[0]] = small.canvas.width / 2, small.canvas.height / 2
    x[hard[1]], y[hard[1]] = x[hard[0]] + width + 2.0, y[hard[0]]
    orientation = np.zeros(len(kept), np.uint8)
    design = small.with_placement(small.placement.replace(x=x, y=y, placed=kept, orientation=orientation))
    for halos, broken in (((1.9, 1.9), False), ((2.1, 0.0), True), ((0.0, 2.1), True), ((1.5, 1.5), False)):
        rules = (MacroRule(first, halos[0]), MacroRule(second, halos[1]))
        assert bool(check_legality(constrain(design, Constraints(rules))).too_close) == broken  # not their sum


def test_orientations_are_turned_to_allowed_ones(small):
    node = int(np.argmax(small.netlist.is_hard))
    name = small.netlist.node_name[node]
    orientation = small.placement.orientation.copy()
    orientation[node] = 0
    given_ = small.placement.replace(orientation=orientation)
    design = under(small, macros=(MacroRule(name, orientations=("E", "FS")),))
    assert orient(design, given_).orientation[node] == 3  # FS keeps the outline of N
    assert flips(design, node, 3) == [3]
    assert flips(small, node, 3) == [0, 1, 2, 3]
    only = under(small, macros=(MacroRule(name, orientations=("E",)),))
    assert legalize(only, given_).orientation[node] == 4


def test_a_boundary_wider_than_the_canvas_is_an_error(small):
    wide = constrain(small, Constraints(boundary=0.5 * small.canvas.width))
    with pytest.raises(NetlistError, match="um at each edge"):
        legalize(wide, wide.placement)


def test_a_fixed_macro_without_a_place_is_an_error(small):
    placed = small.placement.placed & ~small.netlist.is_hard
    design = small.with_placement(small.placement.replace(placed=placed))
    with pytest.raises(NetlistError, match="is fixed but has no position"):
        constrain(design, Constraints((MacroRule("*", fixed=True),))).check_placeable()


def test_fixed_macros_may_touch_the_edge_and_one_another(small):
    hard = np.flatnonzero(small.netlist.is_hard)[:2]
    half = small.netlist.size[:, hard] / 2
    x, y, fixed = small.placement.x.copy(), small.placement.y.copy(), small.placement.fixed.copy()
    x[hard] = half[0, 0], 2 * half[0, 0] + half[0, 1]
    y[hard] = half[1]
    fixed[hard] = True
    orientation = np.zeros(len(x), np.uint8)
    design = replace(small, placement=small.placement.replace(x=x, y=y, fixed=fixed, orientation=orientation))
    found = legalize(constrain(design, Constraints(halo=1.0, boundary=1.0)), design.placement)
    assert np.array_equal(found.x[hard], x[hard])


MACRO = "MACRO m CLASS BLOCK ; SIZE 4.5 BY 2.25 ; PIN p DIRECTION OUTPUT ; END p END m"


def block_of(units: int) -> bytes:
    """Eight macros in pairs, on one another, on a die whose corner is on no grid but that of database units."""
    components = " ".join(f"- m{i} m + PLACED ( {i} {i} ) N + HALO {units} 0 0 0 ;" for i in range(8))
    nets = " ".join(f"- n{i} ( m{i} p ) ( m{i + 4} p ) ;" for i in range(4))
    head = f"UNITS DISTANCE MICRONS {units} ; DIEAREA ( -7 3 ) ( {20 * units} {20 * units} ) ;"
    return f"{head} COMPONENTS 8 ; {components} END COMPONENTS NETS 4 ; {nets} END NETS END DESIGN".encode()


@pytest.mark.parametrize(("units", "grid"), [(2000, 0.0005), (2000, 0.005), (256, 1 / 256), (1000, 0.045)])
def test_halos_and_manufacturing_grid_survive_search_and_files(tmp_path, units, grid):
    """Six decimals of a .plc and whole units of a DEF hold what the search found; going on from them moves nothing."""
    library, text = parse_lef(f"MANUFACTURINGGRID {grid!r} ; {MACRO}".encode()), block_of(units)
    imported = build(library, parse_def(text))
    design = imported.design
    start = legalize(design, analytic_start(design))
    found = search(design, start, SearchConfig(moves=20000, start_temperature=1e-2)).placement
    assert violations(design.netlist, design.canvas, found) == []
    assert not np.allclose(found.x, start.x)
    write_plc(tmp_path / "found.plc", design.netlist, design.canvas, found)
    _, read = read_plc(tmp_path / "found.plc", design.netlist)
    assert breaches(design.with_placement(read)) == {}
    assert np.allclose(legalize(design, read).x, found.x, rtol=0, atol=1e-6)
    exported = parse_def(format_def(text, design.with_placement(read), Frame(imported.shift, imported.units)))
    step = round(grid * units)
    assert not (np.stack([exported.components.x, exported.components.y]) % step).any()
    again = build(library, exported).design
    assert np.allclose(again.placement.x, found.x, rtol=0, atol=1e-6)
    assert np.allclose(again.placement.y, found.y, rtol=0, atol=1e-6)
    assert breaches(again) == {}
