import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import designs, flat_design

import netlists
from netlists import Attribute, Canvas, Design, Kind, Netlist, NetlistError, Placement
from netlists.clustering import (
    ClusterConfig,
    cluster,
    cluster_cells,
    read_clusters,
    unfold_placement,
    write_clusters,
)
from netlists.grouped import group_design
from netlists.grouping import break_up, compact, fixed_groups, merge_tiny, port_sides
from netlists.partition import Hypergraph, partition
from netlists.protobuf import format_netlist, parse_netlist
from netlists.samples import sample_path
from placer.cli import main


def tiny(nets, weights=None, kinds="pmcccc", positions=None) -> Design:
    """Port p0, macro m1 with pins a and b, cells c2 to c5; nets by pin names, driver first."""
    kind = ["pmc".index(letter) for letter in kinds]
    names = [f"{letter}{i}" for i, letter in enumerate(kinds)]
    pins, index, node_index = [], 0, []
    used = {name for net in nets for name in net}
    for node, name in enumerate(names):
        node_index.append(index)
        if name in used:
            pins.append((node, index, name))
        index += 1
        for pin in ("a", "b") if kind[node] == 1 else ():
            pins.append((node, index, f"{name}/{pin}"))
            index += 1
    at = {pin[2]: i for i, pin in enumerate(pins)}
    count = len(names)
    netlist = Netlist(
        node_name=names,
        kind=np.array([Kind.PORT, Kind.HARD_MACRO, Kind.STDCELL])[kind],
        size=np.where(np.array(kind) == 0, 0.0, np.where(np.array(kind) == 1, 10.0, [[2.0], [1.0]])),
        node_index=node_index,
        pin_name=[pin[2] for pin in pins],
        pin_node=[pin[0] for pin in pins],
        pin_offset=np.zeros((2, len(pins))),
        pin_index=[pin[1] for pin in pins],
        net_start=np.cumsum([0, *map(len, nets)]),
        net_pin=[at[name] for net in nets for name in net],
        net_weight=np.ones(len(nets)) if weights is None else weights,
        attributes=(Attribute(0, "side", "placeholder", '"LEFT"'), Attribute(node_index[2], "x_cell", "f", "1.0")),
    )
    x, y = np.array(positions if positions is not None else [(0.0, 10.0 * i) for i in range(count)]).T
    fixed = np.array(kind) == 0
    return Design(netlist, Canvas(100, 100, 10, 10), Placement(x, y, np.zeros(count), fixed, np.ones(count, bool)))


def nets_by_name(design):
    netlist = design.netlist
    names = [[netlist.pin_name[p] for p in net] for net in np.split(netlist.net_pin, netlist.net_start[1:-1])]
    return {net[0]: (net[1:], weight) for net, weight in zip(names, netlist.net_weight.tolist(), strict=True)}


def test_soft_macros_have_the_pins_and_nets_of_alphachips_files():
    nets = [["p0", "c2"], ["c2", "c3", "c4"], ["c3", "c4"], ["c4", "m1/a", "m1/b"], ["m1/a", "c5"], ["c5", "c3", "p0"]]
    design = tiny(nets, weights=[1, 1, 2, 1, 1, 3])
    clustered = group_design(design, np.array([-1, -1, 0, 0, 7, 7]))
    assert clustered.netlist.node_name == ("p0", "m1", "Grp_0", "Grp_7")
    # c2 drives c3 of its own group and c4 of the other: one sink is left, as for c3, so the two make a net of weight 3.
    # c4 drives two macro pins, c5 a group and a port: they keep nets of their own.
    assert nets_by_name(clustered) == {
        "p0": (["Grp_0/Pinput"], 1.0),
        "m1/a": (["Grp_7/Pinput"], 1.0),
        "Grp_0/Poutput_single_0": (["Grp_7/Pinput"], 3.0),
        "Grp_7/Poutput_multi_0": (["m1/a", "m1/b"], 1.0),
        "Grp_7/Poutput_multi_1": (["Grp_0/Pinput", "p0"], 3.0),
    }
    # Two cells of 2 x 1 um at 50 %: a square of 8 um^2 at their centre of mass, (20 + 30) / 2.
    assert clustered.netlist.size[:, 2] == pytest.approx([np.sqrt(8), np.sqrt(8)])
    assert clustered.placement.y[2] == pytest.approx(25)
    assert clustered.netlist.attributes == (
        Attribute(-1, "soft_macro_area_bloating_ratio", "f", "2.0"),
        Attribute(0, "side", "placeholder", '"LEFT"'),
    )


def test_nets_of_too_many_sinks_are_left_out():
    design = tiny([["p0", "c2", "c3", "c4"], ["c2", "c3"]])
    assert nets_by_name(group_design(design, np.array([-1, -1, 0, 1, 1, 1]), max_fanout=2)) == {
        "Grp_0/Poutput_single_0": (["Grp_1/Pinput"], 1.0)
    }


def test_cells_without_a_group_stay():
    design = tiny([["p0", "c2"], ["c2", "c3"], ["c3", "c4"]])
    clustered = group_design(design, np.array([-1, -1, -1, 0, 0, 0]))
    assert nets_by_name(clustered) == {"p0": (["c2"], 1.0), "c2": (["Grp_0/Pinput"], 1.0)}
    assert clustered.netlist.kind.tolist() == [Kind.PORT, Kind.HARD_MACRO, Kind.STDCELL, Kind.SOFT_MACRO]


@given(designs(), st.integers(0, 2**32 - 1))
@settings(max_examples=50)
def test_any_grouping_of_any_design_is_a_design_that_files_keep(design, seed):
    netlist = design.netlist
    flat = replace(netlist, kind=np.where(netlist.kind == Kind.SOFT_MACRO, Kind.HARD_MACRO, netlist.kind))
    flat = replace(flat, node_name=tuple(name.replace("Grp_", "g") for name in flat.node_name))
    design = Design(flat, design.canvas, design.placement)
    group = np.random.default_rng(seed).integers(-1, 4, flat.num_nodes)
    clustered = group_design(design, group)
    text = format_netlist(clustered.netlist, clustered.placement).encode()
    assert parse_netlist(text)[0] == clustered.netlist
    cells = (flat.kind == Kind.STDCELL) & (group >= 0)
    soft = clustered.netlist.kind == Kind.SOFT_MACRO
    area = np.prod(clustered.netlist.size[:, soft], axis=0).sum()
    assert area == pytest.approx(2 * np.prod(flat.size[:, cells], axis=0).sum())


@given(st.integers(0, 1000))
@settings(max_examples=30)
def test_weights_are_conserved(seed):
    """Each net that leaves its driver's group counts once in the sum of weights, wherever it ends up."""
    design = flat_design(seed)
    netlist = design.netlist
    group = np.where(netlist.kind == Kind.STDCELL, np.random.default_rng(seed).integers(0, 9, netlist.num_nodes), -1)
    owner = netlist.pin_node[netlist.net_pin]
    label = np.where(group[owner] >= 0, group[owner], -2 - owner)
    driver = np.repeat(label[netlist.net_start[:-1]], np.diff(netlist.net_start))
    other = (
        np.add.reduceat((label != driver) | (label < 0), netlist.net_start[:-1]) - (label < 0)[netlist.net_start[:-1]]
    )
    assert group_design(design, group).netlist.net_weight.sum() == pytest.approx(netlist.net_weight[other > 0].sum())


def test_fixed_groups_hold_what_touches_a_macro_or_a_clump_of_ports():
    nets = [["p0", "c3"], ["m1/a", "c4"], ["c5", "m1/b", "c4"], ["c4", "c6"]]
    design = tiny(nets, kinds="pmpcccc", positions=[(0, 50), (50, 50), (0, 52), *[(9.0, 9.0)] * 4])
    # Macro m1 is group 0; the ports, 2 um apart on the left, are one clump, group 1.
    assert fixed_groups(design, 1, 500).tolist() == [1, 0, 1, 1, 0, 0, -1]
    assert fixed_groups(design, 2, 500).tolist() == [1, 0, 1, 1, 0, 0, 0]
    assert fixed_groups(design, 0, 500).tolist() == [1, 0, 1, -1, -1, -1, -1]
    far = design.with_placement(design.placement.replace(y=[50, 50, 61, 9, 9, 9, 9]))
    assert fixed_groups(far, 1, 500).tolist()[:4] == [1, 0, 2, 1]


def test_port_sides():
    canvas = Canvas(200, 100, 10, 10)
    assert port_sides(np.array([0, 100, 200, 100.0]), np.array([50, 100, 50, 0.0]), canvas).tolist() == [0, 1, 2, 3]


def test_wide_groups_are_broken_up_about_their_centre():
    at = [(0, 0), (50, 50), (10.0, 0), (12, 0), (14, 0), (60, 0)]
    design = tiny([["c2", "c3"]], positions=at)
    # Centre at 24; 60 is 36 away, more than half of 40 but less than one and a half.
    assert break_up(design, np.array([-1, -1, 0, 0, 0, 0]), 40).tolist() == [-1, -1, 0, 0, 0, 1]
    assert break_up(design, np.array([-1, -1, 0, 0, 0, 0]), 51).tolist() == [-1, -1, 0, 0, 0, 0]


def test_tiny_groups_join_their_nearest_neighbour_by_nets():
    nets = [["c2", "c3"], ["c2", "c4"], ["c3", "c4"]]
    at = [(0, 0), (0, 0), (10, 0), (30, 0), (15, 0), (16, 0)]
    group = np.array([-1, -1, 0, 1, 2, 2])
    design = tiny(nets, positions=at)
    assert merge_tiny(design, group, 1, 10, 500).tolist() == [-1, -1, 2, 1, 2, 2]
    # Each shares one net with both others; the lower number decides, so that 0 and 1 choose one another.
    assert merge_tiny(design, group, 1, 100, 500).tolist() == [-1, -1, 1, 1, 2, 2]
    assert merge_tiny(design, group, 1, 0, 500).tolist() == group.tolist()


def test_groups_are_numbered_without_gaps():
    assert compact(np.array([-1, 5, 9, 5])).tolist() == [-1, 0, 1, 0]
    assert compact(np.array([5, 9, 5])).tolist() == [0, 1, 0]
    assert compact(np.array([-1, -1])).tolist() == [-1, -1]


@pytest.mark.parametrize("placed", [True, False])
def test_a_flat_design_is_clustered(placed):
    design = flat_design(1, num_cells=400, placed=placed)
    clustering = cluster_cells(design, ClusterConfig(groups=12, threads=1))
    netlist = clustering.design.netlist
    assert not (netlist.kind == Kind.STDCELL).any()
    # Six macros and at most two clumps of ports on each side; cells that lie anywhere are broken up by position.
    assert netlist.is_soft.sum() <= (400 if placed else 12 + 6 + 20)
    cells = design.netlist.kind == Kind.STDCELL
    assert np.prod(netlist.size[:, netlist.is_soft], axis=0).sum() == pytest.approx(
        2 * np.prod(design.netlist.size[:, cells], axis=0).sum()
    )
    assert sorted(clustering.members()) == sorted(np.array(design.netlist.node_name)[cells].tolist())
    assert set(clustering.members().values()) == set(np.array(netlist.node_name)[netlist.is_soft].tolist())


def test_communities_are_found():
    """Six communities of 15 vertices with 60 nets of three each, and one net between neighbours: blocks are these."""
    rng = np.random.default_rng(0)
    nets = [15 * c + rng.choice(15, 3, replace=False) for c in range(6) for _ in range(60)]
    nets += [np.array([15 * c, 15 * ((c + 1) % 6)]) for c in range(6)]
    start, ones = np.cumsum([0, *map(len, nets)]), np.ones(90, np.int64)
    fixed = np.full(90, -1)
    fixed[[0, 40]] = [5, 1]
    graph = Hypergraph(start, np.concatenate(nets), np.ones(len(nets), np.int64), ones, fixed)
    block = partition(graph, 6, 0.2, seed=0, threads=1).reshape(6, 15)
    assert (block == block[:, :1]).all()
    assert sorted(block[:, 0].tolist()) == list(range(6))
    assert (block[0, 0], block[2, 0]) == (5, 1)


def test_same_seed_same_groups_whatever_the_threads():
    """In processes of their own: a process has one initialiser of the partitioner."""
    code = (
        "import sys; sys.path.insert(0, 'tests'); from strategies import flat_design;"
        "from netlists.clustering import *; import hashlib;"
        "group = cluster_cells(flat_design(3), ClusterConfig(groups=8, seed={}, threads={})).group;"
        "print(hashlib.sha256(group.tobytes()).hexdigest())"
    )
    root = str(sample_path("cpu_small").parents[2])
    runs = [
        subprocess.run(
            [sys.executable, "-c", code.format(seed, threads)], cwd=root, capture_output=True, text=True, check=True
        ).stdout
        for seed, threads in ((0, 1), (0, 2), (1, 1))
    ]
    assert runs[0] == runs[1] != runs[2]


@given(st.integers(0, 10**6), st.integers(0, 12), st.integers(0, 3), st.integers(0, 4), st.integers(1, 30))
@settings(max_examples=40)
def test_odd_designs_are_clustered(seed, cells, hard, ports, groups):
    design = flat_design(seed, cells, hard, ports)
    clustered = cluster(design, ClusterConfig(groups=groups, seed=seed, threads=1))
    assert not (clustered.netlist.kind == Kind.STDCELL).any()
    assert clustered.netlist.num_nets <= design.netlist.num_nets


def test_fixed_cells_stay():
    design = flat_design(5)
    fixed = design.placement.fixed.copy()
    fixed[-3:] = True
    clustered = cluster(
        design.with_placement(design.placement.replace(fixed=fixed)), ClusterConfig(groups=5, threads=1)
    )
    assert (clustered.netlist.kind == Kind.STDCELL).sum() == 3


def test_what_cannot_be_clustered(small):
    with pytest.raises(NetlistError, match="has soft macros; expected a flat one"):
        cluster(small)
    for setting in ({"groups": 0}, {"utilisation": 0.0}, {"imbalance": -1.0}, {"levels": -1}, {"balance": "x"}):
        with pytest.raises(NetlistError, match="expected"):
            ClusterConfig(**setting)


def test_cluster_map_round_trips(tmp_path):
    clustering = cluster_cells(flat_design(6), ClusterConfig(groups=5, threads=1))
    names = ('a,"b"', "\\esc[3]", " c ", "cell", "d\ne")
    source = clustering.source
    netlist = replace(source.netlist, node_name=(*source.netlist.node_name[: -len(names)], *names))
    clustering = replace(clustering, source=replace(source, netlist=netlist))
    write_clusters(tmp_path / "clusters.csv.gz", clustering)
    assert read_clusters(tmp_path / "clusters.csv.gz") == clustering.members()


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "1: expected the header"), ("a,b\n", "1: expected the header"), ("cell,group\na\n", "2: expected 'cell"),
     ("cell,group\na,Grp_0\na,Grp_1\n", "3: expected"), ('cell,group\n"a,Grp_0\n', "expected")],
)  # fmt: skip
def test_broken_cluster_maps(tmp_path, text, words):
    path = tmp_path / "clusters.csv"
    path.write_text(text)
    with pytest.raises(NetlistError, match=words):
        read_clusters(path)


def test_a_placement_of_the_clusters_places_the_cells():
    design = flat_design(7, placed=False)
    clustering = cluster_cells(design, ClusterConfig(groups=5, threads=1))
    target = clustering.design
    count = target.netlist.num_nodes
    at = target.placement.replace(x=np.arange(count) * 1.0, y=np.ones(count), placed=np.ones(count, bool))
    unfolded = unfold_placement(design, target.with_placement(at), clustering.members())
    where = dict(zip(target.netlist.node_name, at.x.tolist(), strict=True))
    for node, name in enumerate(design.netlist.node_name):
        expected = where.get(name, where.get(clustering.members().get(name, "")))
        assert unfolded.x[node] == (design.placement.x[node] if design.placement.fixed[node] else expected)
    assert unfolded.placed.all()


def test_command_writes_a_design_folder(tmp_path, capsys):
    flat = tmp_path / "flat"
    design = flat_design(8)
    netlists.write(flat, design)
    out = tmp_path / "out"
    began = time.monotonic()
    assert (
        main(
            ["cluster", str(flat), "--groups", "6", "--threads", "1", "--cols", "12", "--rows", "11", "--out", str(out)]
        )
        == 0
    )
    assert time.monotonic() - began < 10
    assert "300 cells in" in capsys.readouterr().out
    assert sorted(path.name for path in out.iterdir()) == ["clusters.csv.gz", "initial.plc", "netlist.pb.txt.gz"]
    clustered = netlists.read(out)
    assert (clustered.canvas.cols, clustered.canvas.rows) == (12, 11)
    expected = cluster(
        replace(design, canvas=replace(design.canvas, cols=12, rows=11)), ClusterConfig(groups=6, threads=1)
    )
    assert clustered.netlist == expected.netlist
    assert main(["evaluate", str(out)]) == 0


def test_command_reports_errors_in_one_line(tmp_path, capsys):
    for arguments, words in (
        ([str(sample_path("cpu_small"))], "has soft macros"),
        ([str(sample_path("cpu_small")), "--cols", "500"], "cols is 500, expected 1 to 128"),
        ([str(sample_path("cpu_small")), "--groups", "0"], "expected groups"),
        ([str(tmp_path / "none.aux")], "none.aux: cannot read"),
    ):
        assert main(["cluster", *arguments, "--out", str(tmp_path / "out")]) == 1
        error = capsys.readouterr().err
        assert error.startswith("error: ")
        assert words in error
        assert error.count("\n") == 1


def test_clustering_by_the_published_groups_gives_the_published_netlist(benchmarks):
    """ariane133: every node, pin, net and weight, in the same order; positions and areas to float32."""
    netlist, placement = netlists.read_netlist(benchmarks / "flat/ariane133_ng45.pb.txt.gz")
    groups = np.loadtxt(benchmarks / "flat/ariane133_ng45.groups", dtype=int)
    published, at = netlists.read_netlist(benchmarks / "clustered/NanGate45/ariane133/netlist.pb.txt.gz")
    clustered = group_design(Design(netlist, Canvas(1433.406, 1433.406, 24, 21), placement), groups[netlist.node_index])
    for name in ("node_name", "pin_name"):
        assert getattr(clustered.netlist, name) == getattr(published, name)
    for name in ("kind", "node_index", "pin_index", "pin_node", "net_start", "net_pin", "net_weight", "pin_offset"):
        assert np.array_equal(getattr(clustered.netlist, name), getattr(published, name)), name
    area, expected = np.prod(clustered.netlist.size, axis=0), np.prod(published.size, axis=0)
    assert np.allclose(area, expected, rtol=1e-6)
    assert np.allclose(clustered.placement.x, at.x, atol=2e-4)
