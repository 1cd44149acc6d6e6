from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from strategies import designs

import netlists
from netlists import Blockage, Canvas, Design, NetlistError, PlcCosts, parse_plc, read_plc, write_plc
from netlists.plc import format_plc
from netlists.samples import SAMPLES, sample_path

HEADER = "# Columns : 4  Rows : 5\n# Width : 40.0  Height : 50.0\n"


@given(designs())
def test_read_gives_back_what_was_written(design):
    flags = design.placement.fixed | (np.arange(len(design.placement)) % 3 == 0) & design.placement.placed
    written = design.placement.replace(fixed=flags)
    canvas, placement = parse_plc(format_plc(design.netlist, design.canvas, written), design.netlist)
    cols, rows = design.canvas.congestion_cols, design.canvas.congestion_rows
    if (cols is None) == (rows is None):
        assert canvas == design.canvas
    assert placement == written


def test_positions_are_read_back_to_the_last_bit(small):
    """A pin a nanometre's millionth off a line between grid cells routes as it did before."""
    line = small.canvas.cell_width
    placement = small.placement.replace(x=np.nextafter(np.full(len(small.placement), line), 0), y=small.placement.y / 3)
    text = format_plc(small.netlist, small.canvas, placement)
    assert parse_plc(text, small.netlist)[1] == placement


def test_header_holds_costs_blockages_and_halo(small, tmp_path):
    canvas = replace(small.canvas, halo=1.5, blockages=(Blockage(1, 2, 3, 4, 0.5),), smoothing=2)
    costs = PlcCosts(123.4567, 0.1, 0.2, 0.3)
    write_plc(tmp_path / "p.plc", small.netlist, canvas, small.placement, costs)
    text = (tmp_path / "p.plc").read_text()
    assert "# Wirelength : 123.457" in text
    assert "# Blockage : 1.0 2.0 3.0 4.0 0.5" in text
    assert read_plc(tmp_path / "p.plc", small.netlist)[0] == canvas


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", None, "is it empty"),
        (HEADER.replace("4", "0", 1), 1, "cols is 0, expected 1 to 128"),
        (HEADER.replace("Columns : 4", "Columns : x"), 1, "expected numbers"),
        (HEADER.replace("40.0", "nan"), 2, "width is nan"),
        (HEADER.split("\n")[0] + "\n", None, "'# Width : w  Height : h'"),
        (HEADER + "# Blockage : 1 2 1 4 1\n", 3, "x0 < x1"),
        (HEADER + "0 1 2\n", 3, "found 3 fields"),
        (HEADER + "0 a 2 - 1\n", 3, "expected 'index x y orientation fixed'"),
        (HEADER + "0 nan 2 - 1\n", 3, "finite"),
        (HEADER + "0 1 2 - 7\n", 3, "fixed flag"),
        (HEADER + "0 1 2 N 1\n", 3, "'-' for a port"),
        (HEADER + "0 1 2 - 1\n0 1 2 - 1\n", 4, "listed before"),
        (HEADER + "999999 1 2 N 0\n", 3, "of another netlist"),
    ],
)
def test_errors_name_file_line_and_finding(small, text, line, words):
    with pytest.raises(NetlistError) as caught:
        parse_plc(text, small.netlist, "p.plc")
    assert str(caught.value).startswith("p.plc: " if line is None else f"p.plc:{line}: ")
    assert words in str(caught.value)


def test_orientation_that_is_none(small):
    macro = small.netlist.node_index[np.flatnonzero(small.netlist.is_hard)[0]]
    with pytest.raises(NetlistError, match="orientation is 'NE'"):
        parse_plc(HEADER + f"{macro} 1 2 NE 0\n", small.netlist)


def test_placement_of_another_netlist(small):
    other = netlists.read(sample_path(SAMPLES[1]))
    with pytest.raises(NetlistError, match="another netlist"):
        parse_plc(format_plc(other.netlist, other.canvas, other.placement), small.netlist)


def test_nodes_that_are_not_listed_are_not_placed(small):
    _, placement = parse_plc(HEADER + f"{small.netlist.node_index[3]} 1 2 - 1\n", small.netlist)
    assert np.flatnonzero(placement.placed).tolist() == [3]


def test_folder_round_trip(sample, tmp_path):
    netlists.write(tmp_path / "design", sample)
    again = netlists.read(tmp_path / "design")
    assert (again.netlist, again.canvas, again.placement) == (sample.netlist, sample.canvas, sample.placement)


def test_bare_netlist_has_a_derived_canvas(sample, tmp_path):
    netlists.write(tmp_path / "design", sample)
    bare = netlists.read(tmp_path / "design" / "netlist.pb.txt.gz")
    farthest = np.max(sample.placement.x + sample.netlist.size[0] / 2)  # all lie in N
    assert bare.canvas.width == pytest.approx(farthest)
    assert 10 <= bare.canvas.cols <= 50


def test_missing_things(tmp_path, small):
    with pytest.raises(NetlistError, match="cannot read"):
        netlists.read(tmp_path / "none.pb.txt")
    with pytest.raises(NetlistError, match="holds no netlist"):
        netlists.read(tmp_path)
    with pytest.raises(NetlistError, match="cannot write"):
        write_plc(tmp_path / "none" / "p.plc", small.netlist, small.canvas, small.placement)
    (tmp_path / "file").write_text("")
    with pytest.raises(NetlistError, match="folder"):
        netlists.write(tmp_path / "file" / "design", small)


def test_designs_that_cannot_be_placed(small):
    def on(width: float, height: float) -> Design:
        return replace(small, canvas=Canvas(width, height, 10, 10))

    largest = small.netlist.size[:, small.netlist.is_hard].max()
    with pytest.raises(NetlistError, match="larger than the canvas"):
        on(largest / 2, 1000).check_placeable()
    with pytest.raises(NetlistError, match="% of the canvas"):
        on(1.1 * largest, 1.1 * largest).check_placeable()
    size = small.netlist.size.copy()
    size[0, np.flatnonzero(small.netlist.is_soft_macro)[0]] = 1.1 * small.canvas.width
    with pytest.raises(NetlistError, match=r"macro 'Grp_\d+' is .* larger than the canvas .* more groups"):
        replace(small, netlist=replace(small.netlist, size=size)).check_placeable()


@pytest.mark.parametrize("box", ["0 0 inf 1", "nan 0 5 1"])
def test_blockages_are_finite(small, box):
    header = format_plc(small.netlist, small.canvas, small.placement).replace(
        "# Columns", f"# Blockage : {box} 1\n# Columns", 1
    )
    with pytest.raises(NetlistError, match="finite, with x0 < x1"):
        parse_plc(header, small.netlist)


@pytest.mark.parametrize("extent", [1e307, 1e-300])
def test_canvases_beyond_any_chip_are_refused(small, extent):
    with pytest.raises(NetlistError, match=r"canvas: width is .*, expected 1e-6 to 1e"):
        replace(small.canvas, width=extent)


def test_positions_beyond_any_chip_are_refused(small):
    x = small.placement.x.copy()
    x[3] = 1e18
    with pytest.raises(NetlistError, match=f"node '{small.netlist.node_name[3]}' lies at 1e"):
        small.with_placement(small.placement.replace(x=x))
