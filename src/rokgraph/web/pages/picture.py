"""The whole strategy in one picture: strategies, tasks, technologies and laws.

Rule: the picture and the table beside it are the same rows; a task without a law says so.
"""

import asyncio
from collections.abc import Sequence

from rokgraph import raster
from rokgraph.web.language import words
from rokgraph.web.pages.asked import Asked, Row
from rokgraph.web.pages.view import Values, View
from rokgraph.web.sheet import End, Link, Sheet, draw
from rokgraph.web.sheet import Row as TaskRow

SVG, PNG = "/picture.svg", "/picture.png"
_TECHNOLOGY, _LAW, _TRUE = "technology", "law", "true"


async def _picture(asked: Asked) -> Values:
    rows = await asked.rows("picture")
    return {
        "title": words(asked.language, "picture")["title"],
        "rows": rows,
        "behind": asked.behind("picture"),
        "svg": f"{SVG}?lang={asked.language}",
        "png": f"{PNG}?lang={asked.language}"
        if await asyncio.to_thread(raster.has_letters)
        else None,
        **await _facts(asked),
    }


async def sheet_values(asked: Asked) -> Values:
    """What the drawing is made of.

    The sheet, the tasks that name a technology, those without a law, what it is cited by.
    """
    rows = await asked.rows("picture")
    by_kind = {
        kind: {row["task"] for row in rows if row["kind"] == kind} for kind in (_TECHNOLOGY, _LAW)
    }
    return {
        "sheet": _sheet(rows, asked.language),
        "named": by_kind[_TECHNOLOGY],
        "lone": {row["task"] for row in rows} - by_kind[_LAW],
        "families": raster.FAMILIES,
        **await _facts(asked),
    }


async def _facts(asked: Asked) -> Values:
    """The source of the picture, the dataset it is made of, the note on the number of tasks."""
    return {
        "note": next(iter(await asked.rows("overview")), Row()),
        "read": next(iter(await asked.rows("about-numbers")), Row()),
        "about": next(iter(await asked.rows("about-dataset")), Row()),
    }


def _sheet(rows: Sequence[Row], language: str) -> Sheet:
    def told(row: Row, stem: str) -> str:
        first, second = ("Ko", "En") if language == "ko" else ("En", "Ko")
        return row[stem + first] or row[stem + second]

    strategies = {row["strategy"]: f"{row['number']}  {told(row, 'strategy')}" for row in rows}
    order = list(strategies)
    tasks = {
        row["task"]: TaskRow(
            row["task"], f"{row['notation']}  {told(row, 'task')}", order.index(row["strategy"])
        )
        for row in rows
    }
    ends = {
        kind: list(
            {
                row["end"]: End(row["end"], told(row, "end"), kind == _TECHNOLOGY
                                or row["act"] == _TRUE)
                for row in rows
                if row["kind"] == kind
            }.values()
        )
        for kind in (_TECHNOLOGY, _LAW)
    }  # fmt: skip
    links = [Link(row["task"], row["end"], row["stated"] == _TRUE) for row in rows if row["end"]]
    return draw(
        list(strategies.values()), list(tasks.values()), ends[_TECHNOLOGY], ends[_LAW], links
    )


PICTURE = View("/picture", "picture", "picture.html", _picture)
