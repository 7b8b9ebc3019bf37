"""Every part that pages are made of, once; for those who make pages. Not in the menu."""

from rokgraph.parameters import key_of
from rokgraph.web.language import words
from rokgraph.web.pages.asked import Asked, Row
from rokgraph.web.pages.view import Values, View


async def _patterns(asked: Asked) -> Values:
    budgets = await asked.rows("task-budgets")
    strategies = await asked.rows("strategies")
    return {
        "title": words(asked.language, "patterns")["title"],
        "rows": (await asked.rows("tasks"))[:4],
        "budgets": budgets,
        "marks": [
            (40 + 80 * at, key_of(row["strategy"]), row) for at, row in enumerate(strategies)
        ],
        "options": [(key_of(row["strategy"]), row["notation"]) for row in strategies],
        "strategies": strategies,
        "counts": next(iter(await asked.rows("overview")), Row()),
        "read": next(iter(await asked.rows("about-numbers")), Row()),
        "laws": (await asked.rows("task-laws"))[:3],
        "behind": asked.behind("tasks"),
        "money": asked.behind("task-budgets"),
        "counted": asked.behind("strategies"),
    }


PATTERNS = View("/patterns", "about-dataset", "patterns.html", _patterns)
