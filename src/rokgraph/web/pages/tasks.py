"""The list of tasks, narrowed by what they have or lack.

Rule: the query narrows the rows; what a form offers is what some task has.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from rokgraph.parameters import key_of
from rokgraph.web.language import words
from rokgraph.web.pages.asked import Asked, Row
from rokgraph.web.pages.view import Values, View

# The words for what may be lacking, and for how a body has to do with a task.
_GAPS = {
    "no-law": "no_law",
    "no-stated-law": "no_stated_law",
    "no-deadline": "no_deadline",
    "no-target": "no_target",
    "no-budget": "no_budget",
}
_ROLES = {"stated lead": "stated_lead", "read remit": "read_remit"}
# What a task has several of, by the column that holds it, and the query of the pairs.
_PAIRS = {
    "law": "task-laws",
    "technology": "task-technologies",
    "agency": "task-agencies",
    "budget": "task-budgets",
}
_PATH = "/tasks"


@dataclass(frozen=True, slots=True)
class Facet:
    """One way to narrow the list: its parameter, (value, text) on offer, the value chosen.

    `without` is the address of the list without it; `text` is that of the value chosen.
    """

    name: str
    options: tuple[tuple[str, str], ...]
    value: str
    without: str

    @property
    def text(self) -> str:
        """What the value chosen is called; the value itself if it is not on offer."""
        return dict(self.options).get(self.value, self.value)


async def _tasks(asked: Asked) -> Values:
    pairs = {stem: await asked.rows(name) for stem, name in _PAIRS.items()}
    told = words(asked.language, "tasks")
    facets = await _facets(asked, pairs, told)
    return {
        "title": told["title"],
        "rows": await asked.rows("tasks"),
        "facets": facets,
        "pairs": {stem: _by_task(rows) for stem, rows in pairs.items()},
        "behind": asked.behind("tasks"),
        "money": asked.behind("task-budgets"),
        "parts": [(stem, asked.behind(name)) for stem, name in _PAIRS.items()],
    }


async def _facets(
    asked: Asked, pairs: Mapping[str, list[Row]], told: Mapping[str, str]
) -> list[Facet]:
    language = asked.language
    strategies = [
        (key_of(row["strategy"]), f"{row['notation']} {_name(row, 'strategy', language)}")
        for row in await asked.rows("strategies")
    ]
    years = [(row["year"], row["year"]) for row in await asked.rows("due-years")]
    offered = {
        "strategy": strategies,
        "agency": _things(_with_roles(pairs["agency"], told), "agency", language),
        "year": years,
        "technology": _things(pairs["technology"], "technology", language),
        "law": _things(pairs["law"], "law", language),
        "gap": [(gap, told[key]) for gap, key in _GAPS.items()],
    }
    return [_facet(asked, name, options) for name, options in offered.items()]


def _facet(asked: Asked, name: str, options: Iterable[tuple[str, str]]) -> Facet:
    term = asked.terms.get(name)
    value = "" if term is None else key_of(term.value)
    rest = urlencode({key: given for key, given in asked.given.items() if key != name})
    known = dict(options)
    if value and value not in known:
        known[value] = asked.given[name]
    return Facet(name, tuple(known.items()), value, f"{_PATH}?{rest}" if rest else _PATH)


def _things(rows: Iterable[Row], stem: str, language: str) -> list[tuple[str, str]]:
    """What the rows have in that column: key and name, by name."""
    named = {key_of(row[stem]): _name(row, stem, language) for row in rows}
    return sorted(named.items(), key=lambda pair: pair[1])


def _with_roles(rows: Iterable[Row], told: Mapping[str, str]) -> list[Row]:
    """The rows of bodies, their names with the roles that they have in any task."""
    rows = [*rows]
    roles: dict[str, dict[str, None]] = {}
    for row in rows:
        roles.setdefault(row["agency"], {})[told[_ROLES[row["role"]]]] = None
    return [
        Row(
            agency=row["agency"],
            **{
                column: f"{row[column]} ({', '.join(roles[row['agency']])})"
                for column in ("agencyEn", "agencyKo")
                if row[column]
            },
        )
        for row in rows
    ]


def _name(row: Row, stem: str, language: str) -> str:
    """The name of a thing in the reader's language, else in the other, else its key."""
    own, other = ("Ko", "En") if language == "ko" else ("En", "Ko")
    return row[stem + own] or row[stem + other] or key_of(row[stem])


def _by_task(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["task"], []).append(row)
    return found


TASKS = View(_PATH, "tasks", "tasks.html", _tasks, section="tasks")
