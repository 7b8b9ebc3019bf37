"""Search by name, code or number: a page and JSON, and how browsers may offer it.

Rule: reads the request, looks up in the index, writes the answer; evaluates nothing.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from rokgraph import __version__
from rokgraph.search import Hit, Index
from rokgraph.vocab import BASE
from rokgraph.web import conditional
from rokgraph.web.exchange import Exchange, Service
from rokgraph.web.frame import Frame
from rokgraph.web.http import Receive, Scope, Send
from rokgraph.web.language import LANGUAGES, PARAMETER, words
from rokgraph.web.lookup import Lookup
from rokgraph.web.negotiation import preferred
from rokgraph.web.problems import HttpProblem
from rokgraph.web.templating import render

_METHODS = "GET, HEAD, OPTIONS"
_FRESH = "public, max-age=60"
_LONGEST = 200  # letters of a query
_LIMIT, _MOST, _FURTHEST = 20, 100, 1000
_CLASSES = 10  # that one search may name
_FORMATS = {"json": ("application/json",), "html": ("text/html",)}
_NEAR = 6  # names that are offered where nothing is found


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A search as it was asked for; `query` None: the empty form."""

    query: str | None
    types: tuple[str, ...]
    language: str | None
    limit: int
    offset: int
    form: str

    def url(self, offset: int) -> str:
        """The address of another part of the same results."""
        pairs = [("q", self.query or ""), *(("type", name) for name in self.types)]
        if self.language:
            pairs.append(("language", self.language))
        return "/search?" + urlencode([*pairs, ("limit", self.limit), ("offset", offset)])


class Search:
    """The ASGI application at `/search`."""

    def __init__(self, service: Service, lookup: Lookup) -> None:
        """Look up here."""
        self._service, self._lookup = service, lookup

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await Exchange(self._service, scope, receive, send).run(_METHODS, self._answer)

    async def _answer(self, exchange: Exchange) -> None:
        only_reading(exchange)
        wanted, named = _read(exchange)
        index = await self._lookup.index()
        classes = _classes(wanted.types, index)
        hits: list[Hit] = []
        if wanted.query is not None:
            hits = index.search(wanted.query, types=classes, lang=wanted.language)
        summary = self._service.engine.summary
        base = conditional.base_tag(summary.digest, summary.load, __version__, "search", wanted)
        headers = {
            "vary": "Accept-Encoding" if named else "Accept, Accept-Encoding",
            "cache-control": _FRESH,
        }
        shown = hits[wanted.offset : wanted.offset + wanted.limit]
        if wanted.form == "html":
            page = _page(wanted, shown, len(hits), index, exchange.frame)
            await exchange.show(headers, base, page)
            return
        headers["content-type"] = "application/json"
        body = _document(wanted, shown, len(hits), index)
        await exchange.represent(headers, base, wanted.form, body)


class OpenSearch:
    """The ASGI application at `/opensearch.xml`: how a browser may offer the search.

    See https://github.com/dewitt/opensearch/blob/master/opensearch-1-1-draft-6.md
    """

    def __init__(self, service: Service) -> None:
        """Describe the search of this service."""
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await Exchange(self._service, scope, receive, send).run(_METHODS, self._answer)

    async def _answer(self, exchange: Exchange) -> None:
        only_reading(exchange)
        url = self._service.base_url(exchange.scope, exchange.headers)
        headers = {
            "content-type": "application/opensearchdescription+xml; charset=utf-8",
            "vary": "Accept-Encoding",
            "cache-control": _FRESH,
        }
        base = conditional.base_tag(self._service.engine.summary.digest, __version__, url)
        await exchange.represent(headers, base, "opensearch", render("opensearch.xml", url=url))


def only_reading(exchange: Exchange) -> None:
    """Raise HttpProblem (405) for a method other than GET and HEAD."""
    if exchange.scope["method"] not in ("GET", "HEAD"):
        raise HttpProblem(
            405, "method", "Method not allowed", f"Use {_METHODS}.", {"allow": _METHODS}
        )


def _read(exchange: Exchange) -> tuple[_Wanted, bool]:
    """What is asked for, and whether the format is named.

    Raises HttpProblem: 400 for what is no text, 406, 422 for values that cannot be taken.
    """
    values = _values(exchange)
    form = values["format"][0] if values["format"] else preferred(exchange.accept, _FORMATS)
    if form is None:
        offered = ", ".join(media for (media,) in _FORMATS.values())
        raise HttpProblem(406, "not-acceptable", "No acceptable format", f"On offer: {offered}.")
    if form not in _FORMATS:
        raise _unusable("format", form, f"it is one of {', '.join(_FORMATS)}")
    query = values["q"][0] if values["q"] else None
    if form == "json" and query is None:
        raise _unusable("q", "", "it is missing")
    if query is not None and len(query) > _LONGEST:
        raise _unusable("q", query, f"it may have {_LONGEST} characters")
    if len(values["type"]) > _CLASSES:
        raise _unusable("type", values["type"][-1], f"it may be given {_CLASSES} times")
    language = _language(values, "language")
    _language(values, PARAMETER)  # that of the page: the frame has read it
    wanted = _Wanted(
        query,
        tuple(filter(None, values["type"])),
        language,
        _whole(values["limit"], "limit", _LIMIT, 1, _MOST),
        _whole(values["offset"], "offset", 0, 0, _FURTHEST),
        form,
    )
    return wanted, bool(values["format"])


def _values(exchange: Exchange) -> dict[str, list[str]]:
    """The values of each parameter.

    Raises HttpProblem: 400 for what is no text, 422 for a parameter that is not known or repeated.
    """
    try:
        text = exchange.scope["query_string"].decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict")
    except ValueError:
        detail = "A parameter is not UTF-8, percent-encoded."
        raise HttpProblem(400, "request", "The request cannot be read", detail) from None
    values: dict[str, list[str]] = {
        name: [] for name in ("q", "type", "language", "limit", "offset", "format", PARAMETER)
    }
    for name, value in pairs:
        if name not in values:
            raise _unusable(name, value, f"the parameters are {', '.join(values)}")
        if values[name] and name != "type":
            raise _unusable(name, value, "it is given twice")
        values[name].append(value)
    return values


def _language(values: dict[str, list[str]], name: str) -> str | None:
    """A parameter that is a language, None if it is not given; raises HttpProblem (422)."""
    given = next(iter(values[name]), "")
    if given not in ("", *LANGUAGES):
        raise _unusable(name, given, f"it is one of {', '.join(LANGUAGES)}")
    return given or None


def _whole(given: list[str], name: str, default: int, low: int, high: int) -> int:
    if not given or not given[0]:
        return default
    text = given[0]
    value = int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(high)) else -1
    if not low <= value <= high:
        raise _unusable(name, text, f"it is a whole number from {low} to {high}")
    return value


def _unusable(name: str, value: str, reason: str) -> HttpProblem:
    """See https://www.rfc-editor.org/rfc/rfc9110#name-422-unprocessable-content"""  # noqa: D400
    detail = f"The parameter {name!r} cannot be {value[:100]!r}: {reason}."
    return HttpProblem(422, "parameters", "A parameter is wrong", detail)


def _classes(given: Iterable[str], index: Index) -> list[str]:
    found = []
    for name in given:
        iri = index.of_class(name)
        if iri is None:
            known = ", ".join(known.curie for known in index.main_classes)
            raise _unusable("type", name, f"there is no such class; among those there are: {known}")
        found.append(iri)
    return found


def _document(wanted: _Wanted, shown: list[Hit], total: int, index: Index) -> bytes:
    results = [
        {
            "iri": hit.thing.iri,
            "curie": hit.thing.curie,
            "label": hit.thing.labels,
            "types": [
                {"iri": known.iri, "curie": known.curie, "label": known.labels}
                for known in index.kinds(hit.thing)
            ],
            "match": {"field": hit.match.field, "text": hit.match.text, "lang": hit.match.lang},
            "score": hit.score,
            "url": address(hit.thing.iri),
        }
        for hit in shown
    ]
    document = {
        "query": wanted.query,
        "total": total,
        "limit": wanted.limit,
        "offset": wanted.offset,
        "results": results,
    }
    return json.dumps(document, ensure_ascii=False).encode()


def _page(wanted: _Wanted, shown: list[Hit], total: int, index: Index, frame: Frame) -> bytes:
    told = words(frame.language, "search")
    rows = [
        {
            "thing": hit.thing,
            "url": address(hit.thing.iri),
            "kind": next(iter(index.kinds(hit.thing)), None),
            "field": told[f"in_{hit.match.field}"],
            "match": hit.match,
            "parts": _parts(hit.match.text, wanted.query or ""),
        }
        for hit in shown
    ]
    near = [] if total or not wanted.query else index.near(wanted.query, _NEAR)
    before, after = wanted.offset - wanted.limit, wanted.offset + wanted.limit
    return frame.page(
        "search.html", title=told["title"], wanted=wanted, rows=rows, total=total,
        classes=index.main_classes, longest=_LONGEST,
        near=[(thing, address(thing.iri)) for thing in near],
        anywhere=None if total or not (wanted.types or wanted.language)
        else "/search?" + urlencode({"q": wanted.query or ""}),
        before=wanted.url(max(0, before)) if wanted.offset else None,
        after=wanted.url(after) if after < min(total, _FURTHEST + 1) else None,
    )  # fmt: skip


def _parts(text: str, query: str) -> tuple[str, str, str]:
    """A text before, within and after the place that reads as the query; whole where none does."""
    folded, wanted = text.casefold(), query.strip().casefold()
    start = folded.find(wanted) if wanted and len(folded) == len(text) else -1
    if start < 0:
        return text, "", ""
    end = start + len(wanted)
    return text[:start], text[start:end], text[end:]


def address(iri: str) -> str:
    """Where this server answers for an IRI of ours."""
    return "/" + iri.removeprefix(BASE)
