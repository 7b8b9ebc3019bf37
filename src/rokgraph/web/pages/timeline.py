"""What is promised for when: a picture, the same as a table, what has no deadline, what came of it.

Rule: says what was promised, not whether it was kept; what is known of that stands apart.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rokgraph.parameters import key_of
from rokgraph.web.diagram import width_of
from rokgraph.web.language import words
from rokgraph.web.pages.asked import Asked, Row
from rokgraph.web.pages.view import Values, View
from rokgraph.web.swarm import LEFT, Lane, Swarm, swarm

PATH = "/timeline"
CALENDAR = "/timeline.ics"
_BESIDE = 24  # px around the name of a row
_FIRST, _LINE = 20, 18  # px to its first baseline, and from line to line
_PARAMETERS = ("agency", "strategy", "year")


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the timeline: whether its year is over, its ministries, the notes on it.

    `hue` is the number of the strategy from 1, 0 where it stands in none; a ministry is a row
    with its reading.
    """

    row: Row
    over: bool
    hue: int
    ministries: tuple[Row, ...]
    notes: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Band:
    """A row of the picture: the strategy, empty for what stands in none, and where it is drawn.

    `lines` are its name as it fits beside the row: baselines and words.
    """

    strategy: Row
    hue: int
    lane: Lane
    lines: tuple[tuple[int, str], ...]


def ministries(row: Row) -> tuple[Row, ...]:
    """The ministries of a row that has them side by side, each with its reading."""
    parts = [row[name].split(" ") for name in ("ministries", "readings")]
    named = [row[name].split("; ") for name in ("ministriesEn", "ministriesKo")]
    return tuple(
        Row(ministry=iri, reading=reading, ministryEn=english, ministryKo=korean)
        for iri, reading, english, korean in zip(*parts, *named, strict=True)
        if iri
    )


async def _timeline(asked: Asked) -> Values:
    told = words(asked.language, "timeline")
    strategies = await asked.rows("strategies")
    today = next(iter(await asked.rows("dataset-day")), Row())
    notes = await asked.rows("timeline-notes")
    entries = _entries(await asked.rows("timeline"), strategies, notes, _year(today))
    drawing, bands = _drawn(asked, entries, strategies, _year(today))
    return {
        "title": told["title"],
        "entries": entries,
        "drawing": drawing,
        "bands": bands,
        "today": today,
        "counts": next(iter(await asked.rows("timeline-counts")), Row()),
        "gaps": await asked.rows("timeline-gaps"),
        "outcomes": await asked.rows("timeline-outcomes"),
        "notes": _shown(notes, entries),
        "facets": await _facets(asked, strategies),
        "chosen": {name: key_of(term.value) for name, term in asked.terms.items()},
        "calendar": asked.arguments.url(CALENDAR, lang=asked.language),
        "behind": asked.behind("timeline"),
        "counted": asked.behind("timeline-counts"),
        "lacking": asked.behind("timeline-gaps"),
        "later": asked.behind("timeline-outcomes"),
    }


def _year(today: Row) -> int:
    """The year of the dataset; 0, before every other, where it is not known."""
    return int(today["day"][:4] or 0)


def _entries(
    rows: Iterable[Row], strategies: Sequence[Row], notes: Iterable[Row], this_year: int
) -> list[Entry]:
    hues = {row["strategy"]: hue for hue, row in enumerate(strategies, 1)}
    noted = defaultdict(list)
    for note in notes:
        noted[note["thing"]].append(note)
    return [
        Entry(
            row,
            int(row["when"][:4]) < this_year,
            hues.get(row["strategy"], 0),
            ministries(row),
            tuple(noted[row["thing"]]),
        )
        for row in rows
    ]


def _drawn(
    asked: Asked, entries: Sequence[Entry], strategies: Sequence[Row], this_year: int
) -> tuple[Swarm | None, list[Band]]:
    """The picture: a row for every strategy that is asked for, and one for what stands in none."""
    wanted = asked.terms.get("strategy")
    rows = [
        (row, hue)
        for hue, row in enumerate(strategies, 1)
        if wanted is None or wanted.value == row["strategy"]
    ]
    if any(entry.hue == 0 for entry in entries):
        rows.append((Row(), 0))
    at = {hue: index for index, (_, hue) in enumerate(rows)}
    dots = [(at[entry.hue], int(entry.row["when"][:4])) for entry in entries]
    drawing = swarm(dots, len(rows), this_year)
    lanes = drawing.lanes if drawing else ()
    whole = words(asked.language, "timeline")["whole"]
    return drawing, [
        Band(row, hue, lane, _lines(_numbered(row, asked.language) or whole, lane))
        for (row, hue), lane in zip(rows, lanes, strict=False)
    ]


def _numbered(strategy: Row, language: str) -> str:
    """The number and the name of a strategy."""
    return f"{strategy['notation']} {strategy.named('strategy', language)}".strip()


def _lines(text: str, lane: Lane) -> tuple[tuple[int, str], ...]:
    """A name in lines that fit beside a row of the picture, each with its baseline."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and width_of(longer) > LEFT - _BESIDE:
            lines.append(word)
        else:
            lines[-1] = longer
    return tuple((lane.y + _FIRST + _LINE * at, line) for at, line in enumerate(lines))


def _shown(notes: Iterable[Row], entries: Iterable[Entry]) -> list[Row]:
    """Each note once: those on what is shown."""
    known = {note["note"] for entry in entries for note in entry.notes}
    return list({note["note"]: note for note in notes if note["note"] in known}.values())


async def _facets(
    asked: Asked, strategies: Iterable[Row]
) -> list[tuple[str, list[tuple[str, str]]]]:
    """What the form offers, by parameter: (value, text)."""
    bodies = {
        key_of(row["agency"]): row.named("agency", asked.language)
        for row in await asked.rows("task-agencies")
    }
    years = await asked.rows("timeline-years")
    offered = (
        sorted(bodies.items(), key=lambda pair: pair[1]),
        [(key_of(row["strategy"]), _numbered(row, asked.language)) for row in strategies],
        [(row["year"], row["year"]) for row in years],
    )
    return list(zip(_PARAMETERS, offered, strict=True))


TIMELINE = View(PATH, "timeline", "timeline.html", _timeline, section="deadlines")
