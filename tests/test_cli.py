import json
import os
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

import netlists
from env import CostModel
from netlists.samples import sample_path
from placer.checkpoint import save_checkpoint
from placer.cli import main
from placer.config import PolicyConfig
from placer.policy import Policy

SAMPLE = str(sample_path("cpu_small"))


@pytest.fixture(autouse=True)
def _each_command_begins_now(monkeypatch):
    """Time budgets count from the start of the process, which in tests was long ago."""
    monkeypatch.setattr("placer.commands.place.BEGAN", time.monotonic())


@pytest.fixture
def checkpoint(tmp_path):
    torch.manual_seed(0)
    save_checkpoint(tmp_path / "policy.safetensors", Policy(PolicyConfig()), {})
    return str(tmp_path / "policy.safetensors")


def last_json(capsys):
    return json.loads(capsys.readouterr().out)


def test_evaluate_prints_one_object(capsys, small):
    assert main(["evaluate", SAMPLE, "--json", "--weights", "1", "0", "0"]) == 0
    record = last_json(capsys)
    assert list(record) == [
        "wirelength",
        "wirelength_cost",
        "density_cost",
        "congestion_cost",
        "proxy_cost",
        "overlapping_pairs",
        "off_canvas",
        "unplaced",
        "hard_macros",
        "soft_macros",
        "ports",
        "nets",
        "legal",
        "breaches",
        "standard_cells",
    ]
    assert record["proxy_cost"] == record["wirelength_cost"]
    assert record["legal"] is True
    assert record["hard_macros"] == small.netlist.is_hard.sum()


@pytest.mark.parametrize("policy", ["none", "checkpoint", "shipped"])
@pytest.mark.parametrize("seconds", ["0", "4"])
def test_place_writes_a_legal_placement_whose_costs_are_true(capsys, tmp_path, checkpoint, policy, seconds):
    out = tmp_path / "out"
    began = time.monotonic()
    arguments = ["--policy", checkpoint if policy == "checkpoint" else policy, "--seconds", seconds]
    assert main(["place", SAMPLE, *arguments, "--out", str(out), "--threads", "1", "--json"]) == 0
    assert time.monotonic() - began < 15
    record = last_json(capsys)
    assert record["legal"]
    assert record == json.loads((out / "result.json").read_text())
    assert main(["evaluate", SAMPLE, "--placement", str(out / "placement.plc"), "--json"]) == 0
    evaluated = last_json(capsys)
    assert evaluated["legal"]
    assert evaluated["proxy_cost"] == pytest.approx(record["costs"]["proxy_cost"], abs=1e-5)
    assert (out / "placement.png").read_bytes().startswith(b"\x89PNG")
    assert record["costs"]["proxy_cost"] < record["start_costs"]["proxy_cost"]


def test_seconds_zero_moves_no_hard_macro_after_the_policy(capsys, tmp_path, checkpoint):
    """Centres of hard macros are those of grid cells: nothing moved them after the rollout."""
    assert main(["place", SAMPLE, "--policy", checkpoint, "--seconds", "0", "--out", str(tmp_path), "--json"]) == 0
    design = netlists.read(SAMPLE, tmp_path / "placement.plc")
    hard = design.netlist.is_hard
    col = design.placement.x[hard] / design.canvas.cell_width - 0.5
    assert np.allclose(col, np.round(col), atol=1e-4)


def test_train_finetune_and_resume(capsys, tmp_path):
    run = str(tmp_path / "run")
    short = ["--iterations", "1", "--envs", "2", "--threads", "1", "--quiet"]
    assert main(["train", "--designs", SAMPLE, str(sample_path("tiles_small")), "--out", run, *short]) == 0
    assert main(["finetune", SAMPLE, "--policy", f"{run}/policy.safetensors", "--out", f"{run}/tuned", *short]) == 0
    assert (
        main(
            ["finetune", SAMPLE, "--policy", run, "--out", f"{run}/tuned", *short[2:], "--iterations", "2", "--resume"]
        )
        == 0
    )
    assert len((tmp_path / "run/tuned/curve.jsonl").read_text().splitlines()) == 2


def test_synth_is_reproducible(capsys, tmp_path):
    for folder in ("a", "b"):
        arguments = ["--family", "cpu", "--seed", "3", "--hard", "12", "--soft", "100"]
        assert main(["synth", *arguments, "--out", str(tmp_path / folder)]) == 0
    for name in ("netlist.pb.txt.gz", "initial.plc"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def bad_inputs():
    yield "missing file", ["evaluate", "none.pb.txt"], "none.pb.txt: cannot read"
    yield "missing placement", ["evaluate", SAMPLE, "--placement", "none.plc"], "none.plc: cannot read"
    yield "empty placement", ["evaluate", SAMPLE, "--placement", os.devnull], "is it empty"
    yield "missing policy", ["place", SAMPLE, "--policy", "none.safetensors", "--out", "out"], "expected a policy"
    yield "no folder", ["place", SAMPLE, "--out", "/dev/null/out"], "cannot create the folder"
    yield "no synth family", ["synth", "--family", "gpu", "--out", "out"], "expected one of cpu"
    yield "bad time", ["place", SAMPLE, "--seconds", "-1", "--out", "out"], "expected finite seconds >= 0"
    yield "endless time", ["place", SAMPLE, "--seconds", "inf", "--out", "out"], "expected finite seconds >= 0"
    yield "no time", ["place", SAMPLE, "--seconds", "nan", "--out", "out"], "expected finite seconds >= 0"
    yield "bad seed", ["place", SAMPLE, "--seed", "-1", "--out", "out"], "seed >= 0"
    yield "bad synth seed", ["synth", "--seed", "-1", "--out", "out"], "a seed of at least 0"
    yield "no hard macro", ["synth", "--hard", "0", "--out", "out"], "hard is 0, expected at least 1"
    yield "bad cluster seed", ["cluster", SAMPLE, "--seed", "-1", "--out", "out"], "seed >= 0"
    yield "bad training threads", ["train", "--designs", SAMPLE, "--threads", "0", "--out", "out"], "threads >= 1"
    yield "bad rate", ["train", "--designs", SAMPLE, "--learning-rate", "-1", "--out", "out"], "learning rate > 0"
    yield "bad threads", ["place", SAMPLE, "--threads", "0", "--out", "out"], "threads >= 1"
    yield "bad device", ["train", "--designs", SAMPLE, "--device", "tpu9", "--out", "out"], "not available"
    yield "too many macros", ["synth", "--soft", "1000000000", "--out", "out"], "at most 100000"
    yield (
        "less than no iteration",
        ["train", "--designs", SAMPLE, "--iterations", "-1", "--out", "out"],
        "iterations >= 0",
    )
    yield "no weight", ["train", "--designs", SAMPLE, "--entropy", "nan", "--out", "out"], "weight of the entropy"
    yield "no design to train on", ["train", "--designs", "--out", "out"], "at least one design"
    yield "no real device", ["train", "--designs", SAMPLE, "--device", "meta", "--out", "out"], "not available"
    yield "too large a seed", ["place", SAMPLE, "--seed", str(2**64), "--out", "out"], "below 2^63"
    yield "no finite weight", ["place", SAMPLE, "--weights", "nan", "1", "1", "--out", "out"], "three finite numbers"
    yield "negative weight", ["evaluate", SAMPLE, "--weights", "-1", "1", "1"], "three finite numbers"
    yield "too long a name", ["evaluate", "x" * 300], "File name too long"
    yield "missing bookshelf", ["evaluate", "x.aux"], "x.aux: cannot read"


@pytest.mark.parametrize(("arguments", "words"), [case[1:] for case in bad_inputs()], ids=[c[0] for c in bad_inputs()])
def test_bad_input_is_one_line_and_exit_1(capsys, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1
    assert words in captured.err
    assert not list(tmp_path.glob("*.plc"))


def test_impossible_designs_are_one_line_and_exit_1(capsys, tmp_path):
    folder = tmp_path / "design"
    design = netlists.read(SAMPLE)
    netlists.write(folder, design)
    plc = (folder / "initial.plc").read_text()
    (folder / "initial.plc").write_text(plc.replace(f"# Width : {design.canvas.width!r}", "# Width : 5.0"))
    assert main(["place", str(folder), "--policy", "none", "--out", str(tmp_path / "out")]) == 1
    assert "larger than the canvas" in capsys.readouterr().err
    assert not (tmp_path / "out" / "placement.plc").exists()


@pytest.mark.parametrize("options", [["--json"], []])
def test_a_reader_that_has_gone_shows_no_traceback(options):
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "placer.cli", "evaluate", SAMPLE, *options]
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (141, b"")


def test_wrong_usage_is_exit_2():
    done = subprocess.run([sys.executable, "-m", "placer.cli", "place"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_python_api(small):
    import placer

    result = placer.place(small, seconds=2, seed=0, policy="none", threads=1)
    costs = CostModel(small.netlist, small.canvas).evaluate(result.placement)
    assert result.costs == costs
    assert result.legal


def test_bench_compares_methods_and_goes_on_where_it_stood(tmp_path, capsys):
    command = ["bench", "--designs", SAMPLE, "--methods", "random", "none", "--seconds", "1", "--threads", "1"]
    command += ["--out", str(tmp_path / "runs")]

    def runs():
        return json.loads((tmp_path / "runs" / "bench.json").read_text())["runs"]

    assert main([*command, "--seeds", "0"]) == 0
    first = runs()
    capsys.readouterr()
    assert main([*command, "--seeds", "0", "1"]) == 0
    assert runs()[:2] == first
    assert [(run["method"], run["seed"]) for run in runs()] == [("random", 0), ("none", 0), ("random", 1), ("none", 1)]
    pairs = zip(runs()[::2], runs()[1::2], strict=True)
    first, second = (none["proxy_cost"] / random["proxy_cost"] - 1 for random, none in pairs)
    printed = capsys.readouterr().out
    assert "difference from random" in printed
    assert f"{(first + second) / 2:+.2%} +- {abs(first - second) / 2:.2%}" in printed
    assert "pairs won against random" in printed
    assert f"{(first < 0) + (second < 0)} of 2" in printed
    (folder,) = (tmp_path / "runs").glob("*_none_1s_1_*")
    placed = netlists.read(SAMPLE, folder / "placement.plc")
    costs = CostModel(placed.netlist, placed.canvas).evaluate(placed.placement)
    assert costs.proxy_cost == pytest.approx(runs()[-1]["proxy_cost"], rel=1e-12)
    result = json.loads((folder / "result.json").read_text())
    assert runs()[-1]["stages"]
    for name in ("start", "stages", "moves"):  # a second on a busy machine can be over before there is a move
        assert runs()[-1].get(name) == result.get(name)
    assert "moves" not in runs()[0]  # random places, and does not search


def test_bench_does_not_take_runs_from_another_placement_for_its_own(tmp_path, capsys):
    command = ["bench", "--designs", SAMPLE, "--methods", "random", "--seconds", "1", "--seeds", "0", "--threads", "1"]
    command += ["--out", str(tmp_path)]
    for placement in ([], ["--placement", "initial.plc"]):
        assert main([*command, *placement]) == 0
    assert len(json.loads((tmp_path / "bench.json").read_text())["runs"]) == 2
    assert len(list(tmp_path.glob("*_random_1s_0_*"))) == 2
    assert "difference" not in capsys.readouterr().out


def test_bench_says_which_run_failed(tmp_path, capsys):
    command = ["bench", "--designs", SAMPLE, "--methods", str(tmp_path / "none.safetensors"), "--seconds", "1"]
    assert main([*command, "--out", str(tmp_path / "runs")]) == 1
    assert "expected a policy checkpoint" in capsys.readouterr().err


def test_bench_does_not_take_another_file_for_its_record(tmp_path, capsys):
    (tmp_path / "bench.json").write_text("[]")
    assert main(["bench", "--designs", SAMPLE, "--methods", "random", "--out", str(tmp_path)]) == 1
    assert "bench.json: is not a record of placer bench" in capsys.readouterr().err


def test_another_run_in_the_folder_leaves_no_picture_of_an_earlier_search(tmp_path):
    arguments = ["place", SAMPLE, "--policy", "none", "--threads", "1", "--out", str(tmp_path)]
    assert main([*arguments, "--seconds", "4"]) == 0
    assert (tmp_path / "search.png").exists()
    assert main([*arguments, "--seconds", "1", "--method", "random"]) == 0
    assert not (tmp_path / "search.png").exists()
