"""What schemathesis has to know of SPARQL: some queries, and how one is sent as a body."""

from typing import Any

import schemathesis
from hypothesis import strategies as st

QUERIES = (
    "SELECT ?task WHERE { ?task a <https://w3id.org/rokgraph/ont#Task> } LIMIT 2",
    "ASK { ?s ?p ?o }",
    "CONSTRUCT { ?s ?p ?o } WHERE { ?s ?p ?o } LIMIT 2",
    "DESCRIBE <https://w3id.org/rokgraph/id/task/1-2>",
    "SELECT",
)
schemathesis.openapi.format("sparql-query", st.sampled_from(QUERIES))


@schemathesis.serializer("application/sparql-query")
def as_body(_: object, value: Any) -> bytes:
    """The query itself, or whatever stands in its place."""
    return value if isinstance(value, bytes) else str(value).encode()
