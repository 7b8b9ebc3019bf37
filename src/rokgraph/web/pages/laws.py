"""The laws that the release announces or names, and what became of each."""

from collections.abc import Mapping, Sequence

from rokgraph.web.language import words
from rokgraph.web.milestones import Chart, Course, Mark, chart
from rokgraph.web.pages.asked import Asked, Row
from rokgraph.web.pages.view import Values, View
from rokgraph.web.signposting import local
from rokgraph.web.wording import day

_UNKNOWN = "https://w3id.org/rokgraph/def/outcome-status/unknown"


async def _laws(asked: Asked) -> Values:
    rows = await asked.rows("laws")
    facets = await asked.rows("laws-facets")
    announced = next((row["announced"] for row in rows if row["announced"]), "")
    chosen = {name: term.value for name, term in asked.terms.items()}
    return {
        "title": words(asked.language, "laws")["title"],
        "rows": rows,
        "facets": {
            facet: [row for row in facets if row["facet"] == facet]
            for facet in ("status", "technology")
        },
        "chosen": chosen,
        "announced": announced,
        "unknown": _UNKNOWN,
        "picture": _picture(rows, announced, asked.language) if announced else None,
        "addresses": {row["instrument"]: local(row["instrument"]) for row in rows},
        "amendments": await asked.rows("laws-amendments"),
        "notes": await asked.rows("laws-notes"),
        "behind": asked.behind("laws"),
        "counted": asked.behind("laws-facets"),
        "amending": asked.behind("laws-amendments"),
        "noted": asked.behind("laws-notes"),
    }


LAWS = View("/laws", "laws", "laws.html", _laws, "laws")


def _picture(rows: Sequence[Row], announced: str, language: str) -> Chart:
    """A lane for each instrument; what is known of it stands on its day."""
    told = words(language, "laws")
    of: dict[str, list[Row]] = {}
    for row in rows:
        of.setdefault(row["instrument"], []).append(row)
    courses = []
    for iri, found in of.items():
        marks = sorted(_marks(found, told, language), key=lambda mark: mark.day)
        silent = not any(mark.words for mark in marks)
        unknown = f"{_named(found[0], 'status', language)}: {told['nobody']}"
        aside = unknown if found[0]["status"] == _UNKNOWN else told["dates_not_read"]
        name = _named(found[0], "instrument", language)
        courses.append(Course(iri, name, tuple(marks), aside if silent else "", announced))
    return chart(courses, announced)


def _marks(rows: Sequence[Row], told: Mapping[str, str], language: str) -> list[Mark]:
    """The marks of one instrument: announced, published or promulgated, in force; else as of."""
    row = rows[0]
    marks = [Mark(row["announced"], "", "announced")] if row["announced"] else []
    marks += [
        Mark(row[stage], f"{told[stage]} {day(row[stage], language)}", stage)
        for stage in ("published", "promulgated", "inForce")
        if row[stage]
    ]
    if not row["became"]:
        marks += [
            Mark(
                found["asOf"],
                told["status_as_of"].format(
                    status=_named(found, "status", language), date=day(found["asOf"], language)
                ),
                "asOf",
                dashed=True,
            )
            for found in rows
            if found["status"] != _UNKNOWN
        ]
    return marks


def _named(row: Row, stem: str, language: str) -> str:
    """The name in the reader's language, else the other one."""
    first, second = ("En", "Ko") if language == "en" else ("Ko", "En")
    return row[stem + first] or row[stem + second]
