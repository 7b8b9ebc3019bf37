"""The members of a class: what a parameter of a question may be chosen from.

Rule: asked once of the engine, then known, since the dataset does not change.
"""

from typing import NamedTuple

from rokgraph.curies import full_iri, short_iri
from rokgraph.library import saved_query
from rokgraph.query import Query
from rokgraph.web.answering import rows
from rokgraph.web.exchange import Exchange, Service


class Member(NamedTuple):
    """One member: its IRI, its short form, and both with its names for people."""

    iri: str
    short: str
    label: str


class Members:
    """The members of classes of one dataset."""

    def __init__(self, service: Service) -> None:
        """Ask the engine of this service."""
        root = service.engine.settings.root
        self._text = saved_query(root / "queries" / "pages" / "members.rq").text
        self._prefixes = service.engine.summary.prefixes
        self._known: dict[str, tuple[Member, ...]] = {}

    async def of(self, exchange: Exchange, name: str) -> tuple[Member, ...]:
        """The members of the class with that short form, such as `rok:Task`, by IRI.

        Of several classes, apart by spaces, those of the first come first.
        Raises what the engine raises.
        """
        if name not in self._known:
            found: dict[str, Member] = {}
            for of in name.split():
                for member in await self._of_class(exchange, full_iri(of, self._prefixes)):
                    found.setdefault(member.iri, member)
            self._known[name] = tuple(found.values())
        return self._known[name]

    async def _of_class(self, exchange: Exchange, of: str) -> list[Member]:
        query = Query(self._text, graph_format=None, bindings=(("class", f"<{of}>"),))
        found = []
        for row in await rows(exchange, query):
            iri = row["member"]["value"]
            short = short_iri(iri, self._prefixes)
            names = (row[tag]["value"] for tag in ("en", "ko") if tag in row)
            found.append(Member(iri, short, " · ".join((short, *names))))
        return found
