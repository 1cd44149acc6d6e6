"""What the exporters write, checked by geometry and by reading it back."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lefdef_strategies import UNITS, blocks, libraries

from netlists import ORIENTATION_MATRIX, ORIENTATIONS, Canvas, Design, Kind, Netlist, NetlistError, Placement
from netlists.export import (
    INNOVUS_ORIENTATION,
    OPENROAD_ORIENTATION,
    Frame,
    Hints,
    format_bookshelf,
    format_def,
    format_innovus,
    format_openroad,
    lower_left,
    rounding_notes,
    tcl_word,
)
from netlists.files import read_bytes
from netlists.lefdef import import_lefdef, parse_def, parse_lef
from netlists.lefdef.design import build
from netlists.lefdef.write import format_def as text_of

DATA = Path(__file__).parents[1] / "data" / "lefdef"
LIBRARY = parse_lef((DATA / "tiny.lef").read_bytes())
DEF = (DATA / "tiny.def").read_bytes()


def tiny() -> tuple[Design, Frame]:
    imported = import_lefdef([DATA / "tiny.lef"], DATA / "tiny.def")
    return imported.design, Frame(imported.shift, imported.units)


TURN = np.array([[0, -1], [1, 0]])  # 90 degrees counter-clockwise: (1, 0) becomes (0, 1)
MIRROR = {"MX": np.diag([1, -1]), "MY": np.diag([-1, 1])}  # at the x axis, at the y axis


def matrix_of(name: str) -> np.ndarray:
    """What a name such as R90, MX or MYR90 says: mirror, then turn."""
    mirror = MIRROR.get(name[:2], np.eye(2))
    degrees = int(name.removeprefix("MX").removeprefix("MY").removeprefix("R") or 0)
    return np.linalg.matrix_power(TURN, degrees // 90) @ mirror


@pytest.mark.parametrize("names", [OPENROAD_ORIENTATION, INNOVUS_ORIENTATION])
@pytest.mark.parametrize("code", range(8))
def test_names_of_orientations_by_geometry(names, code):
    assert np.array_equal(matrix_of(names[ORIENTATIONS[code]]), ORIENTATION_MATRIX[code])


@pytest.mark.parametrize("code", range(8))
def test_orientations_of_def_by_geometry(code):
    """A pin off centre lands where the LEF/DEF rule puts it: the outline is turned about its origin, and its lower-left
    corner is moved to the point that the DEF states."""
    lef = b"MACRO m CLASS BLOCK ; ORIGIN 1 2 ; SIZE 20 BY 10 ; PIN p DIRECTION OUTPUT ; "
    lef += b"PORT LAYER M1 ; RECT 2 3 2 3 ; END END p END m"
    name = ORIENTATIONS[code]
    text = "UNITS DISTANCE MICRONS 100 ; DIEAREA ( 0 0 ) ( 10000 10000 ) ; COMPONENTS 2 ; "
    text += (
        f"- a m + PLACED ( 700 900 ) {name} ; - b m ; END COMPONENTS NETS 1 ; - n ( a p ) ( b p ) ; END NETS END DESIGN"
    )
    # N: as is. W: turned by 90 degrees counter-clockwise, S by 180, E by 270.
    turned = np.linalg.matrix_power(TURN, {"N": 0, "W": 1, "S": 2, "E": 3}[name[-1]])
    if name[0] == "F":
        # FN is mirrored at the y axis, FS at the x axis; FE and FW are so mirrored and then turned by 90 degrees.
        turned = {"FN": MIRROR["MY"], "FS": MIRROR["MX"], "FE": TURN @ MIRROR["MY"], "FW": TURN @ MIRROR["MX"]}[name]
    corners = turned @ np.array([[0, 20, 0, 20], [0, 0, 10, 10]])
    pin = turned @ np.array([2 + 1, 3 + 2])  # ORIGIN moves the file's (2, 3) to (3, 5)
    expected = np.array([7, 9]) + pin - corners.min(axis=1)
    design = build(parse_lef(lef), parse_def(text.encode())).design
    node = design.netlist.node_name.index("a")
    offset = ORIENTATION_MATRIX[design.placement.orientation[node]] @ design.netlist.pin_offset[:, 0]
    assert np.array([design.placement.x[node], design.placement.y[node]]) + offset == pytest.approx(expected)


def test_def_of_the_placement_it_came_from_is_the_same_file():
    design, frame = tiny()
    assert format_def(DEF, design, frame) == DEF


def test_the_def_of_ariane_is_the_same_file(benchmarks):
    source = benchmarks / "lefdef" / "ct_ariane"
    text = read_bytes(source / "ariane.def.gz")
    imported = import_lefdef([source / "ariane.lef"], source / "ariane.def.gz")
    assert np.bincount(imported.design.netlist.kind).tolist() == [1231, 133, 0, 82821]
    assert imported.design.netlist.num_nets == 85193
    assert format_def(text, imported.design, Frame(imported.shift, imported.units)) == text


def moved(design: Design, rng: np.random.Generator, units: float) -> Design:
    """Every hard macro that is not fixed somewhere else, on the grid of database units, in some orientation."""
    netlist, placement = design.netlist, design.placement
    free = netlist.is_hard & ~placement.fixed
    orientation = np.where(free, rng.integers(0, 8, len(free)), placement.orientation).astype(np.uint8)
    size = np.where(orientation >= 4, netlist.size[::-1], netlist.size)
    corner = rng.integers(0, 3000, (2, len(free))) / units
    x, y = np.where(free, corner + size / 2, [placement.x, placement.y])
    return design.with_placement(Placement(x, y, orientation, placement.fixed, placement.placed | free))


@settings(max_examples=40)
@given(st.data())
def test_def_reads_back_to_the_placement(data):
    """In all orientations and units, with escaped names; and nothing but the macros' placements has changed."""
    library = data.draw(libraries())
    block = data.draw(blocks(library))
    text = text_of(block).encode()
    imported = build(library, parse_def(text), ignore_regions=True)
    frame = Frame(imported.shift, imported.units)
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    design = moved(imported.design, rng, imported.units)
    exported = format_def(text, design, frame)
    grid = design.canvas.cols, design.canvas.rows  # which would be chosen by the macros as they lie
    again = build(library, parse_def(exported), grid, ignore_regions=True).design
    assert again.netlist == design.netlist
    assert again.canvas == design.canvas
    for name in ("orientation", "fixed", "placed"):
        assert np.array_equal(getattr(again.placement, name), getattr(design.placement, name)), name
    assert np.allclose(again.placement.x, design.placement.x, rtol=0, atol=1e-9)
    assert np.allclose(again.placement.y, design.placement.y, rtol=0, atol=1e-9)
    assert without_placements(exported, design) == without_placements(text, design)


def without_placements(text: bytes, design: Design) -> list[bytes]:
    """The text between the placements of hard macros."""
    components = parse_def(text).components
    hard = {name for name, is_hard in zip(design.netlist.node_name, design.netlist.is_hard, strict=True) if is_hard}
    pieces, at = [], 0
    for name, begin, end in zip(components.name, *components.span.tolist(), strict=True):
        if name in hard:
            pieces.append(text[at:begin].strip())
            at = end
    return [*pieces, text[at:].strip()]


def test_placements_are_put_where_they_belong():
    design, frame = tiny()
    placement = design.placement
    node = {name: i for i, name in enumerate(design.netlist.node_name)}
    x, y, orientation, placed = (
        placement.x.copy(),
        placement.y.copy(),
        placement.orientation.copy(),
        placement.placed.copy(),
    )
    for name, at in (("ram3", (30, 40)), ("ram4", (50, 60))):
        x[node[name]], y[node[name]] = at
        placed[node[name]] = True
    orientation[node["ram4"]] = ORIENTATIONS.index("E")
    placed[node["ram\\[0\\]"]] = False
    design = design.with_placement(Placement(x, y, orientation, placement.fixed, placed))
    lines = format_def(DEF, design, frame).decode().splitlines()
    # 20 x 10 centred at (30, 40): corner (20, 35), less the shift (10, 5). In E, 10 x 20 at (50, 60): (45, 50).
    assert "- ram3 RAM + PLACED ( 10000 30000 ) N ;" in lines
    assert '- ram4 RAM + PROPERTY note "; + PLACED ( 1 1 ) N" + PLACED ( 35000 45000 ) E ;' in lines
    assert "- ram\\[0\\] RAM + SOURCE NETLIST + UNPLACED ;" in lines
    fixed = format_def(DEF, design, frame, fixed=True).decode().splitlines()
    assert "- ram3 RAM + FIXED ( 10000 30000 ) N ;" in fixed
    # What was fixed stays as it is.
    assert any("u/ram1 RAM + FIXED ( 40000 2000 ) W" in line for line in fixed)
    assert any("ram2 RAM + COVER ( 60000 10000 ) FS" in line for line in fixed)


def test_hints_of_cells():
    design, frame = tiny()
    flat = format_def(DEF, design, frame, hints=Hints())
    assert flat == DEF.replace(b"+ UNPLACED ( 5 5 ) N", b"+ UNPLACED ( 5 5 ) N")  # cells lie where they lay
    clustered = without_cells(design)
    hinted = format_def(DEF, clustered, frame, hints=Hints({"i1": "Grp_0", "i2": "Grp_0"})).decode()
    # The soft macro's centre (33, 44), less the shift (10, 5).
    assert "- i1 INV + EEQMASTER INV + PLACED ( 23000 39000 ) N + REGION fence ;" in hinted
    assert "- i2 INV + PLACED ( 23000 39000 ) N ;" in hinted
    assert "- fill FILL + SOURCE DIST + FIXED ( 0 0 ) N ;" in hinted


def without_cells(design: Design) -> Design:
    """The hard macros of a design and one soft macro at (33, 44)."""
    hard = np.flatnonzero(design.netlist.is_hard)
    count = len(hard) + 1
    placement = design.placement
    netlist = Netlist(
        node_name=(*(design.netlist.node_name[i] for i in hard), "Grp_0"),
        kind=[*[Kind.HARD_MACRO] * len(hard), Kind.SOFT_MACRO],
        size=np.concatenate([design.netlist.size[:, hard], [[1], [1]]], axis=1),
        node_index=np.arange(count),
        pin_name=(),
        pin_node=[],
        pin_offset=np.zeros((2, 0)),
        pin_index=[],
        net_start=[0],
        net_pin=[],
        net_weight=[],
    )
    placed = Placement(
        np.append(placement.x[hard], 33),
        np.append(placement.y[hard], 44),
        np.append(placement.orientation[hard], 0),
        np.append(placement.fixed[hard], False),
        np.append(placement.placed[hard], True),
    )
    return Design(netlist, design.canvas, placed)


def test_a_def_of_another_design(small):
    _, frame = tiny()
    with pytest.raises(NetlistError, match="is no component of the DEF; is it of another design"):
        format_def(DEF, small, frame)
    with pytest.raises(NetlistError, match="1000 database units a micron, expected 2000"):
        format_def(DEF, small, replace(frame, units=2000))


@given(st.sampled_from(UNITS), st.integers(0, 2**32 - 1))
def test_rounding_keeps_abutting_macros_apart(units, seed):
    """Macros of whole database units in a row, without gaps: rounding moves all edges alike."""
    rng = np.random.default_rng(seed)
    width = rng.integers(1, 500, 6) / units
    x = np.cumsum(width) - width / 2 + rng.random()
    netlist = Netlist(
        node_name=tuple("abcdef"),
        kind=[Kind.HARD_MACRO] * 6,
        size=np.stack([width, np.full(6, 10 / units)]),
        node_index=np.arange(6),
        pin_name=(),
        pin_node=[],
        pin_offset=np.zeros((2, 0)),
        pin_index=[],
        net_start=[0],
        net_pin=[],
        net_weight=[],
    )
    placement = Placement(x, np.full(6, 1.0), np.zeros(6), np.zeros(6), np.ones(6))
    design = Design(netlist, Canvas(100, 100, 2, 2), placement)
    frame = Frame((0.0, 0.0), units)
    corner = np.round(lower_left(design, frame)[0] * units)
    gaps = corner[1:] - corner[:-1] - np.round(width[:-1] * units)
    # A tie in floating point may go either way, by one unit.
    assert np.abs(gaps).max() <= 1
    assert (rounding_notes(design, frame) == []) == (gaps.min() >= 0)


def test_openroad():
    design, frame = tiny()
    lines = format_openroad(design, frame).splitlines()
    assert lines[0].startswith("# Places the 3 hard macros of tiny.")
    assert lines[1:] == [
        "place_macro -macro_name {ram\\[0\\]} -location {0 1} -orientation R0",
        "place_macro -macro_name {u/ram1} -location {40 2} -orientation R90",
        "place_macro -macro_name {ram2} -location {60 10} -orientation MX",
    ]


def test_innovus():
    design, frame = tiny()
    lines = format_innovus(design, frame).splitlines()
    assert lines[2] == "placeInstance {u/ram1} 40 2 R90 -fixed"
    assert INNOVUS_ORIENTATION["FE"] == "MY90"
    assert OPENROAD_ORIENTATION["FE"] == "MYR90"


def test_bookshelf():
    design, frame = tiny()
    lines = format_bookshelf(design, frame).splitlines()
    assert lines[0] == "UCLA pl 1.0"
    assert "u/ram1 40.0 2.0 : W /FIXED" in lines
    assert "ram\\[0\\] 0.0 1.0 : N" in lines
    assert "out 1.1 2.05 : N /FIXED" in lines


WORDS = ("a", "a\\[0\\]", "a{b", "a}b", "a\\{b", "a\\", "$x", "[exec]", "a;b", 'q"', "#x", "{}", "a b")


def test_words_of_tcl():
    assert tcl_word("a\\[0\\]") == "{a\\[0\\]}"
    assert tcl_word("a{b") == "a\\{b"
    assert tcl_word("a\\") == "a\\\\"


@pytest.mark.skipif(shutil.which("tclsh") is None, reason="tclsh is not installed")
def test_words_of_tcl_by_tcl(tmp_path):
    script = tmp_path / "words.tcl"
    script.write_text("".join(f"puts [list]{tcl_word(word)}\n".replace("[list]", "") for word in WORDS))
    found = subprocess.run(["tclsh", str(script)], capture_output=True, text=True, check=True).stdout.splitlines()
    assert found == list(WORDS)


def test_a_semicolon_need_not_stand_apart():
    design, frame = tiny()
    tight = DEF.replace(b"- ram3 RAM + UNPLACED ;", b"- ram3 RAM;")
    node = design.netlist.node_name.index("ram3")
    placed = design.placement.placed.copy()
    placed[node] = True
    out = format_def(tight, design.with_placement(design.placement.replace(placed=placed)), frame)
    line = next(line for line in out.decode().splitlines() if line.startswith("- ram3"))
    assert line.startswith("- ram3 RAM + PLACED ( ")
    assert parse_def(out).components.name == parse_def(DEF).components.name
