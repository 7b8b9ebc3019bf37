"""What a client accepts: an Accept header or `?format=` in, formats out.

Rule: knows the tables of `formats` and nothing of queries or answers.

See https://www.rfc-editor.org/rfc/rfc9110#name-accept
"""

from dataclasses import dataclass
from functools import lru_cache

import mimeparse

from rokgraph import formats
from rokgraph.errors import BadRequest
from rokgraph.formats import DATASET_FORMATS, GRAPH_FORMATS, RESULT_FORMATS, Format

GRAPHS = (*GRAPH_FORMATS, *DATASET_FORMATS)
HTML = "text/html"


@dataclass(frozen=True, slots=True)
class Wanted:
    """The formats that suit best, by short name; None where none does. `html`: a page."""

    result: str | None
    graph: str | None
    html: bool = False


def negotiate(accept: str, named: str | None) -> Wanted:
    """What `?format=` names, else what the Accept header wants most.

    Raises BadRequest for a format that is not known.
    """
    return _accepted(accept) if named is None else _named(named)


def html_first(accept: str) -> bool:
    """Whether a page is wanted more than anything else on offer."""
    return _accepted(accept).html


@lru_cache(maxsize=256)
def _accepted(accept: str) -> Wanted:
    result, graph = _best(RESULT_FORMATS, accept), _best(GRAPHS, accept)
    if HTML not in accept:
        return Wanted(result, graph)
    others = [entry.media_type for entry in (*RESULT_FORMATS, *GRAPHS)]
    return Wanted(result, graph, html=_match([*others, HTML], accept) == HTML)


def _best(table: tuple[Format, ...], accept: str) -> str | None:
    """An empty header accepts all; one that cannot be parsed is treated so (RFC 9110, 12.5.1)."""
    names = {media: entry.name for entry in reversed(table) for media in entry.media_types}
    registered = [entry.media_type for entry in table]
    synonyms = [media for entry in table for media in entry.media_types[1:]]
    # mimeparse prefers the last of equals; ours stand most wanted first, synonyms after all
    return names.get(_match([*reversed(dict.fromkeys([*registered, *synonyms]))], accept))


def _match(offered: list[str], accept: str) -> str:
    if not accept.strip():
        return offered[-1]
    try:
        return str(mimeparse.best_match(offered, accept))
    except (mimeparse.MimeTypeParseException, ValueError):
        return offered[-1]


def _named(name: str) -> Wanted:
    if name.lower() in ("html", HTML):
        return Wanted("json", "turtle", html=True)
    result, graph = formats.result_format(name), formats.graph_format(name)
    if result is None and graph is None:
        known = ", ".join(entry.name for entry in (*RESULT_FORMATS, *GRAPHS))
        raise BadRequest(f"Unknown format {name[:100]!r}; known: html, {known}, or a media type.")
    return Wanted(result.name if result else None, graph.name if graph else None)
