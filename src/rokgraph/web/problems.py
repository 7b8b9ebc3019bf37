"""Which status an error has, and the document that tells of it.

Rule: the one table from errors to HTTP; no error's text is made here.

See https://www.rfc-editor.org/rfc/rfc9457
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from rokgraph import errors
from rokgraph.web.frame import Frame
from rokgraph.web.negotiation import html_first

# The page of a refusal: of its title, detail, status, members and links.
Draw: TypeAlias = Callable[[Mapping[str, object]], bytes]

_TYPES = "https://w3id.org/rokgraph/problems#"

# error class: (status, short name of the problem, title)
_TABLE: dict[type[Exception], tuple[int, str, str]] = {
    errors.QuerySyntaxError: (400, "syntax", "The query does not parse"),
    errors.QueryTooComplex: (400, "complexity", "The query is too complex"),
    errors.NotAcceptable: (406, "not-acceptable", "No acceptable format"),
    errors.BadRequest: (400, "request", "The request breaks the SPARQL Protocol"),
    errors.QueryError: (400, "query", "The query cannot be evaluated"),
    errors.StoreDamaged: (500, "store", "The store is damaged"),
    errors.AnswerCut: (502, "truncated", "The answer would be cut"),
    errors.UpstreamFault: (502, "upstream", "The endpoint behind this one failed"),
    errors.UpstreamTimeout: (504, "upstream-timeout", "The endpoint behind this one took too long"),
    errors.QueryTimeout: (503, "timeout", "The query ran too long"),
    errors.QueryTooLarge: (503, "memory", "The query needs too much memory"),
    errors.Busy: (503, "busy", "The service is busy"),
}


@dataclass(frozen=True, slots=True)
class HttpProblem(Exception):
    """A refusal that is known before any work: status, name, title, sentence, headers.

    `members` are told beside these; `links` are ways on, text and address, for a page.
    """

    status: int
    name: str
    title: str
    detail: str
    headers: Mapping[str, str] = field(default_factory=dict)
    members: Mapping[str, object] = field(default_factory=dict)
    links: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """What a client is told: status, headers and a body in a form that it accepts."""

    name: str
    status: int
    headers: dict[str, str]
    body: bytes


def problem(error: Exception, accept: str, frame: Frame, draw: Draw | None = None) -> Problem:
    """The document for an error: a page for browsers, plain text where only that is accepted.

    `draw` makes the page, if it is not to be that of all refusals.

    Raises the error itself if it is none that a client may see.
    """
    headers = {"cache-control": "no-store", "vary": "Accept"}
    members: dict[str, object] = {}
    links: tuple[tuple[str, str], ...] = ()
    if isinstance(error, HttpProblem):
        status, name, title, detail = error.status, error.name, error.title, error.detail
        headers |= error.headers
        members, links = dict(error.members), error.links
    else:
        found = next((row for kind, row in _TABLE.items() if isinstance(error, kind)), None)
        if found is None:
            raise error
        status, name, title = found
        detail, members = str(error), _members(error)
    if isinstance(error, errors.Busy):
        headers["retry-after"] = str(error.retry_after)
    if html_first(accept):
        headers = frame.headers(headers)
        told = {"title": title, "detail": detail, "status": status, "links": links}
        body = draw(told | members) if draw else frame.page("problem.html", **told)
    elif accept.partition(";")[0].strip() == "text/plain":
        headers["content-type"] = "text/plain; charset=utf-8"
        body = (detail if detail.startswith(title) else f"{title}. {detail}").encode() + b"\n"
    else:
        headers["content-type"] = "application/problem+json"
        document = {"type": _TYPES + name, "title": title, "status": status, "detail": detail}
        body = json.dumps(document | members, ensure_ascii=False).encode()
    return Problem(name, status, headers, body)


def _members(error: Exception) -> dict[str, object]:
    if isinstance(error, errors.QuerySyntaxError):
        return {"line": error.line, "column": error.column, "expected": error.reason}
    if isinstance(error, errors.NotAcceptable):
        return {"offered": list(error.offered)}
    if isinstance(error, errors.QueryTimeout):
        return {"limit": error.seconds}
    if isinstance(error, errors.AnswerCut):
        return {"rows": error.rows}
    return {}
