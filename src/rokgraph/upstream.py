"""Queries answered by an endpoint elsewhere, as a worker answers them from a snapshot.

Rule: what comes back is read by a parser before a byte of it goes out, so an answer that is cut,
or is none, is never passed on as one.

The query is read here first: what does not parse, or calls a third endpoint, is never sent. An
answer is asked for in one format, the plainest that every engine writes, and written here in the
one that is wanted. See https://www.w3.org/TR/sparql11-protocol/
"""

import contextlib
import io
import resource
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import IO, Any

import pyoxigraph as ox

from rokgraph import evaluation
from rokgraph.dialect import Description, description, rewritable, rewritten
from rokgraph.errors import AnswerCut, QueryError, UpstreamFault
from rokgraph.portable import calls_elsewhere, for_virtuoso, most_rows, names_dataset, portable
from rokgraph.query import Kind, Query
from rokgraph.remote import VIRTUOSO, Remote, Reply
from rokgraph.snapshot import Snapshot, Summary

_RESULTS = "application/sparql-results+json, application/sparql-results+xml;q=0.5"
_GRAPHS = "application/n-triples, text/turtle;q=0.5, application/rdf+xml;q=0.2"
# Where one of two sets of graphs is given the other is empty, which no parameter can say.
_NOTHING = "urn:x-rokgraph:no-graph"
_AT_ONCE = 100  # nodes that are described by one query


class Upstream:
    """The endpoint, as the settings have it; belongs to one process at a time.

    `summary` is what is known of its data, `rows` at how many it cuts an answer, `engine` what it
    calls itself; who has found them out sets them. `describing` is the query of `describe.rq`.
    """

    def __init__(self, given: Mapping[str, Any], describing: str) -> None:
        """Take what the settings say of it; nothing is asked yet."""
        self.graphs: tuple[str, ...] = tuple(given["graphs"])
        self.rows: int | None = given["rows"]
        self.engine = ""
        self._seconds = float(given["timeout"])
        self._remote = Remote(given["url"], given["user"], given["password"], self._seconds)
        self._describing = describing
        self._empty = Snapshot(ox.Store(), Summary("", {}, {}, union=False))

    @property
    def summary(self) -> Summary:
        """What is known of its data."""
        return self._empty.summary

    @summary.setter
    def summary(self, summary: Summary) -> None:
        self._empty = replace(self._empty, summary=summary)

    def close(self) -> None:
        """Let go of the connection; another process has its own."""
        self._remote.close()

    def forward(self, query: Query, output: Callable[[Kind, str], IO[bytes]]) -> Kind:
        """Answer `query`; `output(kind, format name)` opens the stream the answer is written to.

        Raises QuerySyntaxError, NotAcceptable, QueryError, UpstreamFault, AnswerCut,
        UpstreamTimeout, UpstreamBusy, and what the stream raises.
        """
        kind, query = self._read(query)
        form = evaluation.acceptable(query, kind)
        with _reading():
            answer = self.results(query, kind) if kind is not Kind.GRAPH else self._graph(query)
            evaluation.write(answer, form, output(kind, form.name), self.summary.prefixes)
        return kind

    def _read(self, query: Query) -> tuple[Kind, Query]:
        """What a query answers with, and how to put it; raises what is wrong with it."""
        with _sealed():
            answer = evaluation.ask(self._empty, query._replace(bindings=()))
        if calls_elsewhere(query.text):
            raise QueryError(evaluation.NO_FEDERATION)
        if isinstance(answer, ox.QuerySolutions) and rewritable(query.text):
            # sorted, as some engines have them: then what is to be changed is seen
            names = sorted(variable.value for variable in answer.variables)
            query = query._replace(text=rewritten(query.text, names))
        return evaluation.type_of[type(answer)], query

    def reply(self, query: Query, kind: Kind) -> Reply:
        """What it answers to a query that is known to be one, not read yet.

        Raises QueryError, UpstreamFault, UpstreamTimeout, UpstreamBusy.
        """
        text = portable(query)
        parameters = [*self._dataset(query)]
        if self.engine == VIRTUOSO:
            text = for_virtuoso(text)
            # it would go on long after we have left
            parameters.append(("timeout", str(round(self._seconds * 1000))))
        parameters.insert(0, ("query", text))
        return self._remote.ask(parameters, _GRAPHS if kind is Kind.GRAPH else _RESULTS)

    def _dataset(self, query: Query) -> Iterator[tuple[str, str]]:
        """The parameters that name the dataset.

        See https://www.w3.org/TR/sparql11-protocol/#dataset
        """
        default, named = query.default_graphs, query.named_graphs
        if not names_dataset(query):
            default = named = self.graphs or None
        if default is None and named is None:
            return
        for name, graphs in (("default-graph-uri", default), ("named-graph-uri", named)):
            for graph in graphs or (_NOTHING,):
                yield name, graph

    def results(self, query: Query, kind: Kind) -> ox.QuerySolutions | ox.QueryBoolean:
        """Solutions or a boolean, as `kind` says, and all of them.

        Raises AnswerCut, and what `reply` raises; SyntaxError while it is read.
        """
        reply = self.reply(query, kind)
        wanted, limit = most_rows(query.text), reply.rows or self.rows
        if kind is Kind.SOLUTIONS and limit is not None and (wanted is None or wanted > limit):
            if reply.rows is not None:
                raise AnswerCut(limit)
            if reply.engine != VIRTUOSO:  # which would have said so
                reply = replace(reply, body=_counted(reply, limit))
        answer = _parsed(reply)
        if evaluation.type_of[type(answer)] is not kind:
            raise UpstreamFault("answered another question: a boolean for solutions, or the like.")
        return answer

    def _graph(self, query: Query) -> Iterable[ox.Triple]:
        """The triples of a CONSTRUCT or DESCRIBE; of the latter as we describe."""
        wanted = description(query.text)
        return self._constructed(query) if wanted is None else self._described(query, wanted)

    def _constructed(self, query: Query) -> Iterator[ox.Triple]:
        """The triples. Raises AnswerCut after the last one, if there are as many as it gives."""
        reply = self.reply(query, Kind.GRAPH)
        form = ox.RdfFormat.from_media_type(reply.media_type)
        if form is None:
            raise _another(reply)
        number = 0
        for quad in ox.parse(reply.body, format=form):
            number += 1
            yield quad.triple
        if self.rows is not None and number >= self.rows:
            raise AnswerCut(self.rows)

    def _described(self, query: Query, wanted: Description) -> Iterator[ox.Triple]:
        """What is said of each IRI that is to be described; each triple once.

        Nothing of blank nodes: they have no name that it would know.
        """
        asked = query._replace(bindings=())
        if wanted.graphs is not None:
            graphs = self._absolute(query, wanted, wanted.graphs)
            asked = asked._replace(default_graphs=graphs, named_graphs=())
        found = chain(self._absolute(query, wanted, wanted.named), self._chosen(query, wanted))
        told: set[ox.Triple] = set()
        coming = iter(dict.fromkeys(found))  # all of them: one answer is read at a time
        while nodes := tuple(islice(coming, _AT_ONCE)):
            values = (("node", " ".join(f"<{node}>" for node in nodes)),)
            for triple in self._constructed(asked._replace(text=self._describing, bindings=values)):
                if triple not in told:
                    told.add(triple)
                    yield triple

    def _chosen(self, query: Query, wanted: Description) -> Iterator[str]:
        """The IRIs among the solutions of a DESCRIBE."""
        if wanted.select is None:
            return
        solutions = self.results(query._replace(text=wanted.select), Kind.SOLUTIONS)
        for row in solutions:  # type: ignore[union-attr] # no boolean: `results` has seen to it
            yield from (term.value for term in row if isinstance(term, ox.NamedNode))

    def _absolute(self, query: Query, wanted: Description, names: Sequence[str]) -> tuple[str, ...]:
        """IRIs as they are written in a DESCRIBE, made absolute."""
        return tuple(node.value for node in evaluation.absolute(wanted, names, query.base_iri))


@contextlib.contextmanager
def _sealed() -> Iterator[None]:
    """Nothing can be opened meanwhile: to read a query may be to begin its evaluation."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextlib.contextmanager
def _reading() -> Iterator[None]:
    """What does not parse while an answer is read is told as the fault of who wrote it."""
    try:
        yield
    except SyntaxError as error:
        raise _unreadable(error) from None


def _unreadable(error: Exception) -> UpstreamFault:
    return UpstreamFault(f"sent an answer that does not parse: {str(error)[:200]}")


def _parsed(reply: Reply) -> ox.QuerySolutions | ox.QueryBoolean:
    """Results being read. Raises UpstreamFault."""
    form = ox.QueryResultsFormat.from_media_type(reply.media_type)
    if form is None:
        raise _another(reply)
    try:
        return ox.parse_query_results(reply.body, format=form)
    except (SyntaxError, ValueError) as error:
        raise _unreadable(error) from None


def _another(reply: Reply) -> UpstreamFault:
    return UpstreamFault(f"answered in {reply.media_type[:100]}, which was not asked for.")


def _counted(reply: Reply, limit: int) -> IO[bytes]:
    """The body, all of it, if it has fewer rows than the limit. Raises AnswerCut, UpstreamFault."""
    body = reply.body.read()
    rows = _parsed(replace(reply, body=io.BytesIO(body)))
    with _reading():
        if isinstance(rows, ox.QuerySolutions) and sum(1 for _ in rows) >= limit:
            raise AnswerCut(limit)
    return io.BytesIO(body)
