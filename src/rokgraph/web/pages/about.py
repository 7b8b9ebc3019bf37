"""Who made this, how the facts were read, what is stated and what is not."""

from rokgraph import __version__
from rokgraph.web.language import words
from rokgraph.web.pages.asked import Asked, Row
from rokgraph.web.pages.view import Values, View


async def _about(asked: Asked) -> Values:
    return {
        "title": words(asked.language, "about")["title"],
        "about": next(iter(await asked.rows("about-dataset")), Row()),
        "read": next(iter(await asked.rows("about-numbers")), Row()),
        "counts": next(iter(await asked.rows("overview")), Row()),
        "graphs": await asked.rows("about-graphs"),
        "numbers": asked.behind("about-numbers"),
        "counted": asked.behind("overview"),
        "behind": asked.behind("about-graphs"),
        "code": __version__,
    }


ABOUT = View("/about", "about-dataset", "about.html", _about)
