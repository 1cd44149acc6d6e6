"""An independent check of what a legal placement is."""

from __future__ import annotations

import numpy as np

from netlists import ORIENTATIONS, Canvas, Netlist, Placement, turn_size


def violations(netlist: Netlist, canvas: Canvas, placement: Placement) -> list[str]:
    """What speaks against a placement, in words; hard macros closer than the halo or 1e-3 um count."""
    width, height = turn_size(netlist.size, placement.orientation)
    lx, ux = placement.x - width / 2, placement.x + width / 2
    ly, uy = placement.y - height / 2, placement.y + height / 2
    rules = canvas.constraints
    halo, allowed = np.full(len(lx), canvas.halo), [set(ORIENTATIONS)] * len(lx)
    for rule in rules.macros:  # their names are no patterns here
        node = netlist.node_name.index(rule.name)
        halo[node] = halo[node] if rule.halo is None else rule.halo
        allowed[node] = set(rule.orientations) or allowed[node]
    found = []
    hard = np.flatnonzero(netlist.is_hard & placement.placed)
    for i, a in enumerate(hard):
        for b in hard[i + 1 :]:
            gap = max(halo[a], halo[b], 1e-3) - 1e-9
            if max(lx[a] - ux[b], lx[b] - ux[a]) < gap and max(ly[a] - uy[b], ly[b] - uy[a]) < gap:
                found.append(f"{netlist.node_name[a]} and {netlist.node_name[b]} are too close")
        for block in canvas.blockages:
            over_x, over_y = min(ux[a], block.ux) - max(lx[a], block.lx), min(uy[a], block.uy) - max(ly[a], block.ly)
            if block.rate > 0 and min(over_x, over_y) > (1e-9 if rules.snaps else 0):
                found.append(f"{netlist.node_name[a]} is on a blockage")
        if placement.fixed[a]:
            continue
        if min(lx[a], ly[a], canvas.width - ux[a], canvas.height - uy[a]) < rules.boundary - 1e-9:
            found.append(f"{netlist.node_name[a]} is too near to the edge")
        if ORIENTATIONS[placement.orientation[a]] not in allowed[a]:
            found.append(f"{netlist.node_name[a]} lies in an orientation that is not allowed")
        for corner, pitch, offset in zip((lx[a], ly[a]), rules.pitch, rules.offset, strict=True):
            if pitch and abs(np.remainder(corner - offset + pitch / 2, pitch) - pitch / 2) > 1e-7:
                found.append(f"{netlist.node_name[a]} is off the grid")
    for node in np.flatnonzero(~netlist.is_port & placement.placed & ~placement.fixed):
        fits = width[node] <= canvas.width and height[node] <= canvas.height
        outside = (
            lx[node] < -1e-9 or ly[node] < -1e-9 or ux[node] > canvas.width + 1e-9 or uy[node] > canvas.height + 1e-9
        )
        if fits and outside:
            found.append(f"{netlist.node_name[node]} is outside")
    return found
