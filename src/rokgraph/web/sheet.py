"""The whole strategy on one sheet as numbers: where rows, names and links stand.

Rule: geometry only; no HTML and no RDF. Names on the left and right stand as near as there is room
to the middle of what they are linked to, so that links cross little.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rokgraph.web.diagram import width_of

WIDTH, HEIGHT = 1600, 900
TOP, BOTTOM = 112, 846
_MEASURED = 13  # px: the size at which `width_of` measures
SMALL, PLAIN = 13, 14
_LEFT, _RIGHT = 262, 1330  # where the dots of the outer columns stand
_ROWS, _ROWS_END = 560, 1032  # the sides of the rows of tasks
_LINE = 16
_AWAY = 12  # between a dot and its name


@dataclass(frozen=True, slots=True)
class Row:
    """A task: its key, its words, the number of its band from 0."""

    key: str
    text: str
    band: int


@dataclass(frozen=True, slots=True)
class End:
    """What tasks are linked to: its key, its words, whether its dot is filled."""

    key: str
    text: str
    filled: bool = True


@dataclass(frozen=True, slots=True)
class Link:
    """From the row of a key to the end of a key; dashed unless it is stated."""

    row: str
    end: str
    stated: bool


@dataclass(frozen=True, slots=True)
class Band:
    """The rows of one strategy: its number from 0, top, height, its words and their baseline."""

    number: int
    y: int
    height: int
    text: str
    baseline: int


@dataclass(frozen=True, slots=True)
class Placed:
    """A row or an end: the middle of its mark, baselines with lines, number of its band."""

    key: str
    x: int
    y: int
    lines: tuple[tuple[int, str], ...]
    band: int = -1
    filled: bool = True


@dataclass(frozen=True, slots=True)
class Curve:
    """A link: SVG path data, the number of its band, whether it is stated."""

    path: str
    band: int
    stated: bool


@dataclass(frozen=True, slots=True)
class Sheet:
    """Everything that stands on the sheet, `WIDTH` by `HEIGHT` px."""

    bands: tuple[Band, ...]
    rows: tuple[Placed, ...]
    left: tuple[Placed, ...]
    right: tuple[Placed, ...]
    curves: tuple[Curve, ...]
    ends: int = _ROWS_END
    begins: int = _ROWS


def draw(
    bands: Sequence[str], rows: Sequence[Row], left: Iterable[End], right: Iterable[End],
    links: Sequence[Link],
) -> Sheet:  # fmt: skip
    """Place the rows under the words of their bands, the ends beside them, and lead the links."""
    stripes, placed = _rows(bands, rows)
    at = {row.key: row for row in placed}
    beside = (
        _column(left, links, at, _LEFT, _LEFT - _AWAY - 20),
        _column(right, links, at, _RIGHT, WIDTH - _RIGHT - _AWAY - 24),
    )
    ends = {end.key: end for column in beside for end in column}
    curves = [
        _curve(at[link.row], ends[link.end], link.stated)
        for link in sorted(links, key=lambda link: link.stated)
        if link.row in at and link.end in ends
    ]
    return Sheet(stripes, placed, *beside, tuple(curves))


def _rows(bands: Sequence[str], rows: Sequence[Row]) -> tuple[tuple[Band, ...], tuple[Placed, ...]]:
    """Bands one below the other; the words of a band count as a row, and so does each gap half."""
    gap = 0.5
    pitch = (BOTTOM - TOP) / (len(rows) + len(bands) + gap * max(0, len(bands) - 1))
    y, stripes, placed = float(TOP), [], []
    for number, text in enumerate(bands):
        inside = [row for row in rows if row.band == number]
        stripes.append(
            Band(number, round(y), round(pitch * (len(inside) + 1)), text, round(y + pitch / 2 + 5))
        )
        for place, row in enumerate(inside, start=1):
            middle = round(y + pitch * (place + 0.5))
            placed.append(Placed(row.key, _ROWS, middle, ((middle + 5, row.text),), number))
        y += pitch * (len(inside) + 1 + gap)
    return tuple(stripes), tuple(placed)


def _column(
    ends: Iterable[End], links: Sequence[Link], at: Mapping[str, Placed], x: int, room: int
) -> tuple[Placed, ...]:
    """Ends one below the other, ordered by the middle of their links; `room` for words in px."""
    middles = {}
    for end in ends:
        ys = [at[link.row].y for link in links if link.end == end.key and link.row in at]
        middles[end] = sum(ys) / len(ys) if ys else BOTTOM
    ordered = sorted(middles, key=lambda end: (middles[end], end.text))
    lines = {end.key: wrapped(end.text, room) for end in ordered}
    heights = [_LINE * len(lines[end.key]) for end in ordered]
    spare = max(0.0, (BOTTOM - TOP - sum(heights)) / max(1, len(ordered)))
    y, placed = TOP + spare / 2, []
    for end, height in zip(ordered, heights, strict=True):
        middle = round(y + height / 2)
        first = round(y + height / 2 - _LINE * (len(lines[end.key]) - 1) / 2 + 4)
        words = tuple((first + _LINE * n, line) for n, line in enumerate(lines[end.key]))
        placed.append(Placed(end.key, x, middle, words, filled=end.filled))
        y += height + spare
    return tuple(placed)


def wrapped(text: str, room: int, size: int = SMALL) -> tuple[str, ...]:
    """The text in lines that fit into `room` px, parted at spaces."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and width_of(longer) * size / _MEASURED <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return tuple(lines)


def _curve(row: Placed, end: Placed, stated: bool) -> Curve:
    from_x = _ROWS - 6 if end.x < _ROWS else _ROWS_END + 6
    to_x = end.x + (7 if end.x < _ROWS else -7)
    bend = (from_x + to_x) // 2
    path = f"M{from_x} {row.y}C{bend} {row.y} {bend} {end.y} {to_x} {end.y}"
    return Curve(path, row.band, stated)
