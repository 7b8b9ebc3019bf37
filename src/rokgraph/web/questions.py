"""The questions: each saved query answers at an address of its own, in every format.

Rule: the query is the file's, with terms in the places of its defaults; nothing is evaluated here.
"""

import difflib
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from types import MappingProxyType

from rokgraph import __version__, dialect
from rokgraph.library import SavedQuery, saved_queries, saved_query
from rokgraph.parameters import bound
from rokgraph.query import Query
from rokgraph.web import conditional
from rokgraph.web.answering import Plan, answer, body, rows
from rokgraph.web.arguments import MAX_LIMIT, read
from rokgraph.web.exchange import Exchange, Service
from rokgraph.web.http import SECURITY, Receive, Scope, Send
from rokgraph.web.members import Members
from rokgraph.web.negotiation import HTML, preferred
from rokgraph.web.problems import HttpProblem
from rokgraph.web.renderings import OFFERED, PATH, SNIPPETS, Rendering
from rokgraph.web.templating import render
from rokgraph.workbook import MEDIA_TYPE

_LISTED = MappingProxyType({"json": ("application/json",), "html": (HTML,)})
_METHODS = "GET, HEAD, OPTIONS"
_SHOWN = 1000  # rows on a page
_PAGE = {"content-type": "text/html; charset=utf-8", **SECURITY}


class Questions:
    """The ASGI application at `/queries/` and below."""

    def __init__(self, service: Service) -> None:
        """Answer with this service the questions that are files now."""
        self._service, self._members = service, Members(service)
        root = service.engine.settings.root
        self._saved = {saved.name: saved for saved in saved_queries(root, "questions")}
        self._dataset = saved_query(root / "queries" / "pages" / "dataset.rq").text

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await Exchange(self._service, scope, receive, send).run(_METHODS, self._answer)

    async def _answer(self, exchange: Exchange) -> None:
        if exchange.scope["method"] not in ("GET", "HEAD"):
            detail = f"Questions are for reading; use {_METHODS}."
            raise HttpProblem(405, "method", "Method not allowed", detail, {"allow": _METHODS})
        place = str(exchange.scope["path"]).removeprefix(PATH.rstrip("/")).removeprefix("/")
        name, dot, suffix = place.partition(".")
        if not place:
            await self._list(exchange)
        elif name in self._saved and (suffix in OFFERED or not dot):
            await self._one(exchange, self._saved[name], suffix)
        else:
            raise self._unknown(name)

    def _unknown(self, name: str) -> HttpProblem:
        near = difflib.get_close_matches(name[:100], self._saved, n=5, cutoff=0.4)
        ways = f"Near that: {', '.join(near)}." if near else f"They are listed at {PATH}."
        return HttpProblem(
            404,
            "no-question",
            "No such question",
            f"There is no question {name[:100]!r}, or not in that format. {ways}",
            members={"near": [PATH + other for other in near], "list": PATH},
            links=(*((other, PATH + other) for other in near), ("All questions", PATH)),
        )

    async def _list(self, exchange: Exchange) -> None:
        """Every question with what its header says, or a part of them."""
        arguments = await read(exchange.scope, {}, (tuple(_LISTED), ()), self._iris(exchange), {})
        form = arguments.format or preferred(exchange.accept, _LISTED)
        if form is None:
            raise _not_acceptable([media for types in _LISTED.values() for media in types])
        total, start = len(self._saved), arguments.offset
        stop = total if arguments.limit is None else start + arguments.limit
        shown = list(self._saved.values())[start:stop]
        links = arguments.links(PATH, total)
        summary = self._service.engine.summary
        headers = _counted(total, links) | _kept(arguments.format)
        if form == "html":
            headers |= _PAGE
            content = render(
                "questions.html", title="Questions", digest=summary.digest, questions=shown,
                links=links, path=PATH,
            )  # fmt: skip
        else:
            headers["content-type"] = "application/json"
            document = {"total": total, "questions": [_told(saved) for saved in shown]}
            content = json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n"
        base = conditional.base_tag(summary.digest, __version__, PATH, start, stop)
        await exchange.represent(headers, base, form, content)

    async def _one(self, exchange: Exchange, saved: SavedQuery, suffix: str) -> None:
        """One question, answered in the format that is asked for."""
        summary = self._service.engine.summary
        arguments = await read(
            exchange.scope,
            saved.parameters,
            ((suffix,) if suffix else tuple(OFFERED), tuple(SNIPPETS)),
            self._iris(exchange),
            summary.prefixes,
        )
        named = suffix or arguments.format or arguments.snippet
        form = named or preferred(exchange.accept, OFFERED)
        if form is None:
            raise _not_acceptable([types[0] for types in OFFERED.values()])
        text = bound(saved.text, arguments.terms)
        base_url = self._service.base_url(exchange.scope, exchange.headers)
        rendering = Rendering(saved, arguments, summary, base_url)
        if arguments.snippet or form == "rq":
            await self._plain(exchange, rendering, text, _kept(named))
            return
        [row] = await rows(exchange, Query(dialect.counted(text), graph_format=None))
        total = int(row["total"]["value"])
        most = {"html": _SHOWN, "xlsx": MAX_LIMIT}.get(form, total)
        if arguments.limit is None and total > most:
            arguments = replace(arguments, limit=most)
            rendering = replace(rendering, arguments=arguments)
        path = rendering.path + (f".{suffix}" if suffix else "")
        headers = _counted(total, arguments.links(path, total))
        text = dialect.sliced(text, arguments.limit, arguments.offset)
        if form in ("html", "xlsx"):
            headers |= _kept(named)
            await self._rendered(exchange, rendering, (form, text, total), headers)
            return
        query = Query(text, result_format=form, graph_format=None)
        plan = Plan(query, "" if named else "Accept", headers=tuple(headers.items()))
        await answer(exchange, plan)

    async def _plain(
        self, exchange: Exchange, rendering: Rendering, text: str, headers: dict[str, str]
    ) -> None:
        """The text of the query, or code that asks for its answer."""
        arguments, media_type = rendering.arguments, OFFERED["rq"][0]
        content = dialect.sliced(text, arguments.limit, arguments.offset).encode()
        if arguments.snippet:
            content, media_type = rendering.snippet(arguments.snippet), "text/plain"
        headers["content-type"] = f"{media_type}; charset=utf-8"
        base = conditional.base_tag(rendering.summary.digest, __version__, content)
        await exchange.represent(headers, base, arguments.snippet or "rq", content)

    async def _rendered(
        self,
        exchange: Exchange,
        rendering: Rendering,
        asked: tuple[str, str, int],
        headers: dict[str, str],
    ) -> None:
        """A page or a workbook; `asked`: which of them, the query, how many rows it has in all."""
        form, text, total = asked
        results = await body(exchange, Query(text, graph_format=None))
        if form == "html":
            content = await rendering.page(results, total, text, (exchange, self._members))
            headers |= _PAGE
        else:
            found = await rows(exchange, Query(self._dataset, graph_format=None))
            version = found[0]["version"]["value"] if found else ""
            content = await rendering.workbook(results, total, text, version)
            headers["content-type"] = MEDIA_TYPE
        summary = rendering.summary
        parts = (summary.load, __version__, text, rendering.base_url)
        await exchange.represent(
            headers, conditional.base_tag(summary.digest, *parts), form, content
        )

    def _iris(self, exchange: Exchange) -> Callable[[str], Awaitable[tuple[str, ...]]]:
        """What gives the IRIs of the members of a class by its short form."""

        async def iris(name: str) -> tuple[str, ...]:
            return tuple(member.iri for member in await self._members.of(exchange, name))

        return iris


def _counted(total: int, links: dict[str, str]) -> dict[str, str]:
    """How many rows there are in all, and where the other pages are.

    See https://www.rfc-editor.org/rfc/rfc8288#section-3
    """
    headers = {"x-total-count": str(total)}
    if links:
        headers["link"] = ", ".join(f'<{url}>; rel="{name}"' for name, url in links.items())
    return headers


def _kept(named: str | None) -> dict[str, str]:
    """How long a representation may be kept, and which headers chose it if it was not named."""
    vary = "Accept-Encoding" if named else "Accept, Accept-Encoding"
    return {"vary": vary, "cache-control": "public, max-age=60"}


def _told(saved: SavedQuery) -> dict[str, object]:
    """A question as the list tells of it."""
    path = PATH + saved.name
    return {
        "name": saved.name,
        "url": path,
        "title": saved.title,
        "description": saved.description,
        "tags": saved.tags,
        "view": saved.view,
        "columns": saved.expect.get("columns", []),
        "parameters": [wanted.as_json() for wanted in saved.parameters.values()],
        "formats": {name: f"{path}.{name}" for name in OFFERED},
    }


def _not_acceptable(offered: list[str]) -> HttpProblem:
    return HttpProblem(
        406, "not-acceptable", "No acceptable format", f"On offer: {', '.join(offered)}."
    )
