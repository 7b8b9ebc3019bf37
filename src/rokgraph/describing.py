"""What a DESCRIBE tells of a resource.

Rule: walks the store by its index; evaluates no query.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import TypeAlias, cast

import pyoxigraph as ox

from rokgraph.vocab import RDF_REIFIES, RDFS_LABEL, SKOS_PREF_LABEL

Node: TypeAlias = ox.NamedNode | ox.BlankNode
Object: TypeAlias = Node | ox.Literal | ox.Triple
Graph: TypeAlias = ox.NamedNode | ox.DefaultGraph

_LABELS = (RDFS_LABEL, SKOS_PREF_LABEL)


class Describer:
    """Symmetric concise bounded descriptions, and the labels of what they mention.

    A resource is described by the statements it is the subject of and those it is the object of;
    a blank node in their place is described by its own statements, and so on. What reifies a
    statement is described likewise. Each triple comes once, although none is kept: it is left out
    if its subject was told of before, or its object was, as an object.
    See https://www.w3.org/submissions/CBD/#alternatives
    """

    def __init__(self, store: ox.Store, graphs: list[Graph] | None) -> None:
        """Describe by these graphs; None: by all."""
        self._store = store
        self._graphs: list[Graph | None] = [None] if graphs is None else [*graphs]
        self._reified = any(True for _ in self._found(None, RDF_REIFIES, None))
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

    def _both_ways(self, resource: Node) -> Iterator[ox.Triple]:
        ahead: deque[tuple[Node, bool]] = deque()
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
                    reifying = self._statements(None, RDF_REIFIES, triple)
                    ahead += ((cast("Node", found.subject), True) for found in reifying)

    def _found(
        self, subject: Node | None, predicate: ox.NamedNode | None, object_: Object | None
    ) -> Iterator[ox.Triple]:
        """The triples that match, from each graph that holds them."""
        for graph in self._graphs:
            for quad in self._store.quads_for_pattern(subject, predicate, object_, graph):
                yield quad.triple

    def _statements(self, *pattern: Object | None) -> Iterator[ox.Triple]:
        """The triples that match, each once."""
        found = self._found(*pattern)  # type: ignore[arg-type]
        return found if self._graphs == [ox.DefaultGraph()] else iter(dict.fromkeys(found))
