"""The files of a Bookshelf design, record by record. Each parser is pure: lines in, plain columns out.

What the records mean: `netlists/docs/bookshelf.md`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from netlists.bookshelf.lines import Counts, Source, body, check_counts, fail, is_count, number_of, whole_of, words_of
from netlists.errors import NetlistError
from netlists.orientation import ORIENTATION_CODE, ORIENTATIONS

SUFFIXES = (".nodes", ".nets", ".pl", ".scl", ".wts")


class Word(IntEnum):
    """What the fourth word of a node says."""

    NONE = 0
    """Nothing, or the name of a master."""
    TERMINAL = 1
    TERMINAL_NI = 2
    MACRO = 3
    """Written by us where the height of a node does not tell what it is, as is the next."""
    STDCELL = 4


@dataclass(frozen=True)
class Nodes:
    """Columns of a `.nodes` file; `line` is where each node stands."""

    name: list[str]
    width: list[float]
    height: list[float]
    word: list[int]
    """A `Word`."""
    line: list[int]


@dataclass(frozen=True)
class Nets:
    """Columns of a `.nets` file: a name and a number of pins for each net; node, direction and offset of each pin."""

    name: list[str]
    degree: list[int]
    pin_node: list[str]
    direction: list[str]
    dx: list[float]
    dy: list[float]
    line: list[int]
    """Of each pin."""


@dataclass(frozen=True)
class Positions:
    """Columns of a `.pl` file: lower left corners."""

    name: list[str]
    x: list[float]
    y: list[float]
    orientation: list[int]
    fixed: list[bool]
    line: list[int]


@dataclass(frozen=True)
class Weights:
    """Columns of a `.wts` file."""

    name: list[str]
    weight: list[float]
    line: list[int]


def _columns(rows: list[tuple], count: int) -> list[list]:
    """The columns of a table that may have no rows."""
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(count)]


def parse_aux(lines: Iterable[str], source: Source = None) -> dict[str, str]:
    """File names by suffix, of those that `SUFFIXES` lists; other files are not read."""
    files: dict[str, str] = {}
    last = 0
    for number, words in words_of(lines):
        if last:
            fail("one line 'RowBasedPlacement : files'", " ".join(words), source, number)
        last = number
        head, colon, rest = " ".join(words).partition(":")
        if not colon or not rest.split() or len(head.split()) > 1:
            fail("'RowBasedPlacement : files'", " ".join(words), source, number)
        for name in rest.split():
            suffix = Path(name).suffix
            if "\0" in name:
                fail("file names", "a null byte", source, number)
            if suffix in SUFFIXES and files.setdefault(suffix, name) != name:
                fail(f"one {suffix} file", f"{files[suffix]} and {name}", source, number)
    missing = [suffix for suffix in SUFFIXES if suffix not in files and suffix != ".wts"]
    if missing:
        raise NetlistError(f"lists no {', '.join(missing)} file; expected .nodes, .nets, .pl and .scl", source)
    return files


def parse_nodes(lines: Iterable[str], source: Source = None) -> Nodes:
    """Sizes of nodes. A fourth word that is no `Word` names a master and is not kept."""
    rows: list[tuple] = []
    counts: Counts = {}
    seen: set[str] = set()
    for number, words in body(words_of(lines), "nodes", source):
        if is_count(words, ("NumNodes", "NumTerminals"), counts, source, number):
            continue
        if not 3 <= len(words) <= 4:
            fail("'name width height [terminal]'", " ".join(words), source, number)
        if words[0] in seen:
            fail("each node once", f"'{words[0]}' again", source, number)
        seen.add(words[0])
        width, height = number_of(words[1], source, number), number_of(words[2], source, number)
        if width < 0 or height < 0:
            fail("sizes of at least 0", f"'{words[1]} {words[2]}' for node '{words[0]}'", source, number)
        word = Word.__members__.get(words[3].upper(), Word.NONE) if len(words) == 4 else Word.NONE
        rows.append((words[0], width, height, word, number))
    nodes = Nodes(*_columns(rows, 5))
    terminals = sum(word in (Word.TERMINAL, Word.TERMINAL_NI) for word in nodes.word)
    check_counts({"NumNodes": len(nodes.name), "NumTerminals": terminals}, counts, source)
    return nodes


def parse_nets(lines: Iterable[str], source: Source = None) -> Nets:
    """Nets and their pins. What follows a second colon of a pin, its place in the layout of its master, is not kept."""
    nets: list[tuple] = []
    pins: list[tuple] = []
    counts: Counts = {}
    left, block = 0, ""
    for number, words in body(words_of(lines), "nets", source):
        if left:
            if words[0] == "NetDegree":
                fail(f"{left} more pins in {block}", "the next NetDegree", source, number)
            pins.append(_pin(words, block, source, number))
            left -= 1
        elif words[0] == "NetDegree" or words[0].startswith("NetDegree:"):
            parts = " ".join(words).replace(":", " : ", 1).split()
            if not 3 <= len(parts) <= 4 or parts[1] != ":":
                fail("'NetDegree : pins [name]'", " ".join(words), source, number)
            left = whole_of(parts[2], source, number)
            name = parts[3] if len(parts) == 4 else f"net{len(nets)}"
            nets.append((name, left))
            block = f"the NetDegree block of net '{name}'"
        elif not is_count(words, ("NumNets", "NumPins"), counts, source, number):
            fail("'NetDegree : pins [name]'", " ".join(words), source, number)
    if left:
        fail(f"{left} more pins in {block}", "the end of the file", source, None)
    check_counts({"NumNets": len(nets), "NumPins": len(pins)}, counts, source)
    return Nets(*_columns(nets, 2), *_columns(pins, 5))


def _pin(words: list[str], block: str, source: Source, number: int) -> tuple[str, str, float, float, int]:
    """Node, direction, offset and line of a pin."""
    direction, dx, dy = "B", 0.0, 0.0
    rest = words[1:]
    if rest and rest[0] in ("I", "O", "B"):
        direction, rest = rest[0], rest[1:]
    if rest:
        if len(rest) < 3 or rest[0] != ":" or (len(rest) > 3 and rest[3] != ":"):
            fail(f"'node I|O|B [: dx dy]' in {block}", " ".join(words), source, number)
        dx, dy = number_of(rest[1], source, number), number_of(rest[2], source, number)
    return words[0], direction, dx, dy, number


def parse_pl(lines: Iterable[str], source: Source = None) -> Positions:
    """Positions. Without an orientation a node lies in N."""
    rows: list[tuple] = []
    for number, words in body(words_of(lines), "pl", source):
        if len(words) < 3:
            fail("'name x y : orientation [/FIXED]'", " ".join(words), source, number)
        rest = words[3:]
        orientation, fixed = "N", False
        if rest and rest[0] == ":":
            orientation, rest = (rest[1] if len(rest) > 1 else ""), rest[2:]
        if rest and rest[0] in ("/FIXED", "/FIXED_NI"):
            fixed, rest = True, rest[1:]
        if rest:
            fail("'name x y : orientation [/FIXED]'", " ".join(words), source, number)
        if orientation not in ORIENTATION_CODE:
            fail(f"an orientation of {', '.join(ORIENTATIONS)}", f"'{orientation}'", source, number)
        x, y = number_of(words[1], source, number), number_of(words[2], source, number)
        rows.append((words[0], x, y, ORIENTATION_CODE[orientation], fixed, number))
    return Positions(*_columns(rows, 6))


def parse_wts(lines: Iterable[str], source: Source = None) -> Weights:
    """Weights by name. The file may be empty."""
    rows: list[tuple] = []
    for number, words in body(words_of(lines), "wts", source, may_be_empty=True):
        if len(words) != 2:
            fail("'name weight'", " ".join(words), source, number)
        weight = number_of(words[1], source, number)
        if weight < 0:
            fail("a weight of at least 0", words[1], source, number)
        rows.append((words[0], weight, number))
    return Weights(*_columns(rows, 3))
