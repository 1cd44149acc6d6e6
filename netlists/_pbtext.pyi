from typing import Any

def parse(text: bytes) -> dict[str, Any]:
    """Columns of the file's nodes, `__metadata__` apart. Raises ValueError(line, message)."""
