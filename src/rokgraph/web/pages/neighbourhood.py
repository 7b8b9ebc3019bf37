"""What is next to one thing, as a picture and as a table; each neighbour leads to its own."""

import pyoxigraph as ox

from rokgraph.curies import short_iri
from rokgraph.parameters import Term
from rokgraph.web.branches import draw
from rokgraph.web.language import words
from rokgraph.web.neighbours import (
    PAGE,
    PATH,
    Limits,
    address,
    basis,
    branches,
    called,
    dashed,
    merged,
    told,
)
from rokgraph.web.pages.asked import Asked, Row
from rokgraph.web.pages.view import Values, View

_QUERY = "neighbourhood"
_FIRST = "https://w3id.org/rokgraph/id/task/1-2"  # what the query has where none is given


async def _neighbourhood(asked: Asked) -> Values:
    rows = await asked.rows(_QUERY)
    of, by = _iri(asked.terms.get("of")) or _FIRST, _iri(asked.terms.get("by"))
    own = next(iter(await asked.rows("thing-names", thing=ox.NamedNode(of))), Row())
    told_in = words(asked.language, _QUERY)
    name = told(own, "thing", asked.language)[0] or short_iri(of, asked.prefixes)
    limits = Limits() if by else PAGE
    grown = branches(rows, asked.language, limits, told_in["more"], asked.prefixes)
    return {
        "title": f"{told_in['title']}: {name}",
        "own": own,
        "of": of,
        "by": by,
        "called": name,
        "rows": [
            (row, called(row, asked.language), basis(row, asked.language), dashed(row))
            for row in merged(rows)
        ],
        "drawing": draw(name, grown, narrow=False) if grown else None,
        "to": {row["neighbour"]: address(row["neighbour"], asked.prefixes) for row in rows},
        "whole": address(of, asked.prefixes),
        "behind": asked.behind(_QUERY),
    }


def _iri(term: Term | None) -> str:
    return term.value if term is not None else ""


NEIGHBOURHOOD = View(PATH, _QUERY, "neighbourhood.html", _neighbourhood)
