"""Standard cells to soft macros, as AlphaChip groups them. Rules and their sources: `netlists/docs/clustering.md`."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netlists.design import Design
from netlists.errors import NetlistError
from netlists.files import read_text, write_bytes
from netlists.grouped import MAX_FANOUT, UTILISATION, group_design, small_nets
from netlists.grouping import Groups, break_up, compact, fixed_groups, merge_tiny
from netlists.netlist import Kind
from netlists.partition import build_hypergraph, partition
from netlists.placement import Placement
from netlists.protobuf import SOFT_PREFIX

_WEIGHT_UNITS = 100
"""Integer weight of a cell of mean area: the partitioner counts in whole numbers."""


@dataclass(frozen=True)
class ClusterConfig:
    """How cells are clustered. The defaults are AlphaChip's, except `imbalance` and `balance`."""

    groups: int = 500
    """Groups beside the fixed ones around macros and ports."""
    seed: int = 0
    """Of the partitioner."""
    levels: int = 1
    """Nets between a macro or port and the farthest cell of its fixed group."""
    max_fanout: int = MAX_FANOUT
    """Nets of more sinks are left out."""
    utilisation: float = UTILISATION
    """Share of a soft macro's area that its cells fill."""
    imbalance: float = 1.0
    """By how much the weight of a group may exceed the mean, as a share of it."""
    balance: str = "area"
    """What a cell weighs: its `area`, or `cells`: one."""
    break_up: bool = True
    """Break up groups that span more than a quarter of the canvas, and merge tiny ones."""
    threads: int = 2
    """Of the partitioner; the result does not depend on it."""

    def __post_init__(self) -> None:
        """Raises NetlistError where a field is out of its range."""
        if self.groups < 1 or self.levels < 0 or self.max_fanout < 1 or self.threads < 1 or self.imbalance < 0:
            raise NetlistError(
                "expected groups, max_fanout and threads of at least 1, levels and imbalance of at least 0, got "
                f"{self.groups}, {self.max_fanout}, {self.threads}, {self.levels} and {self.imbalance:g}"
            )
        if self.seed < 0:
            raise NetlistError(f"seed is {self.seed}, expected seed >= 0")
        if self.balance not in ("area", "cells"):
            raise NetlistError(f"balance is '{self.balance}', expected area or cells")
        if not 0 < self.utilisation <= 1:
            raise NetlistError(f"expected a utilisation above 0 and at most 1, got {self.utilisation:g}")


@dataclass(frozen=True)
class Clustering:
    """A clustered design, and where its cells went."""

    design: Design
    """Soft macros instead of standard cells."""
    group: Groups
    """(N of the source,) the number of the soft macro `Grp_<number>` of each cell; -1 for what stayed as it was."""
    source: Design
    """What was clustered."""

    def members(self) -> dict[str, str]:
        """The soft macro of each clustered cell, by name."""
        names = self.source.netlist.node_name
        return {names[cell]: f"{SOFT_PREFIX}{self.group[cell]}" for cell in np.flatnonzero(self.group >= 0).tolist()}


def cluster(design: Design, config: ClusterConfig | None = None) -> Design:
    """The design with soft macros instead of its movable standard cells; see `cluster_cells`."""
    return cluster_cells(design, config).design


def cluster_cells(design: Design, config: ClusterConfig | None = None) -> Clustering:
    """Clusters the movable standard cells of a flat design into soft macros.

    Fixed cells stay as they are. A design without movable cells comes back unchanged but for nets of too many sinks.

    Raises:
        NetlistError: a setting is out of range, or the design has soft macros already.
    """
    config = config or ClusterConfig()
    if (design.netlist.kind == Kind.SOFT_MACRO).any():
        raise NetlistError(f"design '{design.name}' has soft macros; expected a flat one, without nodes named Grp_*")
    group = compact(assign_groups(design, config))
    return Clustering(group_design(design, group, config.utilisation, config.max_fanout), group, design)


def assign_groups(design: Design, config: ClusterConfig) -> Groups:
    """(N,) the group of each movable standard cell, -1 for all else; numbers may have gaps."""
    fixed = fixed_groups(design, config.levels, config.max_fanout)
    group = _partition_cells(design, fixed, config)
    if not config.break_up:
        return group
    quarter = math.sqrt(design.canvas.width * design.canvas.height) / 4
    group = break_up(design, group, quarter)
    cells = group >= 0
    smallest = int(cells.sum()) // max(1, len(np.unique(group[cells]))) // 4
    return merge_tiny(design, group, smallest, quarter / 2, config.max_fanout) if smallest else group


def _partition_cells(design: Design, fixed: Groups, config: ClusterConfig) -> Groups:
    """Divides the cells that are in no fixed group among those and `config.groups` more."""
    netlist = design.netlist
    movable = (netlist.kind == Kind.STDCELL) & ~design.placement.fixed
    num_fixed = int(fixed.max(initial=-1)) + 1
    free = np.flatnonzero(movable & (fixed < 0))
    vertex_of = fixed.astype(np.int64)
    vertex_of[free] = num_fixed + np.arange(len(free))
    block = np.full(num_fixed + len(free), -1, np.int64)
    block[:num_fixed] = np.arange(num_fixed)
    graph = build_hypergraph(
        netlist, small_nets(netlist, config.max_fanout), vertex_of, _weights(design, movable, vertex_of, config), block
    )
    groups = min(config.groups, max(1, len(free)))
    found = partition(graph, num_fixed + groups, config.imbalance, config.seed, config.threads)
    return np.where(movable, found[vertex_of] if len(found) else -1, -1).astype(np.int32)


def _weights(
    design: Design, movable: NDArray[np.bool_], vertex_of: NDArray[np.int64], config: ClusterConfig
) -> NDArray[np.int64]:
    """(V,) weight of each vertex in units of a hundredth of the mean cell, at least 1."""
    each = np.prod(design.netlist.size, axis=0) if config.balance == "area" else np.ones(len(movable))
    weight = each * movable
    mean = weight.sum() / max(1, int(movable.sum()))
    inside = vertex_of >= 0
    total = np.bincount(vertex_of[inside], weight[inside], minlength=int(vertex_of.max(initial=-1)) + 1)
    return np.maximum(1, np.round(total / (mean or 1.0) * _WEIGHT_UNITS)).astype(np.int64)


def unfold_placement(source: Design, placed: Design, members: Mapping[str, str]) -> Placement:
    """Where the nodes of a flat design lie once its clustered form is placed: cells at their soft macro's centre.

    Args:
        source: the flat design; what is fixed in it keeps its place.
        placed: the clustered design, with the placement in question.
        members: the soft macro of each cell, by name.
    """
    node_of = {name: node for node, name in enumerate(placed.netlist.node_name)}
    found = [node_of.get(members.get(name, name), -1) for name in source.netlist.node_name]
    node = np.array(found, np.int64).reshape(-1)
    own, moves = source.placement, (node >= 0) & ~source.placement.fixed
    at = placed.placement
    turns = moves & source.netlist.is_hard
    return Placement(
        np.where(moves, at.x[node], own.x),
        np.where(moves, at.y[node], own.y),
        np.where(turns, at.orientation[node], own.orientation),
        own.fixed,
        np.where(moves, at.placed[node], own.placed),
    )


def write_clusters(path: str | Path, clustering: Clustering) -> None:
    """Writes the soft macro of each cell as CSV: a header `cell,group`, then a line for each cell.

    Raises:
        NetlistError: the file cannot be written.
    """
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("cell", "group"))
    rows.writerows(clustering.members().items())
    write_bytes(Path(path), text.getvalue().encode())


def read_clusters(path: str | Path) -> dict[str, str]:
    """The soft macro of each cell, by name, as `write_clusters` wrote it.

    Raises:
        NetlistError: the file cannot be read or breaks the format.
    """
    path = Path(path)
    members: dict[str, str] = {}
    rows = csv.reader(io.StringIO(read_text(path), newline=""), strict=True)
    try:
        header = next(rows, [])
        if header != ["cell", "group"]:
            raise NetlistError(f"expected the header 'cell,group', found '{','.join(header)[:60]}'", path, 1)
        for row in rows:
            if len(row) != 2 or row[0] in members:
                raise NetlistError(
                    f"expected 'cell,group' with each cell once, found '{','.join(row)[:60]}'", path, rows.line_num
                )
            members[row[0]] = row[1]
    except csv.Error as error:
        raise NetlistError(f"expected CSV, found: {error}", path, rows.line_num) from error
    return members
