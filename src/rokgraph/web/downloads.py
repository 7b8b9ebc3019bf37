"""The dumps at `/data/`: an index, the files of the version that is served, the latest by name.

Rule: a path is looked up in a table, never joined to a folder; an address with a version means
the same bytes for ever.
"""

import json

from rokgraph import __version__
from rokgraph.dumps import CONTEXT
from rokgraph.publication import Publication, Published
from rokgraph.web import conditional
from rokgraph.web.exchange import Exchange, Service
from rokgraph.web.files import send_file
from rokgraph.web.http import SECURITY, Receive, Scope, Send
from rokgraph.web.negotiation import preferred
from rokgraph.web.problems import HttpProblem
from rokgraph.web.templating import render

_METHODS = "GET, HEAD, OPTIONS"
_LATEST = "latest"
_FRESH = "public, max-age=60"
_FOR_EVER = "public, max-age=31536000, immutable"
_FORMS = {"json": ("application/json",), "html": ("text/html",)}
_SOON, _LATER = "2", "300"  # seconds after which to come back


class Downloads:
    """The ASGI application below `/data`."""

    def __init__(self, service: Service, publication: Publication) -> None:
        """Serve these dumps."""
        self._service, self._publication = service, publication

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await Exchange(self._service, scope, receive, send).run(_METHODS, self._download)

    async def _download(self, exchange: Exchange) -> None:
        if exchange.scope["method"] not in ("GET", "HEAD"):
            detail = f"The dumps are for reading; use {_METHODS}."
            raise HttpProblem(405, "method", "Method not allowed", detail, {"allow": _METHODS})
        if not self._publication.offered:
            detail = "Given data are not dumped here; `rokgraph build` does that."
            raise HttpProblem(404, "no-dumps", "No dumps", detail)
        path = exchange.scope["path"]
        version, _, name = path.removeprefix("/data").removeprefix("/").partition("/")
        if path == "/data":
            await self._elsewhere(exchange, "/data/", 308)
        elif version == _LATEST:
            await self._elsewhere(exchange, f"/data/{self._publication.version}/{name}", 307)
        elif path in ("/data/", f"/data/{self._publication.version}/"):
            await self._index(exchange)
        elif path == f"/data/{CONTEXT}":
            await self._file(exchange, CONTEXT, _FRESH)
        elif version == self._publication.version:
            await self._file(exchange, name, _FOR_EVER)
        else:
            raise self._unknown(version)

    def _unknown(self, name: str) -> HttpProblem:
        version = self._publication.version
        detail = (
            f"There is no {name[:100]!r} here; /data/ lists what there is, of version {version}."
        )
        return HttpProblem(404, "no-dump", "No such dump", detail)

    async def _elsewhere(self, exchange: Exchange, path: str, status: int) -> None:
        """Send on to an address of ours. Raises HttpProblem (404) for a file that is none."""
        known = {dump.path for dump in self._publication.planned} | {""}
        name = path.removeprefix("/data/").partition("/")[2]
        if name not in known:
            raise self._unknown(name)
        location = self._service.base_url(exchange.scope, exchange.headers) + path
        await exchange.respond(status, {"location": location, "cache-control": _FRESH})

    async def _file(self, exchange: Exchange, name: str, fresh: str) -> None:
        """Send a dump. Raises HttpProblem: 404 if it is none, 503 if it is not made yet."""
        if name not in {dump.path for dump in self._publication.planned}:
            raise self._unknown(name)
        found = self._made().get(name)
        if found is None:
            raise self._unknown(name)
        headers = {
            "content-type": found.dump.content_type,
            "cache-control": fresh,
            "repr-digest": found.repr_digest,
            "x-content-type-options": "nosniff",
        }
        await send_file(exchange, found.file, found.size, found.tag, headers)

    def _made(self) -> dict[str, Published]:
        """The dumps by path. Raises HttpProblem (503) while there are none."""
        if self._publication.published:
            return self._publication.published
        if self._publication.failed:
            detail = "The dumps could not be made; the operator's log says why."
            raise HttpProblem(503, "dumps", "No dumps", detail, {"retry-after": _LATER})
        detail = "The dumps are being made; please come back in a moment."
        raise HttpProblem(503, "dumps", "Not ready yet", detail, {"retry-after": _SOON})

    async def _index(self, exchange: Exchange) -> None:
        """All files with length and digest, as JSON or as a page.

        Raises HttpProblem: 406 if neither is accepted, 503 while there are none.
        """
        form = preferred(exchange.accept, _FORMS)
        if form is None:
            detail = "On offer: application/json, text/html."
            raise HttpProblem(406, "not-acceptable", "No acceptable format", detail)
        made = self._made()
        version = self._publication.version
        base = self._service.base_url(exchange.scope, exchange.headers)
        tag = conditional.base_tag(self._service.engine.summary.digest, __version__, base, "dumps")
        headers = {"vary": "Accept, Accept-Encoding", "cache-control": _FRESH}
        if form == "html":
            headers |= {"content-type": "text/html; charset=utf-8", **SECURITY}
            page = render(
                "downloads.html", title="Downloads", version=version, files=made.values(),
                digest=self._service.engine.summary.digest,
            )  # fmt: skip
            await exchange.represent(headers, tag, form, page)
            return
        headers["content-type"] = "application/json"
        files = [_entry(found, f"{base}/data/{version}/") for found in made.values()]
        digest = f"sha256:{self._service.engine.summary.digest}"
        document = {"version": version, "dataset": digest, "files": files}
        body = json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n"
        await exchange.represent(headers, tag, form, body)


def _entry(found: Published, folder: str) -> dict[str, object]:
    entry: dict[str, object] = {
        "path": found.dump.path,
        "url": folder + found.dump.path,
        "title": found.dump.title,
        "mediaType": found.dump.media_type,
        "bytes": found.size,
        "sha256": found.sha256,
    }
    return entry | ({"compressFormat": "application/gzip"} if found.dump.gzipped else {})
