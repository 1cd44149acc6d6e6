import contextlib
import gzip
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import designs

import netlists
from netlists import Attribute, Kind, NetlistError, parse_netlist, read_netlist, write_netlist
from netlists.protobuf import format_netlist

TEXT = """
node { name: "__metadata__" attr { key: "tool" value { s: "x" } } }
node {
  name: "in"
  input: "ram/d"   # drives the memory
  input: "Grp_0/i"
  attr { key: "type" value { placeholder: "port" } }
  attr { key: "side" value { placeholder: "LEFT" } }
  attr { key: "x" value { f: 0 } } attr { key: "y" value { f: 1.5e+1 } }
  attr { key: "weight" value { f: 2 } }
}
node { name: "ram" attr { key: "type" value { placeholder: "MACRO" } }
  attr { key: "width" value { f: 10 } } attr { key: "height" value { f: 2e1 } }
  attr { key: "orientation" value { placeholder: "FS" } }
  attr { key: "x" value { f: 30 } } attr { key: "y" value { f: 40 } } }
node { name: "ram/d" attr { key: "type" value { placeholder: "macro_PIN" } }
  attr { key: "macro_name" value { placeholder: "ram" } }
  attr { key: "x_offset" value { f: -2.5 } } attr { key: "y_offset" value { f: 1 } } }
node { name: "Grp_0" attr { key: "type" value { placeholder: "macro" } }
  attr { key: "width" value { f: 3 } } attr { key: "height" value { f: 4 } } }
node { name: "Grp_0/i" attr { key: "type" value { placeholder: "macro_pin" } }
  attr { key: "macro_name" value { placeholder: "Grp_0" } } attr { key: "weight" value { f: 7 } } }
"""


def test_fields_of_a_small_file():
    netlist, placement = parse_netlist(TEXT.encode())
    assert netlist.node_name == ("in", "ram", "Grp_0")
    assert netlist.kind.tolist() == [Kind.PORT, Kind.HARD_MACRO, Kind.SOFT_MACRO]
    assert netlist.node_index.tolist() == [0, 1, 3]
    assert netlist.pin_name == ("in", "ram/d", "Grp_0/i")
    assert netlist.pin_offset.tolist() == [[0, -2.5, 0], [0, 1, 0]]
    assert netlist.net_pin.tolist() == [0, 1, 2]
    assert netlist.net_weight.tolist() == [2.0]
    assert netlist.size.tolist() == [[0, 10, 3], [0, 20, 4]]
    assert placement.y.tolist() == [15, 40, 0]
    assert placement.placed.tolist() == [True, True, False]
    assert placement.orientation.tolist() == [0, 3, 0]
    assert netlist.attributes == (
        Attribute(-1, "tool", "s", '"x"'),
        Attribute(0, "side", "placeholder", '"LEFT"'),
        Attribute(4, "weight", "f", "7.0"),
    )


@given(designs())
def test_read_gives_back_what_was_written(design):
    text = format_netlist(design.netlist, design.placement).encode()
    netlist, placement = parse_netlist(text)
    assert netlist == design.netlist
    assert placement == design.placement


def test_files_round_trip_packed_and_names_with_escapes(tmp_path):
    netlist, placement = parse_netlist(TEXT.replace("ram", 'r\\"a\\\\m').encode())
    assert netlist.node_name[1] == 'r"a\\m'
    write_netlist(tmp_path / "n.pb.txt.gz", netlist, placement)
    assert read_netlist(tmp_path / "n.pb.txt.gz") == (netlist, placement)
    assert [path.name for path in tmp_path.iterdir()] == ["n.pb.txt.gz"]


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("list", '{ s: "a} # no end" s: "b" }'),
        ("shape", "{ dim { size: 3 } dim: { size: -1 } }"),
        ("list", "{ i: [1, 2]  f: [] # and so on }\n }"),
    ],
)
def test_values_in_blocks_are_kept(field, text):
    for separator in (" ", ": ", ":"):
        value = f'attr {{ key: "shapes" value {{ {field}{separator}{text} }} }} attr {{ key: "side"'
        netlist, placement = parse_netlist(TEXT.replace('attr { key: "side"', value).encode())
        assert Attribute(0, "shapes", field, text) in netlist.attributes
        assert Attribute(0, "side", "placeholder", '"LEFT"') in netlist.attributes
        assert parse_netlist(format_netlist(netlist, placement).encode()) == (netlist, placement)


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ('"port"', '"PAD"', 7, "type is 'PAD', expected PORT"),
        ('input: "Grp_0/i"', 'input: "Grp_9/i"', 6, "'Grp_9/i' names no node"),
        ('placeholder: "ram"', 'placeholder: "rom"', 16, "belongs to macro 'rom'"),
        ('name: "Grp_0/i"', 'name: "in"', 21, "used before, on line 3"),
        ("f: 10 ", "f: nan ", 13, "expected a finite number"),
        ("f: 10 ", "f: -4 ", 12, "width of 'ram' is -4"),
        ("f: 10 ", "f: 0 ", 12, "width of 'ram' is 0"),
        ("f: 10 ", "f: ten ", 13, "expected a finite number"),
        ('"FS"', '"NE"', 12, "orientation of 'ram' is 'NE'"),
        ('input: "ram/d"', 'input: "ram"', 12, "macro 'ram' is on a net itself"),
        ("f: 2 }", "f: -2 }", 3, "weight of 'in' is -2"),
        ('placeholder: "ram"', 'placeholder: "ram/d"', 16, "which is a pin"),
        ('  name: "in"\n', "", 3, "without one"),
        ('name: "ram"', 'name: "ram" name: "rom"', 12, "a second one"),
        ("f: 10 ", 'f: 10 } } attr { key: "width" value { f: 11 ', 13, "width of 'ram' is stated twice"),
        ('attr { key: "x" value { f: 30 } }', "", 12, "one of x and y"),
        ("node {\n", "versions " + "{ a " * 100_000 + "node {\n", 3, "nested blocks"),
        ("node {\n", "versions { a: " + "[" * 100_000 + "node {\n", 3, "nested blocks"),
        ("f: 10 ", "f { g: 10 } ", 13, "expected a finite number"),
        ("f: 10 ", "f 10 ", 13, "expected ':' or '{' after the value field"),
        ('placeholder: "LEFT"', 'list { s: "LEFT" ', 9, "expected 'key' or 'value', found 'attr'"),
        ("node {\n", "nod {\n", 3, "expected 'node', found 'nod'"),
    ],
)
def test_errors_name_file_line_and_finding(old, new, line, words):
    assert old in TEXT
    with pytest.raises(NetlistError) as caught:
        parse_netlist(TEXT.replace(old, new, 1).encode(), "some.pb.txt")
    assert str(caught.value).startswith(f"some.pb.txt:{line}: ")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "holds no node"),
        (TEXT.encode()[:400], "truncated"),
        (bytes(range(256)) * 4, "expected"),
        (b"\xff\xfe junk", "expected"),
        (TEXT.replace("ram", "r\udcffm").encode("utf-8", "surrogateescape"), "UTF-8"),
    ],
)
def test_files_that_are_none(tmp_path, content, words):
    path = tmp_path / "bad.pb.txt"
    path.write_bytes(content)
    with pytest.raises(NetlistError, match=words) as caught:
        netlists.read(path)
    assert "bad.pb.txt" in str(caught.value)


def test_wrong_and_truncated_gzip(tmp_path):
    path = tmp_path / "n.pb.txt.gz"
    for content in (TEXT.encode(), gzip.compress(TEXT.encode())[:-20], b""):
        path.write_bytes(content)
        with pytest.raises(NetlistError, match="gzip"):
            read_netlist(path)


@given(st.data())
def test_damage_never_raises_anything_else(data):
    raw = bytearray(TEXT.encode())
    for _ in range(data.draw(st.integers(1, 5))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    raw = raw[: data.draw(st.integers(0, len(raw)))]
    with contextlib.suppress(NetlistError):
        parse_netlist(bytes(raw))


def test_counts_of_the_benchmarks(benchmarks, expected):
    for name, golden in expected.items():
        design = netlists.read(benchmarks / "clustered" / name)
        netlist, canvas = design.netlist, design.canvas
        assert netlist.is_port.sum() == golden["ports"]
        assert netlist.is_hard.sum() == golden["hard_macros"]
        assert netlist.is_soft.sum() == golden["soft_macros"]
        assert netlist.num_nets == golden["nets"]
        assert len(netlist.net_pin) == golden["net_pins"]
        assert netlist.net_weight.sum() == golden["net_weight_sum"]
        assert [canvas.width, canvas.height] == golden["canvas_um"]
        assert [canvas.cols, canvas.rows] == golden["grid_cols_rows"]


def test_flat_netlist_has_standard_cells(benchmarks):
    design = netlists.read(benchmarks / "flat/ariane133_ng45.pb.txt.gz")
    assert (design.netlist.kind == Kind.STDCELL).sum() == 88411
    assert (design.netlist.kind == Kind.HARD_MACRO).sum() == 133


def test_netlist_arrays_are_checked_and_read_only():
    netlist, _ = parse_netlist(TEXT.encode())
    with pytest.raises(NetlistError, match=r"pin_node\[0\] is 9, expected 0 to 2"):
        replace(netlist, pin_node=[9, 1, 2])
    with pytest.raises(NetlistError, match="net_weight"):
        replace(netlist, net_weight=[np.nan])
    with pytest.raises(ValueError, match="read-only"):
        netlist.size[0, 0] = 1
