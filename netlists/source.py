"""What a design folder keeps of the files that it was imported from, so that export finds its way back."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from netlists.errors import NetlistError
from netlists.files import read_bytes, read_text, remove, write_bytes

SOURCE_NAME = "source.json"

CLUSTERS_NAME = "clusters.csv.gz"
"""Says which soft macro each standard cell of the source went into."""


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


def forget_source(folder: str | Path) -> None:
    """Removes `source.json` and `clusters.csv.gz` of a design that was in the folder before.

    Raises:
        NetlistError: one cannot be removed.
    """
    for name in (SOURCE_NAME, CLUSTERS_NAME):
        remove(Path(folder) / name)


def copy_source(folder: str | Path, to: str | Path) -> None:
    """Copies what `read_source` reads, and the copy of the main file, to another folder; nothing if there is none.

    Raises:
        NetlistError: a file cannot be read or written.
    """
    source = read_source(folder)
    if source is None or Path(folder).resolve() == Path(to).resolve():
        return
    write_bytes(Path(to) / source.copy, read_bytes(Path(folder) / source.copy))
    write_source(to, source)
