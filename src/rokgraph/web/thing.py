"""The page of a thing: what is asked for it, and the template that shows it.

Rule: the same facts as its RDF, ordered for people; made once for each language, then kept.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

import pyoxigraph as ox

from rokgraph.citing import Copy
from rokgraph.errors import SourceError
from rokgraph.library import saved_queries, saved_query
from rokgraph.parameters import bound
from rokgraph.query import Kind, Query
from rokgraph.resource import Solution, Terms
from rokgraph.vocab import BASE
from rokgraph.web.answering import rows
from rokgraph.web.branches import Drawing, draw
from rokgraph.web.cache import Kept
from rokgraph.web.citation import citation
from rokgraph.web.entity import Grounds, Rows, Texts, described
from rokgraph.web.exchange import Exchange, Service
from rokgraph.web.language import words
from rokgraph.web.neighbours import ASIDE, address, branches, told
from rokgraph.web.renderings import PATH
from rokgraph.web.signposting import FORMS, Signs

# Blocks of the page, each the rows of a query of this name with `thing-` before it.
_BLOCKS = ("names", "place", "passages", "discrepancies", "outcomes")
_GROUNDS = ("spans", "notes", "links", "values")
# Classes from whose members a trace can start: queries/views/trace.rq says so.
_TRACED = frozenset(
    BASE + "ont#" + name
    for name in ("Strategy", "Task", "Measure", "Technology", "LegislativeProposal")
) | {"http://data.europa.eu/eli/ontology#LegalResource"}


@dataclass(frozen=True, slots=True)
class Place:
    """What a page is of: its path below `BASE`, and the document of its own that it is, if any."""

    path: str
    document: str = ""

    @property
    def iri(self) -> str:
        """The IRI of the thing, or of the document that this is a version of."""
        return BASE + (self.document or self.path)


class ThingPage:
    """The pages of things of one dataset."""

    def __init__(self, service: Service) -> None:
        """Ask the engine of this service.

        Raises SourceError if the settings name a copy of another text than the one cited.
        """
        self._service = service
        settings, summary = service.engine.settings, service.engine.summary
        folder = settings.root / "queries" / "pages"
        self._texts = {path.stem: saved_query(path).text for path in folder.glob("*.rq")}
        self._views = {one.name: one.text for one in saved_queries(settings.root, "views")}
        self._terms: Terms | None = None
        self._copy: Copy | None = None
        if settings.release_text is not None:
            self._copy = Copy.read(settings.release_text)
            self._copy.require(*summary.texts)

    async def page(self, exchange: Exchange, place: Place, signs: Signs) -> bytes:
        """The page, from the cache if it was made before."""
        cache, form = self._service.cache, f"html-{exchange.frame.language}"
        key = Query("", result_format=form, bindings=(("page", place.path),))
        kept = cache.get(key)
        if kept is None:
            kept = Kept(Kind.SOLUTIONS, form, await self._made(exchange, place, signs))
            cache.put(key, kept)
        return kept.body

    async def _made(self, exchange: Exchange, place: Place, signs: Signs) -> bytes:
        frame = replace(exchange.frame, path=signs.path, query="")  # made once for all who ask
        terms = await self._known_terms(exchange)
        names = (*_BLOCKS, *_GROUNDS)
        facts, about = await asyncio.gather(
            self._page_rows(exchange, "facts", place.iri), self._page_rows(exchange, "dataset")
        )
        near, *found = await asyncio.gather(
            self._view(exchange, "neighbourhood", of=place.iri),
            *(self._view(exchange, f"thing-{name}", thing=place.iri) for name in names),
        )
        told_of = dict(zip(names, found, strict=True))
        thing = terms.resource(place.iri, facts)
        grounds = Grounds(*(told_of[name] for name in _GROUNDS))
        parts = [
            terms.resource(iri, await self._page_rows(exchange, "facts", iri))
            for iri in (() if place.document else thing.parts())
        ]
        listed = (
            await self._page_rows(exchange, "terms-of-document", place.iri)
            if place.document
            else []
        )
        own = next(iter(told_of["names"]), Texts())
        cited = citation(
            thing.name.text, place.iri, {k: t["value"] for k, t in _first(about).items()},
            frame.dataset,
        )  # fmt: skip
        return frame.page(
            "thing.html", title=_title(thing.name.text, own, frame.language),
            one=described(thing, grounds, frame.language),
            parts=[described(part, Grounds(), frame.language) for part in parts],
            listed=terms.entries(listed), own=own, above=told_of["place"],
            passages=self._quoted(told_of["passages"]), odd=told_of["discrepancies"],
            outcomes=_by(told_of["outcomes"], "outcome"), links=[*signs.links("", "html")],
            forms=FORMS, path=signs.path, items=signs.items, cited=cited, copy=self._copy,
            terms=terms, drawing=self._picture(own, near, frame.language, thing.name.text),
            around=address(place.iri, self._prefixes), behind=self._behind(place.iri),
            traced=any(one.iri in _TRACED for one in thing.classes),
        )  # fmt: skip

    @property
    def _prefixes(self) -> dict[str, str]:
        return self._service.engine.summary.prefixes

    def _behind(self, iri: str) -> dict[str, dict[str, str]]:
        """Where the rows behind each block are to be had; by the block's name."""
        terms = Terms((), (), self._prefixes)
        asked = urlencode({"thing": terms.short(iri)}, safe=":")
        return {
            name: {
                "page": f"{PATH}thing-{name}?{asked}",
                "csv": f"{PATH}thing-{name}.csv?{asked}",
                "xlsx": f"{PATH}thing-{name}.xlsx?{asked}",
                "of": f"{PATH}thing-{name}.json?{asked}",
            }
            for name in ("facts", *_BLOCKS, *_GROUNDS)
        }

    def _quoted(self, passages: Rows) -> list[tuple[list[Texts], str]]:
        """The spans by role, each with its words where the reader's own copy is at hand."""
        for row in passages:
            if self._copy is not None and row["document"] == self._copy.digest:
                try:
                    span = int(row["start"]), int(row["end"]), row["digest"]
                    row["words"] = self._copy.words(*span)
                except SourceError:
                    continue  # cited otherwise than it stands: the digest says so too
        return [(group, group[0]["role"]) for group in _by(passages, "role")]

    def _picture(self, own: Texts, near: Rows, language: str, name: str) -> Drawing | None:
        more = words(language, "thing")["more"]
        grown = branches(near, language, ASIDE, more, self._prefixes)
        if not grown:
            return None
        return draw(told(own, "thing", language)[0] or name, grown, narrow=True)

    # -- asking ----------------------------------------------------------------------------

    async def _view(self, exchange: Exchange, name: str, **given: str) -> list[Texts]:
        """The rows of a query of `queries/views` about a thing."""
        terms = {key: ox.NamedNode(iri) for key, iri in given.items()}
        found = await rows(exchange, Query(bound(self._views[name], terms), graph_format=None))
        return [Texts({key: term["value"] for key, term in row.items()}) for row in found]

    async def _page_rows(self, exchange: Exchange, name: str, iri: str = "") -> list[Solution]:
        """The rows of a query of `queries/pages`, about a thing if there is one."""
        bindings = (("thing", f"<{iri}>"),) if iri else ()
        return await rows(exchange, Query(self._texts[name], bindings=bindings))

    async def _known_terms(self, exchange: Exchange) -> Terms:
        """How properties are shown and called; asked for once."""
        if self._terms is None:
            shown = await self._page_rows(exchange, "shown-properties")
            names = await self._page_rows(exchange, "term-names")
            self._terms = Terms(shown, names, self._prefixes)
        return self._terms


def _first(found: Sequence[Solution]) -> Solution:
    return found[0] if found else {}


def _title(name: str, own: Texts, language: str) -> str:
    return (own["thingKo"] if language == "ko" else "") or name


def _by(found: Rows, column: str) -> list[list[Texts]]:
    """Rows with the same value in a column, together, in the order in which they came."""
    groups: dict[str, list[Texts]] = {}
    for row in found:
        groups.setdefault(row[column], []).append(row)
    return [*groups.values()]
