"""Which other endpoints a query may call: read from the query by a real parser, then judged.

Rule: an endpoint that the settings do not list is never called, in any spelling.

Runs in a worker of its own, since a parser of foreign text may take its time. The engine follows
no redirects. See https://www.w3.org/TR/sparql11-federated-query/
"""

import ipaddress
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

from rokgraph.errors import QueryError


def check(text: str, allowed: frozenset[str], *, private: bool) -> None:
    """Let a query pass that calls none but allowed endpoints, by IRI.

    Raises QueryError for a SERVICE that is a variable, not on the list, or (unless `private`)
    at an address that is not public; and for a query that the parser of SPARQL 1.1 refuses.
    """
    for endpoint in _services(text):
        if endpoint is None:
            raise QueryError("SERVICE must name its endpoint by an IRI here, not by a variable.")
        if endpoint not in allowed:
            raise QueryError(
                f"SERVICE <{endpoint[:200]}> is not on the list of this endpoint. "
                f"Allowed: {', '.join(sorted(allowed))}."
            )
        if not private and not _is_public(endpoint):
            raise QueryError(f"SERVICE <{endpoint}> is at an address that is not public.")


def prepare() -> None:
    """Import the parser now: a forked worker then has it."""
    import rdflib.plugins.sparql.parser  # noqa: F401, PLC0415 - only where federation is on


def _services(text: str) -> Iterator[str | None]:
    from rdflib import URIRef  # noqa: PLC0415 - as above
    from rdflib.plugins.sparql.algebra import translateQuery, traverse  # noqa: PLC0415
    from rdflib.plugins.sparql.parser import parseQuery  # noqa: PLC0415
    from rdflib.plugins.sparql.parserutils import CompValue  # noqa: PLC0415

    found: list[str | None] = []

    def visit(node: object) -> None:
        if isinstance(node, CompValue) and node.name == "ServiceGraphPattern":
            found.append(str(node.term) if isinstance(node.term, URIRef) else None)

    try:
        algebra = translateQuery(parseQuery(text)).algebra
        traverse(algebra, visitPre=visit)
    except Exception as error:  # noqa: BLE001 - the parser raises whatever it meets
        raise QueryError(f"A query with SERVICE must be plain SPARQL 1.1: {error}") from None
    yield from found


def _is_public(endpoint: str) -> bool:
    parts = urlsplit(endpoint)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return False
    try:
        found = socket.getaddrinfo(parts.hostname, parts.port or 443, type=socket.SOCK_STREAM)
    except OSError:
        return False
    addresses = [ipaddress.ip_address(entry[4][0]) for entry in found]
    return bool(addresses) and all(address.is_global for address in addresses)
