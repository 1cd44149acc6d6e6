import contextlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import designs

import netlists
from env import CostModel
from netlists import Design, Kind, NetlistError, Placement, bookshelf
from netlists.bookshelf import read_bookshelf, write_bookshelf, write_pl
from netlists.bookshelf.writer import format_pl
from placer.cli import main

FILES = {
    "aux": "# a design\nRowBasedPlacement : d.nodes d.nets d.wts d.pl d.scl d.route\n",
    "nodes": """UCLA nodes 1.0
# made by hand

NumNodes : 7
NumTerminals : 3
  c[0]  2.5 1   # inline words are not comments
  c\\1   1   1
  wide  9   1 INV_X1
  ram   4.5 3
  rom   3   2   terminal
  pad   0   0   terminal
  ni    1   1   terminal_NI
""".replace("   # inline words are not comments", ""),
    "nets": """UCLA nets 1.0
NumNets : 4
NumPins : 10
NetDegree : 3 clk
  ram I : 0.5 -1.5
  c[0] O : 0.25 0
  pad B
NetDegree : 2
  ram O : -1 0 : 3.5 7 pin.name
  rom I
NetDegree : 4 bus
  wide
  ni : 0.5 0.5
  c\\1 I
  c\\1 I
NetDegree : 1 open
  pad I
""",
    "pl": """UCLA pl 1.0
c[0] 10 20 : N
c\\1 11.125 21 : FS
ram 12 22 : E
rom 16 20 : W /FIXED
pad 8 25 : N /FIXED
ni 30 25 : FN /FIXED_NI
""",
    "scl": "UCLA scl 1.0\nNumrows : 4\n"
    + "".join(
        f"CoreRow Horizontal\n Coordinate : {y}\n Height : 1\n Sitewidth : 0.5\n Sitespacing : 0.5\n"
        f" Siteorient : N\n Sitesymmetry : Y\n SubrowOrigin : 10 NumSites : 20\n SubrowOrigin : 20 NumSites : 10\nEnd\n"
        for y in (20, 21, 22, 23)
    ),
    "wts": "UCLA wts 1.0\nbus 2.5\nram 13.5\n",
}


def write_files(folder, **changes):
    for suffix, text in (FILES | changes).items():
        (folder / f"d.{suffix}").write_text(text)
    return folder / "d.aux"


def test_every_record_of_a_small_design(tmp_path):
    design = read_bookshelf(write_files(tmp_path))
    netlist, placement = design.netlist, design.placement
    assert netlist.node_name == ("c[0]", "c\\1", "wide", "ram", "rom", "pad", "ni")
    kinds = [Kind.STDCELL] * 3 + [Kind.HARD_MACRO] * 2 + [Kind.PORT] * 2
    assert netlist.kind.tolist() == kinds
    assert netlist.size[:, 3].tolist() == [4.5, 3]
    # The rows reach from (10, 20) to (25, 24), the pad to 8, the other to (31, 26): so does the canvas.
    assert (design.canvas.width, design.canvas.height) == (23, 6)
    strips = [(b.lx, b.ly, b.ux, b.uy) for b in design.canvas.blockages]
    assert strips == [(0, 0, 2, 6), (17, 0, 23, 6), (0, 4, 23, 6)]
    # ram lies on its side, 3 wide and 4.5 high, its corner 4 right of the pad and 2 above the rows.
    assert (placement.x[3], placement.y[3]) == (4 + 1.5, 2 + 2.25)
    assert (placement.x[1], placement.y[1]) == (3.125 + 0.5, 1.5)
    assert placement.fixed.tolist() == [False] * 4 + [True] * 3
    assert placement.placed.tolist() == [True, True, False, True, True, True, True]
    assert placement.orientation.tolist() == [0, 3, 0, 4, 5, 0, 0]
    assert netlist.num_nets == 3  # a net of one pin is none
    assert netlist.net_weight.tolist() == [2.5, 1, 1]
    # Nets are ordered by their drivers: `wide` is its own pin, the others' pins follow the nodes.
    nets = [[netlist.node_name[n] for n in netlist.pin_node[pins]] for pins in np.split(netlist.net_pin, [4, 7])]
    assert nets == [["wide", "ni", "c\\1", "c\\1"], ["c[0]", "ram", "pad"], ["ram", "rom"]]
    offsets = netlist.pin_offset[:, netlist.net_pin].T.tolist()
    # The pad `ni` is flipped and has no orientation in the model: its offset is.
    assert offsets == [[0, 0], [-0.5, 0.5], [0, 0], [0, 0], [0.25, 0], [0.5, -1.5], [0, 0], [-1, 0], [0, 0]]


def test_positions_go_back_in_the_source_s_coordinates(tmp_path):
    design = read_bookshelf(write_files(tmp_path))
    write_pl(tmp_path / "out.pl", design)
    expected = FILES["pl"].replace("10 20", "10.0 20.0").replace("ram 12 22", "ram 12.0 22.0")
    lines = [line.split() for line in (tmp_path / "out.pl").read_text().splitlines() if line]
    assert [[*w[:1], float(w[1]), float(w[2]), *w[3:]] for w in lines[1:]] == [
        [*w[:1], float(w[1]), float(w[2]), *w[3:]] for w in map(str.split, expected.splitlines()[1:])
    ]


def test_a_missing_wts_and_bare_headings_will_do(tmp_path):
    aux = write_files(tmp_path, aux="X : d.nodes d.nets d.pl d.scl d.wts")
    (tmp_path / "d.wts").unlink()
    assert read_bookshelf(aux).netlist.net_weight.tolist() == [1, 1, 1]
    assert read_bookshelf(write_files(tmp_path, wts="\n# none\n")).netlist.net_weight.tolist() == [1, 1, 1]
    nets = FILES["nets"].replace("NumNets : 4\nNumPins : 10\n", "").replace("NetDegree : ", "NetDegree: ")
    assert read_bookshelf(write_files(tmp_path, nets=nets)).netlist.num_nets == 3


def test_cells_of_two_rows_are_cells_if_most_are(tmp_path):
    nodes = FILES["nodes"].replace("2.5 1", "2.5 2").replace("  c\\1   1   1", "  c\\1   1   2")
    design = read_bookshelf(write_files(tmp_path, nodes=nodes))
    assert design.netlist.kind[:4].tolist() == [Kind.STDCELL] * 3 + [Kind.HARD_MACRO]
    design = read_bookshelf(write_files(tmp_path, nodes=nodes.replace("2.5 2", "2.5 1")))
    assert design.netlist.kind[:3].tolist() == [Kind.STDCELL, Kind.HARD_MACRO, Kind.STDCELL]


def test_terminals_outside_the_rows_are_pads_whatever_their_size(tmp_path):
    design = read_bookshelf(write_files(tmp_path, pl=FILES["pl"].replace("rom 16 20", "rom 40 20")))
    assert design.netlist.kind[4] == Kind.PORT
    assert design.canvas.width == 34  # 8 to 42: on its side rom is 2 wide


@pytest.mark.parametrize(
    ("suffix", "old", "new", "where", "words"),
    [
        ("aux", "RowBased", "# RowBased", "d.aux: ", "lists no .nodes, .nets, .pl, .scl"),
        ("aux", " d.pl", "", "d.aux: ", "lists no .pl"),
        ("aux", " : ", " ", "d.aux:2: ", "expected 'RowBasedPlacement : files'"),
        ("aux", "d.route", "e.pl", "d.aux:2: ", "expected one .pl file"),
        ("aux", "d.route\n", "\nx : y\n", "d.aux:3: ", "expected one line"),
        ("nodes", "UCLA nodes", "UCLA nets", "d.nodes:1: ", "expected the heading 'UCLA nodes 1.0'"),
        ("nodes", "NumNodes : 7", "NumNodes : 8", "d.nodes:4: ", "expected 8 as NumNodes says, found 7"),
        ("nodes", "NumTerminals : 3", "NumTerminals : x", "d.nodes:5: ", "expected a whole number"),
        ("nodes", "4.5 3", "4.5", "d.nodes:9: ", "expected 'name width height [terminal]'"),
        ("nodes", "4.5 3", "4.5 -3", "d.nodes:9: ", "sizes of at least 0"),
        ("nodes", "4.5 3", "4.5 1_0", "d.nodes:9: ", "expected a finite number, found '1_0'"),
        ("nodes", "4.5 3", "inf 3", "d.nodes:9: ", "expected a finite number, found 'inf'"),
        ("nodes", "  rom ", "  ram ", "d.nodes:10: ", "expected each node once, found 'ram' again"),
        ("nets", "ram I", "rum I", "d.nets:5: ", "expected a node of the .nodes file, found 'rum'"),
        ("nets", "  pad B\n", "", "d.nets:7: ", "expected 1 more pins in the NetDegree block of net 'clk'"),
        ("nets", "  pad I\n", "", "d.nets: ", "expected 1 more pins in the NetDegree block of net 'open'"),
        ("nets", "pad B", "pad Q", "d.nets:7: ", "expected 'node I|O|B [: dx dy]'"),
        ("nets", "0.5 -1.5", "0.5", "d.nets:5: ", "expected 'node I|O|B [: dx dy]'"),
        ("nets", "NetDegree : 1", "NetDegre : 1", "d.nets:16: ", "expected 'NetDegree : pins [name]'"),
        ("nets", "NetDegree : 1", "NetDegree : -1", "d.nets:16: ", "expected a whole number"),
        ("nets", "NumPins : 10", "NumPins : 9", "d.nets:3: ", "expected 9 as NumPins says, found 10"),
        ("pl", "12 22 : E", "12 22 : NE", "d.pl:4: ", "expected an orientation of N, FN"),
        ("pl", "12 22 : E", "12", "d.pl:4: ", "expected 'name x y : orientation [/FIXED]'"),
        ("pl", ": W /FIXED", ": W /FIXD", "d.pl:5: ", "expected 'name x y"),
        ("pl", "rom 16", "c[0] 16", "d.pl:5: ", "expected each node once, found 'c[0]' again"),
        ("pl", "rom 16", "rum 16", "d.pl:5: ", "expected a node of the .nodes file"),
        ("scl", "CoreRow Horizontal", "CoreRow Vertical", "d.scl:3: ", "expected 'CoreRow Horizontal'"),
        ("scl", "Sitewidth : 0.5", "Sitewide : 0.5", "d.scl:6: ", "expected a line of a CoreRow"),
        ("scl", " Height : 1\n", "", "d.scl:3: ", "found no Height"),
        ("scl", " Height : 1\n", " Height : 0\n", "d.scl:3: ", "positive length and height"),
        ("scl", "10 NumSites : 20", "10", "d.scl:10: ", "expected 'SubrowOrigin : x NumSites : n'"),
        ("scl", "Numrows : 4", "Numrows : 5", "d.scl:2: ", "expected 5 as NumRows says, found 4"),
        ("wts", "ram 13.5", "ron 13.5", "d.wts:3: ", "expected a net or node, found 'ron'"),
        ("wts", "bus 2.5", "bus -2.5", "d.wts:2: ", "expected a weight of at least 0"),
        ("wts", "bus 2.5", "bus", "d.wts:2: ", "expected 'name weight'"),
    ],
)
def test_errors_name_file_line_and_finding(tmp_path, suffix, old, new, where, words):
    assert old in FILES[suffix]
    aux = write_files(tmp_path, **{suffix: FILES[suffix].replace(old, new, 1)})
    with pytest.raises(NetlistError) as caught:
        read_bookshelf(aux)
    assert where in str(caught.value)
    assert words in str(caught.value)


def test_a_missing_file_is_an_error_of_one_line(tmp_path, capsys):
    aux = write_files(tmp_path)
    (tmp_path / "d.pl").unlink()
    assert main(["evaluate", str(aux)]) == 1
    assert "d.pl: cannot read" in capsys.readouterr().err


def semantic(design: Design) -> dict:
    """What Bookshelf keeps of a design, in terms that do not depend on the numbering of pins."""
    netlist, placement = design.netlist, design.placement
    ends = [
        (netlist.node_name[netlist.pin_node[p]], *netlist.pin_offset[:, p].tolist()) for p in netlist.net_pin.tolist()
    ]
    return {
        "names": netlist.node_name,
        "kinds": netlist.kind.tolist(),
        "sizes": netlist.size.tolist(),
        "nets": sorted(
            (ends[a:b], weight)
            for a, b, weight in zip(netlist.net_start, netlist.net_start[1:], netlist.net_weight.tolist(), strict=False)
        ),
        "orientation": placement.orientation.tolist(),
        "fixed": placement.fixed.tolist(),
        "placed": placement.placed.tolist(),
    }


@st.composite
def plain_designs(draw) -> Design:
    """Designs whose fixed nodes lie on the canvas, with odd names, and fixed macros."""
    design = draw(designs())
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    netlist, placement, canvas = design.netlist, design.placement, design.canvas
    # Nets of one pin or none cannot be said, nor pins without nets.
    odd = draw(st.lists(st.text(st.characters(exclude_categories=["Z", "C"]), min_size=1, max_size=6), max_size=12))
    names = [
        f"{name}{word}" if not word.split() or word.split() == [word] else name
        for name, word in zip(netlist.node_name, odd + [""] * netlist.num_nodes, strict=False)
    ]
    fixed = placement.fixed | ((rng.random(len(placement)) < 0.2) & placement.placed)
    inside = placement.fixed & placement.placed
    x, y = (
        np.where(inside, np.clip(at, 0, extent), at)
        for at, extent in ((placement.x, canvas.width), (placement.y, canvas.height))
    )
    fixed &= placement.fixed | ((x > 8) & (y > 8) & (x < canvas.width - 8) & (y < canvas.height - 8))
    return Design(
        replace(netlist, node_name=tuple(names)),
        canvas,
        Placement(x, y, placement.orientation, fixed, placement.placed),
    )


@given(plain_designs())
@settings(max_examples=30)
def test_read_gives_back_what_was_written(tmp_path_factory, design):
    folder = tmp_path_factory.mktemp("d")
    first = read_bookshelf(write_bookshelf(folder, design, "d"))
    assert semantic(first) == semantic(design)
    for axis in ("x", "y"):
        assert np.allclose(getattr(first.placement, axis), getattr(design.placement, axis), atol=2e-6)
    assert first.canvas.width == pytest.approx(design.canvas.width)
    second = read_bookshelf(write_bookshelf(folder, first, "d"))
    assert second == replace(first, canvas=second.canvas)
    assert second.canvas == first.canvas


def test_all_orientations_and_fractions_come_back(tmp_path):
    nodes = "UCLA nodes 1.0\n" + "".join(f"m{i} {2.0 + i / 7} {5.25 + i / 3}\n" for i in range(8))
    pl = "UCLA pl 1.0\n" + "".join(
        f"m{i} {12 + i / 10} {20 + i / 1000} : {name}\n" for i, name in enumerate(netlists.ORIENTATIONS)
    )
    aux = write_files(tmp_path, nodes=nodes, pl=pl, nets="UCLA nets 1.0\n", wts="")
    design = read_bookshelf(aux)
    assert format_pl(design).split() == pl.replace("12.0 20.0 ", "12.0 20.0 ").split()
    assert read_bookshelf(write_bookshelf(tmp_path / "again", design)) == replace(design, name=design.name)


def test_what_the_source_said_survives_the_design_folder(tmp_path):
    """Shift, rows and pads live in attributes of the netlist file, so that a placed folder goes back as Bookshelf."""
    design = read_bookshelf(write_files(tmp_path))
    netlists.write(tmp_path / "folder", design)
    again = netlists.read(tmp_path / "folder")
    assert again.netlist == design.netlist
    assert format_pl(again) == format_pl(design)
    assert again.canvas.blockages == design.canvas.blockages


def test_names_that_cannot_be_written_are_refused(tmp_path, small):
    for name in ("two words", "#hash", "", "NetDegree"):
        netlist = replace(small.netlist, node_name=(name, *small.netlist.node_name[1:]))
        with pytest.raises(NetlistError, match="cannot stand in a Bookshelf file"):
            write_bookshelf(tmp_path, replace(small, netlist=netlist), "d")


def test_soft_macros_are_written_only_if_asked(small):
    assert "Grp_" not in format_pl(small)
    assert "Grp_" in format_pl(small, soft=True)


@pytest.mark.parametrize("suffix", list(FILES))
def test_truncation_anywhere_is_an_error_or_a_result(tmp_path, suffix):
    lines = FILES[suffix].splitlines(keepends=True)
    for end in range(len(lines)):
        aux = write_files(tmp_path, **{suffix: "".join(lines[:end])})
        with contextlib.suppress(NetlistError):
            read_bookshelf(aux)


@given(st.sampled_from(list(FILES)), st.data())
@settings(max_examples=150)
def test_flipped_bytes_are_an_error_or_a_result(tmp_path_factory, suffix, data):
    folder = tmp_path_factory.getbasetemp() / "flipped"
    folder.mkdir(exist_ok=True)
    aux = write_files(folder)
    text = bytearray(FILES[suffix].encode())
    for _ in range(data.draw(st.integers(1, 4))):
        text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.integers(0, 255))
    (folder / f"d.{suffix}").write_bytes(bytes(text))
    try:
        design = read_bookshelf(aux)
    except NetlistError:
        return
    assert np.isfinite(design.placement.x).all()
    CostModel(design.netlist, design.canvas).evaluate(design.placement)


def test_parsers_are_pure():
    assert bookshelf.parse_aux(["A : x.nodes x.nets x.pl x.scl"])[".pl"] == "x.pl"
    assert bookshelf.parse_nodes(["UCLA nodes 1.0", "a 1 2"], "x.nodes").height == [2.0]
    assert bookshelf.parse_nets(["UCLA nets 1.0"]).name == []
    assert bookshelf.parse_pl(["UCLA pl 1.0", "a 1 2"]).orientation == [0]
    assert bookshelf.parse_wts(["UCLA wts 1.0", "a 1"]).weight == [1.0]
    assert bookshelf.parse_scl(FILES["scl"].splitlines())[0].ux == 25


@pytest.mark.parametrize(
    ("name", "counts", "nets", "ends"),
    [("ibm01", (246, 246, 0, 12260), 14111, 50566), ("acc64", (576, 0, 0, 2779), 7481, 20111)],
)
def test_public_designs(benchmarks, name, counts, nets, ends):
    design = netlists.read(benchmarks / "bookshelf" / name / f"{name}.aux")
    assert tuple(np.bincount(design.netlist.kind, minlength=4)) == counts
    assert (design.netlist.num_nets, len(design.netlist.net_pin)) == (nets, ends)


def test_ibm01_is_placed_and_goes_back(benchmarks, tmp_path, capsys):
    source = benchmarks / "bookshelf" / "ibm01" / "ibm01.aux"
    arguments = ["--policy", "none", "--seconds", "4", "--threads", "1", "--out", str(tmp_path), "--json"]
    assert main(["place", str(source), *arguments]) == 0
    capsys.readouterr()
    design = netlists.read(source, tmp_path / "placement.plc")
    write_pl(tmp_path / "out.pl", design)
    stated = bookshelf.parse_pl((tmp_path / "out.pl").read_text().splitlines())
    assert len(stated.name) == 12752
    # Macros lie in the rows, which reach from (0, 0) to (2295, 2304).
    hard = design.netlist.is_hard
    assert np.array(stated.x)[hard].min() >= 0
    assert np.array(stated.y)[hard].min() >= 0
    assert (np.array(stated.x) + design.netlist.size[0])[hard].max() <= 2295 + 1e-5
