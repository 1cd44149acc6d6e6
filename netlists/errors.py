"""What the package raises when an input is not what it must be."""

from __future__ import annotations

from pathlib import Path


class NetlistError(ValueError):
    """A design, or a file that describes one, breaks a rule.

    Args:
        message: what is wrong, what was expected, what was found, and the next step.
        source: the file that is wrong, if one is.
        line: its line, counted from 1, if known.
    """

    def __init__(self, message: str, source: str | Path | None = None, line: int | None = None) -> None:
        self.message = message
        self.source = None if source is None else str(source)
        self.line = line
        where = [str(part) for part in (self.source, line) if part is not None]
        super().__init__(": ".join([":".join(where), message]) if where else message)
