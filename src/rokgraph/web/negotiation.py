"""What a client accepts: an Accept header or `?format=` in, formats out.

Rule: knows the tables of `formats` and nothing of queries or answers.

See https://www.rfc-editor.org/rfc/rfc9110#name-accept
"""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import TypeAlias

import mimeparse

from rokgraph import formats
from rokgraph.errors import BadRequest
from rokgraph.formats import DATASET_FORMATS, GRAPH_FORMATS, RESULT_FORMATS, Format

GRAPHS = (*GRAPH_FORMATS, *DATASET_FORMATS)
HTML = "text/html"
_CHARSET = "utf-8"
# What clients call formats of graphs elsewhere, SPARQLWrapper among them.
_GRAPHS_AS_CLIENTS_SAY = {
    "json": "jsonld",
    "json-ld": "jsonld",
    "n3": "turtle",
    "rdf+xml": "rdfxml",
    "rdf/xml": "rdfxml",
    "xml": "rdfxml",
}
_BY_NAME = 110  # mimeparse's fitness of a range without wildcards
_Range: TypeAlias = tuple[str, str, dict[str, str]]


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


def negotiate_document(accept: str, named: str | None) -> str | None:
    """The form of a document that is wanted most: `html` or a graph format; None where none is.

    Raises BadRequest for a format that documents do not have.
    """
    if named is None:
        return _accepted_document(accept)
    wanted = _named(named)
    if wanted.html:
        return "html"
    if wanted.graph in {entry.name for entry in GRAPH_FORMATS}:
        return wanted.graph
    known = ", ".join(entry.name for entry in GRAPH_FORMATS)
    raise BadRequest(f"A document has no format {named[:100]!r}; it has: html, {known}.")


@lru_cache(maxsize=256)
def _accepted_document(accept: str) -> str | None:
    ranges = _ranges(accept)
    graph = _best(GRAPH_FORMATS, ranges)
    page = _quality(HTML, ranges)
    if not page[0] or (HTML not in accept.lower() and graph):
        return graph
    graphs = (media for entry in GRAPH_FORMATS for media in entry.media_types)
    return "html" if page >= max(_quality(media, ranges) for media in graphs) else graph


def html_first(accept: str) -> bool:
    """Whether a page is wanted more than anything else on offer."""
    return _accepted(accept).html


def preferred(accept: str, offered: Mapping[str, Sequence[str]]) -> str | None:
    """The name on offer whose media types are wanted most, of equals the first; None for none.

    `offered` maps names to media types. A page is meant only where it is named.
    """
    ranges, best, found = _ranges(accept), (0.0, 0.0), None
    for name, media_types in offered.items():
        if HTML in media_types and HTML not in accept.lower():
            continue
        quality = max(_quality(media, ranges) for media in media_types)
        if quality[0] and quality > best:
            best, found = quality, name
    return found


@lru_cache(maxsize=256)
def _accepted(accept: str) -> Wanted:
    ranges = _ranges(accept)
    result, graph = _best(RESULT_FORMATS, ranges), _best(GRAPHS, ranges)
    if HTML not in accept.lower():
        return Wanted(result, graph)
    page = _quality(HTML, ranges)
    others = [media for entry in (*RESULT_FORMATS, *GRAPHS) for media in entry.media_types]
    html = page[0] > 0 and page >= max(_quality(media, ranges) for media in others)
    return Wanted(result, graph, html=html)


def _ranges(accept: str) -> list[_Range]:
    """The media ranges of an Accept header that ours can meet, the plainest first.

    A header without any accepts all, and what cannot be parsed is none (RFC 9110, 12.5.1). Our
    answers have no parameter but the character set: a range with another refuses none of them.
    """
    found: list[_Range] = []
    for part in filter(str.strip, accept.lower().split(",")):
        with contextlib.suppress(mimeparse.MimeTypeParseException):
            found.append(mimeparse.parse_media_range(part))
    if not found:
        return [mimeparse.parse_media_range("*/*")]
    met = []
    for media_range in found:
        parameters = media_range[2]
        foreign = not parameters.keys() <= {"q", "charset"}
        refused = foreign and not float(parameters["q"])
        if parameters.get("charset", _CHARSET) == _CHARSET and not refused:
            met.append((foreign, media_range))
    return [media_range for _, media_range in sorted(met, key=itemgetter(0))]


def _quality(media: str, ranges: list[_Range]) -> tuple[float, float]:
    """How much a media type is wanted, and by how specific a range."""
    found: tuple[float, float] = mimeparse.quality_and_fitness_parsed(
        f"{media};charset={_CHARSET}", ranges
    )
    return found


def _best(table: tuple[Format, ...], ranges: list[_Range]) -> str | None:
    """The format wanted most, of equals the first in the table; synonyms after all."""
    # what an answer would call itself must not be refused by that name
    offered = [entry for entry in table if not _refused(_quality(entry.media_type, ranges))]
    names = {entry.media_type: entry.name for entry in offered}
    for entry in offered:
        for media in entry.media_types[1:]:
            names.setdefault(media, entry.name)
    best = max(names, key=lambda media: _quality(media, ranges), default="")
    return names[best] if best and _quality(best, ranges)[0] else None


def _refused(quality: tuple[float, float]) -> bool:
    return not quality[0] and quality[1] >= _BY_NAME


def _named(name: str) -> Wanted:
    name = name.replace(" ", "+").lower()  # a plus that was not percent-encoded
    if name in ("html", HTML):
        return Wanted("json", "turtle", html=True)
    result = formats.result_format(name)
    graph = formats.graph_format(_GRAPHS_AS_CLIENTS_SAY.get(name, name))
    if result is None and graph is None:
        known = ", ".join(entry.name for entry in (*RESULT_FORMATS, *GRAPHS))
        raise BadRequest(f"Unknown format {name[:100]!r}; known: html, {known}, or a media type.")
    return Wanted(result.name if result else None, graph.name if graph else None)
