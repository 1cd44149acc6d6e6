"""Reading and writing whole files: gzip by suffix, errors that name the file, nothing half-written."""

from __future__ import annotations

import gzip
import os
import tempfile
import zlib
from pathlib import Path

from netlists.errors import NetlistError


def read_bytes(path: Path) -> bytes:
    """The content of a file, unpacked if its name ends in `.gz`.

    Raises:
        NetlistError: there is no such file, it cannot be read, or it is not the gzip file that its name says.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise NetlistError(f"cannot read: {error.strerror}; expected a readable file", path) from error
    if path.suffix != ".gz":
        return data
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise NetlistError(f"expected a whole gzip file, as the name says, found: {error}", path) from error


def read_text(path: Path) -> str:
    """The content of a UTF-8 file; see `read_bytes`."""
    try:
        return read_bytes(path).decode("utf-8")
    except UnicodeDecodeError as error:
        raise NetlistError(f"expected UTF-8 text, found byte {error.start} to be none", path) from error


def write_bytes(path: Path, data: bytes) -> None:
    """Writes a file whole or not at all; packs it if its name ends in `.gz`.

    Raises:
        NetlistError: the folder is missing or not writable.
    """
    if path.suffix == ".gz":
        data = gzip.compress(data, compresslevel=6, mtime=0)
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise NetlistError(f"cannot write: {error.strerror}; expected a writable folder", path) from error
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException as error:  # Ctrl-C, too, leaves nothing half-written
        Path(temporary).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise NetlistError(f"cannot write: {error.strerror}", path) from error
        raise


def make_folder(path: Path) -> Path:
    """Creates a folder and its parents.

    Raises:
        NetlistError: it cannot be created, or is a file.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NetlistError(f"cannot create the folder: {error.strerror}", path) from error
    if not os.access(path, os.W_OK):
        raise NetlistError("cannot write into the folder; expected a writable one", path)
    return path


def remove(path: Path) -> None:
    """Removes a file; nothing if there is none.

    Raises:
        NetlistError: it cannot be removed.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise NetlistError(f"cannot remove: {error.strerror}", path) from error
