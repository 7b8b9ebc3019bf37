"""A page as it is asked for: the reader, the arguments, and the way to the rows behind it.

Rule: a page is made of rows of saved queries and of nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from rokgraph.library import SavedQuery
from rokgraph.parameters import Term, bound
from rokgraph.publication import Publication
from rokgraph.query import Query
from rokgraph.web.answering import rows
from rokgraph.web.arguments import Arguments
from rokgraph.web.citation import Citation, citation
from rokgraph.web.exchange import Exchange
from rokgraph.web.members import Member, Members
from rokgraph.web.renderings import PATH


class Row(dict[str, str]):
    """One solution: variable to the text of its value; empty where it is not bound."""

    def __missing__(self, key: str) -> str:
        """A variable that is not bound has no text."""
        return ""

    def named(self, stem: str, language: str) -> str:
        """The name of `stem` in a language, else in the other, else none."""
        own, other = ("Ko", "En") if language == "ko" else ("En", "Ko")
        return self[stem + own] or self[stem + other]


@dataclass(frozen=True, slots=True)
class Behind:
    """The query behind a table or figure: its address with the arguments, and those of its forms.

    `of` is the address of the rows as SPARQL's JSON.
    """

    page: str
    csv: str
    xlsx: str
    of: str


class Asked:
    """One page for one reader."""

    def __init__(
        self,
        exchange: Exchange,
        arguments: Arguments,
        views: Mapping[str, SavedQuery],
        members: Members,
        publication: Publication,
    ) -> None:
        """Take the parts; `views` are the queries by name, `publication` the files."""
        # Made once for all who ask the same: without what is no argument in the address.
        self.frame = replace(exchange.frame, query=urlencode(arguments.given))
        self.arguments, self.publication = arguments, publication
        self._exchange, self._views, self._members = exchange, views, members

    @property
    def language(self) -> str:
        """The reader's, one of `language.LANGUAGES`."""
        return self.frame.language

    @property
    def given(self) -> Mapping[str, str]:
        """The arguments as they came, by name."""
        return self.arguments.given

    @property
    def terms(self) -> Mapping[str, Term]:
        """The arguments as terms, by name."""
        return self.arguments.terms

    @property
    def contact(self) -> str | None:
        """Whom to tell of faults, as the settings have it: an address with its scheme."""
        return self._exchange.service.engine.settings.contact

    @property
    def prefixes(self) -> Mapping[str, str]:
        """The prefixes of the dataset with their namespaces."""
        return self._exchange.service.engine.summary.prefixes

    async def rows(self, name: str, **terms: Term) -> list[Row]:
        """The rows of a query of `queries/views`, with these terms for its parameters.

        Without terms, with those arguments of the page that the query has too.
        Raises what the engine raises, and KeyError for a query that is not there.
        """
        saved = self._views[name]
        given = terms or {key: term for key, term in self.terms.items() if key in saved.parameters}
        query = Query(bound(saved.text, given), graph_format=None)
        found = await rows(self._exchange, query)
        return [Row({key: term["value"] for key, term in row.items()}) for row in found]

    def behind(self, name: str, **given: str) -> Behind:
        """Where the rows of a query are to be had, with these values for its parameters.

        Without values, with those arguments of the page that the query has too.
        """
        known = self._views[name].parameters
        values = given or {key: value for key, value in self.given.items() if key in known}
        path, asked = PATH + name, f"?{urlencode(values)}" if values else ""
        return Behind(
            path + asked, f"{path}.csv{asked}", f"{path}.xlsx{asked}", f"{path}.json{asked}"
        )

    async def members(self, of: str) -> tuple[Member, ...]:
        """The members of a class, such as `rok:Strategy`: what a form may offer."""
        return await self._members.of(self._exchange, of)

    async def citation(self, title: str) -> Citation:
        """How to cite this page."""
        about: dict[str, Any] = next(iter(await self.rows("about-dataset")), Row())
        base = self._exchange.service.base_url(self._exchange.scope, self._exchange.headers)
        query = f"?{self.frame.query}" if self.frame.query else ""
        url = f"{base}{self.frame.path}{query}"
        return citation(title, url, about, self.frame.dataset)
