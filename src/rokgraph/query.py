"""A question to the dataset and the outline of its answer.

Rule: nothing here knows HTTP or the store.
"""

import marshal
from enum import Enum
from typing import NamedTuple


class Kind(Enum):
    """What a query form answers with.

    See https://www.w3.org/TR/sparql11-query/#QueryForms
    """

    SOLUTIONS = "solutions"
    BOOLEAN = "boolean"
    GRAPH = "graph"


class Query(NamedTuple):
    """A query, the dataset it asks for and the formats its answer may take.

    `default_graphs` and `named_graphs` None: the query's own FROM clauses, else the snapshot's
    dataset. The formats are short names of `formats`, None where none is acceptable. `bindings`
    are variables of its SELECT or DESCRIBE clause that have a value from the start: name and
    term, the term as N-Triples writes it.
    """

    text: str
    base_iri: str | None = None
    default_graphs: tuple[str, ...] | None = None
    named_graphs: tuple[str, ...] | None = None
    result_format: str | None = "json"
    graph_format: str | None = "turtle"
    bindings: tuple[tuple[str, str], ...] = ()

    def to_bytes(self) -> bytes:
        """The query as bytes, for another process of ours; equal queries have the same."""
        return marshal.dumps(tuple(self), _PLAIN)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Query":
        """The query that `to_bytes` wrote."""
        return cls(*marshal.loads(data))  # noqa: S302 - our own front wrote it


_PLAIN = 2  # the last format whose bytes depend on nothing but the values
