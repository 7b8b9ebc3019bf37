"""The dumps at `/data/`: an index, the files of the version that is served, the latest by name.

Rule: a path is looked up in a table, never joined to a folder; an address with a version means
the same bytes for ever.
"""

import json
from collections import defaultdict
from collections.abc import Iterable
from urllib.parse import parse_qs

from rokgraph import __version__
from rokgraph.dumps import CONTEXT, TABLES, VALIDATION, Dump
from rokgraph.library import saved_query
from rokgraph.publication import Publication, Published
from rokgraph.query import Query
from rokgraph.web import conditional
from rokgraph.web.answering import rows
from rokgraph.web.citation import citation
from rokgraph.web.exchange import Exchange, Service
from rokgraph.web.files import send_file
from rokgraph.web.http import Receive, Scope, Send
from rokgraph.web.language import words
from rokgraph.web.negotiation import preferred
from rokgraph.web.problems import HttpProblem
from rokgraph.web.renderings import PATH

_METHODS = "GET, HEAD, OPTIONS"
_LATEST = "latest"
_FRESH = "public, max-age=60"
_FOR_EVER = "public, max-age=31536000, immutable"
_FORMS = {
    "json": ("application/json",),
    "html": ("text/html",),
    "rows": ("application/sparql-results+json",),  # the same as a query would tell it
}
_SOON, _LATER = "2", "300"  # seconds after which to come back


class Downloads:
    """The ASGI application below `/data`."""

    def __init__(self, service: Service, publication: Publication) -> None:
        """Serve these dumps."""
        self._service, self._publication = service, publication
        folder = service.engine.settings.root / "queries" / "views"
        self._about, self._graphs = (
            saved_query(folder / f"{name}.rq") for name in ("about-dataset", "about-graphs")
        )

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

        Raises HttpProblem: 406 if neither is accepted, 503 for JSON while there are none.
        """
        asked = parse_qs(exchange.scope["query_string"].decode("latin-1")).get("format", [""])[0]
        form = asked if asked in _FORMS else preferred(exchange.accept, _FORMS)
        if form is None:
            offered = ", ".join(media for (media,) in _FORMS.values())
            detail = f"On offer: {offered}."
            raise HttpProblem(406, "not-acceptable", "No acceptable format", detail)
        version = self._publication.version
        base = self._service.base_url(exchange.scope, exchange.headers)
        headers = {"vary": "Accept, Accept-Encoding", "cache-control": _FRESH}
        summary = self._service.engine.summary
        if form == "html":
            made = len(self._publication.published)
            tag = conditional.base_tag(summary.digest, summary.load, __version__, base, made)
            await exchange.show(headers, tag, await self._page(exchange, base))
            return
        found = self._made().values()
        tag = conditional.base_tag(summary.digest, __version__, base, "dumps")
        headers["content-type"] = _FORMS[form][0]
        files = [_entry(each, f"{base}/data/{version}/") for each in found]
        digest = f"sha256:{summary.digest}"
        document: dict[str, object] = {"version": version, "dataset": digest, "files": files}
        if form == "rows":
            document = _solutions(files)
        body = json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n"
        await exchange.represent(headers, tag, form, body)

    async def _page(self, exchange: Exchange, base: str) -> bytes:
        """What the dataset is, its files (none while they are made), its graphs."""
        frame, publication = exchange.frame, self._publication
        about, graphs = [
            [defaultdict(str, {name: term["value"] for name, term in row.items()}) for row in found]
            for found in [await rows(exchange, Query(saved.text, graph_format=None))
                          for saved in (self._about, self._graphs)]
        ]  # fmt: skip
        told = next(iter(about), defaultdict(str))
        title = words(frame.language, "downloads")["title"]
        return frame.page(
            "downloads.html", title=title, section="data", version=publication.version,
            groups=_grouped(publication.published.values()), failed=publication.failed,
            about=told, graphs=graphs, base=base, of=f"{PATH}{self._graphs.name}",
            cited=citation(told.get("title", title), f"{base}/data/{publication.version}/", told,
                           frame.dataset),
        )  # fmt: skip


def _solutions(files: list[dict[str, object]]) -> dict[str, object]:
    """The same as the rows of a query.

    See https://www.w3.org/TR/sparql11-results-json/
    """
    names = ("url", "path", "mediaType", "bytes", "sha256")
    bindings = [
        {name: {"type": "literal", "value": str(file[name])} for name in names} for file in files
    ]
    return {"head": {"vars": names}, "results": {"bindings": bindings}}


def _grouped(found: Iterable[Published]) -> dict[str, list[Published]]:
    """The files by what they are: a key of the words of the page."""
    groups: dict[str, list[Published]] = {}
    for each in found:
        groups.setdefault(_group(each.dump), []).append(each)
    return groups


def _group(dump: Dump) -> str:
    if dump.is_rdf or dump.path == CONTEXT:
        return "whole"
    if dump.path.startswith(TABLES):
        return "tables"
    if dump.path.startswith(VALIDATION):
        return "report"
    return "other"


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
