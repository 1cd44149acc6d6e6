"""An independent check of what a legal placement is."""

from __future__ import annotations

import numpy as np

from netlists import Canvas, Netlist, Placement, turn_size


def violations(netlist: Netlist, canvas: Canvas, placement: Placement) -> list[str]:
    """What speaks against a placement, in words; hard macros closer than the halo or 1e-3 um count."""
    width, height = turn_size(netlist.size, placement.orientation)
    lx, ux = placement.x - width / 2, placement.x + width / 2
    ly, uy = placement.y - height / 2, placement.y + height / 2
    gap = max(canvas.halo, 1e-3) - 1e-9
    found = []
    hard = np.flatnonzero(netlist.is_hard & placement.placed)
    for i, a in enumerate(hard):
        for b in hard[i + 1 :]:
            if max(lx[a] - ux[b], lx[b] - ux[a]) < gap and max(ly[a] - uy[b], ly[b] - uy[a]) < gap:
                found.append(f"{netlist.node_name[a]} and {netlist.node_name[b]} are too close")
        for block in canvas.blockages:
            if block.rate > 0 and lx[a] < block.ux and block.lx < ux[a] and ly[a] < block.uy and block.ly < uy[a]:
                found.append(f"{netlist.node_name[a]} is on a blockage")
    for node in np.flatnonzero(~netlist.is_port & placement.placed & ~placement.fixed):
        fits = width[node] <= canvas.width and height[node] <= canvas.height
        outside = (
            lx[node] < -1e-9 or ly[node] < -1e-9 or ux[node] > canvas.width + 1e-9 or uy[node] > canvas.height + 1e-9
        )
        if fits and outside:
            found.append(f"{netlist.node_name[node]} is outside")
    return found
