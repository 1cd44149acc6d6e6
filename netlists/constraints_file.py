"""`constraints.toml` of a design folder. Every key: `netlists/docs/constraints.md`."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

from netlists.constraints import Blockage, Constraints, MacroRule, matched_macros
from netlists.design import Design
from netlists.errors import NetlistError
from netlists.files import read_text, remove, write_bytes
from netlists.netlist import MOST_MICRONS

CONSTRAINTS_NAME = "constraints.toml"

_KEYS = ("halo", "boundary", "snap", "blockage", "macro")
_HEADER = re.compile(r"\s*\[\[?\s*(\w+)\s*\]?\]")
_TOML_LINE = re.compile(r" \(at line (\d+), column (\d+)\)$")


@dataclass(frozen=True)
class _Table:
    """A table of the file, for errors that name it and its line."""

    text: str
    source: str | Path | None
    values: dict[str, Any]
    name: str = ""
    index: int = 0

    def fail(self, key: str, expected: str, found: object) -> NoReturn:
        where = f"[{self.name}] {key}".strip() if self.name else key
        raise NetlistError(f"{where}: expected {expected}, found {_shown(found)}", self.source, self.line(key))

    def line(self, key: str) -> int | None:
        """Where the key stands, else where its table begins."""
        table, count, start = "", {"": 0}, None
        for number, line in enumerate(self.text.splitlines(), 1):
            if header := _HEADER.match(line):
                table = header[1]
                count[table] = count.get(table, -1) + 1
            if table == self.name and count[table] == self.index:
                start = start or number
                if re.match(rf"\s*\"?{re.escape(key)}\"?\s*=", line):
                    return number
            elif not self.name and header and table == key:
                return number
        return start if self.name else None

    def check_keys(self, known: tuple[str, ...]) -> None:
        for key in self.values:
            if key not in known:
                self.fail(key, f"one of the keys {', '.join(known)}", key)

    def number(self, key: str, default: float | None, least: float = 0.0, most: float = MOST_MICRONS) -> Any:
        value = self.values.get(key, default)
        if value is not None and not _is_number(value, least, most):
            self.fail(key, f"a number from {least:g} to {most:g}", value)
        return value if value is None else float(value)

    def numbers(self, key: str, count: int, least: float) -> tuple[float, ...]:
        value = self.values.get(key, [0.0] * count)
        if (
            not isinstance(value, list)
            or len(value) != count
            or not all(_is_number(v, least, MOST_MICRONS) for v in value)
        ):
            self.fail(key, f"a list of {count} numbers of at least {least:g}", value)
        return tuple(map(float, value))

    def tables(self, key: str) -> Iterator[_Table]:
        """The `[[key]]` tables."""
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
            self.fail(key, f"tables that begin with [[{key}]]", value)
        for index, entry in enumerate(value):
            yield _Table(self.text, self.source, entry, key, index)


def _is_number(value: object, least: float, most: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most


def _shown(value: object) -> str:
    return f"{value!r}"[:60]


def read_constraints(path: str | Path) -> Constraints:
    """The constraints that a file states.

    Raises:
        NetlistError: the file cannot be read or breaks the format.
    """
    path = Path(path)
    return parse_constraints(read_text(path), path)


def parse_constraints(text: str, source: str | Path | None = None) -> Constraints:
    """The constraints that the text of a file states; see `read_constraints`."""
    try:
        top = _Table(text, source, tomllib.loads(text))
    except (ValueError, RecursionError) as error:  # of TOML; or of a number of thousands of digits
        at = _TOML_LINE.search(str(error))
        message = _TOML_LINE.sub("", str(error)).replace("\n", " ")
        raise NetlistError(f"expected TOML, found: {message}", source, int(at[1]) if at else None) from None
    top.check_keys(_KEYS)
    snap = top.values.get("snap", {})
    if not isinstance(snap, dict):
        top.fail("snap", "a table that begins with [snap]", snap)
    grid = _Table(text, source, snap, "snap")
    grid.check_keys(("pitch", "offset"))
    if snap and "pitch" not in snap:
        grid.fail("pitch", "it beside offset", "none")
    pitch, offset = grid.numbers("pitch", 2, 0.0), grid.numbers("offset", 2, -MOST_MICRONS)
    return Constraints(
        tuple(_macro(table) for table in top.tables("macro")),
        top.number("boundary", 0.0),
        (pitch[0], pitch[1]),
        (offset[0], offset[1]),
        top.number("halo", None),
        tuple(_blockage(table) for table in top.tables("blockage")),
    )


def _macro(table: _Table) -> MacroRule:
    table.check_keys(("name", "halo", "orientations", "fixed"))
    name, fixed = table.values.get("name"), table.values.get("fixed", False)
    if not isinstance(name, str) or not name:
        table.fail("name", "the name of a macro or a pattern", name)
    if not isinstance(fixed, bool):
        table.fail("fixed", "true or false", fixed)
    allowed = table.values.get("orientations", [])
    if not isinstance(allowed, list) or not all(isinstance(value, str) for value in allowed):
        table.fail("orientations", 'a list such as ["N", "FN"]', allowed)
    if "orientations" in table.values and not allowed:
        table.fail("orientations", "at least one", allowed)
    halo = table.number("halo", None)
    try:
        return MacroRule(name, halo, tuple(allowed), fixed)
    except NetlistError as error:
        raise NetlistError(error.message, table.source, table.line("orientations")) from None


def _blockage(table: _Table) -> Blockage:
    table.check_keys(("box", "rate"))
    if "box" not in table.values:
        table.fail("box", "a list of 4 numbers", "none")
    lx, ly, ux, uy = table.numbers("box", 4, -MOST_MICRONS)
    if lx >= ux or ly >= uy:
        table.fail("box", "lower left and upper right corner, x0 < x1 and y0 < y1", table.values["box"])
    return Blockage(lx, ly, ux, uy, table.number("rate", 1.0, 0.0, 1.0))


def format_constraints(constraints: Constraints) -> str:
    """The text of a file that states the constraints."""
    lines = ["# See netlists/docs/constraints.md"]
    if constraints.halo is not None:
        lines.append(f"halo = {constraints.halo!r}")
    if constraints.boundary:
        lines.append(f"boundary = {constraints.boundary!r}")
    if constraints.snaps or any(constraints.offset):
        lines += ["", "[snap]", f"pitch = {list(constraints.pitch)}", f"offset = {list(constraints.offset)}"]
    for block in constraints.blockages:
        lines += ["", "[[blockage]]", f"box = {[block.lx, block.ly, block.ux, block.uy]}", f"rate = {block.rate!r}"]
    for rule in constraints.macros:
        lines += ["", "[[macro]]", f"name = {_quote(rule.name)}"]
        lines += [] if rule.halo is None else [f"halo = {rule.halo!r}"]
        lines += [f"orientations = [{', '.join(map(_quote, rule.orientations))}]"] if rule.orientations else []
        lines += ["fixed = true"] if rule.fixed else []
    return "\n".join([*lines, ""])


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def constrain(design: Design, constraints: Constraints, source: str | Path | None = None) -> Design:
    """The design under the constraints of a file: its halo, its blockages beside the present ones, its fixed macros.

    Raises:
        NetlistError: a rule names no hard macro of the design; `source` is its file.
    """
    names = [rule.name for rule in constraints.macros]
    for name, nodes in zip(names, matched_macros(names, design.netlist), strict=True):
        if not nodes:
            raise NetlistError(f"[macro] name: expected a hard macro or a pattern of some, found '{name}'", source)
    canvas = design.canvas
    canvas = replace(
        canvas,
        halo=canvas.halo if constraints.halo is None else constraints.halo,
        blockages=canvas.blockages + tuple(b for b in constraints.blockages if b not in canvas.blockages),
        constraints=replace(constraints, halo=None, blockages=()),
    )
    placement = design.placement
    fixed = placement.fixed | constraints.fixed(design.netlist)
    return replace(design, canvas=canvas, placement=placement.replace(fixed=fixed))


def _says(path: Path, design: Design) -> bool:
    """Whether a file states the constraints of the design; one of another design need not even fit it."""
    try:
        return constrain(design, read_constraints(path), path) == design
    except NetlistError:
        return False


def write_constraints(folder: Path, design: Design) -> None:
    """Makes the folder's `constraints.toml` say what the design's constraints are.

    A file that does so already stays as it is, comments and all. Halo and blockages stand in `initial.plc`.
    """
    path = folder / CONSTRAINTS_NAME
    if path.exists() and _says(path, design):
        return
    if design.constraints == Constraints():
        remove(path)
    else:
        write_bytes(path, format_constraints(design.constraints).encode())
