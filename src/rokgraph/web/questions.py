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
from rokgraph.parameters import Parameter, bound
from rokgraph.query import Kind, Query
from rokgraph.web import conditional
from rokgraph.web.answering import Plan, about_dataset, answer, body, rows
from rokgraph.web.arguments import MAX_LIMIT, read
from rokgraph.web.cache import Kept
from rokgraph.web.citation import citation
from rokgraph.web.exchange import Exchange, Service
from rokgraph.web.http import Receive, Scope, Send
from rokgraph.web.language import LANGUAGES, words
from rokgraph.web.listing import found, groups
from rokgraph.web.lookup import Lookup
from rokgraph.web.members import Members
from rokgraph.web.negotiation import HTML, preferred
from rokgraph.web.problems import HttpProblem
from rokgraph.web.renderings import OFFERED, PATH, SNIPPETS, Rendering
from rokgraph.workbook import MEDIA_TYPE

_LISTED = MappingProxyType({"json": ("application/json",), "html": (HTML,)})
_METHODS = "GET, HEAD, OPTIONS"
_SHOWN = 1000  # rows on a page
_TAG = "tag_"  # what the words of tags begin with among those of all pages
_WORDS = Parameter("q", "string")  # what the list is searched by


class Questions:
    """The ASGI application at `/queries/` and below."""

    def __init__(self, service: Service, lookup: Lookup) -> None:
        """Answer with this service the questions that are files now."""
        self._service, self._members, self._lookup = service, Members(service), lookup
        root = service.engine.settings.root
        folders = ("questions", "views")
        self._saved = {
            saved.name: saved for folder in folders for saved in saved_queries(root, folder)
        }
        self._listed, self._views = (
            [saved for saved in self._saved.values() if saved.path.parent.name == folder]
            for folder in folders
        )
        self._about = saved_query(root / "queries" / "views" / "about-dataset.rq").text
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
        """Every question with what its header says, a part of them, or those with some words."""
        arguments = await read(
            exchange.scope, {_WORDS.name: _WORDS}, (tuple(_LISTED), ()), self._iris(exchange), {}
        )
        form = arguments.format or preferred(exchange.accept, _LISTED)
        if form is None:
            raise _not_acceptable([media for types in _LISTED.values() for media in types])
        asked = arguments.given.get(_WORDS.name, "")
        tags = [_tags(language) for language in LANGUAGES]
        listed = found(self._listed, asked, tags)
        total, start = len(listed), arguments.offset
        stop = total if arguments.limit is None else start + arguments.limit
        shown = listed[start:stop]
        links = arguments.links(PATH, total)
        summary = self._service.engine.summary
        headers = _counted(total, links) | _kept(arguments.format)
        if form == "html":
            content = self._page_kept(exchange)
            if content is None:
                behind = found(self._views, asked, tags) if len(shown) == total else ()
                content = exchange.frame.page(
                    "questions.html", title=words(exchange.frame.language, "questions")["title"],
                    section="questions", path=PATH, asked=asked, links=links,
                    groups=groups(shown), behind=groups(behind),
                )  # fmt: skip
                self._keep_page(exchange, content)
            await exchange.show(headers, conditional.base_tag(summary.digest, content), content)
            return
        base = conditional.base_tag(summary.digest, __version__, PATH, start, stop, asked)
        headers["content-type"] = "application/json"
        document = {"total": total, "questions": [_told(saved) for saved in shown]}
        content = json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n"
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
        rendering = Rendering(saved, arguments, summary, base_url, exchange.frame)
        if arguments.snippet or form == "rq":
            await self._plain(exchange, rendering, text, _kept(named))
            return
        [row] = await rows(exchange, Query(dialect.counted(text), graph_format=None))
        total = int(row["total"]["value"])
        most = {"html": _SHOWN, "xlsx": MAX_LIMIT}.get(form, total)
        if arguments.limit is None and total > most:
            arguments = replace(arguments, limit=most)
            rendering = replace(rendering, arguments=arguments)
        rendering = replace(rendering, total=total)
        path = rendering.path + (f".{suffix}" if suffix else "")
        headers = _counted(total, arguments.links(path, total))
        text = dialect.sliced(text, arguments.limit, arguments.offset)
        if form in ("html", "xlsx"):
            headers |= _kept(named)
            await self._rendered(exchange, rendering, (form, text), headers)
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
        asked: tuple[str, str],
        headers: dict[str, str],
    ) -> None:
        """A page or a workbook; `asked`: which of them, and the query."""
        form, text = asked
        results = await body(exchange, Query(text, graph_format=None))
        summary = rendering.summary
        if form == "html":
            content = self._page_kept(exchange)
            content = content or await self._page(exchange, rendering, results, text)
            await exchange.show(headers, conditional.base_tag(summary.digest, content), content)
            return
        parts = (summary.load, __version__, text, rendering.base_url)
        base = conditional.base_tag(summary.digest, *parts)
        version = (await about_dataset(exchange, self._dataset)).get("version", "")
        content = await rendering.workbook(results, text, version)
        await exchange.represent({**headers, "content-type": MEDIA_TYPE}, base, form, content)

    async def _page(
        self, exchange: Exchange, rendering: Rendering, results: bytes, text: str
    ) -> bytes:
        """The page of a question whose rows are `results`."""
        url = rendering.arguments.url(rendering.base_url + rendering.path, **rendering.part)
        cited = citation(
            rendering.saved.title[exchange.frame.language],
            url,
            await about_dataset(exchange, self._about),
            exchange.frame.dataset,
        )
        names = await self._lookup.names()
        page = await rendering.page(results, text, names, cited, (exchange, self._members))
        if names:  # else they could not be had yet
            self._keep_page(exchange, page)
        return page

    def _page_kept(self, exchange: Exchange) -> bytes | None:
        """The page at the address of this request in the reader's language, if it is kept."""
        kept = self._service.cache.get(self._page_key(exchange))
        return kept.body if kept is not None else None

    def _keep_page(self, exchange: Exchange, page: bytes) -> None:
        """Keep the page for this address and language: the dataset does not change."""
        self._service.cache.put(self._page_key(exchange), Kept(Kind.SOLUTIONS, "html", page))

    def _page_key(self, exchange: Exchange) -> Query:
        frame = exchange.frame
        base = self._service.base_url(exchange.scope, exchange.headers)
        address = f"{base}{frame.path}?{frame.query}"
        return Query("", None, None, None, f"html-{frame.language}", None, (("page", address),))

    def _iris(self, exchange: Exchange) -> Callable[[str], Awaitable[tuple[str, ...]]]:
        """What gives the IRIs of the members of a class by its short form."""

        async def iris(name: str) -> tuple[str, ...]:
            return tuple(member.iri for member in await self._members.of(exchange, name))

        return iris


def _tags(language: str) -> dict[str, str]:
    """The words of the tags in a language, by tag."""
    told = words(language, "common")
    return {key.removeprefix(_TAG): word for key, word in told.items() if key.startswith(_TAG)}


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
