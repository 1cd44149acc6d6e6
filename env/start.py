"""Where a placement starts when nothing, or nothing legal, is given."""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray

from env import _core
from env.cost import core_design, core_placement
from netlists import Design, NetlistError, Placement, turn_size
from netlists.constraints import EVERY_ORIENTATION

ANALYTIC_STEPS, SOFT_STEPS = 20, 10
"""Rounds of spreading and solving, and conjugate-gradient steps in each: for all macros, for soft macros alone. More
than 10 leave less of half a second for annealing them than they are worth."""

CELL_ATTEMPTS, CELL_SPREADS = 60, (1.0, 4.0)
"""Orders in which `to_cells` tries to put macros on cells, for each of so many times their distance from the centre of
the canvas. Of 60 synthetic designs the first order serves 48, all of them together 58."""

OUTWARD = 4.0
"""See `pulled_outward`."""

ANALYTIC_PULL = (0.003, 1.0)
ANALYTIC_DENSITY = 0.75
"""Pull to the spread positions, first to last, and the share of a grid cell up to which it may fill."""


def movable_macros(design: Design) -> NDArray[np.bool_]:
    """(N,) flags: hard and soft macros and cells that are not fixed."""
    return ~design.netlist.is_port & ~design.placement.fixed


def analytic_start(design: Design, core: _core.Design | None = None) -> Placement:
    """Positions of all movable macros that minimise quadratic wirelength against an even spread of area.

    Hard macros overlap in it and nothing of the given positions of movable nodes enters; orientations that are allowed
    are kept.
    Deterministic.
    """
    movable = movable_macros(design)
    placement = orient(design, design.placement)
    placement = placement.replace(placed=placement.placed | movable)
    return _place_analytically(core or core_design(design.netlist, design.canvas), placement, movable, ANALYTIC_STEPS)


def place_soft_macros(design: Design, placement: Placement, core: _core.Design | None = None) -> Placement:
    """The placement with its movable soft macros placed analytically around the hard ones."""
    movable = design.netlist.is_soft & ~placement.fixed
    placement = placement.replace(placed=placement.placed | movable)
    return _place_analytically(core or core_design(design.netlist, design.canvas), placement, movable, SOFT_STEPS)


def _place_analytically(core: _core.Design, placement: Placement, movable: NDArray[np.bool_], steps: int) -> Placement:
    x, y, _ = _core.place_analytically(
        core,
        core_placement(placement),
        movable,
        rounds=steps,
        solver_steps=steps,
        first_pull=ANALYTIC_PULL[0],
        last_pull=ANALYTIC_PULL[1],
        from_centre=True,
        density=ANALYTIC_DENSITY,
    )
    return placement.replace(x=x, y=y)


def pulled_outward(design: Design, placement: Placement) -> dict[str, Placement]:
    """The placement with its movable hard macros pulled to the boundary, as designers put them; not legal yet.

    That leaves the middle to the soft macros. An analytic placement spreads few large macros all over the canvas, and
    moves of one or two of them at a time hardly get them out of the way of the others.

    Returns:
        By name: `outward`, `OUTWARD` times as far from the centre; `edges`, on the nearest side of the canvas;
        `sides`, on the nearer one of left and right; `ends`, of bottom and top.
    """
    canvas, hard = design.canvas, design.netlist.is_hard & ~placement.fixed
    x, y, width, height = placement.x, placement.y, canvas.width, canvas.height
    side, end = np.where(x < width / 2, 0.0, width), np.where(y < height / 2, 0.0, height)
    side_is_nearer = np.abs(x - side) / width < np.abs(y - end) / height
    wanted = {
        "outward": (
            np.clip(_spread(x, width, OUTWARD), 0.0, width),
            np.clip(_spread(y, height, OUTWARD), 0.0, height),
        ),
        "edges": (np.where(side_is_nearer, side, x), np.where(side_is_nearer, y, end)),
        "sides": (side, y),
        "ends": (x, end),
    }
    return {
        name: placement.replace(x=np.where(hard, at_x, x), y=np.where(hard, at_y, y))
        for name, (at_x, at_y) in wanted.items()
    }


def legalize(design: Design, placement: Placement, core: _core.Design | None = None) -> Placement:
    """Moves hard macros to near legal places and soft macros inside the canvas.

    Raises:
        NetlistError: no legal placement exists or was found; names the macro in question.
    """
    netlist, canvas = design.netlist, design.canvas
    placement = orient(design, placement)
    design.with_placement(placement).check_placeable()
    placement = clamp_soft_macros(design, placement)
    core = core or core_design(netlist, canvas)
    check_fixed(core, placement.replace(placed=placement.placed & placement.fixed))
    found = _core.legalize(core, core_placement(placement))
    if isinstance(found, int):
        width, height = turn_size(netlist.size, placement.orientation)[:, found]
        area = float(np.sum(np.prod(netlist.size[:, netlist.is_hard], axis=0)))
        raise NetlistError(
            f"found no legal place for macro '{netlist.node_name[found]}' ({width:g} x {height:g} um): the hard macros "
            f"take {100 * area / (canvas.width * canvas.height):.1f} % of the canvas, with {len(canvas.blockages)} "
            f"blockages and a halo of {canvas.halo:g} um in the way; enlarge the canvas or reduce the halo"
        )
    x, y, _ = cast(tuple, found)
    return placement.replace(x=x, y=y)


def orient(design: Design, placement: Placement) -> Placement:
    """The placement with movable hard macros in allowed orientations: one that keeps the outline, if there is one."""
    netlist, given = design.netlist, placement.orientation
    allowed = design.constraints.allowed(netlist)
    wrong = netlist.is_hard & ~placement.fixed & (allowed >> given & 1 == 0)
    orientation = given.copy()
    for node in np.flatnonzero(wrong).tolist():
        codes = [code for code in range(8) if allowed[node] >> code & 1]
        orientation[node] = min(codes, key=lambda code: (code & 4 != given[node] & 4, code))
    return placement.replace(orientation=orientation)


def flips(design: Design, node: int, orientation: int) -> list[int]:
    """The allowed orientations that keep a macro's outline, its own among them."""
    allowed = int(design.constraints.allowed(design.netlist)[node]) if design.constraints.macros else EVERY_ORIENTATION
    same_outline = range(orientation & 4, (orientation & 4) + 4)
    return [code for code in same_outline if code == orientation or allowed >> code & 1]


def snapped(
    design: Design, placement: Placement, node: int, x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centres of a hard macro moved so that its lower left corner lies on the snapping grid, if there is one."""
    if not design.constraints.snaps:
        return x, y
    size = turn_size(design.netlist.size[:, [node]], placement.orientation[[node]])[:, 0]
    x, y = design.constraints.snap(x, y, size)
    return x, y


def check_placeable(design: Design) -> None:
    """Raises NetlistError if no legal placement with macros in allowed orientations can exist."""
    design.with_placement(orient(design, design.placement)).check_placeable()


def check_fixed(core: _core.Design, placement: Placement) -> None:
    """Raises NetlistError if the placed hard macros, of which the fixed ones cannot move, are not legal."""
    if not _core.is_legal(core, core_placement(placement)):
        raise NetlistError(
            "no legal placement exists: fixed hard macros overlap one another, a blockage or the edge of the canvas, "
            "or lie closer than the halo; move or free them"
        )


def free_places(
    core: _core.Design, placement: Placement, node: int, x: NDArray[np.float64], y: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """(K,) whether a hard macro fits with its centre at each of K points, the others where they are."""
    return _core.free_places(core, core_placement(placement), node, x, y).view(bool)


def to_cells(
    design: Design, placement: Placement, order: NDArray[np.int32], core: _core.Design | None = None
) -> Placement | None:
    """Moves hard macros to grid cells near where they are, as an episode could put them on whole cells.

    One that finds no cell comes before all others in the next attempt; when none succeeds, the macros are looked for
    room near the edges. An episode in any order can make what is found.

    Args:
        design: netlist and canvas.
        placement: where the macros should be; the others of them hold their places.
        order: the hard macros to move, in the order of the first attempt.
        core: compiled counterpart of the design.

    Returns:
        None if no attempt found room for all.
    """
    canvas = design.canvas
    core = core or core_design(design.netlist, canvas)
    for spread in CELL_SPREADS:
        x, y = _spread(placement.x, canvas.width, spread), _spread(placement.y, canvas.height, spread)
        wanted = placement.replace(x=x, y=y)
        remaining = order.tolist()
        for _ in range(CELL_ATTEMPTS):
            found, stuck = _fill_cells(design, core, placement, wanted, remaining)
            if stuck is None:
                return found
            remaining.remove(stuck)
            remaining.insert(0, stuck)
    return None


def _spread(at: NDArray[np.float64], extent: float, factor: float) -> NDArray[np.float64]:
    """Coordinates so many times as far from the middle of the canvas."""
    return extent / 2 + factor * (at - extent / 2)


def _fill_cells(
    design: Design, core: _core.Design, placement: Placement, wanted: Placement, order: list[int]
) -> tuple[Placement, int | None]:
    """The placement with macros on cells, and the first one that found none."""
    canvas = design.canvas
    row, col = np.divmod(np.arange(canvas.rows * canvas.cols), canvas.cols)
    centre_x, centre_y = (col + 0.5) * canvas.cell_width, (row + 0.5) * canvas.cell_height
    offset = _core.whole_cells(core, core_placement(placement))
    x, y, placed = placement.x.copy(), placement.y.copy(), placement.placed.copy()
    placed[order] = False
    for node in order:
        placed[node] = True
        at_x, at_y = snapped(design, placement, node, centre_x + offset[node, 0], centre_y + offset[node, 1])
        free = free_places(core, placement.replace(x=x, y=y, placed=placed), node, at_x, at_y)
        if not free.any():
            return placement, node
        distance = (at_x - wanted.x[node]) ** 2 + (at_y - wanted.y[node]) ** 2
        cell = np.where(free, distance, np.inf).argmin()
        x[node], y[node] = at_x[cell], at_y[cell]
    return placement.replace(x=x, y=y), None


def clamp_soft_macros(design: Design, placement: Placement) -> Placement:
    """The placement with its movable soft macros moved inside the canvas."""
    netlist, canvas = design.netlist, design.canvas
    movable = netlist.is_soft & ~placement.fixed & placement.placed
    half = 0.5 * turn_size(netlist.size, placement.orientation)

    def inside(at: NDArray[np.float64], half_size: NDArray[np.float64], extent: float) -> NDArray[np.float64]:
        margin = np.minimum(half_size, 0.5 * extent)
        return np.where(movable, np.clip(at, margin, extent - margin), at)

    return placement.replace(
        x=inside(placement.x, half[0], canvas.width), y=inside(placement.y, half[1], canvas.height)
    )
