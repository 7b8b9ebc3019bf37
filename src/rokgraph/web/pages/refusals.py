"""What the types of problem documents mean: the page that their IRIs lead to.

See https://www.rfc-editor.org/rfc/rfc9457#name-type
"""

from rokgraph.web.language import words
from rokgraph.web.pages.asked import Asked
from rokgraph.web.pages.view import Values, View

# Name of each problem, and its status.
PROBLEMS = (
    ("syntax", 400),
    ("complexity", 400),
    ("query", 400),
    ("request", 400),
    ("address", 404),
    ("no-thing", 404),
    ("no-graph", 404),
    ("no-question", 404),
    ("no-contact", 404),
    ("no-sitemap", 404),
    ("no-dump", 404),
    ("no-dumps", 404),
    ("dumps", 503),
    ("method", 405),
    ("not-acceptable", 406),
    ("withdrawn", 410),
    ("too-long", 413),
    ("media-type", 415),
    ("charset", 415),
    ("range", 416),
    ("parameters", 422),
    ("rate", 429),
    ("store", 500),
    ("upstream", 502),
    ("truncated", 502),
    ("picture", 503),
    ("timeout", 503),
    ("memory", 503),
    ("busy", 503),
    ("upstream-timeout", 504),
    ("http-version", 505),
)


async def _refusals(asked: Asked) -> Values:
    return {"title": words(asked.language, "refusals")["title"], "problems": PROBLEMS}


REFUSALS = View("/problems", "about-dataset", "refusals.html", _refusals)
