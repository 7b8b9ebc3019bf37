"""Our IRIs over HTTP: what one stands for, as a page or as RDF.

Rule: `https://w3id.org/rokgraph/` and a path is answered at this path; the RDF is the same triples
in every form, and no IRI in it depends on the server.

Things, concepts and graphs are no documents: their path leads by 303 to one, under `/doc/`. The
ontology, the shapes and the prefixes are documents and answer themselves.
See https://www.w3.org/TR/cooluris/#r303gendocument
"""

from dataclasses import dataclass
from urllib.parse import parse_qsl, quote

import pyoxigraph as ox

from rokgraph import __version__
from rokgraph.errors import BadRequest
from rokgraph.library import saved_query
from rokgraph.query import Query
from rokgraph.resource import Solution
from rokgraph.vocab import BASE, GRAPH
from rokgraph.web import conditional
from rokgraph.web.answering import Plan, answer, rows
from rokgraph.web.exchange import Exchange, Service
from rokgraph.web.http import Receive, Scope, Send
from rokgraph.web.negotiation import negotiate_document
from rokgraph.web.ontology import OntologyPage
from rokgraph.web.problems import HttpProblem
from rokgraph.web.signposting import FORMS, Signs, link_header, local, url_path
from rokgraph.web.thing import Place, ThingPage

_METHODS = "GET, HEAD, OPTIONS"
_DATASET = "dataset"
# Documents of their own: path to the graph that they are and the query that makes them of it.
_DOCUMENTS = {
    "ont": ("ontology", "ontology"),
    "shapes": ("shapes", "whole-graph"),
    "prefixes": ("ontology", "prefixes"),
}
_THINGS = ("id", "def", "graph", "mappings", _DATASET)

# First segments of the paths that are answered here.
SEGMENTS = (
    "doc",
    *_THINGS,
    *_DOCUMENTS,
    *(name + suffix for name in _DOCUMENTS for suffix in FORMS),
)


@dataclass(frozen=True, slots=True)
class _Thing:
    """What a path names: its path without a suffix of ours, and the form that this asked for."""

    path: str
    form: str | None
    kinds: tuple[str, ...]
    version_of: str

    @property
    def iri(self) -> str:
        return BASE + self.path

    @property
    def document(self) -> str:
        """The document of its own that it is, or is a version of; empty if none."""
        path = self.version_of.removeprefix(BASE) or self.path
        return path if path in _DOCUMENTS else ""


class Resources:
    """The ASGI application at the paths of `SEGMENTS`."""

    def __init__(self, service: Service) -> None:
        """Answer with this service."""
        self._service = service
        folder = service.engine.settings.root / "queries" / "pages"
        self._texts = {path.stem: saved_query(path).text for path in folder.glob("*.rq")}
        self._things = ThingPage(service)
        self._ontology = OntologyPage(service)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await Exchange(self._service, scope, receive, send).run(_METHODS, self._resource)

    async def _resource(self, exchange: Exchange) -> None:
        if exchange.scope["method"] not in ("GET", "HEAD"):
            raise HttpProblem(
                405, "method", "Method not allowed", f"This is for reading; use {_METHODS}.",
                {"allow": _METHODS},
            )  # fmt: skip
        path = str(exchange.scope["path"])[1:]
        of_document = path.startswith("doc/")
        thing = await self._find(exchange, path.removeprefix("doc/"))
        if not of_document and not thing.document:
            await self._see_document(exchange, path)
            return
        named = thing.form or _format_asked(exchange)
        form = negotiate_document(exchange.accept, named)
        if form is None:
            offered = ", ".join(media_type for _, media_type in FORMS.values())
            raise HttpProblem(
                406, "not-acceptable", "No acceptable format", f"On offer: {offered}."
            )
        signs = await self._signs(exchange, thing)
        base = self._service.base_url(exchange.scope, exchange.headers)
        links = link_header(signs.links(base, form))
        vary = "" if named else "Accept"
        if form == "html":
            await self._page(exchange, thing, signs, {"vary": vary, "link": links})
        else:
            await answer(exchange, Plan(self._graph(thing, form), vary, headers=(("link", links),)))

    async def _see_document(self, exchange: Exchange, path: str) -> None:
        """303: what is asked for is no document, but there is one about it."""
        query = exchange.scope["query_string"].decode("latin-1")
        where = "/doc/" + url_path(path) + (f"?{query}" if query else "")
        headers = {"location": where, "cache-control": "public, max-age=60"}
        await exchange.respond(303, headers)

    # -- what is asked for -----------------------------------------------------------------

    async def _find(self, exchange: Exchange, path: str) -> _Thing:
        """The thing that a path names, with or without a suffix; a known IRI wins over a suffix.

        Raises HttpProblem: 404 for what is not known, 410 for what is withdrawn.
        """
        candidates: list[tuple[str, str | None]] = [(path, None)]
        for suffix, (form, _) in FORMS.items():
            if path.endswith(suffix):
                candidates.append((path.removesuffix(suffix), form))
        for name, asked in candidates:
            found = await self._known(exchange, name)
            if found:
                _refuse_withdrawn(name, found)
                kinds = dict.fromkeys(row["schema"]["value"] for row in found if "schema" in row)
                versions = [row["versionOf"]["value"] for row in found if "versionOf" in row]
                return _Thing(name, asked, (*kinds,), versions[0] if versions else "")
        raise _unknown(candidates[-1][0])

    async def _known(self, exchange: Exchange, path: str) -> list[Solution]:
        """The rows of thing.rq; none for what is not known."""
        try:
            ox.NamedNode(BASE + path)
        except ValueError:
            return []
        return await rows(exchange, self._query("thing", path)) if path else []

    async def _signs(self, exchange: Exchange, thing: _Thing) -> Signs:
        """What the links of its document are made of."""
        about = next(iter(await rows(exchange, self._query("dataset"))), {})
        path = "/" + url_path(thing.document or "doc/" + thing.path)
        items: tuple[tuple[str, str], ...] = ()
        if thing.iri in self._service.engine.summary.graphs:
            items = (("/graph-store?graph=" + quote(thing.iri, safe=""), "text/turtle"),)
        elif thing.path == _DATASET:
            items = (("/graph-store?default", "text/turtle"),)
        return Signs(
            path, thing.iri, thing.kinds, about.get("licence", {}).get("value", ""),
            about.get("maker", {}).get("value", ""), f"/doc/{_DATASET}" if about else "", items,
        )  # fmt: skip

    def _query(self, name: str, path: str = "") -> Query:
        """The saved query of that name, about the thing of that path if there is one."""
        bindings = (("thing", f"<{BASE}{path}>"),) if path else ()
        return Query(self._texts[name], bindings=bindings)

    def _graph(self, thing: _Thing, form: str) -> Query:
        """The query whose answer is the document as RDF."""
        graph, name = _DOCUMENTS.get(thing.document, ("", ""))
        if GRAPH + graph in self._service.engine.summary.graphs:
            dataset = (GRAPH + graph,)
            return Query(self._texts[name], None, dataset, (), None, form)
        bindings = (("thing", f"<{thing.iri}>"),)
        return Query(self._texts["description"], None, None, None, None, form, bindings)

    # -- pages -----------------------------------------------------------------------------

    async def _page(
        self, exchange: Exchange, thing: _Thing, signs: Signs, headers: dict[str, str]
    ) -> None:
        """The document as a page; that of the ontology is its documentation."""
        summary = self._service.engine.summary
        if thing.document == "ont" and self._ontology.there:
            links = [*signs.links("", "html")]
            page = await self._ontology.page(exchange, signs.path, links)
        else:
            page = await self._things.page(exchange, Place(thing.path, thing.document), signs)
        headers = {
            **headers,
            "vary": ", ".join(filter(None, (headers["vary"], "Accept-Encoding"))),
        }
        tag = conditional.base_tag(summary.digest, summary.load, __version__, thing.path)
        await exchange.show(headers, tag, page)


def _format_asked(exchange: Exchange) -> str | None:
    """The value of `?format=`.

    Raises BadRequest if it is given twice or is not UTF-8.
    """
    try:
        query = exchange.scope["query_string"].decode("ascii")
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        raise BadRequest("A parameter is not UTF-8, percent-encoded.") from None
    values = [value for name, value in pairs if name == "format"]
    if len(values) > 1:
        raise BadRequest("The parameter 'format' is given twice.")
    return values[0] if values else None


def _unknown(path: str) -> HttpProblem:
    words = path.rpartition("/")[2].replace("-", " ")
    search = "/search?q=" + quote(words)
    return HttpProblem(
        404, "no-thing", "No such thing", f"Nothing here is called <{BASE}{path[:200]}>.",
        members={"search": search}, links=((f"Search for {words[:100]}", search),),
    )  # fmt: skip


def _refuse_withdrawn(path: str, found: list[Solution]) -> None:
    """Raise HttpProblem (410) for a thing that is withdrawn, naming what replaces it."""
    if not any(row.get("withdrawn", {}).get("value") in ("true", "1") for row in found):
        return
    by = [*dict.fromkeys(row["replacement"]["value"] for row in found if "replacement" in row)]
    detail = f"<{BASE}{path}> is withdrawn; "
    detail += (
        f"it is replaced by {', '.join(f'<{iri}>' for iri in by)}."
        if by
        else "nothing replaces it."
    )
    links = ", ".join(f'<{iri}>; rel="successor-version"' for iri in by if iri.isascii())
    raise HttpProblem(
        410, "withdrawn", "Withdrawn", detail, {"link": links} if links else {},
        {"replacedBy": by}, tuple((f"Replaced by {iri}", local(iri)) for iri in by),
    )  # fmt: skip
