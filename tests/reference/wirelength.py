"""Twin of the wirelength kernel."""

from __future__ import annotations

import numpy as np

from netlists import Canvas, Netlist, Placement, turn_offset


def pin_positions(netlist: Netlist, placement: Placement) -> np.ndarray:
    """(2, P) positions of the pins, um."""
    centre = np.stack([placement.x, placement.y])[:, netlist.pin_node]
    return centre + turn_offset(netlist.pin_offset, placement.orientation[netlist.pin_node])


def wirelength(netlist: Netlist, canvas: Canvas, placement: Placement) -> float:
    """Sum over nets of weight * half-perimeter, with the rules for unplaced pins."""
    position = pin_positions(netlist, placement)
    total = 0.0
    for net in range(netlist.num_nets):
        pins = netlist.net_pin[netlist.net_start[net] : netlist.net_start[net + 1]]
        placed = placement.placed[netlist.pin_node[pins]]
        if not placed[0]:
            total += canvas.width + canvas.height
        elif not placed.all():
            total += netlist.net_weight[net] * (canvas.width + canvas.height)
        else:
            total += netlist.net_weight[net] * np.ptp(position[:, pins], axis=1).sum()
    return total


def wirelength_cost(netlist: Netlist, canvas: Canvas, placement: Placement) -> float:
    """Wirelength over its scale."""
    scale = (canvas.width + canvas.height) * netlist.net_weight.sum()
    return wirelength(netlist, canvas, placement) / scale if scale > 0 else 0.0
