"""Paths through columns as numbers: where boxes, their lines of words and the links stand.

Rule: geometry only; no HTML and no RDF.

A link that passes over a column takes a place of its own in it, so that it runs between boxes
and not behind them. See https://doi.org/10.1109/TSMC.1981.4308636
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rokgraph.web.diagram import wrapped

BOX_WIDTH = 200
_GAP = 46  # between columns, where the links run
_BETWEEN = 12  # between boxes of a column
_MARGIN, _ABOVE = 4, 30
_LINE, _PAD, _INSET = 17, 9, 11
_LANE = 6  # the height that a passing link takes
_SWEEPS = 6  # after which the order of the boxes no longer gets better


@dataclass(frozen=True, slots=True)
class Box:
    """What is to be placed: its name, its column from 0, the words in it."""

    name: str
    column: int
    words: str


@dataclass(frozen=True, slots=True)
class Link:
    """A step from one box to another, in a column further right, both by name."""

    start: str
    end: str
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Placed:
    """A box with its upper left corner and height in px and the baselines of its lines."""

    name: str
    x: int
    y: int
    height: int
    lines: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Curve:
    """A link as SVG path data."""

    path: str
    dashed: bool


@dataclass(frozen=True, slots=True)
class Traced:
    """The picture, `width` by `height` px; `columns` are the left sides of the columns."""

    width: int
    height: int
    columns: tuple[int, ...]
    boxes: tuple[Placed, ...]
    curves: tuple[Curve, ...]


def trace(boxes: Sequence[Box], links: Sequence[Link]) -> Traced:
    """Place boxes in their columns, near to what they are linked with, and lead the links.

    The boxes of the first column stay in the order in which they are given.
    """
    lines = {box.name: wrapped(box.words, BOX_WIDTH - 2 * _INSET) for box in boxes}
    heights: dict[str, float] = {
        name: _LINE * len(found) + 2 * _PAD for name, found in lines.items()
    }
    columns = [
        [box.name for box in boxes if box.column == column]
        for column in range(max(box.column for box in boxes) + 1)
    ]
    at = {box.name: box.column for box in boxes}
    ways = [_way(link, at, columns, heights) for link in links]
    near = _neighbours(ways)
    _order(columns, near)
    middles = _settle(columns, heights, near)
    lefts = [_MARGIN + column * (BOX_WIDTH + _GAP) for column in range(len(columns))]
    placed = [
        _placed(box.name, lefts[box.column], middles[box.name], lines[box.name]) for box in boxes
    ]
    bottom = max(box.y + box.height for box in placed)
    curves = [
        Curve(_curve([(lefts[column], middles[name]) for name, column in way]), link.dashed)
        for link, way in zip(links, ways, strict=True)
    ]
    width = lefts[-1] + BOX_WIDTH + _MARGIN
    return Traced(width, bottom + _MARGIN, tuple(lefts), tuple(placed), tuple(curves))


def _way(
    link: Link, at: Mapping[str, int], columns: list[list[str]], heights: dict[str, float]
) -> list[tuple[str, int]]:
    """The places that a link leads through, with their columns; lanes are added where needed."""
    way = [(link.start, at[link.start])]
    for column in range(at[link.start] + 1, at[link.end]):
        lane = f"{link.start} {link.end} {column}"
        if lane not in heights:
            heights[lane] = _LANE
            columns[column].append(lane)
        way.append((lane, column))
    return [*way, (link.end, at[link.end])]


def _neighbours(ways: Iterable[list[tuple[str, int]]]) -> dict[str, dict[int, list[str]]]:
    """Of each place those that it is linked with, by their column."""
    found: dict[str, dict[int, list[str]]] = {}
    for way in ways:
        for (start, left), (end, right) in pairwise(way):
            found.setdefault(start, {}).setdefault(right, []).append(end)
            found.setdefault(end, {}).setdefault(left, []).append(start)
    return found


def _order(columns: list[list[str]], near: Mapping[str, Mapping[int, list[str]]]) -> None:
    """Order each column but the first by what its places join on the left, then on the right."""
    for _ in range(_SWEEPS):
        for number in range(1, len(columns)):
            left = _middles(columns, number, number - 1, near)
            right = _middles(columns, number, number + 1, near)
            ranks = {name: (left[name], right[name]) for name in columns[number]}
            columns[number].sort(key=ranks.__getitem__)


def _middles(
    columns: Sequence[Sequence[str]],
    number: int,
    beside: int,
    near: Mapping[str, Mapping[int, list[str]]],
) -> dict[str, float]:
    """Of each place of column `number` the mean rank of what it joins in column `beside`.

    Of a place that joins nothing there, its own rank.
    """
    other = columns[beside] if beside < len(columns) else ()
    rank = {name: place for place, name in enumerate(other)}
    middles = {}
    for place, name in enumerate(columns[number]):
        ranks = [rank[joined] for joined in near.get(name, {}).get(beside, [])] or [place]
        middles[name] = sum(ranks) / len(ranks)
    return middles


def _settle(
    columns: Sequence[Sequence[str]],
    heights: Mapping[str, float],
    near: Mapping[str, Mapping[int, list[str]]],
) -> dict[str, float]:
    """The middle of each place: the tallest column stands close, the others beside what they join.

    Outward from the tallest, so that each column has one beside it that stands already.
    """
    needs = [
        sum(heights[name] for name in column) + _BETWEEN * (len(column) - 1) for column in columns
    ]
    tall = needs.index(max(needs))
    middles = _stacked(columns[tall], heights, {}, needs[tall])
    outward = [(column, column - 1) for column in range(tall + 1, len(columns))]
    outward += [(column, column + 1) for column in range(tall - 1, -1, -1)]
    for column, beside in outward:
        wished = {
            name: sum(middles[other] for other in linked) / len(linked)
            for name in columns[column]
            if (linked := near.get(name, {}).get(beside, []))
        }
        middles |= _stacked(columns[column], heights, wished, needs[tall])
    return middles


def _stacked(
    column: Sequence[str], heights: Mapping[str, float], wished: Mapping[str, float], room: float
) -> dict[str, float]:
    """Middles in order, as near to the wished ones as room and order allow."""
    tops: list[float] = []
    edge = 0.0
    for name in column:
        top = max(edge, wished[name] - heights[name] / 2) if name in wished else edge
        tops.append(top)
        edge = top + heights[name] + _BETWEEN
    edge = room
    for place in range(len(column) - 1, -1, -1):  # what reaches too far goes back up
        tops[place] = min(tops[place], edge - heights[column[place]])
        edge = tops[place] - _BETWEEN
    return {name: _ABOVE + top + heights[name] / 2 for name, top in zip(column, tops, strict=True)}


def _placed(name: str, x: int, middle: float, lines: tuple[str, ...]) -> Placed:
    height = _LINE * len(lines) + 2 * _PAD
    y = round(middle - height / 2)
    first = y + _PAD + 13  # the baseline within the first line
    return Placed(
        name, x, y, height, tuple((first + _LINE * at, line) for at, line in enumerate(lines))
    )


def _curve(way: Sequence[tuple[int, float]]) -> str:
    """A curve from the right side of the first place to the left side of the last."""
    bend = _GAP // 2
    x, y = way[0][0] + BOX_WIDTH, round(way[0][1])
    path = f"M{x} {y}"
    for left, middle in way[1:]:
        down = round(middle)
        path += f"C{x + bend} {y} {left - bend} {down} {left} {down}"
        x, y = left + BOX_WIDTH, down
        if left != way[-1][0]:
            path += f"H{x}"
    return path
