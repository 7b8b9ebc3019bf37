"""One query on one snapshot, in this process, written to a stream.

Rule: cannot be stopped from inside; whoever faces the public runs it in a worker.
"""

from collections.abc import Callable
from typing import IO, cast

import pyoxigraph as ox

from rokgraph import formats
from rokgraph.errors import NotAcceptable, QueryError, QuerySyntaxError
from rokgraph.query import Kind, Query, has_dataset_clause, syntax_error
from rokgraph.snapshot import Snapshot

type_of = {
    ox.QuerySolutions: Kind.SOLUTIONS,
    ox.QueryBoolean: Kind.BOOLEAN,
    ox.QueryTriples: Kind.GRAPH,
}

NO_FEDERATION = (
    "Federation out of this endpoint is off: SERVICE cannot be used here. "
    "Call this endpoint by SERVICE from your own instead."
)


def evaluate(snapshot: Snapshot, query: Query, output: Callable[[Kind, str], IO[bytes]]) -> Kind:
    """Evaluate `query`; `output(kind, format name)` opens the stream the answer is written to.

    Raises QuerySyntaxError, NotAcceptable, QueryError (an expression the engine cannot
    evaluate), and what the stream raises.
    """
    answer = ask(snapshot, query)
    kind = type_of[type(answer)]
    form = _format(query, kind)
    stream = output(kind, form.name)
    try:
        if isinstance(answer, ox.QueryTriples):
            answer.serialize(stream, cast("ox.RdfFormat", form.native))
        else:
            answer.serialize(stream, cast("ox.QueryResultsFormat", form.native))
    except RuntimeError as error:
        raise QueryError(f"The query cannot be evaluated: {error}") from None
    return kind


def ask(snapshot: Snapshot, query: Query) -> ox.QuerySolutions | ox.QueryBoolean | ox.QueryTriples:
    """Parse `query` and begin its evaluation; the answer is computed while it is read.

    Raises QuerySyntaxError and QueryError.
    """
    dataset: dict[str, object] = {}
    if query.default_graphs is not None or query.named_graphs is not None:
        # https://www.w3.org/TR/sparql11-protocol/#dataset: given graphs are the whole dataset
        dataset["default_graph"] = [ox.NamedNode(iri) for iri in query.default_graphs or ()]
        dataset["named_graphs"] = [ox.NamedNode(iri) for iri in query.named_graphs or ()]
    elif snapshot.summary.union and not has_dataset_clause(query.text):
        dataset["use_default_graph_as_union"] = True
    try:
        return snapshot.store.query(query.text, base_iri=query.base_iri, **dataset)  # type: ignore[arg-type]
    except SyntaxError as error:
        raise syntax_error(error.msg) from None
    except RuntimeError as error:
        raise QueryError(f"The query cannot be evaluated: {error}") from None
    except ValueError as error:
        raise QuerySyntaxError(str(error)) from None


def _format(query: Query, kind: Kind) -> formats.Format:
    if kind is Kind.GRAPH:
        name, table, form = query.graph_format, formats.GRAPH_FORMATS, "CONSTRUCT or DESCRIBE"
    else:
        name, table = query.result_format, formats.RESULT_FORMATS
        form = "SELECT" if kind is Kind.SOLUTIONS else "ASK"
    offered = tuple(entry.media_type for entry in table)
    if name is None:
        raise NotAcceptable(form, offered)
    found = formats.graph_format(name) if kind is Kind.GRAPH else formats.result_format(name)
    if found is None:
        raise NotAcceptable(form, offered)
    return found
