"""Broken files: an error or a result, and never anything else."""

import contextlib
from pathlib import Path

import numpy as np
import pytest

from netlists import NetlistError
from netlists.lefdef import parse_def, parse_lef
from netlists.lefdef.design import build

DATA = Path(__file__).parents[1] / "data" / "lefdef"
LEF, DEF = (DATA / "tiny.lef").read_bytes(), (DATA / "tiny.def").read_bytes()
PARSERS = {"lef": (parse_lef, LEF), "def": (parse_def, DEF)}
LIBRARY = parse_lef(LEF)


def outcome(parse, text: bytes):
    """What the parser makes of the text; None for an error that names the file and a line of it."""
    try:
        return parse(text, "file")
    except NetlistError as caught:
        error = caught
    assert error.source == "file"
    assert error.line is not None
    assert 1 <= error.line <= text.count(b"\n") + 1
    return None


@pytest.mark.parametrize("kind", PARSERS)
def test_truncated_at_any_line(kind):
    parse, text = PARSERS[kind]
    lines = text.splitlines(keepends=True)
    results = [outcome(parse, b"".join(lines[:count])) for count in range(len(lines))]
    if kind == "def":
        assert not any(results)  # without END DESIGN it is no DEF
    assert outcome(parse, text) is not None


@pytest.mark.parametrize("kind", PARSERS)
def test_truncated_at_any_byte(kind):
    parse, text = PARSERS[kind]
    for count in range(0, len(text), 17):
        outcome(parse, text[:count])


@pytest.mark.parametrize("kind", PARSERS)
def test_flipped_bytes(kind):
    parse, text = PARSERS[kind]
    rng = np.random.default_rng(0)
    for _ in range(1000):
        broken = np.frombuffer(text, np.uint8).copy()
        at = rng.integers(0, len(broken), int(rng.integers(1, 5)))
        broken[at] = rng.integers(0, 256, len(at))
        result = outcome(parse, broken.tobytes())
        if result is not None and kind == "def":
            with_design(result)


def with_design(block) -> None:
    """Building the design of a block that parses ends with a result or an error, too."""
    with contextlib.suppress(NetlistError):
        build(LIBRARY, block, source="file")


@pytest.mark.parametrize("kind", PARSERS)
def test_moved_tokens(kind):
    """Tokens exchanged, repeated or dropped: what a byte flip seldom makes."""
    parse, text = PARSERS[kind]
    rng = np.random.default_rng(1)
    for _ in range(600):
        tokens = text.split()
        for _ in range(int(rng.integers(1, 4))):
            i, j = rng.integers(0, len(tokens), 2)
            match rng.integers(3):
                case 0:
                    tokens[i], tokens[j] = tokens[j], tokens[i]
                case 1:
                    tokens.insert(i, tokens[j])
                case _:
                    del tokens[i]
        result = outcome(parse, b" ".join(tokens))
        if result is not None and kind == "def":
            with_design(result)


@pytest.mark.parametrize("path", sorted((DATA / "corpus").glob("*")), ids=lambda path: path.name)
def test_corpus_of_the_fuzzer(path):
    text = path.read_bytes()
    outcome(parse_lef, text)
    block = outcome(parse_def, text)
    if block is not None:
        with_design(block)


JUNK = (
    b"",
    b"\0" * 1000,
    b"\xff\xfe",
    b"( " * 100_000,
    b'"' * 99_999,
    b"MACRO " * 100_000,
    b'HISTORY " ;\n' * 50_000,
    b"# only a comment",
    b"COMPONENTS 1000000000 ;",
    b"MACRO a PIN p PORT RECT ITERATE 0 0 1 1 DO 1000000000 BY 1 STEP 1e12 1e12 ; END END p SIZE 1 BY 1 ; END a",
    b"MACRO a SIZE 1e-300 BY 1e-300 ; END a",
    b"UNITS DISTANCE MICRONS 1e6 ; DIEAREA ( 0 0 ) ( 1e-9 1e12 ) ; END DESIGN",
    b"UNITS DISTANCE MICRONS 1e-300 ; DIEAREA ( 0 0 ) ( 1e12 1e12 ) ; END DESIGN",
)


@pytest.mark.parametrize("text", JUNK, ids=lambda text: text[:12].hex())
@pytest.mark.parametrize("kind", PARSERS)
def test_junk(kind, text):
    result = outcome(PARSERS[kind][0], text)
    if result is not None and kind == "def":
        with_design(result)
