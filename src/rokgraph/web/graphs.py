"""The graph store, its reading part: whole graphs by name.

Rule: GET and HEAD; a graph that is not there is 404, and nothing is ever written.

See https://www.w3.org/TR/sparql11-http-rdf-update/#http-get
"""

from urllib.parse import parse_qsl, urljoin

from rokgraph import formats
from rokgraph.errors import BadRequest
from rokgraph.library import saved_query
from rokgraph.query import Query
from rokgraph.web.answering import Plan, answer
from rokgraph.web.exchange import Exchange, Service
from rokgraph.web.http import Receive, Scope, Send
from rokgraph.web.negotiation import GRAPHS, negotiate
from rokgraph.web.problems import HttpProblem

_METHODS = "GET, HEAD, OPTIONS"


class GraphStore:
    """The ASGI application at `/graph-store`."""

    def __init__(self, service: Service) -> None:
        """Answer with this service."""
        self._service = service
        root = service.engine.settings.root
        self._query = saved_query(root / "queries" / "pages" / "whole-graph.rq").text

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await Exchange(self._service, scope, receive, send).run(_METHODS, self._graph)

    async def _graph(self, exchange: Exchange) -> None:
        if exchange.scope["method"] not in ("GET", "HEAD"):
            raise HttpProblem(
                405,
                "method",
                "Method not allowed",
                f"The graph store is for reading; use {_METHODS}.",
                {"allow": _METHODS},
            )
        graph, named = self._asked(exchange)
        wanted = negotiate(exchange.accept, named)
        form = formats.graph_format("turtle" if wanted.html else wanted.graph or "")
        if form is None:
            offered = ", ".join(entry.media_type for entry in GRAPHS)
            raise HttpProblem(
                406, "not-acceptable", "No acceptable format", f"On offer: {offered}."
            )
        query = Query(
            self._query,
            default_graphs=None if graph is None else (graph,),
            named_graphs=None if graph is None else (),
            result_format=None,
            graph_format=form.name,
        )
        await answer(exchange, Plan(query, "" if named else "Accept"))

    def _asked(self, exchange: Exchange) -> tuple[str | None, str | None]:
        """The graph that is asked for, None for the default graph, and `?format=`.

        Raises BadRequest, and HttpProblem (404) for a graph that is not there.
        """
        try:
            pairs = parse_qsl(
                exchange.scope["query_string"].decode("ascii"),
                keep_blank_values=True,
                errors="strict",
            )
        except UnicodeDecodeError:
            raise BadRequest("A parameter is not UTF-8, percent-encoded.") from None
        names = [name for name, _ in pairs]
        if any(names.count(name) > 1 for name in ("graph", "default", "format")):
            raise BadRequest("A parameter is given twice.")
        values = dict(pairs)
        if ("graph" in values) == ("default" in values):
            raise BadRequest("Name one graph: ?graph=IRI or ?default.")
        form = values.get("format")
        if "default" in values:
            return None, form
        base = self._service.base_url(exchange.scope, exchange.headers) + "/graph-store"
        try:
            iri = urljoin(base, values["graph"])
        except ValueError:
            raise BadRequest(f"The graph is no IRI: {values['graph'][:100]!r}.") from None
        if iri not in self._service.engine.summary.graphs or not iri:
            raise HttpProblem(404, "no-graph", "No such graph", f"There is no graph <{iri[:200]}>.")
        return iri, form
