"""What a design folder keeps of the files that it was imported from, so that export finds its way back."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from netlists.errors import NetlistError
from netlists.files import read_text, write_bytes

SOURCE_NAME = "source.json"
CELLS_NAME = "cells.tsv.gz"


@dataclass(frozen=True)
class Source:
    """Where a design comes from."""

    format: str
    """lefdef, bookshelf ..."""
    copy: str
    """Name of the copy of the main file in the folder. A copy, not a path: the folder may be moved, and the original be
    edited, without an export that mixes two versions."""
    files: tuple[str, ...] = ()
    """The files that were imported, as they were given; for the record."""
    units: float | None = None
    """Database units a micron."""
    shift: tuple[float, float] = (0.0, 0.0)
    """What is added to positions of the design to get those of the source, um."""


def write_source(folder: str | Path, source: Source) -> None:
    """Writes `source.json`.

    Raises:
        NetlistError: the folder cannot be written.
    """
    write_bytes(Path(folder) / SOURCE_NAME, (json.dumps(asdict(source), indent=1) + "\n").encode())


def read_source(folder: str | Path) -> Source | None:
    """The source of a design folder; None for a design that was not imported.

    Raises:
        NetlistError: `source.json` is not what `write_source` writes.
    """
    path = Path(folder) / SOURCE_NAME
    if not path.exists():
        return None
    try:
        fields = json.loads(read_text(path))
        x, y = (float(value) for value in fields["shift"])
        units = None if fields["units"] is None else float(fields["units"])
        return Source(str(fields["format"]), str(fields["copy"]), tuple(map(str, fields["files"])), units, (x, y))
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, NetlistError):
            raise
        raise NetlistError(
            f"expected format, copy, files, units and shift, found {error!r}; import again", path
        ) from None


def write_cells(folder: str | Path, node_of: dict[str, str]) -> None:
    """Writes which soft macro each standard cell belongs to, by name; `cells.tsv.gz`, a cell and its node a line."""
    lines = [f"{cell}\t{node}\n" for cell, node in node_of.items()]
    write_bytes(Path(folder) / CELLS_NAME, "".join(lines).encode())


def read_cells(folder: str | Path) -> dict[str, str]:
    """Soft macro of each standard cell; empty where cells are nodes themselves.

    Raises:
        NetlistError: a line is not a cell and a node.
    """
    path = Path(folder) / CELLS_NAME
    if not path.exists():
        return {}
    node_of = {}
    for number, line in enumerate(read_text(path).splitlines(), 1):
        parts = line.split("\t")
        if len(parts) != 2:
            raise NetlistError(f"expected a cell and its soft macro, found {len(parts)} fields", path, number)
        node_of[parts[0]] = parts[1]
    return node_of
