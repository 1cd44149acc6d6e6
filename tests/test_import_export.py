"""`placer import` and `placer export`."""

import json
from pathlib import Path

import numpy as np
import pytest

import netlists
from netlists.lefdef import read_lefdef
from netlists.source import read_source, write_cells
from placer.cli import main

DATA = Path(__file__).parent / "data" / "lefdef"
LEF, DEF = str(DATA / "tiny.lef"), str(DATA / "tiny.def")


@pytest.fixture
def folder(tmp_path):
    assert main(["import", "--lef", LEF, "--def", DEF, "--no-cluster", "--out", str(tmp_path / "tiny")]) == 0
    return tmp_path / "tiny"


def test_import_writes_a_design_folder(capsys, folder):
    out = capsys.readouterr().out
    assert "note: line 20: section VIAS is skipped" in out
    assert "tiny: 5 hard and 0 soft macros, 2 standard cells, 4 ports, 4 nets, 100 x 100 um, grid 20 x 29" in out
    assert sorted(path.name for path in folder.iterdir()) == [
        "initial.plc",
        "netlist.pb.txt.gz",
        "source.def.gz",
        "source.json",
    ]
    design, again = read_lefdef([LEF], DEF), netlists.read(folder)
    assert again.netlist == design.netlist
    assert again.canvas == design.canvas
    assert np.allclose(again.placement.x, design.placement.x, rtol=0, atol=1e-6)
    assert read_source(folder).shift == (-10, -5)


def test_export_to_def_and_back(folder, tmp_path):
    design = netlists.read(folder)
    at = design.netlist.node_name.index("ram3")
    x, placed = design.placement.x.copy(), design.placement.placed.copy()
    x[at], placed[at] = 42.5, True
    placement = design.placement.replace(x=x, y=np.where(placed, design.placement.y, 0) + 0, placed=placed)
    plc, out, again = tmp_path / "new.plc", tmp_path / "out.def.gz", tmp_path / "again"
    netlists.write_plc(plc, design.netlist, design.canvas, placement)
    assert main(["export", str(folder), "--placement", str(plc), "--format", "def", "--out", str(out)]) == 0
    assert main(["import", "--lef", LEF, "--def", str(out), "--out", str(again)]) == 0
    assert netlists.read(again).placement == netlists.read(folder, plc).placement


@pytest.mark.parametrize(
    ("form", "word"),
    [
        ("def", "- u/ram1 RAM + FIXED ( 40000 2000 ) W"),
        ("openroad", "place_macro -macro_name {u/ram1} -location {40 2} -orientation R90"),
        ("innovus", "placeInstance {u/ram1} 40 2 R90 -fixed"),
        ("plc", "# Columns : 20  Rows : 29"),
        ("bookshelf", "u/ram1 40 2 : W /FIXED"),
    ],
)
def test_formats(folder, tmp_path, form, word):
    assert main(["export", str(folder), "--format", form, "--out", str(tmp_path / "out")]) == 0
    assert word in (tmp_path / "out").read_text()


def test_cell_hints(folder, tmp_path):
    write_cells(folder, {"i1": "ram2"})  # cells that are nodes lie where these do
    out = tmp_path / "out.def"
    assert main(["export", str(folder), "--format", "def", "--cell-hints", "--fixed", "--out", str(out)]) == 0
    text = out.read_text()
    assert "- i1 INV + EEQMASTER INV + PLACED ( 10000 20000 ) FN" in text
    assert "- ram\\[0\\] RAM + SOURCE NETLIST + FIXED ( 0 1000 ) N ;" in text


def test_grid_is_an_option(tmp_path, capsys):
    arguments = ["import", "--lef", LEF, "--def", DEF, "--out", str(tmp_path)]
    assert main([*arguments, "--cols", "5", "--rows", "6"]) == 0
    assert (netlists.read(tmp_path).canvas.cols, netlists.read(tmp_path).canvas.rows) == (5, 6)
    assert main([*arguments, "--cols", "5"]) == 1
    assert main([*arguments, "--cols", "500", "--rows", "5"]) == 1
    assert "canvas: cols is 500" in capsys.readouterr().err


def bad_inputs():
    yield ["import", "--out", "d"], "expected --lef with at least one file and --def with one"
    yield ["import", "--lef", "none.lef", "--def", DEF, "--out", "d"], "none.lef: cannot read"
    yield ["import", "--lef", LEF, "--def", LEF, "--out", "d"], "tiny.lef:6: expected a statement or section of DEF 5.8"
    yield ["import", "--lef", DEF, "--def", DEF, "--out", "d"], "tiny.def:6: expected a statement of LEF 5.8"
    yield ["export", "sample", "--format", "def", "--out", "o"], "has no DEF to write the placement into"
    yield ["export", "none", "--format", "plc", "--out", "o"], "cannot read"


@pytest.mark.parametrize(("arguments", "words"), list(bad_inputs()))
def test_bad_input_is_one_line_and_exit_1(capsys, tmp_path, monkeypatch, small, arguments, words):
    monkeypatch.chdir(tmp_path)
    netlists.write("sample", small)
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert words in error
    assert not Path("d").exists()
    assert not Path("o").exists()


@pytest.mark.parametrize(
    "text", ["{", "{}", "[]", '{"format": "lefdef", "copy": "c", "files": [], "units": "x", "shift": [0, 0]}']
)
def test_broken_source(capsys, folder, text):
    (folder / "source.json").write_text(text)
    assert main(["export", str(folder), "--format", "def", "--out", str(folder / "o")]) == 1
    assert "source.json: expected format, copy, files, units and shift" in capsys.readouterr().err


@pytest.mark.slow
def test_ariane(benchmarks, tmp_path):
    """The real block: every byte comes back, and a moved macro reads back where it is."""
    source = benchmarks / "lefdef" / "ct_ariane"
    folder = tmp_path / "ariane"
    files = ["--lef", str(source / "ariane.lef"), "--def", str(source / "ariane.def.gz")]
    assert main(["import", *files, "--no-cluster", "--out", str(folder)]) == 0
    assert main(["export", str(folder), "--format", "def", "--out", str(tmp_path / "out.def.gz")]) == 0
    from netlists.files import read_bytes

    assert read_bytes(tmp_path / "out.def.gz") == read_bytes(source / "ariane.def.gz")
    record = json.loads((folder / "source.json").read_text())
    assert (record["format"], record["units"]) == ("lefdef", 2000)
    netlist = netlists.read(folder).netlist
    assert (netlist.is_hard.sum(), netlist.is_soft.sum(), netlist.is_port.sum()) == (133, 82821, 1231)
    assert netlist.num_nets == 85193
