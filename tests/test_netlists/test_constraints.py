"""`constraints.toml`: what it says, and what it is refused for."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from strategies import constrained_designs

import netlists
from netlists import Blockage, Canvas, Constraints, MacroRule, NetlistError, constrain, parse_constraints
from netlists.constraints_file import format_constraints

TEXT = """
halo = 1.5
boundary = 2
[snap]
pitch = [0.2, 0]
offset = [0.1, 0.0]
[[blockage]]
box = [0, 0, 4, 5]
[[blockage]]
box = [1, 1, 2, 2]
rate = 0.5
[[macro]]
name = "a*"
halo = 3
orientations = ["N", "FN"]
[[macro]]
name = "b[0]"
fixed = true
"""

EXPECTED = Constraints(
    (MacroRule("a*", 3.0, ("N", "FN")), MacroRule("b[0]", fixed=True)),
    2.0,
    (0.2, 0.0),
    (0.1, 0.0),
    1.5,
    (Blockage(0, 0, 4, 5), Blockage(1, 1, 2, 2, 0.5)),
)


def test_every_key():
    assert parse_constraints(TEXT) == EXPECTED
    assert parse_constraints("") == Constraints()
    assert parse_constraints(format_constraints(EXPECTED)) == EXPECTED


def test_of_joined_constraints_the_others_count():
    mine = Constraints((MacroRule("a*", 3.0),), 1.0, (0.2, 0.2), (0.1, 0.1), 1.0, (Blockage(0, 0, 1, 1),))
    assert mine.joined(Constraints()) == mine
    assert Constraints().joined(mine) == mine
    macros, blockages = mine.macros + EXPECTED.macros, mine.blockages + EXPECTED.blockages
    assert mine.joined(EXPECTED) == replace(EXPECTED, macros=macros, blockages=blockages)


@settings(max_examples=40)
@given(constrained_designs())
def test_text_keeps_everything(design):
    constraints = replace(design.constraints, halo=0.25, blockages=design.canvas.blockages)
    assert parse_constraints(format_constraints(constraints)) == constraints


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("halo = ]", 1, "expected TOML, found: "),
        ("\nhalo = -1", 2, "halo: expected a number from 0 to 1e+12, found -1"),
        ("\nhalo = nan", 2, "halo: expected a number"),
        ("x = 1", 1, "x: expected one of the keys halo, boundary"),
        ("snap = 3", 1, "snap: expected a table"),
        ("[snap]\noffset = [1, 2]", 1, "[snap] pitch: expected it beside offset"),
        ("[snap]\npitch = [1]", 2, "[snap] pitch: expected a list of 2 numbers"),
        ("[snap]\npitch = [1, true]", 2, "[snap] pitch: expected a list of 2 numbers"),
        ("[macro]\nname = 'a'", 1, "macro: expected tables that begin with [[macro]]"),
        ("[[macro]]\nname = 'a'\n[[macro]]\nhalo = 'b'\nname = 'a'", 4, "[macro] halo: expected a number"),
        ("[[macro]]\nhalo = 3", 1, "[macro] name: expected the name of a macro"),
        ("[[macro]]\nname = 'a'\norientations = ['X']", 3, "orientations has 'X', expected some of N, FN"),
        ("[[macro]]\nname = 'a'\norientations = []", 3, "orientations: expected at least one"),
        ("[[macro]]\nname = 'a'\nfixed = 1", 3, "fixed: expected true or false"),
        ("[[blockage]]\nrate = 1", 1, "[blockage] box: expected a list of 4 numbers"),
        ("[[blockage]]\nbox = [0, 0, 0, 1]", 2, "[blockage] box: expected lower left and upper right corner"),
        ("[[blockage]]\nbox = [0, 0, 1, 1]\nrate = 2", 3, "[blockage] rate: expected a number from 0 to 1"),
    ],
)
def test_errors_name_line_key_and_expectation(text, line, words):
    with pytest.raises(NetlistError) as error:
        parse_constraints(text, "c.toml")
    assert words in str(error.value)
    assert str(error.value).startswith(f"c.toml:{line}: ")


def test_a_folder_applies_its_file(small, tmp_path):
    names = [small.netlist.node_name[node] for node in np.flatnonzero(small.netlist.is_hard)]
    netlists.write(tmp_path, small)
    text = f'# mine\nhalo = 0.5\n[[blockage]]\nbox = [0, 0, 4, 5]\n[[macro]]\nname = "{names[0]}"\nfixed = true\n'
    (tmp_path / "constraints.toml").write_text(text)
    design = netlists.read(tmp_path)
    assert design.canvas.halo == 0.5
    assert design.canvas.blockages == (Blockage(0, 0, 4, 5),)
    assert design.placement.fixed[small.netlist.node_name.index(names[0])]
    netlists.write(tmp_path, design)  # the file says all of it: it stays
    assert (tmp_path / "constraints.toml").read_text() == text
    netlists.write(tmp_path, small)
    assert not (tmp_path / "constraints.toml").exists()


def test_a_folder_keeps_constraints(small, tmp_path):
    name = small.netlist.node_name[int(np.argmax(small.netlist.is_hard))]
    rules = (MacroRule("*", 1.0, ("N",)), MacroRule(name, 2.0))
    design = constrain(small, Constraints(rules, 1.0, (0.5, 0.25), (0.1, 0.0), 0.75, (Blockage(0, 0, 1, 1),)))
    netlists.write(tmp_path, design)
    again = netlists.read(tmp_path)
    assert again.canvas == design.canvas
    netlists.write(tmp_path / "second", again)
    assert netlists.read(tmp_path / "second").placement == again.placement


def test_a_name_is_no_pattern_and_the_last_rule_counts(small):
    names = [small.netlist.node_name[node] for node in np.flatnonzero(small.netlist.is_hard)]
    node_name = tuple("ram[0]" if name == names[0] else name for name in small.netlist.node_name)
    netlist = replace(small.netlist, node_name=node_name)
    constraints = Constraints((MacroRule("*", 1.0), MacroRule("ram[0]", 3.0), MacroRule("ram?0?", None, ("S",))))
    halo = constraints.halos(netlist, 0.5)
    assert (halo[small.netlist.node_name.index(names[0])], halo[small.netlist.node_name.index(names[1])]) == (3.0, 1.0)
    assert set(halo[~netlist.is_hard]) == {0.5}
    assert constraints.allowed(netlist)[small.netlist.node_name.index(names[0])] == 1 << 2


def test_a_rule_for_nothing_is_an_error(small):
    with pytest.raises(NetlistError, match="expected a hard macro or a pattern of some, found 'none'"):
        constrain(small, Constraints((MacroRule("none"),)), "c.toml")


def test_a_canvas_holds_its_own_halo_and_blockages():
    with pytest.raises(NetlistError, match="canvas: constraints hold a halo"):
        Canvas(10, 10, 2, 2, constraints=Constraints(halo=1.0))


def test_constraints_of_another_design_in_the_folder_are_replaced(tmp_path, small):
    (tmp_path / "constraints.toml").write_text('[[macro]]\nname = "u_old/*"\nhalo = 3\n')
    netlists.write(tmp_path, small)
    assert replace(netlists.read(tmp_path), name=small.name) == small
    assert not (tmp_path / "constraints.toml").exists()
