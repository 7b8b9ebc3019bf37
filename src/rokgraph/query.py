"""A question to the dataset and the outline of its answer.

Rule: nothing here knows HTTP or the store.
"""

import json
import re
from dataclasses import asdict, dataclass
from enum import Enum

from rokgraph.errors import QuerySyntaxError

_SYNTAX = re.compile(r"^error at (\d+):(\d+): (.*)$", re.DOTALL)
_EXPECTED_LISTED = 12

# What can hold the letters FROM without being the keyword: comments, strings, IRIs, names.
# https://www.w3.org/TR/sparql11-query/#grammar, productions 139, 156 to 159, 140, 141, 143, 145
_FROM = re.compile(
    r"""(?xis)
    <[^<>"{}|^`\\\x00-\x20]*> | \#[^\n\r]*
    | \"{3}(?:[^"\\]|\\.|"(?!""))*\"{3} | '{3}(?:[^'\\]|\\.|'(?!''))*'{3}
    | "(?:[^"\\\n\r]|\\.)*" | '(?:[^'\\\n\r]|\\.)*'
    | [?$@][\w-]+ | [\w.-]*:[^\s(){}<>,;|/]* | (?P<keyword>\bfrom\b) | \w+
    """
)


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
    dataset. The formats are short names of `formats`, None where none is acceptable.
    """

    text: str
    base_iri: str | None = None
    default_graphs: tuple[str, ...] | None = None
    named_graphs: tuple[str, ...] | None = None
    result_format: str | None = "json"
    graph_format: str | None = "turtle"

    def to_bytes(self) -> bytes:
        """The query as bytes, for another process."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Query":
        """The query that `to_bytes` wrote."""
        values = json.loads(data)
        for name in ("default_graphs", "named_graphs"):
            if values[name] is not None:
                values[name] = tuple(values[name])
        return cls(**values)


def has_dataset_clause(text: str) -> bool:
    """Whether a query names its dataset with FROM or FROM NAMED.

    The engine ignores these clauses when told to take the union as default graph, so it must be
    known before. See https://www.w3.org/TR/sparql11-query/#specifyingDataset
    """
    return "from" in text.lower() and any(token["keyword"] for token in _FROM.finditer(text))


def syntax_error(message: str) -> QuerySyntaxError:
    """The engine's syntax error with its place, and what it expected in a readable length."""
    match = _SYNTAX.match(message)
    if not match:
        return QuerySyntaxError(message)
    reason = match[3]
    if reason.startswith("expected one of "):
        names = re.split(r", (?![^\[]*\])", reason.removeprefix("expected one of "))
        names = [name for name in names if not name.startswith("[")]
        more = len(names) - _EXPECTED_LISTED
        reason = "expected one of " + ", ".join(names[:_EXPECTED_LISTED])
        reason += f" or {more} more" if more > 0 else ""
    return QuerySyntaxError(reason, line=int(match[1]), column=int(match[2]))
