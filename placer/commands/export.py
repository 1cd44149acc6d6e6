"""`placer export`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tyro.conf import Positional

import netlists
from netlists import Design, NetlistError
from netlists.source import Source, read_source

if TYPE_CHECKING:  # every command imports this module, and LEF and DEF take their time
    from netlists.export import Frame


@dataclass(frozen=True)
class Export:
    """Write a placement for a place-and-route tool."""

    design: Positional[Path]
    """Design folder, or netlist file."""
    out: Path
    """File to write."""
    format: Literal["def", "openroad", "innovus", "plc", "bookshelf"]
    """def needs a folder that `import` wrote."""
    placement: Path | None = None
    """Placement (.plc); by default the folder's own."""
    fixed: bool = False
    """In DEF, write hard macros as FIXED instead of PLACED."""
    cell_hints: bool = False
    """In DEF and Bookshelf, place clustered standard cells at the position of their soft macro."""

    def run(self) -> int:
        from netlists.bookshelf.writer import source_shift
        from netlists.export import Frame, rounding_notes
        from netlists.files import write_bytes

        design = netlists.read(self.design, self.placement)
        source = read_source(self.design) if self.design.is_dir() else None
        frame = Frame(source.shift, source.units) if source else Frame(source_shift(design))
        write_bytes(self.out, self._text(design, source, frame))
        lost = int((design.netlist.is_hard & ~design.placement.placed).sum())
        notes = [f"{lost} hard macros have no position in the placement"] if lost else []
        for note in [*notes, *(rounding_notes(design, frame) if self.format != "plc" else [])]:
            print(f"note: {note}")
        print(
            f"{design.name}: {int((design.netlist.is_hard & design.placement.placed).sum())} hard macros\n  {self.out}"
        )
        return 0

    def _text(self, design: Design, source: Source | None, frame: Frame) -> bytes:
        from netlists import export
        from netlists.plc import format_plc

        if self.format == "def":
            return self._def(design, source, frame)
        if self.format == "plc":
            return format_plc(design.netlist, design.canvas, design.placement).encode()
        if self.format == "bookshelf":
            return self._bookshelf(design, source, frame).encode()
        formats = {"openroad": export.format_openroad, "innovus": export.format_innovus}
        return formats[self.format](design, frame).encode()

    def _bookshelf(self, design: Design, source: Source | None, frame: Frame) -> str:
        """The `.pl` of the source with the design's positions, or a new one where the source was none."""
        if source is not None and source.format == "bookshelf":
            from netlists.bookshelf.folder import revise_pl
            from netlists.files import read_text

            path = self.design / source.copy
            return revise_pl(read_text(path), design, source.shift, self._members(), self.cell_hints, path)
        if source is not None:
            from netlists.export import format_bookshelf

            return format_bookshelf(design, frame)
        from netlists.bookshelf.writer import format_pl

        return format_pl(design, soft=True)

    def _members(self) -> dict[str, str]:
        """Soft macro of each cell that was clustered."""
        from netlists.clustering import read_clusters
        from netlists.source import CLUSTERS_NAME

        path = self.design / CLUSTERS_NAME
        return read_clusters(path) if path.exists() else {}

    def _def(self, design: Design, source: Source | None, frame: Frame) -> bytes:
        from netlists.export import Hints, format_def
        from netlists.files import read_bytes

        if source is None or source.format != "lefdef":
            raise NetlistError(
                "has no DEF to write the placement into; expected a folder imported from LEF/DEF", self.design
            )
        hints = Hints(self._members()) if self.cell_hints else None
        path = self.design / source.copy
        return format_def(read_bytes(path), design, frame, self.fixed, hints, path)
