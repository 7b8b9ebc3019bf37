"""Money and targets as printed: what each task has, and what it lacks.

Rule: adds nothing up; a number on the page is a column of a row.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rokgraph.parameters import key_of
from rokgraph.web.language import words
from rokgraph.web.pages.asked import Asked, Row
from rokgraph.web.pages.view import Values, View
from rokgraph.web.plots import Bars, bars
from rokgraph.web.ranges import Range, span

_PATH = "/figures"
# What a note on the whole strategy, such as how many tasks it has, is about.
_WHOLE = "/document/"


@dataclass(frozen=True, slots=True)
class Target:
    """A target, drawn from its baseline, with the notes on it."""

    row: Row
    drawn: Range
    hue: int
    notes: tuple[Row, ...]


async def _figures(asked: Asked) -> Values:
    told = words(asked.language, "figures")
    strategies = await asked.rows("strategies")
    hues = {row["strategy"]: hue for hue, row in enumerate(strategies, 1)}
    noted = _noted(await asked.rows("figures-notes"))
    budgets = await asked.rows("figures-budgets")
    targets = [
        Target(row, _range(row), hues.get(row["strategy"], 0), tuple(noted[row["target"]]))
        for row in await asked.rows("figures-targets")
    ]
    amounts = [row for row in budgets if row["budget"]]
    return {
        "title": told["title"],
        "budgets": budgets,
        "amounts": amounts,
        "drawing": _bars(amounts, asked.language),
        "hues": hues,
        "totals": await asked.rows("figures-totals"),
        "plan": [target for target in targets if target.hue],
        "reported": [target for target in targets if not target.hue],
        "counts": next(iter(await asked.rows("figures-counts")), Row()),
        "noted": noted,
        "whole": [note for thing, notes in noted.items() if _WHOLE in thing for note in notes],
        "notes": _shown(noted, [*budgets, *(target.row for target in targets)]),
        "facets": await _facets(asked, strategies),
        "chosen": {name: key_of(term.value) for name, term in asked.terms.items()},
        "counted": asked.behind("figures-counts"),
        "money": asked.behind("figures-budgets"),
        "aims": asked.behind("figures-targets"),
    }


def _range(row: Row) -> Range:
    return span(float(row["baseline"]) if row["baseline"] else None, float(row["value"]))


def _bars(amounts: Sequence[Row], language: str) -> Bars | None:
    """A bar for each amount, and one below it for what it grows from."""
    return bars(
        [
            (
                f"{row['strategyNotation']} · {row.named('element', language)}",
                [float(row[name]) for name in ("amount", "baselineAmount") if row[name]],
            )
            for row in amounts
        ]
    )


def _noted(notes: Iterable[Row]) -> dict[str, list[Row]]:
    found = defaultdict(list)
    for note in notes:
        found[note["thing"]].append(note)
    return found


def _shown(noted: Mapping[str, list[Row]], rows: Iterable[Row]) -> list[Row]:
    """Each note once: those on the whole strategy, and on what is shown."""
    shown = {row[stem] for row in rows for stem in ("budget", "target")}
    found = {
        note["note"]: note
        for thing, notes in noted.items()
        if thing in shown or _WHOLE in thing
        for note in notes
    }
    return sorted(found.values(), key=lambda note: int(note["start"]))


async def _facets(
    asked: Asked, strategies: Iterable[Row]
) -> list[tuple[str, list[tuple[str, str]]]]:
    """What the form offers, by parameter: (value, text)."""
    technologies = [
        (key_of(row["technology"]), row.named("technology", asked.language))
        for row in await asked.rows("figures-technologies")
    ]
    known = [
        (key_of(row["strategy"]), f"{row['notation']} {row.named('strategy', asked.language)}")
        for row in strategies
    ]
    return [("strategy", known), ("technology", technologies)]


FIGURES = View(_PATH, "figures-budgets", "figures.html", _figures, section="figures")
