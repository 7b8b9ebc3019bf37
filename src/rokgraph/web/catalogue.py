"""The catalogue over HTTP: at `/catalogue` and `/.well-known/void`, as RDF and as a page.

Rule: made once, when it is first wanted; the page and the RDF say the same.

See https://www.w3.org/TR/void/#well-known
"""

import asyncio
import contextlib
from collections.abc import Iterator
from itertools import chain
from typing import Any
from urllib.parse import parse_qs

import pyoxigraph as ox

from rokgraph import __version__, formats
from rokgraph.catalogue import Catalogue
from rokgraph.errors import BadRequest
from rokgraph.library import saved_queries
from rokgraph.publication import Publication
from rokgraph.query import Query
from rokgraph.schema_org import schema_org
from rokgraph.web import conditional
from rokgraph.web.exchange import Exchange, Service
from rokgraph.web.frame import Frame
from rokgraph.web.http import Receive, Scope, Send
from rokgraph.web.language import words
from rokgraph.web.negotiation import GRAPHS, negotiate
from rokgraph.web.problems import HttpProblem

_METHODS = "GET, HEAD, OPTIONS"
_PATH, _WELL_KNOWN = "/catalogue", "/.well-known/void"
# Path to the form that it asks for; the others negotiate.
_FORMS: dict[str, str | None] = {
    path + suffix: form
    for path in (_PATH, _WELL_KNOWN)
    for suffix, form in (
        ("", None),
        (".html", "html"),
        *((suffix, entry.name) for entry in GRAPHS for suffix in entry.suffixes),
    )
}
PATHS = tuple(_FORMS)
_COUNTS = ("triples", "entities", "distinctSubjects", "distinctObjects", "properties", "classes")


class Counted:
    """The catalogue of one server, its queries answered by the engine once."""

    def __init__(self, service: Service, publication: Publication) -> None:
        """Describe what this service and these dumps offer."""
        self._service, self.publication = service, publication
        self._lock = asyncio.Lock()
        self._made: Catalogue | None = None

    async def catalogue(self) -> Catalogue:
        """The catalogue; raises what the engine raises, and may then be asked again."""
        async with self._lock:
            if self._made is None:
                engine = self._service.engine
                saved = saved_queries(engine.settings.root, "catalogue")
                found = [await self._answer(each.text) for each in saved]
                described = chain.from_iterable(map(_triples, found))
                contact = engine.settings.contact
                self._made = Catalogue(described, engine.summary, self.publication, contact)
            return self._made

    async def _answer(self, text: str) -> bytes:
        answer = await self._service.engine.answer(Query(text, graph_format="ntriples"))
        if answer.chunks is None:
            return answer.body or b""
        async with contextlib.aclosing(answer.chunks) as chunks:  # type: ignore[type-var]
            return b"".join([chunk async for chunk in chunks])


def _triples(written: bytes) -> Iterator[ox.Triple]:
    return (quad.triple for quad in ox.parse(written, format=ox.RdfFormat.N_TRIPLES))


class CatalogueRoute:
    """The ASGI application at the paths of `PATHS`."""

    def __init__(self, service: Service, counted: Counted) -> None:
        """Answer with this service."""
        self._service, self._counted = service, counted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await Exchange(self._service, scope, receive, send).run(_METHODS, self._answer)

    async def _answer(self, exchange: Exchange) -> None:
        if exchange.scope["method"] not in ("GET", "HEAD"):
            detail = f"The catalogue is for reading; use {_METHODS}."
            raise HttpProblem(405, "method", "Method not allowed", detail, {"allow": _METHODS})
        named = _FORMS[exchange.scope["path"]] or _format_asked(exchange)
        wanted = negotiate(exchange.accept, named)
        form = formats.graph_format(wanted.graph or "")
        if form is None and not wanted.html:
            offered = ", ".join(entry.media_type for entry in GRAPHS)
            raise HttpProblem(
                406, "not-acceptable", "No acceptable format", f"On offer: text/html, {offered}."
            )
        catalogue = await self._counted.catalogue()
        base = self._service.base_url(exchange.scope, exchange.headers)
        made = len(catalogue.publication.published)
        summary = self._service.engine.summary
        tag = conditional.base_tag(summary.digest, __version__, base, "catalogue", made)
        headers = {
            "vary": "Accept-Encoding" if named else "Accept, Accept-Encoding",
            "cache-control": "public, max-age=60",
            "link": f'<{base}{_PATH}.ttl>; rel="alternate"; type="text/turtle"',
        }
        if wanted.html or form is None:
            page = _page(catalogue, base, exchange.frame)
            await exchange.show(headers, tag, page)
            return
        headers["content-type"] = form.content_type
        await exchange.represent(headers, tag, form.name, catalogue.document(base, form.name))


def _format_asked(exchange: Exchange) -> str | None:
    """The value of `?format=`. Raises BadRequest if it is given twice."""
    text = exchange.scope["query_string"].decode("latin-1")
    values = parse_qs(text, keep_blank_values=True).get("format", [])
    if len(values) > 1:
        raise BadRequest("The parameter 'format' is given twice.")
    return values[0] if values else None


def _page(catalogue: Catalogue, base: str, frame: Frame) -> bytes:
    node, published = catalogue.dataset, catalogue.publication.published
    subsets = [each.value for each in catalogue.values(node, "void:subset")]
    links = [each for each in subsets if catalogue.values(each, "void:linkPredicate")]
    return frame.page(
        "catalogue.html",
        title=words(frame.language, "catalogue")["title"],
        section="data",
        titles=_told(catalogue, node, "dcterms:title"),
        texts=_told(catalogue, node, "dcterms:description"),
        rights=_told(catalogue, f"{node}#rights", "rdfs:label"),
        licences=catalogue.values(node, "dcterms:license"),
        counts=[(name, _first(catalogue, node, f"void:{name}")) for name in _COUNTS],
        graphs=[_graph(catalogue, each) for each in subsets if each not in links],
        links=[_links(catalogue, each) for each in links],
        files=[(each, catalogue.url(base, each.path), published.get(each.path))
               for each in catalogue.forms],
        forms=[(entry.name, f"{_PATH}{entry.suffixes[0]}") for entry in GRAPHS],
        markup=schema_org(catalogue, base),
    )  # fmt: skip


def _first(catalogue: Catalogue, node: str, name: str) -> str:
    return next((each.value for each in catalogue.values(node, name)), "")


def _told(catalogue: Catalogue, node: str, name: str) -> dict[str, str]:
    """The texts of a property by language; without one by the empty tag."""
    found = catalogue.values(node, name)
    return {getattr(each, "language", "") or "": each.value for each in found}


def _graph(catalogue: Catalogue, node: str) -> dict[str, Any]:
    return {
        "iri": node,
        "names": _told(catalogue, node, "dcterms:title") or {"": node},
        "triples": _first(catalogue, node, "void:triples"),
    }


def _links(catalogue: Catalogue, node: str) -> dict[str, str]:
    target = _first(catalogue, node, "void:objectsTarget")
    return {
        "space": _first(catalogue, target, "void:uriSpace"),
        "predicate": _first(catalogue, node, "void:linkPredicate"),
        "triples": _first(catalogue, node, "void:triples"),
    }
