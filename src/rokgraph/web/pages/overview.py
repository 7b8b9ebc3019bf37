"""The board: every strategy and task at once, and what each task has.

Rule: counts nothing; what a card says of a task is a column of its row.
"""

from itertools import groupby

from rokgraph.web.language import words
from rokgraph.web.pages.asked import Asked, Row
from rokgraph.web.pages.view import Values, View


async def _overview(asked: Asked) -> Values:
    found = await asked.rows("overview")
    tasks = await asked.rows("tasks")
    bands = [[*rows] for _, rows in groupby(tasks, key=lambda row: row["strategy"])]
    return {
        "title": words(asked.language, "overview")["title"],
        "counts": next(iter(found), Row()),
        "bands": bands,
        "tasks": tasks,
        "years": await asked.rows("due-years"),
        "behind": asked.behind("tasks"),
        "counted": asked.behind("overview"),
        "dated": asked.behind("due-years"),
    }


OVERVIEW = View("/", "overview", "overview.html", _overview, section="overview")
