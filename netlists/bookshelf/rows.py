"""Rows of sites: the `.scl` file of a Bookshelf design."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from netlists.bookshelf.lines import Counts, Source, body, check_counts, fail, is_count, number_of, words_of

DECIMALS = 9
"""Of what is kept of rows."""

_ROW_KEYS = ("Coordinate", "Height", "Sitewidth", "Sitespacing", "Siteorient", "Sitesymmetry", "SubrowOrigin")


@dataclass(frozen=True)
class Row:
    """A row of sites, from the left end of its first subrow to the right end of its last."""

    y: float
    height: float
    site: float
    lx: float
    ux: float


@dataclass(frozen=True)
class RowBox:
    """What is kept of the rows: the box around them, and the height and site width that most of them have."""

    lx: float
    ly: float
    ux: float
    uy: float
    height: float
    site: float = 1.0


def parse_scl(lines: Iterable[str], source: Source = None) -> list[Row]:
    """The rows. Orientation and symmetry of sites are not kept."""
    rows: list[Row] = []
    counts: Counts = {}
    values: dict[str, float] | None = None
    begun = 0
    for number, words in body(words_of(lines), "scl", source):
        if values is None:
            if words[0] == "CoreRow":
                if words[1:] != ["Horizontal"]:
                    fail("'CoreRow Horizontal'", " ".join(words), source, number)
                values, begun = {}, number
            elif not is_count(words, ("NumRows",), counts, source, number):
                fail("'CoreRow Horizontal'", " ".join(words), source, number)
        elif words == ["End"]:
            rows.append(_row(values, source, begun))
            values = None
        else:
            _row_line(values, words, source, number)
    if values is not None:
        fail("'End' of the CoreRow", "the end of the file", source, begun)
    check_counts({"NumRows": len(rows)}, counts, source)
    if not rows:
        fail("at least one CoreRow", "none", source, None)
    return rows


def _row_line(values: dict[str, float], words: list[str], source: Source, number: int) -> None:
    """One line within a CoreRow; subrows widen the row that they belong to."""
    name, colon, rest = " ".join(words).partition(":")
    key = {known.lower(): known for known in _ROW_KEYS}.get(name.strip().lower())
    if key is None or not colon:
        fail(f"a line of a CoreRow ({', '.join(_ROW_KEYS)} : value) or 'End'", " ".join(words), source, number)
    if key in ("Siteorient", "Sitesymmetry"):
        return
    if key != "SubrowOrigin":
        values[key] = number_of(rest.strip(), source, number)
        return
    origin, _, sites = rest.partition("Num") if "Num" in rest else rest.partition("num")
    label, colon, count = sites.partition(":")
    if label.strip().lower() != "sites" or not colon:
        fail("'SubrowOrigin : x NumSites : n'", " ".join(words), source, number)
    step = values.get("Sitespacing") or values.get("Sitewidth") or 1.0
    left = number_of(origin.strip(), source, number)
    right = left + number_of(count.strip(), source, number) * step
    values["lx"], values["ux"] = min(left, values.get("lx", left)), max(right, values.get("ux", right))


def _row(values: dict[str, float], source: Source, begun: int) -> Row:
    missing = [key for key in ("Coordinate", "Height", "lx") if key not in values]
    if missing:
        names = ", ".join(key.replace("lx", "SubrowOrigin") for key in missing)
        fail("Coordinate, Height and SubrowOrigin in the CoreRow", f"no {names}", source, begun)
    if round(values["Height"], DECIMALS) <= 0 or values["ux"] <= values["lx"]:
        size = f"{values['ux'] - values['lx']:g} x {values['Height']:g}"
        fail("a row of positive length and height", size, source, begun)
    site = values.get("Sitewidth") or values.get("Sitespacing") or 1.0
    if round(site, DECIMALS) <= 0:
        fail("a Sitewidth above 0", f"{site:g}", source, begun)
    return Row(values["Coordinate"], values["Height"], site, values["lx"], values["ux"])


def row_box(rows: list[Row]) -> RowBox:
    """The box around the rows, rounded so that sums of written rows are the numbers that they were made from."""
    return RowBox(
        min(row.lx for row in rows),
        min(row.y for row in rows),
        round(max(row.ux for row in rows), DECIMALS),
        round(max(row.y + row.height for row in rows), DECIMALS),
        Counter(round(row.height, DECIMALS) for row in rows).most_common(1)[0][0],
        Counter(round(row.site, DECIMALS) for row in rows).most_common(1)[0][0],
    )
