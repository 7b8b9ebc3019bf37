"""What a client accepts: an Accept header in, formats out.

Rule: knows the tables of `formats` and nothing of queries or answers.

See https://www.rfc-editor.org/rfc/rfc9110#name-accept
"""

from functools import lru_cache

import mimeparse

from rokgraph.formats import GRAPH_FORMATS, RESULT_FORMATS, Format


@lru_cache(maxsize=256)
def acceptable(accept: str) -> tuple[str | None, str | None]:
    """Short names of the result format and the graph format that suit `accept` best.

    None where nothing on offer is acceptable. An empty header accepts everything; one that
    cannot be parsed is treated likewise, as a server may (RFC 9110, section 12.5.1).
    """
    return _best(RESULT_FORMATS, accept), _best(GRAPH_FORMATS, accept)


def _best(table: tuple[Format, ...], accept: str) -> str | None:
    if not accept.strip():
        return table[0].name
    names = {media: entry.name for entry in reversed(table) for media in entry.media_types}
    # mimeparse prefers the last of equals; ours stand most wanted first. Registered types come
    # before synonyms.
    registered = [entry.media_type for entry in table]
    synonyms = [media for entry in table for media in entry.media_types[1:]]
    offered = [*reversed(dict.fromkeys([*registered, *synonyms]))]
    try:
        found = mimeparse.best_match(offered, accept)
    except mimeparse.MimeTypeParseException:
        return table[0].name
    return names.get(found)


def prefers_html(accept: str) -> bool:
    """Whether a browser is asking: HTML is wanted more than any RDF or result format."""
    if "text/html" not in accept:
        return False
    offered = [*[e.media_type for e in (*RESULT_FORMATS, *GRAPH_FORMATS)], "text/html"]
    try:
        return bool(mimeparse.best_match(offered, accept) == "text/html")
    except mimeparse.MimeTypeParseException:
        return False
