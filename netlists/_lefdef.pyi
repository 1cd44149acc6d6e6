from typing import Any

def parse_lef(text: bytes) -> dict[str, Any]:
    """Columns of a LEF file. Raises ValueError(line, message)."""

def parse_def(text: bytes) -> dict[str, Any]:
    """Columns of a DEF file. Raises ValueError(line, message)."""
