"""The documentation of the ontology as a page, in English and in Korean.

Rule: asked for once, of the engine, and kept; the dataset does not change while it is served.
"""

import asyncio
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import pyoxigraph as ox

from rokgraph.errors import BadRequest
from rokgraph.library import saved_query
from rokgraph.query import Query
from rokgraph.terminology import QUERIES, Row, terminology
from rokgraph.terms import Reference, Term, Terminology
from rokgraph.vocab import GRAPH, ONT
from rokgraph.web.answering import body
from rokgraph.web.diagram import Drawing, Edge, Node, draw
from rokgraph.web.exchange import Exchange, Service
from rokgraph.web.language import LANGUAGES, words
from rokgraph.web.signposting import FORMS, Link, local
from rokgraph.web.templating import render

_KINDS = ("class", "object", "data", "annotation")
_READY = ("class", "property")


class OntologyPage:
    """The page about the ontology of one server."""

    def __init__(self, service: Service) -> None:
        """Tell of the ontology that this service holds."""
        self._service = service
        self._folder = service.engine.settings.root / "queries" / "ontology"
        self._known: Terminology | None = None
        self._pages: dict[tuple[object, ...], bytes] = {}
        self._once = asyncio.Lock()

    @property
    def there(self) -> bool:
        """Whether the dataset holds the ontology."""
        return GRAPH + "ontology" in self._service.engine.summary.graphs

    async def page(self, exchange: Exchange, path: str, links: list[Link]) -> tuple[str, bytes]:
        """The page in the language of `?lang=`, English without one, after its name for a tag.

        `path` is that of the document without a suffix, `links` what its head links to.

        Raises BadRequest for a language that is not on offer, and what the engine raises.
        """
        language = _language(exchange)
        key = (language, path, *links)
        async with self._once:  # of many who ask first, one waits for the engine
            if key not in self._pages:
                known = await self._terminology(exchange)
                # In a thread: it takes a moment, and others are waiting.
                page = await asyncio.to_thread(self._render, known, language, path, links)
                self._pages[key] = page
        return f"html-{language}", self._pages[key]

    async def _terminology(self, exchange: Exchange) -> Terminology:
        if self._known is None:
            answers = {}
            for name in QUERIES:
                text = saved_query(self._folder / f"{name}.rq").text
                answers[name] = _rows(await body(exchange, Query(text)))
            ready = {
                name: _without_header(self._folder / "ready" / f"{name}.rq") for name in _READY
            }
            prefixes = self._service.engine.summary.prefixes
            self._known = await asyncio.to_thread(terminology, answers, prefixes, ready)
        return self._known

    def _render(self, known: Terminology, language: str, path: str, links: list[Link]) -> bytes:
        told = words(language, "ontology")
        title = known.values("dcterms:title").get(language, told["title"])

        def by_label(term: Term) -> tuple[str, str]:
            return term.label.get(language, term.key).casefold(), term.key

        return render(
            "ontology.html", title=title, digest=self._service.engine.summary.digest,
            lang=language, other=next(one for one in LANGUAGES if one != language), w=told,
            known=known, links=links, path=path, forms=FORMS, ours=ONT, address=_address,
            asked=_asked, turtle=_turtle, prefix_lines=_prefix_lines(known.terms),
            kinds=[
                (kind, sorted((t for t in known.terms if t.kind == kind), key=by_label))
                for kind in _KINDS
            ],
            drawings=_drawings(known, language),
            names={box.term.iri: box.term for box in known.boxes},
        )  # fmt: skip


def _language(exchange: Exchange) -> str:
    pairs = parse_qsl(exchange.scope["query_string"].decode("latin-1"), keep_blank_values=True)
    given = [value for name, value in pairs if name == "lang"]
    language = given[0] if given else LANGUAGES[0]
    if len(given) > 1 or language not in LANGUAGES:
        raise BadRequest(f"The parameter 'lang' is one of {', '.join(LANGUAGES)}, once.")
    return language


def _rows(results: bytes) -> list[Row]:
    """The rows of an answer in SPARQL's JSON."""
    found = ox.parse_query_results(results, format=ox.QueryResultsFormat.JSON)
    assert isinstance(found, ox.QuerySolutions)  # noqa: S101 - a SELECT of ours
    names = [variable.value for variable in found.variables]
    return [{name: row[name] for name in names} for row in found]


def _without_header(path: Path) -> str:
    """The text of a saved query for people, who see its title elsewhere."""
    lines = saved_query(path).text.splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("#+"))


def _address(iri: str) -> str:
    """Where a page leads for an IRI: to its section, to a path of this server, or out."""
    return "#" + iri.removeprefix(ONT) if iri.startswith(ONT) and iri != ONT else local(iri)


def _asked(query: str) -> str:
    """The address that runs a query and shows its answer as a page."""
    return "/sparql?" + urlencode({"query": query, "format": "html"})


def _turtle(example: str) -> str:
    """An example without its prefixes, which stand once on the page."""
    lines = example.splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("@prefix ")).strip()


def _prefix_lines(terms: tuple[Term, ...]) -> list[str]:
    lines = (line for term in terms for line in term.example.splitlines())
    return sorted({line for line in lines if line.startswith("@prefix ")})


def _drawings(known: Terminology, language: str) -> list[tuple[int, Drawing, list[Edge]]]:
    """Of each diagram its number, the drawing, and its arrows."""
    return [
        (number, draw(_nodes(known, number, language), edges), edges)
        for number in sorted({box.diagram for box in known.boxes})
        for edges in [_edges(known, number, language)]
    ]


def _nodes(known: Terminology, number: int, language: str) -> list[Node]:
    return [
        Node(box.term.iri, (_label(box.term, language), box.term.name), box.column, box.row)
        for box in known.boxes
        if box.diagram == number
    ]


def _edges(known: Terminology, number: int, language: str) -> list[Edge]:
    """The listed properties, and superclasses among the boxes."""
    inside = {box.term.iri for box in known.boxes if box.diagram == number}
    listed = [
        Edge(arrow.start, arrow.end, _label(arrow.term, language))
        for arrow in known.arrows
        if arrow.diagram == number
    ]
    supers = [
        Edge(term.iri, above.iri)
        for term in known.terms
        if term.kind == "class" and term.iri in inside
        for above in term.above
        if above.iri in inside
    ]
    return supers + listed


def _label(term: Reference, language: str) -> str:
    return term.label.get(language, term.name)
