"""A request of the SPARQL 1.1 Protocol, read and checked.

Rule: refuses what the protocol refuses, in this order: method (405), content type (415), size
(413), UTF-8 (400), parameters once each (400); evaluates nothing.

See https://www.w3.org/TR/sparql11-protocol/#query-operation
"""

import re
from binascii import a2b_qp
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote_to_bytes

import pyoxigraph as ox

from rokgraph.errors import BadRequest
from rokgraph.web.http import Receive, Scope, body_of
from rokgraph.web.problems import HttpProblem

METHODS = "GET, HEAD, POST, OPTIONS"
_FORM = "application/x-www-form-urlencoded"
_QUERY = "application/sparql-query"
_UPDATE = "application/sparql-update"
_UPDATING = frozenset({"update", "using-graph-uri", "using-named-graph-uri"})
_SHORT = 4096
_ONCE = ("query", "format", "timeout")
_CHARSET = re.compile(r';\s*charset\s*=\s*"?([^";\s]+)', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for. `text` None: no query, the endpoint itself is asked for.

    `default_graphs` and `named_graphs` None: the request names no dataset. `format` is what
    `?format=` says, `seconds` what `?timeout=` says.
    """

    text: str | None
    default_graphs: tuple[str, ...] | None
    named_graphs: tuple[str, ...] | None
    format: str | None
    seconds: float | None


async def read(scope: Scope, headers: Mapping[str, str], receive: Receive, limit: int) -> Asked:
    """The request, its body at most `limit` bytes long.

    Raises HttpProblem and BadRequest as said above, Gone if the client leaves.
    """
    method = scope["method"]
    if method not in ("GET", "HEAD", "POST"):
        raise HttpProblem(
            405, "method", "Method not allowed", f"Use {METHODS}.", {"allow": METHODS}
        )
    if method != "POST":
        return _asked(_parameters(scope["query_string"], "the URL"))
    given = list(_parameters(scope["query_string"], "the URL"))
    content_type = headers.get("content-type", "")
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in (_FORM, _QUERY):
        raise _unsupported(kind)
    _check_charset(content_type)
    length = headers.get("content-length", "")
    body = None
    if not (length.isdigit() and int(length) > limit):
        body = await body_of(receive, limit)
    if body is None:
        raise HttpProblem(
            413, "too-long", "The body is too long", f"A query may be {limit} bytes long."
        )
    if kind == _QUERY:
        given.append(("query", _decoded(body, "the query")))
    else:
        given += _parameters(body, "the body")
    if not any(name == "query" for name, _ in given):
        _refuse_updates(given)
        raise BadRequest("The parameter 'query' is missing.")
    return _asked(tuple(given))


def query_of(query_string: bytes) -> str | None:
    """The query of a GET that gives nothing else; None for any other."""
    name, _, value = query_string.partition(b"=")
    if name != b"query" or b"&" in value:
        return None
    try:
        text = _unquoted(value, "")
    except BadRequest:
        return None
    return text if text.strip() else None


def _asked(given: tuple[tuple[str, str], ...]) -> Asked:
    _refuse_updates(given)
    values = {name: [value for other, value in given if other == name] for name in _ONCE}
    for name, found in values.items():
        # SPARQLWrapper says the format twice, by name and by media type: then the first counts
        if len(found) > 1 and not (name == "format" and len(set(found)) == len(found)):
            raise BadRequest(f"The parameter {name!r} is given {len(found)} times.")
    text = values["query"][0] if values["query"] else None
    if text is not None and not text.strip():
        raise BadRequest("The query is empty.")
    default, named = _iris(given, "default-graph-uri"), _iris(given, "named-graph-uri")
    explicit = bool(default or named)
    return Asked(
        text=text,
        default_graphs=default if explicit else None,
        named_graphs=named if explicit else None,
        format=values["format"][0] if values["format"] else None,
        seconds=_seconds(values["timeout"][0]) if values["timeout"] else None,
    )


def _refuse_updates(given: object) -> None:
    if any(name in _UPDATING for name, _ in given):  # type: ignore[attr-defined]
        raise BadRequest("This endpoint answers queries only; updates are not taken.")


def _parameters(data: bytes, where: str) -> tuple[tuple[str, str], ...]:
    """Parameters of a form or a URL, in order, percent-decoded exactly once.

    See https://url.spec.whatwg.org/#urlencoded-parsing
    """
    return _kept_parameters(data, where) if len(data) <= _SHORT else _decode(data, where)


def _decode(data: bytes, where: str) -> tuple[tuple[str, str], ...]:
    pairs = []
    for part in data.split(b"&"):
        if part:
            name, _, value = part.partition(b"=")
            pairs.append((_unquoted(name, where), _unquoted(value, where)))
    return tuple(pairs)


# Decoding costs more than finding, and clients repeat themselves.
_kept_parameters = lru_cache(maxsize=1024)(_decode)


def _unquoted(data: bytes, where: str) -> str:
    data = data.replace(b"+", b" ")
    # the same bytes, made in C: a percent sign is an equals sign of quoted-printable
    found = a2b_qp(data.replace(b"=", b"=3D").replace(b"%", b"="))
    # each sign took two bytes with it, unless no two digits followed; lines may end differently
    plain = len(found) == len(data) - 2 * data.count(b"%")
    if not plain or b"\n" in data or b"\r" in data:
        found = unquote_to_bytes(data)
    try:
        return found.decode("utf-8")
    except UnicodeDecodeError:
        raise BadRequest(f"A parameter in {where} is not UTF-8, percent-encoded.") from None


def _decoded(data: bytes, what: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadRequest(f"Byte {error.start} of {what} is not UTF-8.") from None


def _check_charset(content_type: str) -> None:
    found = _CHARSET.search(content_type)
    if found and found[1].lower() not in ("utf-8", "utf8"):
        raise HttpProblem(
            415, "charset", "Unsupported character set", f"Queries come in UTF-8, not {found[1]}."
        )


def _unsupported(kind: str) -> HttpProblem:
    update = " Updates are not taken." if kind == _UPDATE else ""
    return HttpProblem(
        415,
        "media-type",
        "Unsupported media type",
        f"POST a query as {_QUERY} or as a form, {_FORM}.{update}",
        {"accept-post": f"{_QUERY}, {_FORM}"},
    )


def _iris(given: tuple[tuple[str, str], ...], name: str) -> tuple[str, ...]:
    """The IRIs of a parameter, each once: a graph merged with itself is itself."""
    return tuple(dict.fromkeys(_iri(value, name) for other, value in given if other == name))


def _iri(value: str, name: str) -> str:
    try:
        return ox.NamedNode(value).value
    except ValueError:
        raise BadRequest(f"The value of {name!r} is no absolute IRI: {value[:100]!r}.") from None


def _seconds(given: str) -> float:
    try:
        seconds = float(given)
    except ValueError:
        seconds = -1
    if not 0 < seconds < float("inf"):
        raise BadRequest(f"The timeout {given[:100]!r} is not a positive number of seconds.")
    return seconds
