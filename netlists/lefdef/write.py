"""LEF and DEF text of what the readers read. A reader gives back what was written; line numbers and notes apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from netlists.files import write_bytes
from netlists.lefdef.def_ import Box, Components, DefBlock, Nets, Pins, PlacementBlockage, Point, State
from netlists.lefdef.lef import Direction, Layer, LefMacro, LefPin, Library, Shapes, Site
from netlists.orientation import ORIENTATIONS


def write_lef(path: str | Path, library: Library) -> None:
    """Writes a LEF file; packs it if its name ends in `.gz`."""
    write_bytes(Path(path), format_lef(library).encode())


def write_def(path: str | Path, block: DefBlock) -> None:
    """Writes a DEF file; packs it if its name ends in `.gz`."""
    write_bytes(Path(path), format_def(block).encode())


def format_lef(library: Library) -> str:
    """The text of a LEF file."""
    lines = [f"VERSION {library.version or '5.8'} ;", f'BUSBITCHARS "{library.bus}" ;']
    lines += [f'DIVIDERCHAR "{library.divider}" ;']
    if library.units is not None:
        lines += ["UNITS", f"  DATABASE MICRONS {_number(library.units)} ;", "END UNITS"]
    if library.grid is not None:
        lines.append(f"MANUFACTURINGGRID {_number(library.grid)} ;")
    for site in library.sites.values():
        lines += _site(site)
    for layer in library.layers.values():
        lines += _layer(layer)
    for macro in library.macros.values():
        lines += _macro(macro)
    return "\n".join([*lines, "END LIBRARY", ""])


def _site(site: Site) -> list[str]:
    lines = [f"SITE {site.name}", f"  SIZE {_number(site.width)} BY {_number(site.height)} ;"]
    lines += [f"  CLASS {site.kind} ;"] if site.kind else []
    lines += [f"  SYMMETRY {' '.join(site.symmetry)} ;"] if site.symmetry else []
    return [*lines, f"END {site.name}"]


def _layer(layer: Layer) -> list[str]:
    lines = [f"LAYER {layer.name}"]
    lines += [f"  TYPE {layer.kind} ;"] if layer.kind else []
    lines += [f"  DIRECTION {layer.direction} ;"] if layer.direction else []
    lines += [f"  PITCH {_number(layer.pitch[0])} {_number(layer.pitch[1])} ;"] if layer.pitch else []
    lines += [f"  WIDTH {_number(layer.width)} ;"] if layer.width is not None else []
    return [*lines, f"END {layer.name}"]


def _macro(macro: LefMacro) -> list[str]:
    lines = [f"MACRO {macro.name}"]
    lines += [f"  CLASS {macro.kind} {macro.subkind} ;"] if macro.kind else []
    lines += [f"  ORIGIN {_number(macro.origin[0])} {_number(macro.origin[1])} ;"]
    lines += [f"  SIZE {_number(macro.width)} BY {_number(macro.height)} ;"]
    lines += [f"  SYMMETRY {' '.join(macro.symmetry)} ;"] if macro.symmetry else []
    lines += [f"  SITE {macro.site} ;"] if macro.site else []
    for pin in macro.pins.values():
        lines += _lef_pin(pin)
    if macro.obstructions.layer:
        lines += ["  OBS", *_shapes(macro.obstructions), "  END"]
    return [*lines, f"END {macro.name}"]


def _lef_pin(pin: LefPin) -> list[str]:
    lines = [f"  PIN {pin.name}"]
    lines += [f"    DIRECTION {pin.direction.name} ;"] if pin.direction != Direction.UNKNOWN else []
    lines += [f"    USE {pin.use} ;"] if pin.use else []
    if pin.shapes.layer:
        lines += ["    PORT", *_shapes(pin.shapes), "    END"]
    return [*lines, f"  END {pin.name}"]


def _shapes(shapes: Shapes) -> Iterator[str]:
    for layer, box in zip(shapes.layer, shapes.box.tolist(), strict=True):
        yield f"    LAYER {layer} ;"
        yield f"      RECT {' '.join(_number(value) for value in box)} ;"


def format_def(block: DefBlock) -> str:
    """The text of a DEF file."""
    return "\n".join([*_header(block), *_sections(block), "END DESIGN", ""])


def _header(block: DefBlock) -> Iterator[str]:
    yield f"VERSION {block.version or '5.8'} ;"
    yield f'DIVIDERCHAR "{block.divider}" ;'
    yield f'BUSBITCHARS "{block.bus}" ;'
    if block.name:
        yield f"DESIGN {block.name} ;"
    yield f"UNITS DISTANCE MICRONS {_number(block.units)} ;"
    yield f"DIEAREA {_points(block.die)} ;"
    for row in block.rows:
        at, orientation = " ".join(map(_number, row.origin)), ORIENTATIONS[row.orientation]
        step = " ".join(map(_number, row.step))
        yield f"ROW {row.name} {row.site} {at} {orientation} DO {row.count[0]} BY {row.count[1]} STEP {step} ;"
    for tracks in block.tracks:
        layers = f" LAYER {' '.join(tracks.layers)}" if tracks.layers else ""
        yield (f"TRACKS {tracks.axis} {_number(tracks.start)} DO {tracks.count} STEP {_number(tracks.step)}{layers} ;")


def _sections(block: DefBlock) -> Iterator[str]:
    yield from _section(
        "REGIONS",
        (
            f"- {region.name} {' '.join(map(_box, region.boxes))}{f' + TYPE {region.kind}' if region.kind else ''} ;"
            for region in block.regions
        ),
    )
    yield from _section("COMPONENTS", _components(block.components))
    yield from _section("PINS", _pins(block.pins))
    yield from _section("BLOCKAGES", map(_blockage, block.blockages))
    yield from _section("NETS", _nets(block.nets, block))
    yield from _section(
        "GROUPS",
        (
            f"- {group.name} {' '.join(group.members)}{f' + REGION {group.region}' if group.region else ''} ;"
            for group in block.groups
        ),
    )


def _section(keyword: str, entries: Iterable[str]) -> Iterator[str]:
    entries = list(entries)
    if entries:
        yield f"{keyword} {len(entries)} ;"
        yield from entries
        yield f"END {keyword}"


def _components(components: Components) -> Iterator[str]:
    for i, name in enumerate(components.name):
        text = f"- {name} {components.macro_name[components.macro[i]]}"
        if components.state[i] != State.UNPLACED:
            text += _placed(components.state[i], components.x[i], components.y[i], components.orientation[i])
        if i in components.halo:
            halo = components.halo[i]
            margins = " ".join(map(_number, (halo.left, halo.bottom, halo.right, halo.top)))
            text += f" + HALO {'SOFT ' if halo.soft else ''}{margins}"
        text += f" + REGION {components.region[i]}" if i in components.region else ""
        if not np.isnan(components.weight[i]):
            text += f" + WEIGHT {_number(components.weight[i])}"
        yield f"{text} ;"


def _pins(pins: Pins) -> Iterator[str]:
    for i, name in enumerate(pins.name):
        text = f"- {name}"
        text += f" + NET {pins.net[i]}" if pins.net[i] else ""
        if pins.direction[i] != Direction.UNKNOWN:
            text += f" + DIRECTION {Direction(pins.direction[i]).name}"
        text += f" + USE {pins.use[i]}" if pins.use[i] else ""
        first, last = pins.port_start[i : i + 2].tolist()
        for port in range(first, last):
            text += " + PORT" if last > first + 1 else ""
            box = pins.port_box[port].tolist()
            text += f" + LAYER M1 {_box(tuple(box))}" if not np.isnan(box[0]) else ""
            if pins.port_state[port] != State.UNPLACED:
                text += _placed(
                    pins.port_state[port], pins.port_x[port], pins.port_y[port], pins.port_orientation[port]
                )
        yield f"{text} ;"


def _nets(nets: Nets, block: DefBlock) -> Iterator[str]:
    start = nets.entry_start.tolist()
    for i, name in enumerate(nets.name):
        text = f"- {name}"
        for k in range(start[i], start[i + 1]):
            component, pin = int(nets.component[k]), int(nets.pin[k])
            owner = "PIN" if component < 0 else block.components.name[component]
            text += f" ( {owner} {block.pins.name[pin] if component < 0 else nets.pin_name[pin]} )"
        text += f" + USE {nets.use[i]}" if nets.use[i] else ""
        text += f" + WEIGHT {_number(nets.weight[i])}" if nets.weight[i] != 1 else ""
        yield f"{text} ;"


def _blockage(blockage: PlacementBlockage) -> str:
    text = "- PLACEMENT"
    text += " + SOFT" if blockage.soft else ""
    text += f" + PARTIAL {_number(blockage.density)}" if blockage.density else ""
    text += " + PUSHDOWN" if blockage.pushdown else ""
    text += f" + COMPONENT {blockage.component}" if blockage.component else ""
    text += "".join(f" RECT {_box(box)}" for box in blockage.boxes)
    return text + "".join(f" POLYGON {_points(polygon)}" for polygon in blockage.polygons) + " ;"


def _placed(state: int, x: float, y: float, orientation: int) -> str:
    return f" + {State(state).name} ( {_number(x)} {_number(y)} ) {ORIENTATIONS[orientation]}"


def _points(points: Iterable[Point]) -> str:
    return " ".join(f"( {_number(x)} {_number(y)} )" for x, y in points)


def _box(box: Box) -> str:
    return _points((box[:2], box[2:]))


def _number(value: float) -> str:
    value = float(value)
    return str(int(value)) if value == int(value) else repr(value)
