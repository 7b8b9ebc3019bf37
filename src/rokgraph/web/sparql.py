"""The SPARQL endpoint: a request in, a query asked, its answer out.

Rule: speaks the protocol; evaluates nothing. A bare ASGI application, since a framework's route
costs more than most queries.

See https://www.w3.org/TR/sparql11-protocol/#query-operation
"""

from functools import partial
from urllib.parse import parse_qs

from rokgraph import __version__, formats
from rokgraph.description import service_description
from rokgraph.errors import BadRequest, Busy, QueryError
from rokgraph.query import Query
from rokgraph.web import conditional
from rokgraph.web.answering import Plan, answer
from rokgraph.web.editor import Editor
from rokgraph.web.exchange import Exchange, Service
from rokgraph.web.http import Receive, Scope, Send
from rokgraph.web.lookup import Lookup
from rokgraph.web.negotiation import GRAPHS, negotiate
from rokgraph.web.problems import HttpProblem
from rokgraph.web.request import METHODS, Asked, read


class SparqlEndpoint:
    """The ASGI application at `/sparql`."""

    def __init__(self, service: Service, lookup: Lookup) -> None:
        """Answer with this service; pages name things as `lookup` knows them."""
        self._service, self._editor = service, Editor(service, lookup)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await Exchange(self._service, scope, receive, send).run(METHODS, self._answer)

    async def _answer(self, exchange: Exchange) -> None:
        limit = self._service.engine.settings.max_query
        asked = await read(exchange.scope, exchange.headers, exchange.receive, limit)
        if asked.text is None:
            await self._about(exchange, asked)
        else:
            await self._query(exchange, asked, asked.text)

    async def _query(self, exchange: Exchange, asked: Asked, text: str) -> None:
        wanted = negotiate(exchange.accept, asked.format)
        if wanted.result is None and wanted.graph is None and not wanted.html:
            offered = [entry.media_type for entry in (*formats.RESULT_FORMATS, *GRAPHS)]
            raise _not_acceptable(offered)
        query = Query(
            text,
            base_iri=self._service.base_url(exchange.scope, exchange.headers) + "/sparql",
            default_graphs=asked.default_graphs,
            named_graphs=asked.named_graphs,
            result_format="json" if wanted.html else wanted.result,
            graph_format="turtle" if wanted.html else wanted.graph,
        )
        vary = "" if asked.format else "Accept"
        federated = bool(self._service.engine.settings.federation) and "service" in text.lower()
        draw = partial(self._editor.answered, exchange, asked) if wanted.html else None
        plan = Plan(query, vary, asked.seconds, draw, federated=federated)
        try:
            await answer(exchange, plan)
        except (QueryError, Busy) as error:
            await exchange.refuse(error, self._editor.refused(exchange, asked))

    async def _about(self, exchange: Exchange, asked: Asked) -> None:
        """No query: the form for a browser, else the service description.

        See https://www.w3.org/TR/sparql11-service-description/#accessing
        """
        if asked.default_graphs is not None or asked.named_graphs is not None:
            raise BadRequest("The parameter 'query' is missing.")
        wanted = negotiate(exchange.accept, asked.format)
        endpoint = self._service.base_url(exchange.scope, exchange.headers) + "/sparql"
        summary = self._service.engine.summary
        base = conditional.base_tag(summary.digest, __version__, endpoint)
        vary = "Accept-Encoding" if asked.format else "Accept, Accept-Encoding"
        headers = {"vary": vary, "cache-control": "public, max-age=60"}
        if wanted.html:
            page = self._editor.blank(exchange, _question(exchange.scope))
            await exchange.show(headers, conditional.base_tag(summary.digest, page), page)
            return
        form = formats.graph_format(wanted.graph or "")
        if form is None:
            raise _not_acceptable([entry.media_type for entry in GRAPHS])
        headers["content-type"] = form.content_type
        described = service_description(summary, endpoint, form.name)
        await exchange.represent(headers, base, form.name, described)


def _question(scope: Scope) -> str | None:
    """The name of the question that the editor shall hold: `?question=`."""
    found = parse_qs(scope["query_string"].decode("latin-1")).get("question")
    return found[0] if found else None


def _not_acceptable(offered: list[str]) -> HttpProblem:
    return HttpProblem(
        406, "not-acceptable", "No acceptable format", f"On offer: {', '.join(offered)}."
    )
