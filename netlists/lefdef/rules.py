"""What hard macros of a DEF must keep to: halos, the manufacturing grid, regions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from netlists.constraints import Constraints, MacroRule
from netlists.errors import NetlistError
from netlists.lefdef.def_ import Box, DefBlock

LEAST_PITCH = 1e-5
"""um; files with six decimals do not hold a finer grid."""


def constraints_of(block: DefBlock, grid: float | None, hard: list[int]) -> tuple[Constraints, list[str]]:
    """Halos and the snapping grid, and notes on what they do not say.

    Args:
        block: its components state halos; the lower left corner of its die is the origin of the design.
        grid: manufacturing grid of the library, um.
        hard: components that are hard macros.
    """
    rules, notes = _halos(block, hard)
    if grid is None:
        return Constraints(rules), notes
    step = _step(block.units, grid)
    pitch = step / block.units
    if pitch < LEAST_PITCH:
        why = f"finer than {LEAST_PITCH:g} um, or no whole number of database units"
        return Constraints(rules), [*notes, f"the manufacturing grid of {grid:g} um is left out: {why}"]
    low_x, low_y = (min(along) for along in zip(*block.die, strict=True))
    offset = (-low_x % step / block.units, -low_y % step / block.units)
    notes.append(f"corners of hard macros keep to the manufacturing grid of {pitch:g} um")
    return Constraints(rules, pitch=(pitch, pitch), offset=offset), notes


def _halos(block: DefBlock, hard: list[int]) -> tuple[tuple[MacroRule, ...], list[str]]:
    """A rule for each hard macro with a halo: the largest of its four margins."""
    components = block.components
    margins = {
        index: (halo.left, halo.bottom, halo.right, halo.top) for index in hard if (halo := components.halo.get(index))
    }
    rules = tuple(MacroRule(components.name[index], max(0.0, *sides) / block.units) for index, sides in margins.items())
    notes = []
    if uneven := sum(len(set(sides)) > 1 for sides in margins.values()):
        notes.append(f"{uneven} hard macros have halos with different margins: the largest counts on all sides")
    if others := len(components.halo) - len(margins):
        notes.append(f"halos of {others} other components are left out")
    return rules, notes


def _step(units: float, grid: float) -> float:
    """Distance of places that are on the grid (um) and whole database units, in these; 0: neither is in the other."""
    step = grid * units
    if step < 1:
        return 1.0 if _is_whole(1 / step) else 0.0
    return float(round(step)) if _is_whole(step) else 0.0


def _is_whole(value: float) -> bool:
    return abs(value - round(value)) <= 1e-6 * value


def fences_of(
    block: DefBlock, hard: Iterable[int], ignore: bool, source: str | Path | None
) -> tuple[tuple[Box, ...], list[str]]:
    """Boxes of the fences, which hard macros must keep out of, in database units; and notes on the other regions.

    Args:
        block: its regions, and the groups and components that belong in them.
        hard: components that are hard macros.
        ignore: regions mean nothing.
        source: the DEF file, for errors.

    Raises:
        NetlistError: a hard macro belongs in a region that is no mere guide.
    """
    if not block.regions:
        return (), []
    if ignore:
        return (), [f"{len(block.regions)} regions are ignored: hard macros may lie inside and outside of them"]
    kind = {region.name: region.kind for region in block.regions}
    for where, line, macro, region in _memberships(block, hard):
        if kind.get(region) != "GUIDE":
            raise NetlistError(
                f"in {where}: hard macro '{macro}' belongs in region '{region}', but macros are not kept in regions; "
                "expected regions of standard cells or of TYPE GUIDE; ignore regions (--ignore-regions) or take it out",
                source,
                line,
            )
    fences = [region for region in block.regions if region.kind == "FENCE"]
    notes = [f"{len(fences)} fences keep hard macros out, but not their standard cells in"] if fences else []
    if others := len(block.regions) - len(fences):
        notes.append(f"{others} regions are not followed: guides, or of standard cells only")
    return tuple(box for region in fences for box in region.boxes), notes


def _memberships(block: DefBlock, hard: Iterable[int]) -> Iterator[tuple[str, int, str, str]]:
    """Of each hard macro in a region: section and line that say so, the macro and the region."""
    components = block.components
    names = {components.name[index]: index for index in hard}
    for index in names.values():
        if index in components.region:
            yield "COMPONENTS", int(components.line[index]), components.name[index], components.region[index]
    for group in block.groups:
        for member in group.members if group.region else ():
            if "*" in member:
                pattern = re.compile(re.escape(member).replace(r"\*", ".*"))
                found = filter(pattern.fullmatch, names)
            else:
                found = (name for name in (member,) if name in names)
            for name in found:
                yield "GROUPS", group.line, name, group.region
