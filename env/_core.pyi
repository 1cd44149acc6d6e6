"""Compiled kernels: cost, search, floorplan episodes."""

from collections.abc import Sequence
from typing import Annotated

import numpy
from numpy.typing import NDArray


class Design:
    """Netlist and canvas as the kernels read them."""

    def __init__(self, *, kind: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu', writable=False)], width: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], height: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], pin_node: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)], pin_dx: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], pin_dy: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], net_start: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)], net_pin: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)], net_weight: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], size: tuple[float, float], grid: tuple[int, int], routes: tuple[float, float, float, float], smoothing: int, congestion_grid: tuple[int, int], halo: float, blockages: Sequence[tuple[float, float, float, float]], halos: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], allowed: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu', writable=False)], boundary: float, pitch: tuple[float, float], offset: tuple[float, float]) -> None: ...

    @property
    def num_nodes(self) -> int: ...

class Placement:
    """Positions as the kernels read them; holds on to the arrays."""

    def __init__(self, x: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], y: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], orientation: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu', writable=False)], fixed: Annotated[NDArray[numpy.bool_], dict(shape=(None,), order='C', device='cpu', writable=False)], placed: Annotated[NDArray[numpy.bool_], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> None: ...

def evaluate(design: Design, placements: Sequence[Placement], num_threads: int = 1) -> list[tuple[float, float, float, float]]:
    """
    (wirelength, wirelength cost, density cost, congestion cost) of each placement.
    """

def maps(design: Design, placement: Placement) -> dict:
    """Density and congestion of each grid cell, (rows, cols)."""

class IncrementalCost:
    """Cost of a placement that changes move by move."""

    def __init__(self, design: Design, placement: Placement, weights: tuple[float, float, float]) -> None: ...

    def propose(self, node: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)], x: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], y: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], orientation: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu', writable=False)], limit: float, hope: float = float('inf')) -> bool:
        """
        Evaluates moves of distinct nodes; False, with nothing to accept, if the proxy cost exceeds `limit`, or if terms
        that are not evaluated yet would have to fall by more than `hope` for it not to.
        """

    def accept(self) -> None:
        """Keeps what was proposed."""

    def reject(self) -> None:
        """Goes back to before the proposal."""

    def probe(self, node: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)], x: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], y: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], orientation: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> NDArray[numpy.float64]:
        """Proxy cost, (K,), after each of K moves alone; nothing is moved."""

    def copy(self) -> IncrementalCost:
        """An independent copy."""

    @property
    def costs(self) -> tuple[float, float, float, float]: ...

    @property
    def proxy(self) -> float: ...

    @property
    def proposed(self) -> tuple[float, float, float, float]: ...

    @property
    def positions(self) -> tuple: ...

class Search:
    """Annealing chains over hard and soft macros, one a thread."""

    def __init__(self, design: Design, placement: Placement, movable: Annotated[NDArray[numpy.bool_], dict(shape=(None,), order='C', device='cpu', writable=False)], weights: tuple[float, float, float], seed: int, num_threads: int, guided: bool = False, on_cells: bool = False) -> None: ...

    def run(self, start_temperature: float, end_temperature: float, seconds: float, moves: int, guide: float = 0.0) -> None:
        """Anneals for so many seconds or moves a chain, whichever ends first."""

    def join(self) -> None:
        """From now on all chains work on the placement of the best one."""

    @property
    def proxy(self) -> float: ...

    @property
    def proposed(self) -> int: ...

    @property
    def costs(self) -> tuple[float, float, float, float]: ...

    @property
    def best_positions(self) -> tuple: ...

    @property
    def counts(self) -> dict: ...

def legalize(design: Design, placement: Placement) -> object:
    """
    Legal positions near the given ones, or the node for which none was found.
    """

def is_legal(design: Design, placement: Placement) -> bool:
    """Whether every placed hard macro fits where it is."""

def free_places(design: Design, placement: Placement, node: int, x: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], y: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> NDArray[numpy.uint8]:
    """
    (K,) whether a hard macro fits with its centre at each of K points, the others where they are.
    """

def whole_cells(design: Design, placement: Placement) -> NDArray[numpy.float64]:
    """
    (N, 2) um from a cell's centre to where a hard macro that goes there covers least of other cells.
    """

def place_analytically(design: Design, placement: Placement, movable: Annotated[NDArray[numpy.bool_], dict(shape=(None,), order='C', device='cpu', writable=False)], rounds: int, solver_steps: int, first_pull: float, last_pull: float, from_centre: bool, density: float) -> tuple:
    """
    Positions of an analytic placement of the movable nodes; hard macros may overlap in it.
    """

class FloorplanTask:
    """What all episodes of one design share."""

    def __init__(self, design: Design, start: Placement, order: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)], weights: tuple[float, float, float], soft_rounds: int, soft_moves: int, cell_offset: Annotated[NDArray[numpy.float64], dict(shape=(None, 2), order='C', device='cpu', writable=False)]) -> None: ...

class FloorplanBatch:
    """Episodes of several designs, stepped in one call."""

    def __init__(self, tasks: Sequence[FloorplanTask], num_threads: int) -> None: ...

    def reset(self, episode: int) -> None: ...

    def step(self, cells: Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu', writable=False)], partial_costs: bool) -> NDArray[numpy.float64]: ...

    def observe(self, action_mask: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu')], wire_mask: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu')], density: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu')], congestion_hor: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu')], congestion_ver: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu')], position: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu')], placed: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu')]) -> None: ...

    def steps(self) -> list[int]: ...

    def positions(self, episode: int) -> tuple:
        """((x, y), placed) of an episode as it stands."""
