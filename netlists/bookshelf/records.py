"""The files of a Bookshelf design, record by record. Each parser is pure: lines in, plain columns out.

What the records mean: `netlists/docs/bookshelf.md`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
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


@dataclass
class Nodes:
    """Columns of a `.nodes` file; `line` is where each node stands."""

    name: list[str] = field(default_factory=list)
    width: list[float] = field(default_factory=list)
    height: list[float] = field(default_factory=list)
    word: list[int] = field(default_factory=list)
    """A `Word`."""
    line: list[int] = field(default_factory=list)


@dataclass
class Nets:
    """Columns of a `.nets` file: a name and a number of pins for each net; node, direction and offset of each pin."""

    name: list[str] = field(default_factory=list)
    degree: list[int] = field(default_factory=list)
    pin_node: list[str] = field(default_factory=list)
    direction: list[str] = field(default_factory=list)
    dx: list[float] = field(default_factory=list)
    dy: list[float] = field(default_factory=list)
    line: list[int] = field(default_factory=list)
    """Of each pin."""


@dataclass
class Positions:
    """Columns of a `.pl` file: lower left corners."""

    name: list[str] = field(default_factory=list)
    x: list[float] = field(default_factory=list)
    y: list[float] = field(default_factory=list)
    orientation: list[int] = field(default_factory=list)
    fixed: list[bool] = field(default_factory=list)
    line: list[int] = field(default_factory=list)


@dataclass
class Weights:
    """Columns of a `.wts` file."""

    name: list[str] = field(default_factory=list)
    weight: list[float] = field(default_factory=list)
    line: list[int] = field(default_factory=list)


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
    nodes = Nodes()
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
        nodes.name.append(words[0])
        nodes.width.append(width)
        nodes.height.append(height)
        nodes.word.append(Word.__members__.get(words[3].upper(), Word.NONE) if len(words) == 4 else Word.NONE)
        nodes.line.append(number)
    terminals = sum(word in (Word.TERMINAL, Word.TERMINAL_NI) for word in nodes.word)
    check_counts({"NumNodes": len(nodes.name), "NumTerminals": terminals}, counts, source)
    return nodes


def parse_nets(lines: Iterable[str], source: Source = None) -> Nets:
    """Nets and their pins. What follows a second colon of a pin, its place in the layout of its master, is not kept."""
    nets = Nets()
    counts: Counts = {}
    left, block = 0, ""
    for number, words in body(words_of(lines), "nets", source):
        if left:
            if words[0] == "NetDegree":
                fail(f"{left} more pins in {block}", "the next NetDegree", source, number)
            _add_pin(nets, words, block, source, number)
            left -= 1
        elif words[0] == "NetDegree" or words[0].startswith("NetDegree:"):
            parts = " ".join(words).replace(":", " : ", 1).split()
            if not 3 <= len(parts) <= 4 or parts[1] != ":":
                fail("'NetDegree : pins [name]'", " ".join(words), source, number)
            left = whole_of(parts[2], source, number)
            nets.name.append(parts[3] if len(parts) == 4 else f"net{len(nets.name)}")
            nets.degree.append(left)
            block = f"the NetDegree block of net '{nets.name[-1]}'"
        elif not is_count(words, ("NumNets", "NumPins"), counts, source, number):
            fail("'NetDegree : pins [name]'", " ".join(words), source, number)
    if left:
        fail(f"{left} more pins in {block}", "the end of the file", source, None)
    check_counts({"NumNets": len(nets.name), "NumPins": len(nets.pin_node)}, counts, source)
    return nets


def _add_pin(nets: Nets, words: list[str], block: str, source: Source, number: int) -> None:
    direction, dx, dy = "B", 0.0, 0.0
    rest = words[1:]
    if rest and rest[0] in ("I", "O", "B"):
        direction, rest = rest[0], rest[1:]
    if rest:
        if len(rest) < 3 or rest[0] != ":" or (len(rest) > 3 and rest[3] != ":"):
            fail(f"'node I|O|B [: dx dy]' in {block}", " ".join(words), source, number)
        dx, dy = number_of(rest[1], source, number), number_of(rest[2], source, number)
    nets.pin_node.append(words[0])
    nets.direction.append(direction)
    nets.dx.append(dx)
    nets.dy.append(dy)
    nets.line.append(number)


def parse_pl(lines: Iterable[str], source: Source = None) -> Positions:
    """Positions. Without an orientation a node lies in N."""
    positions = Positions()
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
        positions.name.append(words[0])
        positions.x.append(number_of(words[1], source, number))
        positions.y.append(number_of(words[2], source, number))
        positions.orientation.append(ORIENTATION_CODE[orientation])
        positions.fixed.append(fixed)
        positions.line.append(number)
    return positions


def parse_wts(lines: Iterable[str], source: Source = None) -> Weights:
    """Weights by name. The file may be empty."""
    weights = Weights()
    for number, words in body(words_of(lines), "wts", source, may_be_empty=True):
        if len(words) != 2:
            fail("'name weight'", " ".join(words), source, number)
        weights.name.append(words[0])
        weights.weight.append(number_of(words[1], source, number))
        weights.line.append(number)
        if weights.weight[-1] < 0:
            fail("a weight of at least 0", words[1], source, number)
    return weights
