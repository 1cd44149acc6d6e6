"""Each construct of the table in `netlists/docs/lefdef.md`."""

from pathlib import Path

import numpy as np
import pytest

from netlists import Blockage, Kind, MacroRule, NetlistError
from netlists.lefdef import (
    Direction,
    State,
    import_lefdef,
    parse_def,
    parse_lef,
    read_def,
    read_lef,
    read_lefdef,
    read_lefs,
)
from netlists.lefdef.def_ import Group, Halo, PlacementBlockage, Region, Row, Tracks
from netlists.lefdef.design import build
from netlists.lefdef.polygon import inside_of, outside_of

DATA = Path(__file__).parents[1] / "data" / "lefdef"
LIBRARY = read_lef(DATA / "tiny.lef")
BLOCK = read_def(DATA / "tiny.def")
HEAD = "UNITS DISTANCE MICRONS 1000 ;\nDIEAREA ( 0 0 ) ( 50000 50000 ) ;\n"


def parse(body: str):
    return parse_def(f"{HEAD}{body}\nEND DESIGN\n".encode(), "b.def")


def design_of(body: str, lef: str = ""):
    library = parse_lef((DATA / "tiny.lef").read_bytes().replace(b"END LIBRARY", lef.encode()))
    return build(library, parse(body), source="b.def").design


# LEF


def test_lef_header():
    assert (LIBRARY.version, LIBRARY.bus, LIBRARY.divider) == ("5.8", "[]", "/")
    assert (LIBRARY.units, LIBRARY.grid) == (2000, 0.005)


def test_sites_and_layers():
    site = LIBRARY.sites["core"]
    assert (site.kind, site.width, site.height, site.symmetry) == ("CORE", 0.2, 2.0, ("Y",))
    assert list(LIBRARY.layers) == ["M1", "V1", "M2"]
    assert (LIBRARY.layers["M1"].direction, LIBRARY.layers["M1"].pitch) == ("HORIZONTAL", (0.2, 0.25))
    assert LIBRARY.layers["M2"].pitch == (0.5, 0.5)


def test_macro():
    ram = LIBRARY.macros["RAM"]
    assert (ram.kind, ram.subkind, ram.width, ram.height, ram.origin) == ("BLOCK", "", 20, 10, (1, 2))
    assert ram.symmetry == ("X", "Y", "R90")
    assert ram.obstructions.box.tolist() == [[-1, -2, 19, 8], [-1, -2, 9, 8]]
    assert (LIBRARY.macros["FILL"].subkind, LIBRARY.macros["BUMP"].kind) == ("SPACER", "COVER")
    assert LIBRARY.macros["INV"].site == "core"


def test_pins_and_their_shapes():
    ram = LIBRARY.macros["RAM"]
    directions = {name: pin.direction for name, pin in ram.pins.items()}
    assert directions == {"A[0]": 1, "Q": Direction.OUTPUT, "VDD": Direction.INOUT, "NC": Direction.FEEDTHRU}
    assert ram.pins["A[0]"].shapes.layer == ("M1", "M1", "M2")  # two ports, a masked rectangle, a polygon
    # Box of all ports (-1, -2) to (3, 3): centre (1, .5), + ORIGIN (1, 2), - half of 20 x 10.
    assert ram.pin_offset(ram.pins["A[0]"]) == (-8, -2.5)
    # A path from (17, 7) to (19, 7) of width 0.2, a via in its middle.
    assert ram.pins["Q"].shapes.bounds() == pytest.approx([16.9, 6.9, 19.1, 7.1])
    # ITERATE: 3 x 2 copies of a unit square, 4 and 5 apart.
    assert ram.pins["VDD"].shapes.box.tolist() == [[0, 0, 9, 6]]
    assert ram.pin_offset(ram.pins["NC"]) == (0, 0)  # no ports
    inverter = LIBRARY.macros["INV"]  # ';' without a blank, points in parentheses
    assert inverter.pin_offset(inverter.pins["Y"]) == pytest.approx((0.35, 0.85))


def test_several_lefs_are_one_library(tmp_path):
    (tmp_path / "tech.lef").write_text(
        "LAYER M1\n TYPE ROUTING ;\n PITCH 9 ;\nEND M1\nUNITS DATABASE MICRONS 100 ;\nEND UNITS\n"
    )
    library = read_lefs([tmp_path / "tech.lef", DATA / "tiny.lef"])
    assert library.layers["M1"].pitch == (9, 9)  # the first definition
    assert list(library.layers) == ["M1", "V1", "M2"]
    assert (library.units, len(library.macros)) == (100, 4)
    with pytest.raises(NetlistError, match=r"macro 'RAM' is defined in .*tiny.lef:57 as well"):
        read_lefs([DATA / "tiny.lef", DATA / "tiny.lef"])
    with pytest.raises(NetlistError, match="at least one LEF"):
        read_lefs([])


def test_lefs_strung_together():
    macro = b"MACRO a\n SIZE 1 BY 1 ;\nEND a\nEND LIBRARY\n"
    assert list(parse_lef(macro + macro.replace(b"a\n", b"b\n")).macros) == ["a", "b"]


LEF_STATEMENTS = (
    "NOISETABLE 1 ; x ; END NOISETABLE",
    "IRDROP TABLE a 1 2 ; END IRDROP",
    "CORRECTIONTABLE 1 ; END CORRECTIONTABLE",
    "ARRAY a SITE core 0 0 N DO 1 BY 1 STEP 1 1 ; END a",
    "MAXVIASTACK 4 RANGE M1 M9 ;",
    "UNIVERSALNOISEMARGIN 0.1 20 ;",
    "FIXEDMASK ;",
    "MACRO q CLASS PAD INPUT ; FIXEDMASK ; SIZE 1 BY 1 ; EEQ x ; TIMING FROMPIN a ; END TIMING END q",
    'MACRO q SIZE 1 BY 1 ; BEGINEXT x ENDEXT PIN a TAPERRULE r ; NETEXPR "a b" ; MUSTJOIN b ; END a END q',
)


@pytest.mark.parametrize("text", LEF_STATEMENTS)
def test_what_is_skipped_in_lef(text):
    assert parse_lef(text.encode()) is not None


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("\nLAYERS M1 ;", 2, "expected a statement of LEF 5.8, found 'LAYERS'"),
        ("END DESIGN", 1, "expected 'LIBRARY' after 'END', found 'DESIGN'"),
        ("MACRO a\n CLASS BLOCKY ;", 2, "in MACRO a: expected COVER, RING, BLOCK, PAD, CORE or ENDCAP"),
        ("MACRO a\n SIZE 1 BY 0 ;", 2, "expected a height above 0, found '0'"),
        ("MACRO a\n SIZE 1 BY nan ;", 2, "a number of at most 1e12"),
        ("MACRO a\n SIZE 1 BY 1e13 ;", 2, "a number of at most 1e12"),
        ("MACRO a\nEND a", 1, "expected a SIZE in every macro"),
        ("MACRO a\n SIZE 1 BY 1 ;\nEND b", 1, "not closed by 'END a'"),
        ("MACRO a\n SIZE 1 BY 1 ;\n FOO ;", 3, "expected a statement of a macro, found 'FOO'"),
        ("MACRO a SIZE 1 BY 1 ; END a\nMACRO a", 2, "defined before, on line 1"),
        ("MACRO a SIZE 1 BY 1 ;\nPIN p END p\nPIN p END p END a", 3, "pin 'p' is defined before, on line 2"),
        ("MACRO a\nPIN p\nDIRECTION UP ;", 3, "expected INPUT, OUTPUT, INOUT or FEEDTHRU, found 'UP'"),
        ("MACRO a\nPIN p\nCOLOUR red ;", 3, "expected a statement of a pin, found 'COLOUR'"),
        ("MACRO a\nPIN p\nPORT\nRECT 0 0 1 ;", 4, "expected y"),
        ("MACRO a\nPIN p\nPORT\nCIRCLE 0 0 1 ;", 4, "expected RECT, POLYGON, PATH, VIA, LAYER or WIDTH"),
        ("MACRO a\nPIN p\nPORT\nPOLYGON 0 0 1 1 ;", 4, "more points"),
        ("MACRO a\nPIN p\nEND q", 2, "pin 'p' is not closed by 'END p'"),
        ("SITE s\nEND s", 1, "expected a SIZE in every site"),
        ("SITE s\nHEIGHT 3 ;\nEND s", 2, "expected CLASS, SIZE, SYMMETRY or ROWPATTERN"),
        ("LAYER m\nPITCH -1 ;", 2, "in LAYER m: expected a pitch above 0"),
        ("LAYER m\nTYPE ROUTING ;\nEND n", 1, "not closed by 'END m'"),
        ("VIA v\n LAYER M1 ;", 1, "VIA 'v' has no 'END v'; is the file truncated?"),
        ("NAMESCASESENSITIVE OFF ;", 1, "expected ON"),
        ('DIVIDERCHAR "ab" ;', 1, "one divider character"),
        ("BUSBITCHARS [] ;", 1, "in quotes"),
        ('\nBUSBITCHARS "[] ;', 2, "no closing quote; is the file truncated?"),
        ("MACRO caf\xe9", 1, "printable ASCII"),
        ("BEGINEXT x", 1, "not closed by 'ENDEXT'"),
        ("VERSION 5.8", 1, "the end of the file; is it truncated?"),
    ],
)
def test_lef_errors_name_line_and_section(text, line, words):
    with pytest.raises(NetlistError) as caught:
        parse_lef(text.encode(), "a.lef")
    assert caught.value.line == line
    assert str(caught.value).startswith(f"a.lef:{line}: ")
    assert words in str(caught.value)


# DEF


def test_def_header():
    assert (BLOCK.name, BLOCK.units, BLOCK.version, BLOCK.divider, BLOCK.bus) == ("tiny", 1000, "5.8", "/", "[]")
    assert BLOCK.die[1:4] == ((-10000, 95000), (50000, 95000), (50000, 45000))  # '*' repeats a coordinate
    assert BLOCK.rows[0] == Row("r0", "core", (-10000, -5000), 0, (500, 1), (200, 0))
    assert BLOCK.rows[1].orientation == 3
    assert BLOCK.tracks[1] == Tracks("X", -10000, 201, 500, ("M2", "M1"))


def test_components():
    components = BLOCK.components
    assert components.name[:3] == ("ram\\[0\\]", "u/ram1", "ram2")
    names = [State(state).name for state in components.state]
    assert names == ["PLACED", "FIXED", "COVER", "UNPLACED", "UNPLACED", "PLACED", "UNPLACED", "FIXED", "COVER"]
    assert components.halo == {1: Halo(100, 200, 300, 400), 2: Halo(1, 2, 3, 4, soft=True)}
    assert components.weight[2] == 3
    text = (DATA / "tiny.def").read_bytes()
    spans = [text[begin:end].decode() for begin, end in components.span.T.tolist()]
    assert spans[:6] == [
        "+ PLACED ( 0 1000 ) N",
        "+ FIXED ( 40000 2000 ) W",
        "+ COVER ( 60000 10000 ) FS",
        "+ UNPLACED",
        "",
        "+ PLACED ( 10000 20000 ) FN",
    ]
    assert spans[6] == "+ UNPLACED ( 5 5 ) N"
    assert np.isnan(components.x[6])  # where an unplaced component lay means nothing


def test_pins_of_the_block():
    pins = BLOCK.pins
    assert pins.name == ("in\\[0\\]", "out", "free", "i2")
    assert [Direction(direction).name for direction in pins.direction] == ["INPUT", "OUTPUT", "INOUT", "FEEDTHRU"]
    assert np.diff(pins.port_start).tolist() == [1, 3, 1, 1]
    assert pins.port_box[2].tolist() == [0, 0, 200, 100]  # of a polygon
    design = import_lefdef([DATA / "tiny.lef"], DATA / "tiny.def").design
    # (0, -5000) + the centre (0, 200) turned to W, (-200, 0), less the corner (-10000, -5000): (9800, 0).
    assert (design.placement.x[0], design.placement.y[0]) == (9.8, 0)
    # The first port that is placed: (1000, 2000) + (100, 50) + (10000, 5000).
    assert (design.placement.x[1], design.placement.y[1]) == (11.1, 7.05)
    assert design.placement.placed[:4].tolist() == [True, True, False, True]
    assert design.placement.fixed[:4].all()


def test_nets():
    nets = BLOCK.nets
    assert nets.name[:2] == ("n0", "n1")
    assert nets.weight[1] == 5
    assert nets.component[:3].tolist() == [-1, 0, 1]
    assert (nets.use[0], nets.use[6]) == ("SIGNAL", "POWER")
    assert np.diff(nets.entry_start).tolist() == [3, 2, 3, 2, 1, 0, 2]  # MUSTJOIN states no connection


def test_blockages_regions_groups():
    box = (0, 0, 10, 10)
    assert BLOCK.blockages[0].boxes == ((-20000, -5000, 0, 0), (10, 10, 20, 20))
    assert BLOCK.blockages[1] == PlacementBlockage((box,), soft=True, line=57)
    assert BLOCK.blockages[2] == PlacementBlockage((box,), density=30, pushdown=True, line=58)
    assert BLOCK.blockages[3].component == "i1"
    assert len(BLOCK.blockages[4].polygons[0]) == 6
    assert BLOCK.regions[0] == Region("fence", "FENCE", ((0, 0, 1000, 2000), (3000, 0, 4000, 1000)))
    assert BLOCK.groups[0] == Group("g", "fence", ("i1", "fil*"), 82)
    assert BLOCK.components.region == {5: "fence"}


def test_rectangles_in_a_group_or_component_are_its_region():
    block = parse(
        "COMPONENTS 1 ;\n- a INV + REGION ( 0 0 ) ( 5 5 ) ( 9 9 ) ( 7 7 ) ;\nEND COMPONENTS\n"
        "GROUPS 1 ;\n- g a + REGION ( 1 1 ) ( 2 2 ) + SOFT MAXX 3 ;\nEND GROUPS"
    )
    assert block.regions == (Region("a", "", ((0, 0, 5, 5), (7, 7, 9, 9))), Region("g", "", ((1, 1, 2, 2),)))
    assert (block.components.region, block.groups[0].region) == ({0: "a"}, "g")


def test_what_was_skipped_is_said():
    text = " ".join(BLOCK.notes)
    for section in ("VIAS", "NONDEFAULTRULES", "PINPROPERTIES", "SLOTS", "FILLS", "SPECIALNETS", "SCANCHAINS"):
        assert f"section {section} is skipped" in text
    assert "1 routing blockages are skipped" in text
    assert "COMPONENTS states 2 entries and holds 1" in parse("COMPONENTS 2 ;\n- a b ;\nEND COMPONENTS").notes[0]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("FOO ;", 3, "expected a statement or section of DEF 5.8, found 'FOO'"),
        ("COMPONENTS x ;", 3, "in COMPONENTS: expected the number of entries"),
        ("COMPONENTS 1 ;\n- a ;", 4, "expected the macro of the component, found ';'"),
        ("COMPONENTS 1 ;\n- a b + PLACED ( 1 2 ) NE ;", 4, "expected an orientation, one of N, S"),
        ("COMPONENTS 1 ;\n- a b + PLACED ( 1 x ) N ;", 4, "expected y, a number"),
        ("COMPONENTS 1 ;\n- a b + PLACED ( 1 2 ) N + FIXED ( 1 2 ) N ;", 4, "placed twice"),
        ("COMPONENTS 1 ;\n- a b + COLOUR red ;", 4, "expected an option of a component, found '+ COLOUR'"),
        ("COMPONENTS 1 ;\n- a b net1 net2 ;", 4, "expected ';' or '+' in the component, found 'net1'"),
        ("COMPONENTS 2 ;\n- a b ;\n- a b ;", 5, "component 'a' is named before, on line 4"),
        ("COMPONENTS 1 ;\n- a b ;\nEND NETS", 5, "expected 'COMPONENTS' after 'END'"),
        ("COMPONENTS 1 ;\n- a b ;\na b ;", 5, "expected '-' to begin an entry"),
        ("PINS 1 ;\n- p + DIRECTION UP ;", 4, "in PINS: expected INPUT, OUTPUT"),
        ("PINS 1 ;\n- p + SHAPE x ;", 4, "expected an option of a pin"),
        ("PINS 2 ;\n- p ;\n- p ;", 5, "pin 'p' is named before"),
        ("NETS 1 ;\n- n ( a A ) ;", 4, "in NETS: net 'n': 'a' is no component"),
        ("NETS 1 ;\n- n\n ( PIN p ) ;", 5, "pin 'p' is no pin of the section PINS"),
        ("NETS 1 ;\n- n ( * VDD ) ;", 4, "'*' for every component is not supported"),
        ("NETS 1 ;\n- n + COLOUR red ;", 4, "expected an option of a net"),
        ("NETS 1 ;\n- n + WEIGHT -2 ;", 4, "expected a weight of at least 0"),
        ("BLOCKAGES 1 ;\n- WALL RECT ( 0 0 ) ( 1 1 ) ;", 4, "expected LAYER or PLACEMENT, found 'WALL'"),
        ("BLOCKAGES 1 ;\n- PLACEMENT + PARTIAL 101 RECT ( 0 0 ) ( 1 1 ) ;", 4, "0 to 100 percent"),
        (
            "BLOCKAGES 1 ;\n- PLACEMENT + HARD RECT ( 0 0 ) ( 1 1 ) ;",
            4,
            "expected SOFT, PARTIAL, COMPONENT or PUSHDOWN",
        ),
        ("REGIONS 1 ;\n- r ;", 4, "expected '(' to begin a corner of the region"),
        ("REGIONS 1 ;\n- r ( 0 0 ) ( 1 1 ) + COLOUR red ;", 4, "expected TYPE or PROPERTY"),
        ("GROUPS 1 ;\n- g a + COLOUR red ;", 4, "expected REGION, PROPERTY or SOFT"),
        ("TRACKS Z 0 DO 1 STEP 1 ;", 3, "expected X or Y"),
        ("TRACKS X 0 DO 1 STEP 0 ;", 3, "expected the distance of tracks above 0"),
        ("TRACKS X 0 DO 1.5 STEP 1 ;", 3, "a whole number"),
        ("ROW r s 0 0 N FOO ;", 3, "expected DO, STEP, '+' or ';'"),
        ("VIAS 1 ;\n- v ;", 3, "section 'VIAS' has no 'END VIAS'; is the file truncated?"),
        ("HISTORY no end", 3, "HISTORY is not closed by ';'"),
        ("DIEAREA ( 0 0 ) ;", 3, "expected '(' to begin a corner of the die"),
        ("NAMESCASESENSITIVE OFF ;", 3, "expected ON"),
        ("END DESIGN\nmore", 4, "expected nothing after 'END DESIGN'"),
    ],
)
def test_def_errors_name_line_and_section(text, line, words):
    with pytest.raises(NetlistError) as caught:
        parse(text)
    assert caught.value.line == line
    assert str(caught.value).startswith(f"b.def:{line}: ")
    assert words in str(caught.value)


def test_a_def_needs_units_and_a_die():
    with pytest.raises(NetlistError, match="UNITS DISTANCE MICRONS"):
        parse_def(b"END DESIGN")
    with pytest.raises(NetlistError, match="expected a DIEAREA"):
        parse_def(b"UNITS DISTANCE MICRONS 100 ;\nEND DESIGN")
    with pytest.raises(NetlistError, match="expected 'END DESIGN', found the end of the file"):
        parse_def(HEAD.encode())


# The design


def test_nodes_of_the_design():
    imported = import_lefdef([DATA / "tiny.lef"], DATA / "tiny.def")
    netlist, placement = imported.design.netlist, imported.design.placement
    assert netlist.node_name == (
        *("in\\[0\\]", "out", "free", "i2~port"),  # a component is called i2 as well
        *("ram\\[0\\]", "u/ram1", "ram2", "ram3", "ram4", "i1", "i2"),
    )
    assert np.bincount(netlist.kind).tolist() == [4, 5, 0, 2]
    # ram1 is 20 x 10, lies in W as 10 x 20 at (40, 2), and the die begins at (-10, -5): centre (55, 17).
    assert (placement.x[5], placement.y[5], placement.orientation[5]) == (55, 17, 5)
    assert placement.placed[4:].tolist() == [True, True, True, False, False, True, False]
    assert placement.fixed[4:].tolist() == [False, True, True, False, False, False, False]
    assert imported.shift == (-10, -5)
    assert imported.units == 1000
    assert "2 fillers and covers are left out" in imported.notes


def test_pins_and_drivers_of_the_design():
    netlist = read_lefdef([DATA / "tiny.lef"], DATA / "tiny.def").netlist
    nets = [
        [netlist.pin_name[pin] for pin in netlist.net_pin[begin:end]]
        for begin, end in zip(netlist.net_start, netlist.net_start[1:], strict=False)
    ]
    assert nets == [
        ["in\\[0\\]", "ram\\[0\\]/A[0]", "u/ram1/A[0]"],  # an input of the block drives; A\[0\] is A[0]
        ["ram\\[0\\]/Q", "i1"],  # so does an output of a macro
        ["ram2/A[0]", "free"],  # nothing drives: the first pin
        ["i1", "out"],  # both pins of a standard cell are its centre
    ]  # n4 has one pin, vdd is a supply
    assert netlist.net_weight.tolist() == [1, 5, 1, 1]
    pin = netlist.pin_name.index("ram2/A[0]")
    assert netlist.pin_offset[:, pin].tolist() == [-8, -2.5]


TWO_OUTPUTS = (
    "MACRO FF CLASS CORE ; SIZE 1 BY 2 ; PIN Q DIRECTION OUTPUT ; END Q PIN QN DIRECTION OUTPUT ; END QN END FF"
)


def test_a_cell_with_two_outputs_leads_one_net():
    body = "COMPONENTS 3 ;\n- f FF ;\n- a INV ;\n- b INV ;\nEND COMPONENTS\nNETS 3 ;\n"
    body += "- q ( f Q ) ( a A ) ;\n- qn ( f QN ) ( b A ) ;\n- again ( f Q ) ( a A ) ( b A ) ;\nEND NETS"
    netlist = design_of(body, TWO_OUTPUTS).netlist
    assert netlist.num_nets == 3
    leads = [netlist.pin_name[pin] for pin in netlist.net_pin[netlist.net_start[:-1]]]
    assert sorted(leads) == ["a", "b", "f"]  # the length of a net does not depend on who leads it


def test_nets_whose_pins_all_lead_others_are_joined():
    body = "COMPONENTS 2 ;\n- f FF ;\n- a INV ;\nEND COMPONENTS\nNETS 3 ;\n"
    body += "- q ( f Q ) ( a A ) ;\n- qn ( f QN ) ( a A ) ;\n- third ( f Q ) ( a A ) ;\nEND NETS"
    netlist = design_of(body, TWO_OUTPUTS).netlist
    assert netlist.num_nets == 2


def test_large_cells_are_hard_macros():
    """More than four rows (2 um) high and wide."""
    lef = "".join(
        f"MACRO {name} CLASS CORE ; SIZE {width} BY {height} ; END {name} "
        for name, width, height in (("big", 8.2, 8.4), ("wide", 50, 8), ("tall", 8, 50))
    )
    body = "COMPONENTS 3 ;\n- a big ;\n- b wide ;\n- c tall ;\nEND COMPONENTS"
    design = design_of(body, lef)
    kinds = dict(zip(design.netlist.node_name, design.netlist.kind.tolist(), strict=True))
    assert kinds == {"a": Kind.HARD_MACRO, "b": Kind.STDCELL, "c": Kind.STDCELL}


def test_canvas():
    canvas = read_lefdef([DATA / "tiny.lef"], DATA / "tiny.def", (7, 9)).canvas
    assert (canvas.width, canvas.height, canvas.cols, canvas.rows) == (100, 100, 7, 9)
    notch, fence, rest_of_fence, outside, *others = canvas.blockages
    assert notch == Blockage(60, 50, 100, 100)  # of the die
    assert (fence, rest_of_fence) == (Blockage(10, 5, 11, 7), Blockage(13, 5, 14, 6))  # holds cells: macros keep out
    assert outside == Blockage(0, 0, 10, 5)  # clipped to it
    rates = [blockage.rate for blockage in others]
    assert rates == [1, 1, pytest.approx(0.7), 1, 1]  # ..., soft, at most 30 % full, a polygon of two slabs


def test_routing_supply_of_tracks():
    """M1 runs in Y: 401 tracks on 100 um. M2: 201 + 200, those of M1 in X don't count."""
    canvas = read_lefdef([DATA / "tiny.lef"], DATA / "tiny.def").canvas
    assert (canvas.routes_hor, canvas.routes_ver) == (4.01, 4.01)
    # Obstructions of RAM cover all of it on M1, half of it on M2.
    assert (canvas.macro_routes_hor, canvas.macro_routes_ver) == (4.01, 2.005)


def test_routing_supply_of_pitches():
    canvas = design_of("").canvas
    assert (canvas.routes_hor, canvas.routes_ver) == (1 / 0.25, 1 / 0.5)
    # No macro states obstructions: the share of the default canvas.
    assert canvas.macro_routes_hor == pytest.approx(4 * 39.583 / 57.031)
    bare = build(parse_lef(b""), parse("")).design.canvas
    assert (bare.routes_hor, bare.macro_routes_ver) == (57.031, 30.303)


def test_tracks_beyond_the_die_do_not_count():
    canvas = design_of("TRACKS Y -50000 DO 1000 STEP 500 LAYER M1 ;").canvas  # 0 to 50000: 101 of them
    assert canvas.routes_hor == pytest.approx(101 / 50)


@pytest.mark.parametrize(
    ("body", "line", "words"),
    [
        ("COMPONENTS 1 ;\n- a NONE ;\nEND COMPONENTS", 4, "a 'NONE', which no LEF file defines"),
        (
            "COMPONENTS 1 ;\n- a INV ;\nEND COMPONENTS\nNETS 1 ;\n- n\n( a Z ) ;\nEND NETS",
            8,
            "macro 'INV' of component 'a' has no pin 'Z'",
        ),
        ("COMPONENTS 1 ;\n- Grp_1 RAM ;\nEND COMPONENTS", 4, "hard macro 'Grp_1' begins with 'Grp_'"),
        ("DIEAREA ( 0 0 ) ( 0 5 ) ;", 3, "in DIEAREA: the die has no area"),
        ("DIEAREA ( 0 0 ) ( 0 5 ) ( 5 6 ) ;", 3, "an edge of the polygon at (0, 5) is neither horizontal"),
        ("BLOCKAGES 1 ;\n- PLACEMENT POLYGON ( 0 0 ) ( 1 1 ) ( 0 1 ) ;\nEND BLOCKAGES", 4, "in BLOCKAGES: an edge"),
    ],
)
def test_what_lef_and_def_disagree_on(body, line, words):
    with pytest.raises(NetlistError) as caught:
        design_of(body)
    assert caught.value.line == line
    assert words in str(caught.value)


REGIONS = "REGIONS 1 ;\n- r ( 0 0 ) ( 10000 10000 ) {} ;\nEND REGIONS\n"
GROUP = "COMPONENTS 2 ;\n- u/ram RAM ;\n- u/i1 INV ;\nEND COMPONENTS\nGROUPS 1 ;\n- g {} + REGION r ;\nEND GROUPS"
MEMBER = "COMPONENTS 1 ;\n- u/ram RAM + PLACED ( 0 0 ) N\n + REGION {} ;\nEND COMPONENTS"


@pytest.mark.parametrize("kind", ["", "+ TYPE FENCE"])
@pytest.mark.parametrize(
    ("body", "where", "region"),
    [
        (REGIONS + GROUP.format("u/i1 u/ram"), "11: in GROUPS", "r"),
        (REGIONS + GROUP.format("u/r*m"), "11: in GROUPS", "r"),
        (REGIONS + MEMBER.format("r"), "7: in COMPONENTS", "r"),
        (REGIONS + MEMBER.format("( 0 0 ) ( 10 10 )"), "7: in COMPONENTS", "u/ram"),
    ],
)
def test_a_region_of_a_hard_macro_is_refused(kind, body, where, region):
    message = f"b.def:{where}: hard macro 'u/ram' belongs in region '{region}', but macros are not kept in regions"
    with pytest.raises(NetlistError) as caught:
        design_of(body.format(kind))
    assert str(caught.value).startswith(message)
    assert "--ignore-regions" in str(caught.value)
    ignored = build(LIBRARY, parse(body.format(kind)), source="b.def", ignore_regions=True)
    assert ignored.design.canvas.blockages == ()
    assert any("regions are ignored: hard macros may lie inside and outside" in note for note in ignored.notes)


@pytest.mark.parametrize(
    ("kind", "members", "blockages", "note"),
    [
        ("+ TYPE GUIDE", "u/ram", (), "1 regions are not followed: guides, or of standard cells only"),
        ("", "u/i*", (), "1 regions are not followed: guides, or of standard cells only"),
        ("+ TYPE FENCE", "u/i*", (Blockage(0, 0, 10, 10),), "1 fences keep hard macros out"),
    ],
)
def test_other_regions_are_said(kind, members, blockages, note):
    imported = build(LIBRARY, parse((REGIONS + GROUP.format(members)).format(kind)), source="b.def")
    assert imported.design.canvas.blockages == blockages
    assert any(note in text for text in imported.notes)


def test_halos_become_rules():
    """The largest margin: 400 and 4 of 1000 database units a micron. Cells have none."""
    imported = import_lefdef([DATA / "tiny.lef"], DATA / "tiny.def")
    assert imported.design.constraints.macros == (MacroRule("u/ram1", 0.4), MacroRule("ram2", 0.004))
    assert "2 hard macros have halos with different margins: the largest counts on all sides" in imported.notes
    body = "COMPONENTS 2 ;\n- a INV + HALO 1 1 1 1 ;\n- b RAM + HALO -5 -5 -5 -5 ;\nEND COMPONENTS"
    imported = build(LIBRARY, parse(body))
    assert imported.design.constraints.macros == (MacroRule("b", 0.0),)
    assert imported.notes[0] == "halos of 1 other components are left out"


@pytest.mark.parametrize(
    ("units", "grid", "pitch", "offset"),
    [
        (1000, 0.005, 0.005, (0.003, 0.001)),  # the die begins at (-0.003, 0.004): 5 - 4 = 1 to the next multiple of 5
        (2000, 0.005, 0.005, (0.0015, 0.003)),  # at (-3, 4) / 2000
        (1000, 0.0005, 0.001, (0.0, 0.0)),  # database units are on a finer grid
        (256, 1 / 256, 1 / 256, (0.0, 0.0)),
        (1000, 0.0015, 0.0, (0.0, 0.0)),  # neither is in the other
        (1000000, 0.000001, 0.0, (0.0, 0.0)),  # finer than files hold
    ],
)
def test_manufacturing_grid(units, grid, pitch, offset):
    """Places that are on the grid in the coordinates of the DEF, and whole database units."""
    library = parse_lef(f"MANUFACTURINGGRID {grid!r} ;".encode())
    text = f"UNITS DISTANCE MICRONS {units} ;\nDIEAREA ( -3 4 ) ( 50000 50000 ) ;\nEND DESIGN\n"
    imported = build(library, parse_def(text.encode()))
    found = imported.design.constraints
    assert found.pitch == pytest.approx((pitch, pitch), abs=1e-12)
    assert found.offset == pytest.approx(offset, abs=1e-12)
    assert any("the manufacturing grid" in note for note in imported.notes)
    assert any("is left out" in note for note in imported.notes) == (pitch == 0)


def test_bus_characters_of_lef_and_def_may_differ():
    lef = b'BUSBITCHARS "<>" ; MACRO r CLASS BLOCK ; SIZE 1 BY 1 ; PIN A<3> DIRECTION OUTPUT ; END A<3> END r'
    body = "COMPONENTS 2 ;\n- a r ;\n- b r ;\nEND COMPONENTS\nNETS 1 ;\n- n ( a A[3] ) ( b A\\[3\\] ) ;\nEND NETS"
    netlist = build(parse_lef(lef), parse(body)).design.netlist
    assert netlist.pin_name == ("a/A[3]", "b/A[3]")


def test_a_component_may_be_called_pin():
    body = "COMPONENTS 2 ;\n- PIN INV ;\n- b INV ;\nEND COMPONENTS\nNETS 1 ;\n- n ( PIN A ) ( b A ) ;\nEND NETS"
    assert design_of(body).netlist.pin_name == ("PIN", "b")


@pytest.mark.parametrize("seed", range(20))
def test_polygons_are_cut_into_rectangles(seed):
    """A skyline on a grid: inside and outside tile its box, and cover what they should."""
    rng = np.random.default_rng(seed)
    heights = rng.integers(1, 6, 8)
    corners = [(0.0, 0.0)]
    for x, height in enumerate(heights):
        corners += [(float(x), float(height)), (float(x + 1), float(height))]
    corners = np.array([*corners, (8.0, 0.0)])
    inside, outside = inside_of(corners), outside_of(corners)
    for col in range(8):
        for row in range(heights.max()):
            hits = [
                sum(lx <= col < ux and ly <= row < uy for lx, ly, ux, uy in rectangles)
                for rectangles in (inside, outside)
            ]
            assert hits == [int(row < heights[col]), int(row >= heights[col])]


def test_bus_characters_of_lefs_may_differ(tmp_path):
    ram = 'BUSBITCHARS "<>" ; MACRO r CLASS BLOCK ; SIZE 1 BY 1 ; PIN A<3> DIRECTION OUTPUT ; END A<3> END r'
    (tmp_path / "ram.lef").write_text(ram)
    (tmp_path / "tech.lef").write_text('BUSBITCHARS "[]" ;\n')
    body = "COMPONENTS 2 ;\n- a r ;\n- b r ;\nEND COMPONENTS\nNETS 1 ;\n- n ( a A[3] ) ( b A[3] ) ;\nEND NETS"
    for names in (("ram.lef", "tech.lef"), ("tech.lef", "ram.lef")):
        library = read_lefs([tmp_path / name for name in names])
        assert build(library, parse(body)).design.netlist.pin_name == ("a/A[3]", "b/A[3]")
