"""From a task to the law, from a law back to the tasks: as a picture and as a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import pyoxigraph as ox

from rokgraph.web.language import words
from rokgraph.web.pages.asked import Asked, Row
from rokgraph.web.pages.view import Values, View
from rokgraph.web.signposting import local
from rokgraph.web.tracing import Box, Link, Traced, trace

# The columns of the picture towards the law.
_COLUMNS = ("task", "element", "technology", "proposal", "act")
_STATED = "https://w3id.org/rokgraph/def/trace-basis/stated"


@dataclass(frozen=True, slots=True)
class Node:
    """What a box stands for: the column of the rows, its words and their language, its link.

    `hue` is a class of the style sheet, empty for none; `gap`: there is nothing here, and the
    words say so.
    """

    column: str
    words: str
    language: str
    address: str = ""
    hue: str = ""
    gap: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """A row of the table and why it is there, in the reader's language."""

    row: Row
    reason: str
    stated: bool


async def _trace(asked: Asked) -> Values:
    rows = await asked.rows("trace")
    starts = await asked.rows("trace-starts")
    given = asked.terms.get("from")
    iri = given.value if given is not None else starts[0]["start"]
    start = next(row for row in starts if row["start"] == iri)
    gaps = await asked.rows("trace-gaps", **{"from": ox.NamedNode(iri)})
    told = words(asked.language, "trace")
    towards = asked.given.get("towards", "law")
    return {
        "title": f"{told['title']}: {_name(start, 'start', asked.language)[0]}",
        "start": start,
        "starts": [row for row in starts if row is start or row["traces"] != "0"],
        "towards": towards,
        "steps": [_step(row, told, asked.language) for row in rows],
        "ends": _ends(rows, towards),
        "readings": {row["reading"]: row for row in rows if row["reading"]}.values(),
        "gaps": gaps,
        "picture": _picture(_placed(rows, gaps, towards), asked.language, towards)
        if rows
        else None,
        "behind": asked.behind("trace"),
        "counted": asked.behind("trace-starts"),
        "lacking": asked.behind("trace-gaps", **{"from": iri}),
    }


TRACE = View("/trace", "trace", "trace.html", _trace, "laws")


def _name(row: Row, stem: str, language: str) -> tuple[str, str]:
    """The name in the reader's language, else the other one marked as such; and its language."""
    own, other = (stem + "En", stem + "Ko") if language == "en" else (stem + "Ko", stem + "En")
    if row[own]:
        return row[own], language
    tag = "ko" if language == "en" else "en"
    return f"{row[other]} ({words(language, 'common')['in_' + tag]})", tag


def _step(row: Row, told: Mapping[str, str], language: str) -> Step:
    if row["basis"] == _STATED:
        return Step(row, told["reason_stated"], stated=True)
    key = "reason_same" if row["technology"] == row["named"] else "reason_broader"
    names = {stem: _name(row, stem, language)[0] for stem in ("technology", "named")}
    return Step(row, told[key].format(**names), stated=False)


def _ends(rows: Sequence[Row], towards: str) -> list[Row]:
    """Where the paths lead: of each law, or of each task, the row with the strongest basis."""
    found: dict[tuple[str, ...], Row] = {}
    for row in sorted(rows, key=lambda row: row["strength"]):
        key = (row["proposal"], row["act"]) if towards == "law" else (row["task"],)
        found.setdefault(key, row)
    order = "inForce" if towards == "law" else "task"
    return sorted(found.values(), key=lambda row: row[order] or "9999")


def _placed(rows: list[Row], gaps: list[Row], towards: str) -> list[Row]:
    """All rows; the tasks without a law in their places where tasks come first."""
    return sorted(rows + gaps, key=lambda row: row["task"]) if towards == "law" else rows + gaps


def _picture(
    rows: Sequence[Row], language: str, towards: str
) -> tuple[Traced, dict[str, Node], list[tuple[int, str]]]:
    """The picture, what its boxes stand for, and the columns: left side and what is in it.

    A row without a trace is a task that no path leads from.
    """
    nodes: dict[str, Node] = {}
    links: dict[tuple[str, str], bool] = {}
    for row in rows:
        way = _way(row, nodes, language)
        for start, end in pairwise(way):
            law = nodes[end].column in ("proposal", "act") and nodes[start].column == "technology"
            links[start, end] = law and links.get((start, end), True)
    known = [column for column in _COLUMNS if any(node.column == column for node in nodes.values())]
    if towards == "task":
        known.reverse()
        links = {(end, start): dashed for (start, end), dashed in links.items()}
    boxes = [Box(name, known.index(node.column), node.words) for name, node in nodes.items()]
    drawn = trace(boxes, [Link(start, end, dashed) for (start, end), dashed in links.items()])
    return drawn, nodes, [*zip(drawn.columns, known, strict=True)]


def _way(row: Row, nodes: dict[str, Node], language: str) -> list[str]:
    """The names of the boxes that a row leads through; new ones are added to `nodes`."""
    way = []
    for column in _COLUMNS:
        iri = row[column]
        if not iri or iri in way:
            continue
        told, tag = _name(row, column, language)
        hue = f"s{row['ordinal']}" if column == "task" else ""
        notation = f"{row['notation']} " if column == "task" else ""
        nodes.setdefault(iri, Node(column, notation + told, tag, local(iri), hue))
        way.append(iri)
    if not row["trace"]:
        way.append(f"none {row['task']}")
        nodes[way[-1]] = Node("element", words(language, "trace")["no_law"], language, gap=True)
    elif not row["act"]:
        way.append(f"none {row['proposal']}")
        told, tag = _name(row, "status", language)
        nodes[way[-1]] = Node("act", told, tag, local(row["told"]), gap=True)
    return way
