"""`placer import` and `placer export`."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from strategies import flat_design

import netlists
from netlists.bookshelf import read_bookshelf, write_bookshelf
from netlists.clustering import read_clusters
from netlists.files import read_bytes, write_bytes
from netlists.lefdef import read_lefdef
from netlists.source import CLUSTERS_NAME, read_source
from placer.cli import main

DATA = Path(__file__).parent / "data" / "lefdef"
SCRIPTS = Path(__file__).parents[1] / "scripts"
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
        "constraints.toml",
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


def test_import_takes_constraints_along(tmp_path, capsys):
    """Those of a file count beside the halos and the grid of the pair, and before them."""
    mine, folder = tmp_path / "mine.toml", tmp_path / "tiny"
    mine.write_text('boundary = 0.5\n[[macro]]\nname = "ram2"\nhalo = 3\n[[macro]]\nname = "ram4"\nfixed = true\n')
    pair = ["import", "--lef", LEF, "--def", DEF, "--no-cluster", "--out", str(folder)]
    assert main([*pair, "--constraints", str(mine)]) == 0
    assert "note: corners of hard macros keep to the manufacturing grid of 0.005 um" in capsys.readouterr().out
    design = netlists.read(folder)
    halo = dict(zip(design.netlist.node_name, design.constraints.halos(design.netlist, 0.0), strict=True))
    assert (halo["u/ram1"], halo["ram2"], halo["ram4"]) == (0.4, 3.0, 0.0)
    assert design.placement.fixed[design.netlist.node_name.index("ram4")]
    assert (design.constraints.boundary, design.constraints.pitch) == (0.5, (0.005, 0.005))
    mine.write_text('[[macro]]\nname = "none"\n')
    assert main([*pair, "--constraints", str(mine)]) == 1
    assert "mine.toml: [macro] name: expected a hard macro or a pattern of some, found" in capsys.readouterr().err


def test_a_file_in_the_folder_holds_alone(folder, capsys):
    pair = ["import", "--lef", LEF, "--def", DEF, "--no-cluster", "--out", str(folder)]
    capsys.readouterr()
    assert main(pair) == 0
    assert "holds as it is" not in capsys.readouterr().out  # it says what the pair says
    (folder / "constraints.toml").write_text("# mine\nhalo = 1.0\n")
    assert main(pair) == 0
    assert "constraints.toml holds as it is; delete it to take halos and grid" in capsys.readouterr().out
    assert (folder / "constraints.toml").read_text() == "# mine\nhalo = 1.0\n"
    assert netlists.read(folder).canvas.halo == 1.0
    (folder / "constraints.toml").unlink()
    assert main(pair) == 0
    assert netlists.read(folder).constraints.snaps


def test_regions_of_hard_macros_are_refused_or_ignored(tmp_path, capsys):
    text = Path(DEF).read_text().replace("- g i1 fil* +", "- g ram2 +")
    (tmp_path / "r.def").write_text(text)
    pair = ["import", "--lef", LEF, "--def", str(tmp_path / "r.def"), "--no-cluster", "--out", str(tmp_path / "out")]
    assert main(pair) == 1
    assert "r.def:82: in GROUPS: hard macro 'ram2' belongs in region 'fence'" in capsys.readouterr().err
    assert main([*pair, "--ignore-regions"]) == 0
    assert "note: 2 regions are ignored" in capsys.readouterr().out


def test_export_to_def_and_back(folder, tmp_path):
    design = netlists.read(folder)
    at = design.netlist.node_name.index("ram3")
    x, placed = design.placement.x.copy(), design.placement.placed.copy()
    x[at], placed[at] = 42.5, True
    placement = design.placement.replace(x=x, y=np.where(placed, design.placement.y, 0) + 0, placed=placed)
    plc, out, again = tmp_path / "new.plc", tmp_path / "out.def.gz", tmp_path / "again"
    netlists.write_plc(plc, design.netlist, design.canvas, placement)
    assert main(["export", str(folder), "--placement", str(plc), "--format", "def", "--out", str(out)]) == 0
    assert main(["import", "--lef", LEF, "--def", str(out), "--no-cluster", "--out", str(again)]) == 0
    assert netlists.read(again).placement == netlists.read(folder, plc).placement


@pytest.mark.parametrize(
    ("form", "word"),
    [
        ("def", "- u/ram1 RAM + FIXED ( 40000 2000 ) W"),
        ("openroad", "place_macro -macro_name {u/ram1} -location {40 2} -orientation R90"),
        ("innovus", "placeInstance {u/ram1} 40 2 R90 -fixed"),
        ("plc", "# Columns : 20  Rows : 29"),
        ("bookshelf", "u/ram1 40.0 2.0 : W /FIXED"),
    ],
)
def test_formats(folder, tmp_path, form, word):
    assert main(["export", str(folder), "--format", form, "--out", str(tmp_path / "out")]) == 0
    assert word in (tmp_path / "out").read_text()


def test_cell_hints(folder, tmp_path):
    write_bytes(folder / CLUSTERS_NAME, b"cell,group\ni1,ram2\n")  # cells that are nodes lie where these do
    out = tmp_path / "out.def"
    assert main(["export", str(folder), "--format", "def", "--cell-hints", "--fixed", "--out", str(out)]) == 0
    text = out.read_text()
    assert "- i1 INV + EEQMASTER INV + PLACED ( 10000 20000 ) FN" in text
    assert "- ram\\[0\\] RAM + SOURCE NETLIST + FIXED ( 0 1000 ) N ;" in text


@pytest.fixture
def flat(tmp_path):
    """A flat Bookshelf design whose coordinates begin elsewhere."""
    aux = write_bookshelf(tmp_path / "source", flat_design(1), "flat")
    for suffix, what in ((".pl", "pl"), (".scl", "scl")):
        path = aux.with_suffix(suffix)
        path.write_text(_shifted(path.read_text(), what))
    return aux


def _shifted(text, what, by=100.0):
    """Everything `by` to the upper right."""
    lines = []
    for line in text.splitlines():
        words = line.split()
        if what == "pl" and len(words) > 3:
            line = " ".join([words[0], str(float(words[1]) + by), str(float(words[2]) + by), *words[3:]])
        elif what == "scl" and words[:1] in (["Coordinate"], ["SubrowOrigin"]):
            line = " ".join([*words[:2], str(float(words[2]) + by), *words[3:]])
        lines.append(line)
    return "\n".join([*lines, ""])


def test_import_clusters_the_cells(tmp_path, flat, capsys):
    folder = tmp_path / "folder"
    arguments = ["import", "--aux", str(flat), "--groups", "10", "--seed", "3", "--out", str(folder)]
    assert main(arguments) == 0
    assert "0 standard cells" in capsys.readouterr().out
    design, members = netlists.read(folder), read_clusters(folder / CLUSTERS_NAME)
    assert set(members) == {name for name in read_bookshelf(flat).netlist.node_name if name.startswith("c")}
    assert set(members.values()) == {name for name in design.netlist.node_name if name.startswith("Grp_")}
    assert read_source(folder).shift == (100.0, 100.0)
    before = (folder / CLUSTERS_NAME).read_bytes()
    assert main(arguments) == 0
    assert (folder / CLUSTERS_NAME).read_bytes() == before
    assert main([*arguments, "--no-cluster"]) == 0
    assert not (folder / CLUSTERS_NAME).exists()


def test_import_of_a_netlist(tmp_path, small):
    netlists.write(tmp_path / "flat", flat_design(2))
    source = [str(tmp_path / "flat" / "netlist.pb.txt.gz"), "--placement", str(tmp_path / "flat" / "initial.plc")]
    assert main(["import", "--netlist", *source, "--no-cluster", "--out", str(tmp_path / "a")]) == 0
    assert netlists.read(tmp_path / "a").netlist == netlists.read(tmp_path / "flat").netlist
    assert main(["import", "--netlist", *source, "--groups", "5", "--out", str(tmp_path / "b")]) == 0
    assert netlists.read(tmp_path / "b").netlist.is_soft.any()
    netlists.write(tmp_path / "small", small)  # is clustered already
    source = str(tmp_path / "small" / "netlist.pb.txt.gz")
    assert main(["import", "--netlist", source, "--cols", "7", "--rows", "8", "--out", str(tmp_path / "c")]) == 0
    assert netlists.read(tmp_path / "c").netlist == netlists.read(tmp_path / "small").netlist
    assert netlists.read(tmp_path / "c").canvas.cols == 7


def test_a_folder_is_not_imported_onto_itself(capsys, folder):
    for source in (folder, folder / "netlist.pb.txt.gz"):
        assert main(["import", "--netlist", str(source), "--out", str(folder)]) == 1
        assert "would forget its source" in capsys.readouterr().err
    assert read_source(folder) is not None


@pytest.mark.parametrize("flags", [["--no-cluster"], ["--groups", "10"]])
def test_pl_finds_its_way_back(tmp_path, flat, flags):
    folder, out = tmp_path / "folder", tmp_path / "out.pl"
    assert main(["import", "--aux", str(flat), *flags, "--out", str(folder)]) == 0
    export = ["export", str(folder), "--format", "bookshelf", "--out", str(out)]
    assert main(export) == 0
    original = flat.with_suffix(".pl").read_text()
    assert out.read_text() == original
    design = netlists.read(folder)
    at = design.netlist.node_name.index("m22")
    x = design.placement.x.copy()
    x[at] = 30.25
    orientation = design.placement.orientation.copy()
    orientation[at] = 1
    plc = tmp_path / "moved.plc"
    placement = design.placement.replace(x=x, orientation=orientation)
    netlists.write_plc(plc, design.netlist, design.canvas, placement)
    assert main([*export, "--placement", str(plc)]) == 0
    changed = [line for line in out.read_text().splitlines() if line not in original.splitlines()]
    assert len(changed) == 1  # the corner of m22 is at its centre - 9 / 2 + 100
    assert changed[0].startswith("m22 125.75 ")
    assert changed[0].endswith(" : FN")
    flat.with_suffix(".pl").write_text(out.read_text())
    again, names = read_bookshelf(flat), design.netlist.node_name
    node = np.array([again.netlist.node_name.index(name) for name in names if not name.startswith("Grp_")])
    kept = [i for i, name in enumerate(names) if not name.startswith("Grp_")]
    assert np.allclose(again.placement.x[node], placement.x[kept], rtol=0, atol=2e-6)
    assert np.allclose(again.placement.y[node], placement.y[kept], rtol=0, atol=2e-6)


def test_cell_hints_in_a_pl(tmp_path, flat):
    folder, out = tmp_path / "folder", tmp_path / "out.pl"
    assert main(["import", "--aux", str(flat), "--groups", "10", "--out", str(folder)]) == 0
    assert main(["export", str(folder), "--format", "bookshelf", "--cell-hints", "--out", str(out)]) == 0
    design, members = netlists.read(folder), read_clusters(folder / CLUSTERS_NAME)
    lines = {line.split()[0]: line for line in out.read_text().splitlines() if line.strip()}
    for cell, group in members.items():
        node = design.netlist.node_name.index(group)
        corner = [float(word) for word in lines[cell].split()[1:3]]
        assert np.allclose(corner, [design.placement.x[node] + 100, design.placement.y[node] + 100], atol=2e-6)


def test_pl_of_a_plain_aux(tmp_path, flat):
    out = tmp_path / "out.pl"
    assert main(["export", str(flat), "--format", "bookshelf", "--out", str(out)]) == 0
    before = read_bookshelf(flat)
    flat.with_suffix(".pl").write_text(out.read_text())
    assert np.allclose(read_bookshelf(flat).placement.x, before.placement.x, rtol=0, atol=2e-6)


@pytest.mark.parametrize("given", ["folder", "aux"])
def test_clustering_keeps_the_way_back(tmp_path, flat, given):
    folder, clustered, out = tmp_path / "folder", tmp_path / "clustered", tmp_path / "out.pl"
    assert main(["import", "--aux", str(flat), "--no-cluster", "--out", str(folder)]) == 0
    source = folder if given == "folder" else flat
    assert main(["cluster", str(source), "--groups", "10", "--out", str(clustered)]) == 0
    assert main(["export", str(clustered), "--format", "bookshelf", "--out", str(out)]) == 0
    assert out.read_text() == flat.with_suffix(".pl").read_text()


def test_grid_is_an_option(tmp_path, capsys):
    arguments = ["import", "--lef", LEF, "--def", DEF, "--out", str(tmp_path)]
    assert main([*arguments, "--cols", "5", "--rows", "6"]) == 0
    assert (netlists.read(tmp_path).canvas.cols, netlists.read(tmp_path).canvas.rows) == (5, 6)
    assert main([*arguments, "--cols", "5"]) == 1
    assert main([*arguments, "--cols", "500", "--rows", "5"]) == 1
    assert "canvas: cols is 500" in capsys.readouterr().err


def bad_inputs():
    yield ["import", "--out", "d"], "expected one of --lef with --def, --aux, and --netlist"
    yield ["import", "--aux", "a.aux", "--netlist", "n", "--out", "d"], "expected one of --lef with --def"
    yield ["import", "--lef", LEF, "--out", "d"], "expected --lef with at least one file and --def with one"
    yield ["import", "--lef", LEF, "--def", DEF, "--placement", "p", "--out", "d"], "--placement goes with --netlist"
    yield ["import", "--lef", LEF, "--def", DEF, "--groups", "0", "--out", "d"], "expected groups"
    yield ["import", "--aux", "a", "--ignore-regions", "--out", "d"], "--ignore-regions goes with --lef and --def"
    yield ["import", "--aux", DEF, "--out", "d"], "expected a Bookshelf .aux file"
    yield ["import", "--aux", "none.aux", "--out", "d"], "cannot read"
    yield ["import", "--netlist", DEF, "--out", "d"], "tiny.def:2: expected 'node'"
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
    assert read_bytes(tmp_path / "out.def.gz") == read_bytes(source / "ariane.def.gz")
    record = json.loads((folder / "source.json").read_text())
    assert (record["format"], record["units"]) == ("lefdef", 2000)
    netlist = netlists.read(folder).netlist
    assert (netlist.is_hard.sum(), netlist.is_soft.sum(), netlist.is_port.sum()) == (133, 82821, 1231)
    assert netlist.num_nets == 85193


@pytest.mark.slow
@pytest.mark.parametrize("design", ["lefdef/ct_ariane", "bookshelf/ibm01"])
def test_from_a_real_design_to_a_placed_one(benchmarks, tmp_path, design):
    """Import, place, export, read back: as placed, legal, and nothing else has changed."""
    out = tmp_path / "record.json"
    arguments = ["--designs", design, "--benchmarks", benchmarks, "--seconds", "20", "--out", out]
    subprocess.run([sys.executable, SCRIPTS / "end_to_end.py", *map(str, arguments)], check=True)
    record = json.loads(out.read_text())["designs"][design]
    assert all(record["checks"].values())
    assert record["costs"] < record["start_costs"]
    expected = {"components": 82954, "nets": 85193} if design.startswith("lefdef") else {"lines": 12759}
    assert expected.items() <= record.items()


def test_tcl_of_a_plain_aux_has_its_coordinates(tmp_path, flat):
    out = tmp_path / "out.tcl"
    assert main(["export", str(flat), "--format", "openroad", "--out", str(out)]) == 0
    design = read_bookshelf(flat)
    node = int(np.flatnonzero(design.netlist.is_hard)[0])
    corner = [
        axis[node] - 0.5 * extent + 100
        for axis, extent in zip((design.placement.x, design.placement.y), design.netlist.size[:, node], strict=True)
    ]
    line = next(line for line in out.read_text().splitlines() if f"{{{design.netlist.node_name[node]}}}" in line)
    found = line.split("-location {")[1].split("}")[0].split()
    assert np.allclose([float(word) for word in found], corner, rtol=0, atol=2e-6)


@pytest.mark.parametrize("command", ["synth", "cluster"])
def test_another_design_in_the_folder_forgets_the_source(folder, tmp_path, flat, command):
    write_bytes(folder / CLUSTERS_NAME, b"cell,group\ni1,ram2\n")
    arguments = ["synth", "--hard", "3", "--soft", "20"]
    if command == "cluster":
        plain = tmp_path / "plain"
        netlists.write(plain, flat_design(2))
        arguments = ["cluster", str(plain), "--groups", "5"]
    assert main([*arguments, "--out", str(folder)]) == 0
    assert read_source(folder) is None
    assert (folder / CLUSTERS_NAME).exists() == (command == "cluster")
    if command == "cluster":
        assert "i1" not in read_clusters(folder / CLUSTERS_NAME)
