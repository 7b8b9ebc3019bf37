"""One query on one snapshot, in this process, written to a stream.

Rule: cannot be stopped from inside; whoever faces the public runs it in a worker.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import IO, cast

import pyoxigraph as ox

from rokgraph import complaints, dialect, formats
from rokgraph.describing import Describer, Graph
from rokgraph.errors import NotAcceptable, QueryError, RokgraphError, StoreDamaged
from rokgraph.query import Kind, Query
from rokgraph.snapshot import Snapshot
from rokgraph.writing import XmlStream, write_graph

Answered = ox.QuerySolutions | ox.QueryBoolean | ox.QueryTriples

type_of = {
    ox.QuerySolutions: Kind.SOLUTIONS,
    ox.QueryBoolean: Kind.BOOLEAN,
    ox.QueryTriples: Kind.GRAPH,
}

NO_FEDERATION = (
    "Federation out of this endpoint is off: SERVICE cannot be used here. "
    "Call this endpoint by SERVICE from your own instead."
)

_GRAPHS = (*formats.GRAPH_FORMATS, *formats.DATASET_FORMATS)
_FORMS = {
    Kind.SOLUTIONS: "SELECT", Kind.BOOLEAN: "ASK", Kind.GRAPH: "CONSTRUCT or DESCRIBE"
}  # fmt: skip
_XML = frozenset({"xml", "rdfxml"})
_FUNCTIONS = 32  # unknown functions that one query may call
_UNKNOWN_FUNCTION = re.compile(r"^The custom function <(.*)> is not supported$")
_DAMAGE = ("Corruption", "IO error")  # so begins what the engine says of its files
_EMPTY = ox.Store()  # parses without evaluating


def evaluate(snapshot: Snapshot, query: Query, output: Callable[[Kind, str], IO[bytes]]) -> Kind:
    """Evaluate `query`; `output(kind, format name)` opens the stream the answer is written to.

    Raises QuerySyntaxError, NotAcceptable, QueryError (an expression the engine cannot
    evaluate, a value that the format cannot carry), StoreDamaged, and what the stream raises.
    """
    answer = answered(snapshot, query)
    kind = type_of.get(type(answer), Kind.GRAPH)
    form = acceptable(query, kind)
    try:
        write(answer, form, output(kind, form.name), snapshot.summary.prefixes)
    except RuntimeError as error:
        raise _fault(error) from None
    return kind


def _fault(error: RuntimeError) -> RokgraphError:
    """Whose business it is that an evaluation fails."""
    told = str(error)
    if told.startswith(_DAMAGE):
        return StoreDamaged(told.partition(" in ")[0])  # without the path
    return QueryError(f"The query cannot be evaluated: {told}")


def write(
    answer: Answered | Iterable[ox.Triple],
    form: formats.Format,
    stream: IO[bytes],
    prefixes: dict[str, str],
) -> None:
    """Write an answer to a stream in a format that fits its kind.

    Raises QueryError for a value that the format cannot carry, and what reading the answer or
    writing to the stream raises.
    """
    if form.name in _XML:
        stream = cast("IO[bytes]", XmlStream(stream))
    try:
        if isinstance(answer, (ox.QuerySolutions, ox.QueryBoolean)):
            answer.serialize(stream, cast("ox.QueryResultsFormat", form.native))
        else:
            write_graph(answer, stream, form, prefixes)
    except OSError as error:
        if "does not support RDF 1.2" not in str(error):
            raise
        raise QueryError(f"{error}: ask for Turtle, TriG, N-Triples or N-Quads.") from None


def answered(snapshot: Snapshot, query: Query) -> Answered | Iterator[ox.Triple]:
    """Parse `query` and begin its evaluation, that of a DESCRIBE as we describe.

    The answer is computed while it is read; reading it may raise RuntimeError.

    Raises QuerySyntaxError and QueryError.
    """
    return _described(snapshot, query) or ask(snapshot, query)


def ask(snapshot: Snapshot, query: Query) -> Answered:
    """Parse `query` and begin its evaluation; the answer is computed while it is read.

    A DESCRIBE is answered as the engine sees it; `evaluate` knows better.

    Raises QuerySyntaxError and QueryError.
    """
    return _run(snapshot, query, query.text)


def _run(snapshot: Snapshot, query: Query, text: str) -> Answered:
    """Evaluate `text` on the dataset that `query` asks for.

    A function that the engine does not know becomes one whose every call is an error: its IRI is
    learned from the engine's refusal. See https://www.w3.org/TR/sparql11-query/#extensionFunctions

    Raises QuerySyntaxError and QueryError.
    """
    fault = dialect.misuse(text)
    if fault is not None:
        raise fault
    dataset = _dataset(snapshot, query, text)
    bound = _substitutions(query)
    functions: dict[ox.NamedNode, Callable[..., None]] = {}
    while True:
        options = {"base_iri": query.base_iri, "custom_functions": functions}
        try:
            put = text
            if dialect.rewritable(text):
                parsed = _EMPTY.query(text, **options)  # type: ignore[arg-type]
                variables = getattr(parsed, "variables", ())
                put = dialect.rewritten(text, [variable.value for variable in variables])
            return snapshot.store.query(put, **options, **dataset, **bound)  # type: ignore[arg-type]
        except SyntaxError as error:
            lowered = dialect.lower_booleans(text)
            if lowered == text:
                prefixes = snapshot.summary.prefixes
                raise complaints.syntax_error(
                    error.msg, text, prefixes, _complaint(options)
                ) from None
            text = lowered
        except RuntimeError as error:
            unknown = _UNKNOWN_FUNCTION.match(str(error))
            if unknown is None or len(functions) == _FUNCTIONS:
                raise _fault(error) from None
            functions[ox.NamedNode(unknown[1])] = lambda *_: None
        except ValueError as error:
            raise QueryError(f"The query cannot be evaluated: {error}") from None


def _complaint(options: Mapping[str, object]) -> Callable[[str], str | None]:
    def complaint(text: str) -> str | None:
        try:
            _EMPTY.query(text, **options)  # type: ignore[arg-type]
        except SyntaxError as error:
            return error.msg
        except (RuntimeError, ValueError, OSError):
            return None
        return None

    return complaint


def _dataset(snapshot: Snapshot, query: Query, text: str) -> dict[str, object]:
    """The engine's options for the dataset of a query.

    Raises QueryError for a graph whose name is no absolute IRI.
    """
    if query.default_graphs is None and query.named_graphs is None:
        union = snapshot.summary.union and not dialect.has_dataset_clause(text)
        return {"use_default_graph_as_union": True} if union else {}
    # https://www.w3.org/TR/sparql11-protocol/#dataset: given graphs are the whole dataset
    return {
        "default_graph": _graphs(query.default_graphs or ()),
        "named_graphs": _graphs(query.named_graphs or ()),
    }


def _substitutions(query: Query) -> dict[str, object]:
    """The engine's options for the values that variables have from the start."""
    values = {ox.Variable(name): _term(text) for name, text in query.bindings}
    return {"substitutions": values} if values else {}


def _term(text: str) -> object:
    """The term that N-Triples writes like this."""
    statement = f"<rokgraph:s> <rokgraph:p> {text} ."
    return next(ox.parse(statement.encode(), format=ox.RdfFormat.N_TRIPLES)).object


def _graphs(iris: Iterable[str]) -> list[ox.NamedNode]:
    try:
        return [ox.NamedNode(iri) for iri in iris]
    except ValueError as error:
        raise QueryError(f"A graph's name is not an absolute IRI: {error}") from None


def acceptable(query: Query, kind: Kind) -> formats.Format:
    """The format that an answer of that kind is wanted in. Raises NotAcceptable."""
    graph = kind is Kind.GRAPH
    name = query.graph_format if graph else query.result_format
    found = None
    if name is not None:
        found = formats.graph_format(name) if graph else formats.result_format(name)
    if found is None:
        form = _FORMS[kind]
        table = _GRAPHS if graph else formats.RESULT_FORMATS
        raise NotAcceptable(form, tuple(entry.media_type for entry in table))
    return found


def _described(snapshot: Snapshot, query: Query) -> Iterator[ox.Triple] | None:
    """The answer of a DESCRIBE query; None for another query.

    Raises QuerySyntaxError and QueryError.
    """
    wanted = dialect.description(query.text)
    if wanted is None:
        return None
    # The engine reads the query as it was asked, so that its complaints name the right place.
    _run(Snapshot(_EMPTY, snapshot.summary), query._replace(bindings=()), query.text)

    graphs: list[Graph] | None = [ox.DefaultGraph()]
    if query.default_graphs is not None or query.named_graphs is not None:
        graphs = [*_graphs(query.default_graphs or ())]
    elif wanted.graphs is not None:
        graphs = [*absolute(wanted, wanted.graphs, query.base_iri)]
    elif snapshot.summary.union:
        graphs = None
    solutions = _run(snapshot, query, wanted.select) if wanted.select else ()
    nodes = chain(
        absolute(wanted, wanted.named, query.base_iri),
        (term for row in cast("Iterable[ox.QuerySolution]", solutions) for term in row),
    )
    return Describer(snapshot.store, graphs).describe(nodes)


def absolute(
    wanted: dialect.Description, names: Sequence[str], base_iri: str | None
) -> list[ox.NamedNode]:
    """The IRIs that are written like this in a DESCRIBE query."""
    if not names:
        return []
    rows = _EMPTY.query(wanted.listing(names), base_iri=base_iri)
    return [row["iri"] for row in cast("Iterable[ox.QuerySolution]", rows)]
