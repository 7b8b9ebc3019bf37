"""Bars and timelines as numbers: where marks, lines and words stand.

Rule: geometry only; no HTML and no RDF.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rokgraph.web.diagram import width_of

WIDTH, LONG = 720, 960  # in px of bars, of a timeline
_BAR, _BETWEEN, _LABEL = 16, 12, 20  # heights in px of a bar, between groups, of a line of words
_ROOM = 150  # to the right of the longest bar, for its value
_LANE, _HEAD = 28, 34
_LEFT, _RIGHT = 440, 24  # where the axis begins, and how far from the right side it ends
_TICKS = 12
_TIME = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?(?:Z|[+-]\d\d:\d\d)?")


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar from the left side: its top, its length in px, and where its value is written.

    `series` is its number in its group, from 1.
    """

    series: int
    y: int
    length: float
    text_x: float
    text_y: int


@dataclass(frozen=True, slots=True)
class Group:
    """The bars of one row under its label; `y` is the baseline of the label."""

    y: int
    label: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Bars:
    """Groups of bars on one scale from 0."""

    width: int
    height: int
    thickness: int
    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class Lane:
    """A time on a line of its own: from `start` to `end`, equal for a day; `y` is its middle."""

    y: int
    label: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Timeline:
    """Lanes below a scale; `ticks` are pairs of x and year, `left` and `right` its ends."""

    width: int
    height: int
    left: int
    right: int
    ticks: tuple[tuple[float, int], ...]
    lanes: tuple[Lane, ...]


def bars(rows: Sequence[tuple[str, Sequence[float]]]) -> Bars | None:
    """Bars for rows of a label and values, none below 0; None where there is nothing to draw."""
    most = max((value for _, values in rows for value in values), default=0)
    if most <= 0 or any(value < 0 for _, values in rows for value in values):
        return None
    y, groups = 0, []
    for label, values in rows:
        y += _LABEL
        baseline, drawn = y - 6, []
        for series, value in enumerate(values, 1):
            length = round(value / most * (WIDTH - _ROOM), 1)
            drawn.append(Bar(series, y, length, length + 8, y + 13))
            y += _BAR + 2
        groups.append(Group(baseline, shortened(label, WIDTH), tuple(drawn)))
        y += _BETWEEN
    return Bars(WIDTH, y, _BAR, tuple(groups))


def timeline(rows: Sequence[tuple[str, str]]) -> Timeline | None:
    """A timeline of rows of a label and a year, month or day; None where none is such."""
    times = [(label, found) for label, when in rows if (found := _time(when)) is not None]
    if not times:
        return None
    first = min(int(start) for _, (start, _) in times)
    last = max(-int(-end // 1) for _, (_, end) in times)
    last = max(last, first + 1)
    right = LONG - _RIGHT

    def x(year: float) -> float:
        return round(_LEFT + (year - first) / (last - first) * (right - _LEFT), 1)

    step = -(-(last - first) // _TICKS)
    lanes = [
        Lane(_HEAD + _LANE // 2 + at * _LANE, shortened(label, _LEFT - 24), x(start), x(end))
        for at, (label, (start, end)) in enumerate(times)
    ]
    ticks = tuple((x(year), year) for year in range(first, last + 1, step))
    return Timeline(LONG, _HEAD + _LANE * len(lanes) + 6, _LEFT, right, ticks, tuple(lanes))


def _time(text: str) -> tuple[float, float] | None:
    """Begin and end of a year, a month or a day, in years; a day is a point."""
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    year, month, day = (int(part) if part else 0 for part in found.groups())
    if not month:
        return year, year + 1
    begin = year + (month - 1) / 12
    if not day:
        return begin, begin + 1 / 12
    at = begin + (day - 0.5) / 372
    return at, at


def shortened(text: str, room: float) -> str:
    """A text that is about as wide as there is room, in px, an ellipsis where it is cut."""
    if width_of(text) <= room:
        return text
    while text and width_of(text + "…") > room:
        text = text[:-1]
    return text.rstrip() + "…"
