"""AlphaChip's placement format: `.plc`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from netlists.canvas import Blockage, Canvas
from netlists.errors import NetlistError
from netlists.files import read_text, write_bytes
from netlists.netlist import Kind, Netlist
from netlists.orientation import ORIENTATION_CODE, ORIENTATIONS
from netlists.placement import Placement

_NUMBER = r"([-+0-9.eEinfa]+)"
_HEADER = {
    "grid": re.compile(rf"# Columns : {_NUMBER}\s+Rows : {_NUMBER}\s*$"),
    "size": re.compile(rf"# Width : {_NUMBER}\s+Height : {_NUMBER}\s*$"),
    "routes": re.compile(rf"# Routes per micron, hor : {_NUMBER}\s+ver : {_NUMBER}\s*$"),
    "macro_routes": re.compile(rf"# Routes used by macros, hor : {_NUMBER}\s+ver : {_NUMBER}\s*$"),
    "smoothing": re.compile(rf"# Smoothing factor : {_NUMBER}\s*$"),
    "congestion_grid": re.compile(
        rf"# Congestion (?:grid, columns|Columns) : {_NUMBER}\s+(?:Congestion Rows|rows) : {_NUMBER}\s*$"
    ),
    "halo": re.compile(rf"# Halo : {_NUMBER}\s*$"),
}
_BLOCKAGE = re.compile(rf"# Blockage : {' '.join([_NUMBER] * 5)}\s*$")
_STARTS = {
    "# Columns :": "grid",
    "# Width :": "size",
    "# Routes per micron": "routes",
    "# Routes used by macros": "macro_routes",
    "# Smoothing factor": "smoothing",
    "# Congestion Columns": "congestion_grid",
    "# Congestion grid": "congestion_grid",  # as we wrote it before
    "# Halo :": "halo",
}


class PlcCosts(NamedTuple):
    """Costs that a `.plc` header states."""

    wirelength: float
    wirelength_cost: float
    congestion_cost: float
    density_cost: float


@dataclass
class _Header:
    values: dict[str, tuple[float, ...]] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    blockages: list[Blockage] = field(default_factory=list)


def read_plc(path: str | Path, netlist: Netlist) -> tuple[Canvas, Placement]:
    """Canvas and placement of a `.plc` file.

    Raises:
        NetlistError: the file cannot be read, breaks the format, or belongs to another netlist.
    """
    path = Path(path)
    return parse_plc(read_text(path), netlist, path)


def parse_plc(text: str, netlist: Netlist, source: str | Path | None = None) -> tuple[Canvas, Placement]:
    """Canvas and placement of the text of a `.plc` file. Nodes that it does not list are not placed."""
    header = _Header()
    count = netlist.num_nodes
    x, y = np.zeros(count), np.zeros(count)
    orientation = np.zeros(count, np.uint8)
    fixed, placed = netlist.is_port.copy(), np.zeros(count, bool)
    node_of = {index: node for node, index in enumerate(netlist.node_index.tolist())}
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("#"):
            _parse_header_line(line, header, source, number)
        elif line.strip():
            node, at = _parse_row(line.split(), node_of, netlist, source, number)
            if placed[node]:
                raise NetlistError(
                    f"index {netlist.node_index[node]} is listed before; expected it once", source, number
                )
            x[node], y[node], orientation[node], is_fixed = at
            fixed[node] |= is_fixed
            placed[node] = True
    if not header.values and not placed.any():
        raise NetlistError("expected a placement with a header and rows, found neither; is it empty?", source)
    return _canvas(header, source), Placement(x, y, orientation, fixed, placed)


def _parse_header_line(line: str, header: _Header, source: str | Path | None, number: int) -> None:
    if line.startswith("# Blockage :"):
        match = _BLOCKAGE.match(line)
        values = _floats(match.groups(), source, number) if match else ()
        is_box = len(values) == 5 and values[0] < values[2] and values[1] < values[3]
        if not is_box or not np.isfinite(values).all():
            raise NetlistError(
                f"expected '# Blockage : x0 y0 x1 y1 rate', finite, with x0 < x1 and y0 < y1, found '{line}'",
                source,
                number,
            )
        header.blockages.append(Blockage(*values))
        return
    for start, name in _STARTS.items():
        if line.startswith(start):
            match = _HEADER[name].match(line)
            if not match:
                raise NetlistError(
                    f"expected numbers as in {_HEADER[name].pattern[:30]!r}, found '{line}'", source, number
                )
            header.values[name] = _floats(match.groups(), source, number)
            header.lines[name] = number


def _floats(texts: tuple[str, ...], source: str | Path | None, number: int) -> tuple[float, ...]:
    try:
        return tuple(float(text) for text in texts)
    except ValueError as error:
        raise NetlistError(f"expected numbers, found '{' '.join(texts)}'", source, number) from error


def _parse_row(
    parts: list[str], node_of: dict[int, int], netlist: Netlist, source: str | Path | None, number: int
) -> tuple[int, tuple[float, float, int, bool]]:
    if len(parts) != 5:
        raise NetlistError(
            f"expected 'index x y orientation fixed', found {len(parts)} fields: '{' '.join(parts)[:60]}'",
            source,
            number,
        )
    try:
        index, x, y, is_fixed = int(parts[0]), float(parts[1]), float(parts[2]), int(parts[4])
    except ValueError as error:
        raise NetlistError(
            f"expected 'index x y orientation fixed', found '{' '.join(parts)}'", source, number
        ) from error
    if not (np.isfinite(x) and np.isfinite(y)) or is_fixed not in (0, 1):
        raise NetlistError(
            f"expected finite positions and a fixed flag of 0 or 1, found '{' '.join(parts)}'", source, number
        )
    if index not in node_of:
        raise NetlistError(
            f"index {index} is no port, macro or cell of the netlist; is the placement of another netlist?",
            source,
            number,
        )
    node = node_of[index]
    is_port = netlist.kind[node] == Kind.PORT
    if (parts[3] == "-") != is_port and netlist.kind[node] != Kind.STDCELL:
        expected = "'-' for a port" if is_port else "an orientation for a macro"
        raise NetlistError(
            f"expected {expected}, found '{parts[3]}' for '{netlist.node_name[node]}'; "
            "is the placement of another netlist?",
            source,
            number,
        )
    if parts[3] != "-" and parts[3] not in ORIENTATION_CODE:
        raise NetlistError(
            f"orientation is '{parts[3]}', expected '-' or one of {', '.join(ORIENTATIONS)}", source, number
        )
    return node, (x, y, ORIENTATION_CODE.get(parts[3], 0), bool(is_fixed))


def _canvas(header: _Header, source: str | Path | None) -> Canvas:
    for name, what in (("grid", "# Columns : c  Rows : r"), ("size", "# Width : w  Height : h")):
        if name not in header.values:
            raise NetlistError(f"expected a header line '{what}', found none", source)
    fields: dict[str, Any] = {"width": header.values["size"][0], "height": header.values["size"][1]}
    for name, (cols, rows) in (("grid", ("cols", "rows")), ("congestion_grid", ("congestion_cols", "congestion_rows"))):
        if name in header.values:
            fields[cols], fields[rows] = _whole(header, name, source)
    for name, prefix in (("routes", "routes"), ("macro_routes", "macro_routes")):
        if name in header.values:
            fields[f"{prefix}_hor"], fields[f"{prefix}_ver"] = header.values[name]
    if "smoothing" in header.values:
        (fields["smoothing"],) = _whole(header, "smoothing", source)
    if "halo" in header.values:
        (fields["halo"],) = header.values["halo"]
    try:
        return Canvas(blockages=tuple(header.blockages), **fields)
    except NetlistError as error:
        raise NetlistError(error.message, source, _line_of(error.message, header)) from None


def _line_of(message: str, header: _Header) -> int | None:
    """The header line that states the field which a message about the canvas names."""
    field_name = message.split("canvas: ")[-1].split(" ")[0]
    fields = {
        "cols": "grid",
        "rows": "grid",
        "width": "size",
        "height": "size",
        "smoothing": "smoothing",
        "halo": "halo",
    }
    prefixes = {"congestion_": "congestion_grid", "macro_routes": "macro_routes", "routes": "routes"}
    name = fields.get(field_name) or next((n for p, n in prefixes.items() if field_name.startswith(p)), "")
    return header.lines.get(name)


def _whole(header: _Header, name: str, source: str | Path | None) -> tuple[int, ...]:
    values = header.values[name]
    if any(not np.isfinite(value) or value != int(value) for value in values):
        raise NetlistError(f"expected whole numbers, found {values}", source, header.lines[name])
    return tuple(int(value) for value in values)


def write_plc(
    path: str | Path, netlist: Netlist, canvas: Canvas, placement: Placement, costs: PlcCosts | None = None
) -> None:
    """Writes a `.plc` file with positions as exact as they are: pins on a line between grid cells stay on their side.

    Raises:
        NetlistError: the file cannot be written.
    """
    write_bytes(Path(path), format_plc(netlist, canvas, placement, costs).encode())


def format_plc(netlist: Netlist, canvas: Canvas, placement: Placement, costs: PlcCosts | None = None) -> str:
    """The text of a `.plc` file."""
    lines = [*_format_header(netlist, canvas, costs), "# node_index x y orientation fixed"]
    x, y = placement.x.tolist(), placement.y.tolist()
    for node, index in enumerate(netlist.node_index.tolist()):
        if not placement.placed[node]:
            continue
        is_port = netlist.kind[node] == Kind.PORT
        orientation = "-" if is_port else ORIENTATIONS[placement.orientation[node]]
        fixed = int(placement.fixed[node])
        lines.append(f"{index} {x[node]!r} {y[node]!r} {orientation} {fixed}")
    return "\n".join([*lines, ""])


def _format_header(netlist: Netlist, canvas: Canvas, costs: PlcCosts | None) -> list[str]:
    area = float(np.sum(netlist.size[0] * netlist.size[1]))
    lines = [
        "# Placement file for Circuit Training",
        f"# Columns : {canvas.cols}  Rows : {canvas.rows}",
        f"# Width : {float(canvas.width)!r}  Height : {float(canvas.height)!r}",
        f"# Area (stdcell+macros) : {float(area)!r}",
    ]
    if costs:
        lines += [
            f"# Wirelength : {costs.wirelength:.3f}",
            f"# Wirelength cost : {costs.wirelength_cost:.4f}",
            f"# Congestion cost : {costs.congestion_cost:.4f}",
            f"# Density cost : {costs.density_cost:.4f}",
        ]
    lines += [
        f"# Routes per micron, hor : {float(canvas.routes_hor)!r}  ver : {float(canvas.routes_ver)!r}",
        f"# Routes used by macros, hor : {float(canvas.macro_routes_hor)!r}  ver : {float(canvas.macro_routes_ver)!r}",
        f"# Smoothing factor : {canvas.smoothing}",
    ]
    if canvas.congestion_cols is not None or canvas.congestion_rows is not None:
        rows, cols = canvas.congestion_grid
        lines.append(f"# Congestion Columns : {cols}  Congestion Rows : {rows}")
    if canvas.halo > 0:
        lines.append(f"# Halo : {float(canvas.halo)!r}")
    lines += [
        f"# Blockage : {float(b.lx)!r} {float(b.ly)!r} {float(b.ux)!r} {float(b.uy)!r} {float(b.rate)!r}"
        for b in canvas.blockages
    ]
    pin_kind = netlist.kind[netlist.pin_node]
    own = np.isin(netlist.pin_index, netlist.node_index)
    counts = {
        "HARD_MACROs": np.sum(netlist.kind == Kind.HARD_MACRO),
        "HARD_MACRO_PINs": np.sum((pin_kind == Kind.HARD_MACRO) & ~own),
        "MACROs": np.sum((netlist.kind == Kind.HARD_MACRO) | (netlist.kind == Kind.SOFT_MACRO)),
        "MACRO_PINs": np.sum(~own),
        "PORTs": np.sum(netlist.kind == Kind.PORT),
        "SOFT_MACROs": np.sum(netlist.kind == Kind.SOFT_MACRO),
        "SOFT_MACRO_PINs": np.sum((pin_kind == Kind.SOFT_MACRO) & ~own),
        "STDCELLs": np.sum(netlist.kind == Kind.STDCELL),
    }
    lines += ["# Counts of node types:"]
    lines += [f"# {name:<16}: {int(count):>9}" for name, count in counts.items()]
    return lines
