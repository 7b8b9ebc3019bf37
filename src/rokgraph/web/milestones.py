"""Courses of events as numbers: where days, years and the words beside them stand.

Rule: geometry only; no HTML and no RDF.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from rokgraph.web.diagram import width_of, wrapped

WIDTH = 1190
_LEFT, _RIGHT = 200, 20  # where the scale begins, and how far from the right side it ends
_HEAD, _LANE = 44, 66
_LINE, _AWAY = 17, 13  # between lines of words; from a line to the words above it
_SMALL = 12 / 13  # words beside marks are smaller than those that `width_of` measures


@dataclass(frozen=True, slots=True)
class Mark:
    """Something on a day (`YYYY-MM-DD`): its words, its kind, and whether it is uncertain."""

    day: str
    words: str
    kind: str
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Course:
    """What is told in one lane, in order of time; `words` name it.

    `aside` is written where there is no mark to tell it, from `since` on (`YYYY-MM-DD`).
    """

    name: str
    words: str
    marks: tuple[Mark, ...]
    aside: str = ""
    since: str = ""


@dataclass(frozen=True, slots=True)
class Dot:
    """A mark at its place, with its words, their baseline and their anchor."""

    x: float
    kind: str
    words: str
    text_x: float
    text_y: int
    anchor: str


@dataclass(frozen=True, slots=True)
class Lane:
    """A course at its place: `y` is its middle, `lines` are baselines and words of its name.

    `steps` are left and right end of each stretch, and whether it is dashed.
    """

    name: str
    y: int
    lines: tuple[tuple[int, str], ...]
    dots: tuple[Dot, ...]
    steps: tuple[tuple[float, float, bool], ...]
    aside: tuple[float, int, str] | None


@dataclass(frozen=True, slots=True)
class Chart:
    """Lanes below a scale of years; `ticks` are x and year, `event` the x of the given day."""

    width: int
    height: int
    left: int
    right: int
    ticks: tuple[tuple[float, int], ...]
    event: float
    lanes: tuple[Lane, ...]


def chart(courses: Sequence[Course], day: str) -> Chart:
    """Lanes for courses on one scale that holds every mark and that day.

    Raises ValueError for a day that is none.
    """
    days = [date.fromisoformat(mark.day) for course in courses for mark in course.marks]
    days.append(date.fromisoformat(day))
    first, last = date(min(days).year, 1, 1), max(days)
    right = WIDTH - _RIGHT
    span = max((last - first).days, 1)

    def x(when: str) -> float:
        passed = (date.fromisoformat(when) - first).days
        return round(_LEFT + passed / span * (right - _LEFT), 1)

    lanes = []
    for at, course in enumerate(courses):
        y = _HEAD + _LANE * at + _LANE // 2
        xs = [x(mark.day) for mark in course.marks]
        dots = tuple(
            _dot(place, mark, y, above=turn % 2 == 0, right=right)
            for turn, (place, mark) in enumerate(_told(xs, course.marks))
        )
        ends = zip(xs, xs[1:], course.marks[1:], strict=False)
        steps = tuple((start, end, mark.dashed) for start, end, mark in ends)
        aside = (x(course.since) + 8, y - _AWAY, course.aside) if course.aside else None
        lanes.append(Lane(course.name, y, _name(course.words, y), dots, steps, aside))
    ticks = tuple((x(f"{year}-01-01"), year) for year in range(first.year, last.year + 1))
    height = _HEAD + _LANE * len(lanes) + 4
    return Chart(WIDTH, height, _LEFT, right, ticks, x(day), tuple(lanes))


def _told(xs: Sequence[float], marks: Sequence[Mark]) -> list[tuple[float, Mark]]:
    return [(place, mark) for place, mark in zip(xs, marks, strict=True) if mark.words]


def _dot(x: float, mark: Mark, y: int, *, above: bool, right: int) -> Dot:
    """A mark with its words above or below, within the picture."""
    half = width_of(mark.words) * _SMALL / 2
    over = x + half > right
    text_y = y - _AWAY if above else y + _AWAY + 9
    return Dot(
        x,
        mark.kind,
        mark.words,
        min(right, x + _AWAY) if over else x,
        text_y,
        "end" if over else "middle",
    )


def _name(words: str, y: int) -> tuple[tuple[int, str], ...]:
    lines = wrapped(words, _LEFT - 16)
    first = y + 5 - _LINE * (len(lines) - 1) // 2
    return tuple((first + _LINE * at, line) for at, line in enumerate(lines))
