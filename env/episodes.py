"""What both environments share: tasks, buffers, rewards."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from env import _core
from env.cost import CostModel, Costs, CostWeights, core_placement
from env.start import analytic_start, check_fixed, check_placeable, orient
from netlists import Design, NetlistError, Placement

INFEASIBLE_REWARD = -5.0
"""Sum of the rewards of an episode in which some macro fits nowhere."""

ORDERS = ("area", "connections", "index")
"""Orders in which hard macros are placed: largest area first, most net weight first, as in the netlist."""


@dataclass(frozen=True)
class FloorplanConfig:
    """What episodes are about."""

    order: str | Sequence[int] = "area"
    """Order of the hard macros, one of `ORDERS` (ties by index) or the nodes themselves."""
    weights: CostWeights = field(default_factory=CostWeights)
    """Weights of the cost terms in the reward."""
    shaped: bool = False
    """Spread the reward over the steps by the increase of the partial cost; the sum over an episode is the same."""
    soft_rounds: int = 2
    """Rounds of analytic placement of the soft macros at the end of an episode."""
    soft_moves: int = 0
    """Moves of exact descent of the soft macros after that."""
    whole_cells: bool = False
    """Put macros where they cover whole cells instead of on the centres of cells: one that takes an even number of
    columns, halo included, on the left edge of its cell, one that takes an even number of rows on the lower edge."""


@dataclass(frozen=True)
class Task:
    """A design made ready for episodes.

    Attributes:
        design: the design.
        start: provisional positions; those of soft macros hold until the end of an episode.
        order: (T,) int32, the nodes that an episode places.
        costs: its cost model.
        config: what it was made ready for.
        cell_offset: (N, 2) um, of macros from the centres of the cells that they go to.
        core: the compiled counterpart.
    """

    design: Design
    start: Placement
    order: NDArray[np.int32]
    costs: CostModel
    config: FloorplanConfig
    cell_offset: NDArray[np.float64]
    core: _core.FloorplanTask

    @staticmethod
    def make(design: Design, config: FloorplanConfig, start: Placement | None = None) -> Task:
        """Prepares a design.

        Args:
            design: hard macros that are fixed stay; the others are placed.
            config: see there.
            start: provisional positions of all macros; by default `analytic_start`.

        Raises:
            NetlistError: the design has no movable hard macro, or none can be placed legally.
        """
        costs = CostModel(design.netlist, design.canvas, config.weights)
        order = placement_order(design, config.order)
        if len(order) == 0:
            raise NetlistError(f"design '{design.name}' has no movable hard macro; expected at least one to place")
        check_placeable(design)
        start = orient(design, start or analytic_start(design, costs.core))
        hard_fixed = design.netlist.is_hard & design.placement.fixed
        check_fixed(costs.core, start.replace(placed=start.placed & (hard_fixed | ~design.netlist.is_hard)))
        at = core_placement(start)
        offset = _core.whole_cells(costs.core, at) if config.whole_cells else np.zeros((len(start.x), 2))
        core = _core.FloorplanTask(
            costs.core,
            at,
            order,
            astuple(config.weights),
            config.soft_rounds,
            config.soft_moves,
            offset,
        )
        return Task(design, start, order, costs, config, offset, core)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled without the compiled part, which is made anew."""
        return Task.make, (self.design, self.config, self.start)

    def check_begins(self) -> None:
        """Raises NetlistError if the first macro fits on no grid cell, so that an episode ends before it begins."""
        if not Episodes([self], FloorplanConfig()).observe()["action_mask"].any():
            netlist, canvas = self.design.netlist, self.design.canvas
            raise NetlistError(
                f"design '{self.design.name}': no grid cell is free for the centre of macro "
                f"'{netlist.node_name[self.order[0]]}', the first one; a grid finer than {canvas.cols} x {canvas.rows} "
                "may have one, or free fixed macros"
            )

    @property
    def num_cells(self) -> int:
        return self.design.canvas.rows * self.design.canvas.cols

    @property
    def num_routing_cells(self) -> int:
        return math.prod(self.design.canvas.congestion_grid)


def placement_order(design: Design, order: str | Sequence[int]) -> NDArray[np.int32]:
    """The movable hard macros in the order in which an episode places them.

    Raises:
        ValueError: no such order, or nodes that are not the movable hard macros, each once.
    """
    netlist = design.netlist
    nodes = np.flatnonzero(netlist.is_hard & ~design.placement.fixed)
    if not isinstance(order, str):
        given = np.asarray(order, np.int32)
        if not np.array_equal(np.sort(given), nodes):
            raise ValueError(f"order is {given.tolist()}, expected each movable hard macro once: {nodes.tolist()}")
        return given
    if order not in ORDERS:
        raise ValueError(f"order is '{order}', expected one of {', '.join(ORDERS)}, or nodes")
    if order == "area":
        key = np.prod(netlist.size, axis=0)
    elif order == "connections":
        degree = np.diff(netlist.net_start)
        node = netlist.pin_node[netlist.net_pin]
        key = np.bincount(node, np.repeat(netlist.net_weight, degree), minlength=netlist.num_nodes)
    else:
        key = np.zeros(netlist.num_nodes)
    return nodes[np.argsort(-key[nodes], kind="stable")].astype(np.int32)


@dataclass(frozen=True)
class StepOutcome:
    """What a step of B episodes came to; (B,) arrays and a list."""

    reward: NDArray[np.float64]
    terminated: NDArray[np.bool_]
    infeasible: NDArray[np.bool_]
    costs: list[Costs | None]
    """Costs of what is placed (None where not needed); of the whole placement where an episode is complete."""


class Episodes:
    """B episodes in lockstep, one of each task."""

    def __init__(self, tasks: Sequence[Task], config: FloorplanConfig, num_threads: int = 1) -> None:
        self.tasks = list(tasks)
        self.config = config
        self.batch = _core.FloorplanBatch([task.core for task in self.tasks], num_threads)
        self.cell_start = np.cumsum([0] + [task.num_cells for task in self.tasks])
        self.routing_start = np.cumsum([0] + [task.num_routing_cells for task in self.tasks])
        self.node_start = np.cumsum([0] + [task.design.netlist.num_nodes for task in self.tasks])
        self._paid = np.zeros(len(self.tasks))

    def _cost(self, episode: int, terms: Sequence[float]) -> Costs:
        return self.tasks[episode].costs.costs(*(float(term) for term in terms))

    def reset(self, episode: int) -> None:
        self.batch.reset(episode)
        self._paid[episode] = 0.0

    def step(self, actions: NDArray[np.int64]) -> StepOutcome:
        """Places the next macro of every episode, or of none. Episodes that end stay as they are until `reset`.

        Raises:
            ValueError: an action is not legal.
        """
        table = self.batch.step(np.ascontiguousarray(actions, np.int64), self.config.shaped)
        illegal = np.flatnonzero(table[:, 0] == 0)
        if illegal.size:
            at = int(illegal[0])
            raise ValueError(
                f"action {int(actions[at])} of episode {at} is illegal: the macro would overlap another one, a "
                "blockage or the edge; choose a cell whose action_mask is 1, and reset an episode that has ended"
            )
        terminated, infeasible = table[:, 1] == 1, table[:, 2] == 1
        known = (terminated | self.config.shaped) & ~infeasible
        costs = [self._cost(i, table[i, 3:]) if known[i] else None for i in range(len(self.tasks))]
        reward = np.zeros(len(self.tasks))
        for i, cost in enumerate(costs):
            if infeasible[i]:
                reward[i] = INFEASIBLE_REWARD - self._paid[i]
            elif cost is not None:
                reward[i] = -cost.proxy_cost - self._paid[i]
            self._paid[i] += reward[i]
        return StepOutcome(reward, terminated, infeasible, costs)

    def steps(self) -> NDArray[np.int64]:
        """(B,) how many macros each episode has placed."""
        return np.array(self.batch.steps(), np.int64)

    def observe(self) -> dict[str, NDArray]:
        """Arrays of all episodes joined: maps (sum of G,), `position` (sum of N, 2), `placed` (sum of N,)."""
        cells, routing, nodes = int(self.cell_start[-1]), int(self.routing_start[-1]), int(self.node_start[-1])
        mask, placed = np.empty(cells, np.uint8), np.empty(nodes, np.uint8)
        wire, density = np.empty(cells, np.float32), np.empty(cells, np.float32)
        hor, ver = np.empty(routing, np.float32), np.empty(routing, np.float32)
        position = np.empty(2 * nodes, np.float32)
        self.batch.observe(mask, wire, density, hor, ver, position, placed)
        return {
            "action_mask": mask.view(np.int8),
            "wire_mask": wire,
            "density": density,
            "congestion_hor": hor,
            "congestion_ver": ver,
            "position": position.reshape(-1, 2),
            "placed": placed.view(np.int8),
        }

    def slice(self, observation: dict[str, NDArray], episode: int) -> dict[str, NDArray]:
        """One episode's part of what `observe` returned."""
        starts = {
            "action_mask": self.cell_start,
            "wire_mask": self.cell_start,
            "density": self.cell_start,
            "congestion_hor": self.routing_start,
            "congestion_ver": self.routing_start,
            "position": self.node_start,
            "placed": self.node_start,
        }
        return {name: array[starts[name][episode] : starts[name][episode + 1]] for name, array in observation.items()}

    def placement(self, episode: int) -> Placement:
        """The placement of an episode as it stands; hard macros that are not placed yet are flagged so."""
        (x, y), placed = self.batch.positions(episode)
        return self.tasks[episode].start.replace(x=x, y=y, placed=placed.astype(bool))
