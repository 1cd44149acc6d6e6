from dataclasses import fields, is_dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from lefdef_strategies import blocks, libraries

from netlists import Kind
from netlists.lefdef import parse_def, parse_lef, read_def, read_lef
from netlists.lefdef.design import build
from netlists.lefdef.write import format_def, format_lef, write_def, write_lef

DATA = Path(__file__).parents[1] / "data" / "lefdef"
UNWRITTEN = ("line", "entry_line", "die_line", "span", "notes", "source")


def assert_same(a, b, where=""):
    """Equal in every field that a file states."""
    assert type(a) is type(b) or not is_dataclass(a), where
    if is_dataclass(a):
        for field in fields(a):
            if field.name not in UNWRITTEN:
                assert_same(getattr(a, field.name), getattr(b, field.name), f"{where}.{field.name}")
    elif isinstance(a, np.ndarray):
        assert a.shape == b.shape, where
        assert np.array_equal(a, b, equal_nan=a.dtype.kind == "f"), where
    elif isinstance(a, dict | MappingProxyType):
        assert list(a) == list(b), where
        for key in a:
            assert_same(a[key], b[key], f"{where}[{key}]")
    elif isinstance(a, tuple) and a and is_dataclass(a[0]):
        assert len(a) == len(b), where
        for i, (one, other) in enumerate(zip(a, b, strict=True)):
            assert_same(one, other, f"{where}[{i}]")
    else:
        assert a == b, where


@given(libraries())
def test_lef_gives_back_what_was_written(library):
    assert_same(parse_lef(format_lef(library).encode()), library)


@given(st.data())
def test_def_gives_back_what_was_written(data):
    block = data.draw(blocks(data.draw(libraries())))
    again = parse_def(format_def(block).encode())
    assert again.notes == ()
    assert_same(again, block)


@settings(max_examples=50)
@given(st.data())
def test_every_block_makes_a_design(data):
    """Sizes, positions and pins come back from the arrays of the netlist, whatever the orientation and units."""
    library = data.draw(libraries())
    block = data.draw(blocks(library))
    design = build(library, block, ignore_regions=True).design
    netlist, placement = design.netlist, design.placement
    node_of = {name: node for node, name in enumerate(netlist.node_name)}
    components = block.components
    assert netlist.is_port.sum() == len(block.pins.name)
    for i, name in enumerate(components.name):
        macro = library.macros[components.macro_name[components.macro[i]]]
        if name not in node_of:
            assert macro.kind == "COVER" or macro.subkind == "SPACER"
            continue
        node = node_of[name]
        assert netlist.size[:, node].tolist() == [macro.width, macro.height]
        assert (netlist.kind[node] == Kind.HARD_MACRO) >= (macro.kind in ("BLOCK", "PAD", "RING"))
        assert placement.placed[node] == (components.state[i] > 0)
        assert placement.fixed[node] == (components.state[i] >= 2)
        if placement.placed[node]:
            size = (macro.width, macro.height) if components.orientation[i] < 4 else (macro.height, macro.width)
            x = components.x[i] / block.units + size[0] / 2 - block.die[0][0] / block.units
            assert abs(placement.x[node] - x) < 1e-9
    starts = netlist.net_start[:-1]
    assert len(set(netlist.net_pin[starts].tolist())) == len(starts)  # no pin leads two nets


def test_packed_files(tmp_path):
    library, block = read_lef(DATA / "tiny.lef"), None
    write_lef(tmp_path / "a.lef.gz", library)
    assert list(read_lef(tmp_path / "a.lef.gz").macros) == list(library.macros)
    block = read_def(DATA / "tiny.def")
    write_def(tmp_path / "a.def.gz", block)
    assert_same(read_def(tmp_path / "a.def.gz").components, block.components)
