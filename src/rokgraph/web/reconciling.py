"""What the parts of the reconciliation service share: parameters in, JSON out.

Rule: knows HTTP and nothing of names.
"""

import json
from collections.abc import Mapping
from urllib.parse import parse_qsl

from rokgraph import __version__
from rokgraph.web import conditional
from rokgraph.web.exchange import Exchange
from rokgraph.web.problems import HttpProblem

FRESH = {"vary": "Accept-Encoding", "cache-control": "public, max-age=60"}


def parameters(data: bytes) -> dict[str, str]:
    """The parameters of a URL or a form.

    Raises HttpProblem (400) for what cannot be read or is given twice, and for JSONP.
    """
    try:
        pairs = parse_qsl(data.decode("ascii"), keep_blank_values=True, errors="strict")
    except ValueError:
        raise unreadable("A parameter is not UTF-8, percent-encoded.") from None
    values = dict(pairs)
    if len(values) < len(pairs):
        raise unreadable("A parameter is given twice.")
    if "callback" in values:
        raise unreadable("JSONP is not offered; every origin may read by CORS.")
    return values


def check_method(exchange: Exchange, methods: str) -> None:
    """Raise HttpProblem (405) for a method that is none of these."""
    if exchange.scope["method"] not in methods.split(", "):
        raise HttpProblem(
            405, "method", "Method not allowed", f"Use {methods}.", {"allow": methods}
        )


def whole(given: Mapping[str, str], name: str, default: int, high: int) -> int:
    """A number from 0 to `high`; raises HttpProblem (400) for anything else."""
    text = given.get(name) or str(default)
    value = int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(high)) else -1
    if not 0 <= value <= high:
        raise unreadable(f"{name!r} is a whole number up to {high}, not {text[:100]!r}.")
    return value


def unreadable(detail: str) -> HttpProblem:
    """A refusal of what the client sent."""
    return HttpProblem(400, "request", "The request cannot be read", detail)


def tag_base(exchange: Exchange, *asked: object) -> str:
    """What the tags of an answer begin with: the dataset and what was asked."""
    summary = exchange.service.engine.summary
    return conditional.base_tag(summary.digest, summary.load, __version__, "reconcile", *asked)


async def answer_json(exchange: Exchange, document: object, *asked: object) -> None:
    """Send a document, tagged by what was asked."""
    headers = {**FRESH, "content-type": "application/json"}
    body = json.dumps(document, ensure_ascii=False).encode()
    await exchange.represent(headers, tag_base(exchange, *asked), "json", body)
