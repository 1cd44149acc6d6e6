"""Bookshelf: `.aux .nodes .nets .pl .scl .wts`. What every record means: `netlists/docs/bookshelf.md`."""

from netlists.bookshelf.reader import read_bookshelf
from netlists.bookshelf.records import parse_aux, parse_nets, parse_nodes, parse_pl, parse_wts
from netlists.bookshelf.rows import parse_scl
from netlists.bookshelf.writer import write_bookshelf, write_pl

__all__ = [
    "parse_aux",
    "parse_nets",
    "parse_nodes",
    "parse_pl",
    "parse_scl",
    "parse_wts",
    "read_bookshelf",
    "write_bookshelf",
    "write_pl",
]
