"""The pages at their addresses.

Rule: knows every page and nothing of what is on it; a page is made once for an address and a
language, then kept.
"""

from collections.abc import Awaitable, Callable, Mapping

from rokgraph import __version__
from rokgraph.catalogue import Catalogue
from rokgraph.errors import RokgraphError
from rokgraph.library import saved_queries
from rokgraph.publication import Publication
from rokgraph.query import Kind, Query
from rokgraph.schema_org import schema_org
from rokgraph.web import conditional
from rokgraph.web.arguments import known_only, read
from rokgraph.web.cache import Kept
from rokgraph.web.exchange import Exchange, Service
from rokgraph.web.http import Receive, Scope, Send
from rokgraph.web.members import Members
from rokgraph.web.pages.about import ABOUT
from rokgraph.web.pages.asked import Asked
from rokgraph.web.pages.figures import FIGURES
from rokgraph.web.pages.laws import LAWS
from rokgraph.web.pages.neighbourhood import NEIGHBOURHOOD
from rokgraph.web.pages.overview import OVERVIEW
from rokgraph.web.pages.patterns import PATTERNS
from rokgraph.web.pages.picture import PICTURE
from rokgraph.web.pages.refusals import REFUSALS
from rokgraph.web.pages.tasks import TASKS
from rokgraph.web.pages.timeline import TIMELINE
from rokgraph.web.pages.trace import TRACE
from rokgraph.web.pages.validation import VALIDATION
from rokgraph.web.pages.view import View
from rokgraph.web.problems import HttpProblem

_METHODS = "GET, HEAD, OPTIONS"
VIEWS: Mapping[str, View] = {
    view.path: view
    for view in (
        OVERVIEW,
        TASKS,
        LAWS,
        TRACE,
        TIMELINE,
        FIGURES,
        NEIGHBOURHOOD,
        ABOUT,
        PATTERNS,
        REFUSALS,
        VALIDATION,
        PICTURE,
    )
}


class Pages:
    """The ASGI application at the paths of `VIEWS`."""

    def __init__(
        self,
        service: Service,
        catalogue: Callable[[], Awaitable[Catalogue]],
        publication: Publication,
    ) -> None:
        """Answer with this service.

        `catalogue` gives what the dataset says of itself, `publication` has its files.
        """
        self._service, self._members, self._catalogue = service, Members(service), catalogue
        self._publication = publication
        root = service.engine.settings.root
        self._saved = {saved.name: saved for saved in saved_queries(root, "views")}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await Exchange(self._service, scope, receive, send).run(_METHODS, self._answer)

    async def _answer(self, exchange: Exchange) -> None:
        if exchange.scope["method"] not in ("GET", "HEAD"):
            detail = f"Pages are for reading; use {_METHODS}."
            raise HttpProblem(405, "method", "Method not allowed", detail, {"allow": _METHODS})
        view = VIEWS[exchange.scope["path"]]
        summary, frame = self._service.engine.summary, exchange.frame
        parameters = self._saved[view.query].parameters
        arguments = await read(
            known_only(exchange.scope, parameters), parameters, (("html",), ()),
            self._iris(exchange), summary.prefixes,
        )  # fmt: skip
        base = self._service.base_url(exchange.scope, exchange.headers)
        asked = Asked(exchange, arguments, self._saved, self._members, self._publication)
        made = len(self._publication.published), self._publication.failed
        files = repr(made if view.files else None)
        key = Query(
            "", None, None, None, f"html-{frame.language}", None,
            (("page", base + frame.path), ("files", files), *sorted(arguments.given.items())),
        )  # fmt: skip
        kept = self._service.cache.get(key)
        if kept is None:
            page = await self._made(view, asked, base)
            kept = Kept(Kind.SOLUTIONS, "html", page)
            self._service.cache.put(key, kept)
        tag = conditional.base_tag(summary.digest, summary.load, __version__, *key.bindings)
        await exchange.show({"vary": "Accept-Encoding"}, tag, kept.body)

    async def _made(self, view: View, asked: Asked, base: str) -> bytes:
        values = await view.make(asked)
        cited = await asked.citation(str(values["title"]))
        markup = await self._markup(base) if view.path == "/" else None
        return asked.frame.page(
            view.template, section=view.section, asked=asked, cited=cited, markup=markup, **values
        )

    async def _markup(self, base: str) -> dict[str, object] | None:
        """What search engines for datasets read; none while the catalogue cannot be had."""
        try:
            return schema_org(await self._catalogue(), base)
        except RokgraphError:
            return None  # the page matters more

    def _iris(self, exchange: Exchange) -> Callable[[str], Awaitable[tuple[str, ...]]]:
        """What gives the IRIs of the members of a class by its short form."""

        async def iris(name: str) -> tuple[str, ...]:
            return tuple(member.iri for member in await self._members.of(exchange, name))

        return iris
