"""The picture of the whole strategy as files: SVG that needs nothing else, and PNG.

Rule: drawn once for a language, then kept; a PNG is made by a process of its own.
"""

import asyncio

from rokgraph import __version__, raster
from rokgraph.library import saved_queries
from rokgraph.publication import Publication
from rokgraph.web import conditional
from rokgraph.web.arguments import read
from rokgraph.web.encoding import PAGES
from rokgraph.web.exchange import Exchange, Service
from rokgraph.web.http import Receive, Scope, Send
from rokgraph.web.language import words
from rokgraph.web.members import Members
from rokgraph.web.pages.asked import Asked
from rokgraph.web.pages.picture import PNG, SVG, sheet_values
from rokgraph.web.problems import HttpProblem
from rokgraph.web.templating import render

PATHS = (SVG, PNG)
_METHODS = "GET, HEAD, OPTIONS"
_WIDTH = 3200  # px of the PNG: sharp on a large screen and in print
_LATER = "300"  # seconds after which to come back


class Drawing:
    """The ASGI application at `PATHS`."""

    def __init__(self, service: Service, publication: Publication) -> None:
        """Draw what this service answers."""
        self._service, self._members = service, Members(service)
        self._publication = publication
        root = service.engine.settings.root
        self._saved = {saved.name: saved for saved in saved_queries(root, "views")}
        self._drawn: dict[tuple[str, str], bytes] = {}
        self._one = asyncio.Lock()  # at a time: a picture takes a processor for a while

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await Exchange(self._service, scope, receive, send).run(_METHODS, self._answer)

    async def _answer(self, exchange: Exchange) -> None:
        if exchange.scope["method"] not in ("GET", "HEAD"):
            detail = f"The picture is for reading; use {_METHODS}."
            raise HttpProblem(405, "method", "Method not allowed", detail, {"allow": _METHODS})
        path, language = exchange.scope["path"], exchange.frame.language
        form = path.rpartition(".")[2]
        body = await self._svg(exchange) if form == "svg" else await self._png(exchange)
        headers = {
            "content-type": "image/png" if form == "png" else "image/svg+xml; charset=utf-8",
            "content-language": language,
            "content-disposition": f'inline; filename="digital-strategy-{language}.{form}"',
            "content-security-policy": "default-src 'none'",
            "x-content-type-options": "nosniff",
            "vary": "Accept-Encoding, Accept-Language, Cookie",
            "cache-control": "public, max-age=60",
        }
        summary = self._service.engine.summary
        base = conditional.base_tag(summary.digest, summary.load, __version__, path)
        if form == "svg":
            await exchange.represent(headers, base, f"svg-{language}", body, PAGES)
            return
        tag = conditional.tag(base, f"png-{language}")  # packed already, so never coded
        seen = conditional.matches(exchange.condition, {tag})
        await exchange.respond(
            304 if seen else 200, {**headers, "etag": tag}, b"" if seen else body
        )

    async def _png(self, exchange: Exchange) -> bytes:
        svg, language = await self._svg(exchange), exchange.frame.language
        async with self._one:
            if ("png", language) not in self._drawn:
                self._drawn["png", language] = await _png(svg)
        return self._drawn["png", language]

    async def _svg(self, exchange: Exchange) -> bytes:
        language = exchange.frame.language
        if ("svg", language) not in self._drawn:
            self._drawn["svg", language] = await self._sheet(exchange)
        return self._drawn["svg", language]

    async def _sheet(self, exchange: Exchange) -> bytes:
        async def iris(name: str) -> tuple[str, ...]:
            return tuple(member.iri for member in await self._members.of(exchange, name))

        summary = self._service.engine.summary
        parameters = self._saved["picture"].parameters
        arguments = await read(
            exchange.scope, parameters, (("svg", "png"), ()), iris, summary.prefixes
        )
        asked = Asked(exchange, arguments, self._saved, self._members, self._publication)
        values = await sheet_values(asked)
        told, common = (words(asked.language, name) for name in ("picture", "common"))
        return render(
            "picture.svg", lang=asked.language, t=told, common=common,
            digest=summary.digest, **values,
        )  # fmt: skip


async def _png(svg: bytes) -> bytes:
    """Raises HttpProblem (503) where it cannot be drawn."""
    detail = "This server has no font with Korean letters; the SVG is drawn by the browser."
    if await asyncio.to_thread(raster.has_letters):
        try:
            return await asyncio.to_thread(raster.png, svg, _WIDTH)
        except raster.CannotDraw as error:
            detail = str(error)
    raise HttpProblem(
        503, "picture", "No picture here", detail, {"retry-after": _LATER},
        links=(("The picture as SVG", SVG),),
    )  # fmt: skip
