"""A Bookshelf design as a design folder, and the way back from there to its `.pl`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netlists.bookshelf.records import Positions, parse_aux, parse_pl
from netlists.bookshelf.writer import DECIMALS, pl_line, source_shift
from netlists.design import Design
from netlists.files import make_folder, read_bytes, read_text, write_bytes
from netlists.orientation import turn_size
from netlists.source import Source, write_source

PL_COPY = "source.pl.gz"


def write_origin(folder: str | Path, design: Design, aux: str | Path) -> None:
    """Adds to a design folder what export needs: a packed copy of the `.pl`, and the shift.

    Raises:
        NetlistError: a file cannot be read or written.
    """
    folder, aux = make_folder(Path(folder)), Path(aux)
    pl = aux.parent / parse_aux(read_text(aux).split("\n"), aux)[".pl"]
    write_bytes(folder / PL_COPY, read_bytes(pl))
    write_source(folder, Source("bookshelf", PL_COPY, (str(aux),), None, source_shift(design)))


def revise_pl(
    text: str,
    design: Design,
    shift: tuple[float, float],
    members: Mapping[str, str],
    cell_hints: bool = False,
    path: str | Path | None = None,
) -> str:
    """The text of a `.pl` with nodes where the design has them now; lines of nodes that did not move stay as they are.

    Args:
        text: the `.pl` that the design was imported from.
        design: its nodes, but the soft macros of `members`, are nodes of the `.pl`, by name.
        shift: what is added to positions of the design.
        members: the soft macro of each clustered cell, by name.
        cell_hints: such a cell gets its corner at the soft macro's centre, instead of keeping its line.
        path: file of the text, for errors.

    Raises:
        NetlistError: the text breaks the format.
    """
    lines = text.split("\n")
    stated = parse_pl(lines, path)
    centre = np.stack([design.placement.x, design.placement.y]) + np.array(shift)[:, None]
    at = _corners(design, centre, set(members.values()))
    if cell_hints:
        at |= dict(_hints(design, centre, members))
    row_of = {name: row for row, name in enumerate(stated.name)}
    dropped: set[int] = set()
    added = []
    for name, place in at.items():
        row = row_of.get(name)
        if row is None:
            added += [pl_line(name, *place)] if place else []
        elif place is None:
            dropped.add(stated.line[row] - 1)
        elif not _is_at(stated, row, place):
            lines[stated.line[row] - 1] = pl_line(name, *place, "/FIXED" if stated.fixed[row] else "")
    kept = [line for number, line in enumerate(lines) if number not in dropped]
    while added and kept and not kept[-1].strip():
        kept.pop()
    return "\n".join([*kept, *added, ""] if added else kept)


Place = tuple[float, float, int]
"""Lower left corner in the coordinates of the source, and orientation."""


def _corners(design: Design, centre: NDArray[np.float64], made: set[str]) -> dict[str, Place | None]:
    """Where each node but those that clustering made lies; None: nowhere. Ports, which never move, are left out."""
    netlist, placement = design.netlist, design.placement
    corner = centre - turn_size(netlist.size, placement.orientation) / 2
    found: dict[str, Place | None] = {}
    for node in np.flatnonzero(~netlist.is_port).tolist():
        if netlist.node_name[node] not in made:
            place = (float(corner[0, node]), float(corner[1, node]), int(placement.orientation[node]))
            found[netlist.node_name[node]] = place if placement.placed[node] else None
    return found


def _hints(design: Design, centre: NDArray[np.float64], members: Mapping[str, str]) -> Iterator[tuple[str, Place]]:
    """A place for each clustered cell: its corner at the centre of its soft macro."""
    node_of = {name: node for node, name in enumerate(design.netlist.node_name)}
    for cell, cluster in members.items():
        node = node_of.get(cluster)
        if node is not None and design.placement.placed[node]:
            yield cell, (float(centre[0, node]), float(centre[1, node]), 0)


def _is_at(stated: Positions, row: int, place: Place) -> bool:
    off = max(abs(stated.x[row] - place[0]), abs(stated.y[row] - place[1]))
    return off < 10.0**-DECIMALS and stated.orientation[row] == place[2]
