"""Lines and words that the files of a Bookshelf design have in common."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NoReturn

from netlists.errors import NetlistError

Source = str | Path | None
Lines = Iterator[tuple[int, list[str]]]
"""Line numbers with the words of lines that are neither blank nor comments."""

Counts = dict[str, tuple[int, int]]
"""Stated counts by name: value and line."""


def words_of(lines: Iterable[str]) -> Lines:
    """Words of the lines that say something, colons apart. `#` begins a comment line."""
    for number, line in enumerate(lines, 1):
        words = line.split()
        if words and not words[0].startswith("#"):
            yield number, words


def body(lines: Lines, kind: str, source: Source, may_be_empty: bool = False) -> Lines:
    """The lines after the heading 'UCLA kind 1.0'."""
    number, words = next(lines, (None, []))
    if number is None and may_be_empty:
        return
    if len(words) < 2 or words[0] != "UCLA" or words[1] != kind:
        fail(f"the heading 'UCLA {kind} 1.0'", " ".join(words) or "an empty file", source, number)
    yield from lines


def is_count(words: list[str], names: tuple[str, ...], counts: Counts, source: Source, line: int) -> bool:
    """Notes a heading such as 'NumNets : 7'; says whether it was one."""
    if not words[0].lower().startswith("num"):
        return False
    name, colon, value = "".join(words).partition(":")
    known = {spelt.lower(): spelt for spelt in names}.get(name.lower())
    if not known or not colon:
        return False
    counts[known] = (whole_of(value, source, line), line)
    return True


def check_counts(found: dict[str, int], counts: Counts, source: Source) -> None:
    """Raises NetlistError where a stated count is not the found one."""
    for name, (stated, line) in counts.items():
        if found[name] != stated:
            fail(f"{stated} as {name} says", str(found[name]), source, line)


def number_of(word: str, source: Source, line: int) -> float:
    """The finite number that a word is."""
    try:
        value = float(word)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or "_" in word:
        fail("a finite number", f"'{word}'", source, line)
    return value


def whole_of(word: str, source: Source, line: int) -> int:
    """The count that a word is."""
    if not (word.isascii() and word.isdigit() and len(word) < 12):
        fail("a whole number", f"'{word}'", source, line)
    return int(word)


def fail(expected: str, found: str, source: Source, line: int | None) -> NoReturn:
    """Raises NetlistError."""
    raise NetlistError(f"expected {expected}, found {found[:80]}", source, line)
