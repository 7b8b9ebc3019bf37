"""One query on one snapshot, in this process, written to a stream.

Rule: cannot be stopped from inside; whoever faces the public runs it in a worker.
"""

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import IO, cast

import pyoxigraph as ox

from rokgraph import dialect, formats
from rokgraph.errors import NotAcceptable, QueryError
from rokgraph.query import Kind, Query
from rokgraph.snapshot import Snapshot
from rokgraph.vocab import RDFS_LABEL, SKOS_PREF_LABEL

_Node = ox.NamedNode | ox.BlankNode
_Object = _Node | ox.Literal | ox.Triple
_Graph = ox.NamedNode | ox.DefaultGraph
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
_ABBREVIATED = frozenset({"turtle", "trig", "rdfxml"})
_XML = frozenset({"xml", "rdfxml"})
_LOOKED_AT = 100  # triples in which prefixes worth declaring are looked for
_FUNCTIONS = 32  # unknown functions that one query may call
_UNKNOWN_FUNCTION = re.compile(r"^The custom function <(.*)> is not supported$")
_REIFIES = ox.NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#reifies")
_LABELS = (RDFS_LABEL, SKOS_PREF_LABEL)
_EMPTY = ox.Store()  # parses without evaluating

# https://www.w3.org/TR/xml/#charsets; and an element of no name, which is how the engine writes a
# property whose IRI does not end in what can be a name.
_NOT_XML = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]|<[\w.-]{1,50}:[ >/]")
_KEPT = 64  # bytes: what is looked for may be cut in two
# What can be a prefix in XML and Turtle alike.
_PREFIX = re.compile(r"(?!xml)[a-z][\w-]{,49}", re.ASCII | re.IGNORECASE)


def evaluate(snapshot: Snapshot, query: Query, output: Callable[[Kind, str], IO[bytes]]) -> Kind:
    """Evaluate `query`; `output(kind, format name)` opens the stream the answer is written to.

    Raises QuerySyntaxError, NotAcceptable, QueryError (an expression the engine cannot
    evaluate, a value that the format cannot carry), and what the stream raises.
    """
    answer = _described(snapshot, query) or ask(snapshot, query)
    kind = type_of.get(type(answer), Kind.GRAPH)
    form = _format(query, kind)
    stream = output(kind, form.name)
    if form.name in _XML:
        stream = cast("IO[bytes]", _XmlStream(stream))
    try:
        if isinstance(answer, (ox.QuerySolutions, ox.QueryBoolean)):
            answer.serialize(stream, cast("ox.QueryResultsFormat", form.native))
        else:
            _write_graph(answer, stream, form, snapshot.summary.prefixes)
    except RuntimeError as error:
        raise QueryError(f"The query cannot be evaluated: {error}") from None
    except OSError as error:
        if "does not support RDF 1.2" not in str(error):
            raise
        raise QueryError(f"{error}: ask for Turtle, TriG, N-Triples or N-Quads.") from None
    return kind


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
    functions: dict[ox.NamedNode, Callable[..., None]] = {}
    while True:
        options = {"base_iri": query.base_iri, "custom_functions": functions}
        try:
            put = text
            if dialect.rewritable(text):
                parsed = _EMPTY.query(text, **options)  # type: ignore[arg-type]
                variables = getattr(parsed, "variables", ())
                put = dialect.rewritten(text, [variable.value for variable in variables])
            return snapshot.store.query(put, **options, **dataset)  # type: ignore[arg-type]
        except SyntaxError as error:
            lowered = dialect.lower_booleans(text)
            if lowered == text:
                prefixes = snapshot.summary.prefixes
                raise dialect.syntax_error(error.msg, text, prefixes, _complaint(options)) from None
            text = lowered
        except RuntimeError as error:
            unknown = _UNKNOWN_FUNCTION.match(str(error))
            if unknown is None or len(functions) == _FUNCTIONS:
                raise QueryError(f"The query cannot be evaluated: {error}") from None
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


def _graphs(iris: Iterable[str]) -> list[ox.NamedNode]:
    try:
        return [ox.NamedNode(iri) for iri in iris]
    except ValueError as error:
        raise QueryError(f"A graph's name is not an absolute IRI: {error}") from None


def _format(query: Query, kind: Kind) -> formats.Format:
    if kind is Kind.GRAPH:
        name, table, form = query.graph_format, _GRAPHS, "CONSTRUCT or DESCRIBE"
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


# -- graphs --------------------------------------------------------------------------------


def _write_graph(
    triples: Iterable[ox.Triple],
    stream: IO[bytes],
    form: formats.Format,
    prefixes: dict[str, str],
) -> None:
    """Serialise triples as they come, short where the format can, by the snapshot's prefixes.

    Only prefixes that the first triples use are declared.
    """
    coming = iter(triples)
    used: dict[str, str] = {}
    if form.name in _ABBREVIATED:
        first = list(islice(coming, _LOOKED_AT))
        by_space = {space: prefix for prefix, space in prefixes.items()}
        spaces = _spaces(first)
        used = {by_space[space]: space for space in sorted(spaces & by_space.keys())}
        used = {prefix: space for prefix, space in used.items() if _PREFIX.fullmatch(prefix)}
        coming = chain(first, coming)
    ox.serialize(coming, stream, cast("ox.RdfFormat", form.native), prefixes=used)


def _spaces(triples: Iterable[ox.Triple]) -> set[str]:
    """The namespaces of the IRIs in triples, datatypes included."""
    iris = set()
    for triple in triples:
        for term in triple:
            if type(term) is ox.NamedNode:
                iris.add(term.value)
            elif type(term) is ox.Literal:
                iris.add(term.datatype.value)
    return {iri[: max(iri.rfind("#"), iri.rfind("/")) + 1] for iri in iris}


class _XmlStream:
    """What XML cannot carry is refused; a carriage return is written so that it is kept.

    See https://www.w3.org/TR/xml/#sec-line-ends: a literal one is read as a line feed.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._tail = b""

    def write(self, data: bytes) -> int:
        seen = self._tail + data
        found = _NOT_XML.search(seen)
        if found is not None:
            raise QueryError(_not_xml(found[0]))
        self._tail = seen[-_KEPT:]
        self._stream.write(data.replace(b"\r", b"&#13;"))
        return len(data)

    def flush(self) -> None:
        self._stream.flush()


def _not_xml(found: bytes) -> str:
    if found.startswith(b"<"):
        return (
            "RDF/XML cannot carry this answer: the IRI of a property has no part that can be "
            "an XML name. Ask for Turtle, TriG, N-Triples, N-Quads or JSON-LD."
        )
    return (
        f"XML cannot carry this answer: it holds the character U+{ord(found.decode()):04X}. "
        "Ask for JSON, TSV, Turtle or another format that is not XML."
    )


# -- descriptions --------------------------------------------------------------------------


def _described(snapshot: Snapshot, query: Query) -> Iterator[ox.Triple] | None:
    """The answer of a DESCRIBE query; None for another query.

    Raises QuerySyntaxError and QueryError.
    """
    wanted = dialect.description(query.text)
    if wanted is None:
        return None
    # The engine reads the query as it was asked, so that its complaints name the right place.
    _run(Snapshot(_EMPTY, snapshot.summary), query, query.text)

    def absolute(names: tuple[str, ...]) -> list[ox.NamedNode]:
        if not names:
            return []
        rows = _EMPTY.query(wanted.listing(names), base_iri=query.base_iri)
        return [row["iri"] for row in cast("Iterable[ox.QuerySolution]", rows)]

    graphs: list[_Graph] | None = [ox.DefaultGraph()]
    if query.default_graphs is not None or query.named_graphs is not None:
        graphs = [*_graphs(query.default_graphs or ())]
    elif wanted.graphs is not None:
        graphs = [*absolute(wanted.graphs)]
    elif snapshot.summary.union:
        graphs = None
    solutions = _run(snapshot, query, wanted.select) if wanted.select else ()
    nodes = chain(
        absolute(wanted.named),
        (term for row in cast("Iterable[ox.QuerySolution]", solutions) for term in row),
    )
    return _Describer(snapshot.store, graphs).describe(nodes)


class _Describer:
    """Symmetric concise bounded descriptions, and the labels of what they mention.

    A resource is described by the statements it is the subject of and those it is the object of;
    a blank node in their place is described by its own statements, and so on. What reifies a
    statement is described likewise. Each triple comes once, although none is kept: it is left out
    if its subject was told of before, or its object was, as an object.
    See https://www.w3.org/submissions/CBD/#alternatives
    """

    def __init__(self, store: ox.Store, graphs: list[_Graph] | None) -> None:
        """Describe by these graphs; None: by all."""
        self._store = store
        self._graphs: list[_Graph | None] = [None] if graphs is None else [*graphs]
        self._reified = any(True for _ in self._found(None, _REIFIES, None))
        self._as_subject: set[object] = set()
        self._as_object: set[object] = set()
        self._mentioned: dict[ox.NamedNode, None] = {}

    def describe(self, nodes: Iterable[object]) -> Iterator[ox.Triple]:
        """The description of all the IRIs and blank nodes among `nodes`."""
        for node in nodes:
            if isinstance(node, (ox.NamedNode, ox.BlankNode)):
                yield from self._both_ways(node)
        for node in self._mentioned:
            if node not in self._as_subject:
                for predicate in _LABELS:
                    for triple in self._statements(node, predicate, None):
                        if triple.object not in self._as_object:
                            yield triple

    def _both_ways(self, resource: _Node) -> Iterator[ox.Triple]:
        ahead: deque[tuple[_Node, bool]] = deque()
        ahead += ((resource, True), (resource, False))
        while ahead:
            node, as_subject = ahead.popleft()
            told = self._as_subject if as_subject else self._as_object
            if node in told:
                continue
            told.add(node)
            pattern = (node, None, None) if as_subject else (None, None, node)
            for triple in self._statements(*pattern):
                other = triple.object if as_subject else triple.subject
                if isinstance(other, ox.BlankNode):
                    ahead += ((other, True),) if as_subject else ((other, True), (other, False))
                elif isinstance(other, ox.NamedNode):
                    self._mentioned[other] = None
                if other in (self._as_object if as_subject else self._as_subject):
                    continue
                yield triple
                if self._reified:
                    reifying = self._statements(None, _REIFIES, triple)
                    ahead += ((cast("_Node", found.subject), True) for found in reifying)

    def _found(
        self, subject: _Node | None, predicate: ox.NamedNode | None, object_: _Object | None
    ) -> Iterator[ox.Triple]:
        """The triples that match, from each graph that holds them."""
        for graph in self._graphs:
            for quad in self._store.quads_for_pattern(subject, predicate, object_, graph):
                yield quad.triple

    def _statements(self, *pattern: _Object | None) -> Iterator[ox.Triple]:
        """The triples that match, each once."""
        found = self._found(*pattern)  # type: ignore[arg-type]
        return found if self._graphs == [ox.DefaultGraph()] else iter(dict.fromkeys(found))
