"""The documentation of the ontology as a page, in English and in Korean.

Rule: asked for once, of the engine, and kept; the dataset does not change while it is served.
"""

import asyncio
from operator import attrgetter

import pyoxigraph as ox

from rokgraph.library import saved_query
from rokgraph.query import Query
from rokgraph.terminology import QUERIES, Row, terminology
from rokgraph.terms import Reference, Term, Terminology
from rokgraph.vocab import GRAPH, ONT
from rokgraph.web.answering import body
from rokgraph.web.diagram import Drawing, Edge, Node, draw
from rokgraph.web.exchange import Exchange, Service
from rokgraph.web.frame import Frame
from rokgraph.web.language import LANGUAGES, words
from rokgraph.web.signposting import FORMS, Link, local

_KINDS = ("class", "object", "data", "annotation")
_QUERIES = "/queries/"


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

    async def page(self, exchange: Exchange, path: str, links: list[Link]) -> bytes:
        """The page in the language of the reader.

        `path` is that of the document without a suffix, `links` what its head links to.

        Raises what the engine raises.
        """
        frame = exchange.frame
        key = (frame.language, frame.path, frame.query, path, *links)
        async with self._once:  # of many who ask first, one waits for the engine
            if key not in self._pages:
                known = await self._terminology(exchange)
                # In a thread: it takes a moment, and others are waiting.
                page = await asyncio.to_thread(self._render, known, frame, path, links)
                self._pages[key] = page
        return self._pages[key]

    async def _terminology(self, exchange: Exchange) -> Terminology:
        if self._known is None:
            answers = {}
            for name in QUERIES:
                text = saved_query(self._folder / f"{name}.rq").text
                answers[name] = _rows(await body(exchange, Query(text)))
            prefixes = self._service.engine.summary.prefixes
            self._known = await asyncio.to_thread(terminology, answers, prefixes)
        return self._known

    def _render(self, known: Terminology, frame: Frame, path: str, links: list[Link]) -> bytes:
        language = frame.language
        told = words(language, "ontology")
        title = known.values("dcterms:title").get(language, told["title"])

        def by_label(term: Term) -> tuple[str, str]:
            return term.label.get(language, term.key).casefold(), term.key

        return frame.page(
            "ontology.html", title=title, w=told, section="ontology",
            other=next(one for one in LANGUAGES if one != language),
            known=known, links=links, path=path, forms=FORMS, ours=ONT, address=_address,
            asked=_asked, turtle=_turtle, prefix_lines=_prefix_lines(known.terms),
            kinds=[
                (kind, sorted((t for t in known.terms if t.kind == kind), key=by_label))
                for kind in _KINDS
            ],
            rules=sorted(
                {rule.name: rule for term in known.terms for rule in term.rules}.values(),
                key=attrgetter("name"),
            ),
            drawings=_drawings(known, language),
            names={box.term.iri: box.term for box in known.boxes},
        )  # fmt: skip


def _rows(results: bytes) -> list[Row]:
    """The rows of an answer in SPARQL's JSON."""
    found = ox.parse_query_results(results, format=ox.QueryResultsFormat.JSON)
    assert isinstance(found, ox.QuerySolutions)  # noqa: S101 - a SELECT of ours
    names = [variable.value for variable in found.variables]
    return [{name: row[name] for name in names} for row in found]


def _address(iri: str) -> str:
    """Where a page leads for an IRI: to its section, to a path of this server, or out."""
    return "#" + iri.removeprefix(ONT) if iri.startswith(ONT) and iri != ONT else local(iri)


def _asked(term: Term) -> str:
    """The address of the members of a class or the triples of a property."""
    name = "members-of-class" if term.kind == "class" else "triples-of-property"
    return f"{_QUERIES}{name}?term={term.name}"


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
