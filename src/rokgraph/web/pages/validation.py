"""How far to trust the graph: which rules it keeps, what they found, what it covers.

Rule: the report is a file, made by another process; nothing is validated here.
"""

import asyncio
import json
from itertools import groupby

from rokgraph.publication import Published
from rokgraph.web.language import words
from rokgraph.web.pages.asked import Asked, Row
from rokgraph.web.pages.view import Values, View

_FILES = ("severities", "rules", "results")
_REPORT = "validation.ttl"


async def _validation(asked: Asked) -> Values:
    title = words(asked.language, "validation")["title"]
    values: Values = {
        "title": title,
        "coverage": await asked.rows("coverage"),
        "behind": asked.behind("coverage"),
        "state": _state(asked),
        "report": None,
    }
    published = asked.publication.published
    if _REPORT not in published:
        return values
    folder = f"/data/{asked.publication.version}"
    names = [f"validation/{name}.json" for name in _FILES]
    severities, rules, results = [await asyncio.to_thread(_rows, published[name]) for name in names]
    return values | {
        "report": f"{folder}/{_REPORT}",
        "size": published[_REPORT].size,
        "of": dict(zip(_FILES, (f"{folder}/{name}" for name in names), strict=True)),
        "severities": severities,
        "rules": rules,
        "found": _found(rules, results),
        "conforms": not any(row["severity"] == "violation" for row in results),
    }


def _state(asked: Asked) -> str:
    """Why there is no report, if there is none: a key of the words of the page."""
    if not asked.publication.offered:
        return "not_here"
    return "failed" if asked.publication.failed else "not_ready"


def _rows(found: Published) -> list[Row]:
    """The rows of a file in SPARQL's JSON."""
    bindings = json.loads(found.file.read_bytes())["results"]["bindings"]
    return [Row({name: term["value"] for name, term in row.items()}) for row in bindings]


def _found(rules: list[Row], results: list[Row]) -> list[tuple[Row, list[Row]]]:
    """The rules that found something, the worst first, each with its results."""
    by_name = {row["shape"]: row for row in rules}
    return [
        (by_name[shape], list(rows))
        for shape, rows in groupby(results, key=lambda row: row["shape"])
        if shape in by_name
    ]


VALIDATION = View("/validation", "coverage", "validation.html", _validation, "data", files=True)
