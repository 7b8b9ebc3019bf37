"""Files that programs look for at known addresses: robots, site map, security contact, llms.txt.

Rule: names what is served, and invents nothing: without a contact there is no security.txt.
"""

import re
import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rokgraph import __version__
from rokgraph.library import saved_queries, saved_query, without_header
from rokgraph.query import Query
from rokgraph.vocab import BASE
from rokgraph.web import conditional
from rokgraph.web.answering import rows
from rokgraph.web.exchange import Exchange, Service
from rokgraph.web.http import Receive, Scope, Send
from rokgraph.web.problems import HttpProblem
from rokgraph.web.signposting import url_path
from rokgraph.web.templating import render

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_METHODS = "GET, HEAD, OPTIONS"
_SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
# https://www.sitemaps.org/protocol.html#index
_IN_ONE_MAP = 50_000
_NUMBER = re.compile(r"[1-9][0-9]{,4}")
_PLAIN = "text/plain; charset=utf-8"
_XML = "application/xml; charset=utf-8"
_EXAMPLES = ("tasks-per-strategy", "due-in-2024", "announced-instruments-and-their-acts")
_PAGES = ("/", "/sparql", "/catalogue", "/queries/", "/ont")
_FILES = "/data/"
PATHS = ("/robots.txt", "/sitemap.xml", "/llms.txt", "/.well-known/security.txt")
# Further site maps are /sitemap/1.xml and so on.
SEGMENT = "sitemap"


class Discovery:
    """The ASGI application at the paths of `PATHS` and below `/sitemap/`."""

    def __init__(self, service: Service) -> None:
        """Answer with this service."""
        self._service = service
        root = service.engine.settings.root
        self._documents = saved_query(root / "queries" / "pages" / "documents.rq").text
        self._questions = saved_queries(root, "questions")
        self._routes: dict[str, Callable[[Exchange, str], Awaitable[None]]] = {
            "/robots.txt": self._robots,
            "/sitemap.xml": self._sitemap,
            "/llms.txt": self._llms,
            "/.well-known/security.txt": self._security,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await Exchange(self._service, scope, receive, send).run(_METHODS, self._answer)

    async def _answer(self, exchange: Exchange) -> None:
        if exchange.scope["method"] not in ("GET", "HEAD"):
            detail = f"This is for reading; use {_METHODS}."
            raise HttpProblem(405, "method", "Method not allowed", detail, {"allow": _METHODS})
        base = self._service.base_url(exchange.scope, exchange.headers)
        await self._routes.get(exchange.scope["path"], self._part)(exchange, base)

    async def _robots(self, exchange: Exchange, base: str) -> None:
        """Who may read what. See https://www.rfc-editor.org/rfc/rfc9309 ."""
        await self._tell(exchange, base, _PLAIN, render("robots.txt.j2", base=base))

    async def _security(self, exchange: Exchange, base: str) -> None:
        """Whom to tell of a weakness. See https://www.rfc-editor.org/rfc/rfc9116 .

        Raises HttpProblem (404) where the operator names nobody, or no longer.
        """
        settings = self._service.engine.settings
        contact, expires = settings.contact, settings.security_expires
        if contact is None or expires is None:
            detail = "This server names no security contact."
        elif expires <= datetime.now(UTC):
            detail = f"The security contact of this server ran out on {expires.date()}."
        else:
            text = render(
                "security.txt.j2", contact=contact, expires=expires.isoformat(), base=base
            )
            await self._tell(exchange, base, _PLAIN, text)
            return
        raise HttpProblem(404, "no-contact", "No security contact", detail)

    async def _llms(self, exchange: Exchange, base: str) -> None:
        """What programs that read prose need. See https://llmstxt.org/ ."""
        by_name = {saved.name: saved for saved in self._questions}
        examples = [
            {"title": saved.title["en"], "text": without_header(saved.text).strip()}
            for saved in (by_name.get(name) for name in _EXAMPLES)
            if saved is not None
        ]
        summary = self._service.engine.summary
        text = render(
            "llms.txt.j2", base=base, examples=examples, questions=self._questions,
            digest=summary.digest, version=summary.release, triples=summary.size,
        )  # fmt: skip
        await self._tell(exchange, base, _PLAIN, text)

    async def _sitemap(self, exchange: Exchange, base: str) -> None:
        """All documents, or the maps that list them.

        See https://www.sitemaps.org/protocol.html#index
        """
        urls = await self._urls(exchange, base)
        if len(urls) <= _IN_ONE_MAP:
            await self._tell(exchange, base, _XML, _written("urlset", "url", urls))
            return
        parts = _parts(len(urls), _IN_ONE_MAP)
        maps = [f"{base}/{SEGMENT}/{number}.xml" for number in range(1, parts + 1)]
        await self._tell(exchange, base, _XML, _written("sitemapindex", "sitemap", maps))

    async def _part(self, exchange: Exchange, base: str) -> None:
        """One of several site maps. Raises HttpProblem (404) if there is none of that number."""
        name = exchange.scope["path"].removeprefix(f"/{SEGMENT}/").removesuffix(".xml")
        urls = await self._urls(exchange, base)
        number = int(name) if _NUMBER.fullmatch(name) else 0
        found = urls[(number - 1) * _IN_ONE_MAP : number * _IN_ONE_MAP] if number else []
        if not found or len(urls) <= _IN_ONE_MAP:
            detail = "The site map is /sitemap.xml."
            raise HttpProblem(404, "no-sitemap", "No such site map", detail)
        await self._tell(exchange, base, _XML, _written("urlset", "url", found))

    async def _urls(self, exchange: Exchange, base: str) -> list[str]:
        """The pages that are worth finding; a thing's is its document."""
        things = [row["thing"]["value"] for row in await rows(exchange, Query(self._documents))]
        documents = (f"{base}/doc/{url_path(thing.removeprefix(BASE))}" for thing in things)
        questions = (f"{base}/queries/{saved.name}" for saved in self._questions)
        pages = _PAGES if self._service.engine.settings.foreign else (*_PAGES, _FILES)
        return [*(base + page for page in pages), *questions, *documents]

    async def _tell(self, exchange: Exchange, base: str, content_type: str, body: bytes) -> None:
        summary, path = self._service.engine.summary, exchange.scope["path"]
        tag = conditional.base_tag(summary.digest, __version__, base, path, body)
        headers = {
            "content-type": content_type,
            "vary": "Accept-Encoding",
            "cache-control": "public, max-age=3600",
            "x-content-type-options": "nosniff",
        }
        await exchange.represent(headers, tag, "text", body)


def _parts(urls: int, in_one: int) -> int:
    """How many maps it takes."""
    return -(-urls // in_one)


def _written(outer: str, inner: str, urls: list[str]) -> bytes:
    document = ET.Element(outer, {"xmlns": _SITEMAP})
    for url in urls:
        ET.SubElement(ET.SubElement(document, inner), "loc").text = url
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(document) + b"\n"
