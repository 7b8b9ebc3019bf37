"""Dots in a row for each group and a column for each year, as numbers: where each one stands.

Rule: geometry only; no HTML and no RDF.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

# From dot to dot in px: what a finger can hit. https://www.w3.org/TR/WCAG22/#target-size-minimum
PITCH = 24
LEFT = 184  # px for the names of the rows
_HEAD = 34
_FOOT = 26
_PADDING = 10
_NARROWEST = 64
_LOWEST = 52  # px for two lines of a name
_MOST = 6  # dots side by side
_FLAT = 1.3  # how much wider than high a heap of dots is


@dataclass(frozen=True, slots=True)
class Column:
    """A year with its left side and its width in px."""

    year: int
    x: int
    width: int


@dataclass(frozen=True, slots=True)
class Lane:
    """A row: its upper side and its height in px."""

    y: int
    height: int


@dataclass(frozen=True, slots=True)
class Swarm:
    """The whole, `width` by `height` px; `places` are the middles of the dots in their order.

    `now` is the x at which the year asked for begins, None where no column has it.
    """

    width: int
    height: int
    columns: tuple[Column, ...]
    lanes: tuple[Lane, ...]
    places: tuple[tuple[int, int], ...]
    now: int | None


def swarm(dots: Sequence[tuple[int, int]], rows: int, this_year: int) -> Swarm | None:
    """Place dots, each a row from 0 and a year; None where there is none.

    Every year between the first and the last has a column; dots of one row and year stand side
    by side, in their order, none on another.
    """
    if not dots:
        return None
    years = [year for _, year in dots]
    counts = Counter(dots)
    abreast = {
        year: _abreast(max(counts[row, year] for row in range(rows)))
        for year in range(min(years), max(years) + 1)
    }
    columns, x = [], LEFT
    for year, many in abreast.items():
        width = max(_NARROWEST, many * PITCH + 2 * _PADDING)
        columns.append(Column(year, x, width))
        x += width
    lanes, y = [], _HEAD
    for row in range(rows):
        lines = max([1, *(-(-counts[row, year] // many) for year, many in abreast.items())])
        height = max(_LOWEST, lines * PITCH + 2 * _PADDING)
        lanes.append(Lane(y, height))
        y += height
    places = _places(dots, {column.year: column for column in columns}, lanes, abreast)
    now = next((column.x for column in columns if column.year == this_year), None)
    return Swarm(x, y + _FOOT, tuple(columns), tuple(lanes), places, now)


def _abreast(most: int) -> int:
    """How many dots stand side by side in a column whose fullest cell has `most`."""
    return max(1, min(_MOST, math.ceil(math.sqrt(most * _FLAT))))


def _places(
    dots: Sequence[tuple[int, int]],
    columns: dict[int, Column],
    lanes: Sequence[Lane],
    abreast: dict[int, int],
) -> tuple[tuple[int, int], ...]:
    before: dict[tuple[int, int], int] = defaultdict(int)
    places = []
    for row, year in dots:
        line, at = divmod(before[row, year], abreast[year])
        before[row, year] += 1
        x = columns[year].x + _PADDING + at * PITCH + PITCH // 2
        places.append((x, lanes[row].y + _PADDING + line * PITCH + PITCH // 2))
    return tuple(places)
