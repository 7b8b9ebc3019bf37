"""A question to the dataset and the outline of its answer.

Rule: nothing here knows HTTP or the store.
"""

import marshal
from dataclasses import dataclass, field, fields
from enum import Enum
from operator import attrgetter


class Kind(Enum):
    """What a query form answers with.

    See https://www.w3.org/TR/sparql11-query/#QueryForms
    """

    SOLUTIONS = "solutions"
    BOOLEAN = "boolean"
    GRAPH = "graph"


@dataclass(frozen=True, slots=True)
class Query:
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
    _written: bytes = field(default=b"", init=False, compare=False, repr=False)

    def __hash__(self) -> int:
        """That of its text, which the text keeps: a query is looked for many times."""
        return hash(self.text)

    def to_bytes(self) -> bytes:
        """The query as bytes, for another process of ours; equal queries have the same."""
        if not self._written:
            written = marshal.dumps(_values(self), _PLAIN)
            object.__setattr__(self, "_written", written)
        return self._written

    @classmethod
    def from_bytes(cls, data: bytes) -> "Query":
        """The query that `to_bytes` wrote."""
        return cls(*marshal.loads(data))  # noqa: S302 - our own front wrote it


# A query is written for every request: to look the fields up each time would cost more.
_values = attrgetter(*(each.name for each in fields(Query) if each.init))
_PLAIN = 2  # the last format whose bytes depend on nothing but the values
