"""The style sheet, scripts and pictures of the pages, at `/static/`.

Rule: a path is looked up in a table of what the folder holds, never joined to it; each is packed
once for each coding.
"""

import asyncio
import hashlib
import mimetypes
from functools import lru_cache
from pathlib import Path

from rokgraph.web import conditional
from rokgraph.web.encoding import coding, encode
from rokgraph.web.exchange import Exchange, Service
from rokgraph.web.http import Receive, Scope, Send
from rokgraph.web.problems import HttpProblem

SEGMENT = "static"
_METHODS = "GET, HEAD, OPTIONS"
_FOLDER = Path(__file__).parent / SEGMENT
_FRESH = "public, max-age=3600"
_LEVEL = 9  # packed once, sent often


class Assets:
    """The ASGI application below `/static`."""

    def __init__(self, service: Service) -> None:
        """Serve the files that are there now."""
        self._service = service
        self._files = {
            f"/{SEGMENT}/{path.relative_to(_FOLDER).as_posix()}": path
            for path in _FOLDER.rglob("*")
            if path.is_file()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await Exchange(self._service, scope, receive, send).run(_METHODS, self._answer)

    async def _answer(self, exchange: Exchange) -> None:
        if exchange.scope["method"] not in ("GET", "HEAD"):
            detail = f"These files are for reading; use {_METHODS}."
            raise HttpProblem(405, "method", "Method not allowed", detail, {"allow": _METHODS})
        path = self._files.get(exchange.scope["path"])
        if path is None:
            raise HttpProblem(404, "address", "Not Found", "There is no such file.")
        coded = coding(exchange.headers.get("accept-encoding"))
        digest, body = await asyncio.to_thread(_packed, path, coded, path.stat().st_mtime_ns)
        media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        headers = {
            "content-type": media_type,
            "cache-control": _FRESH,
            "vary": "Accept-Encoding",
            "etag": conditional.tag(digest, "asset", coded),
            "x-content-type-options": "nosniff",
        }
        if conditional.matches(exchange.condition, {headers["etag"]}):
            await exchange.respond(304, headers)
            return
        if coded != "identity":
            headers["content-encoding"] = coded
        await exchange.respond(200, headers, body)


@lru_cache(maxsize=64)
def _packed(path: Path, coded: str, _: int) -> tuple[str, bytes]:
    """The digest of a file and its bytes in a coding; `_` is the time of its last change."""
    content = path.read_bytes()
    return hashlib.sha256(content).hexdigest()[:16], encode(content, coded, _LEVEL)
