"""Queries answered below the application, where the head of their request is read.

Rule: every promise of the endpoint holds here too: limits, the rate of a client, a line in the
log, the metrics, the headers of every answer; whatever is not plain goes the long way.

Plain is a GET of the endpoint with nothing but a query, for results that are no page. One that
came before, byte for byte, is answered at once. Another goes to the engine, without a task or an
application for it; if its answer is long, the application takes over and streams it.
"""

import asyncio
import json
from collections import deque
from typing import Protocol

from rokgraph.connection import Item, Job
from rokgraph.engine import Answer, Chunks, begun
from rokgraph.errors import RokgraphError, from_plain
from rokgraph.frames import Tag
from rokgraph.query import Kind, Query
from rokgraph.web import conditional
from rokgraph.web.answering import Plan, described, is_volatile, rows_of
from rokgraph.web.cache import Kept, Making
from rokgraph.web.exchange import Service
from rokgraph.web.frame import Frame
from rokgraph.web.heads import ACCEPT, HOST, Head, Heads, told_of
from rokgraph.web.http import Application, Scope, headers_of
from rokgraph.web.problems import problem
from rokgraph.web.repeats import LARGEST, Key, Repeated, head_of, lines_of
from rokgraph.web.request import query_of
from rokgraph.web.telemetry import line_of_repeats

_PATH = b"/sparql?"
_AT_ONCE = b"\r\nserver-timing: total;dur=0.0\r\n\r\n"


class Asker(Protocol):
    """The connection that a request came by."""

    def reply(self, asking: "Asking", status: int, parts: list[bytes]) -> None:
        """Write a response, given from its headers on."""

    def take_over(self, asking: "Asking", begun: Scope) -> None:
        """Let the application answer, with what the asking has begun."""

    def scope_of(self, asking: "Asking") -> Scope:
        """The scope of its request."""

    @property
    def waits(self) -> bool:
        """Whether the client has not yet taken what was written before."""


class _Nobody:
    """An event that nobody waits for."""

    def set(self) -> None:
        """Do nothing."""


class Direct:
    """The short way of one service."""

    def __init__(self, service: Service, site: Application) -> None:
        """Answer with this service, and let this site go on with what is left to it."""
        self.service, self.site = service, site
        self.heads = Heads()
        self._openings: dict[tuple[Kind, str, str], bytes] = {}

    def head(self, scope: Scope, *, proxied: bool) -> Head | None:
        """What is to be known of a GET's head; None for one that must be looked at.

        `proxied`: the head may tell who the client is, else the connection does.
        """
        told = told_of(scope["headers"], scope["scheme"])
        if told is None:
            return None
        base_url = self.service.base_url_at(told[HOST].decode("latin-1"), scope["scheme"])
        if base_url is None:
            return None
        seen = {"headers": scope["headers"], "scheme": scope["scheme"]}
        if proxied:
            seen["client"] = scope["client"]
        return Head.of(told, seen, base_url)

    def repeated(self, key: Key, client: str) -> list[bytes] | None:
        """The parts of the response after its status line and date; None if none is kept."""
        service = self.service
        found = service.repeats.get(key)
        if found is None or not self._admits(client):
            return None
        service.cache.hits += 1
        name = service.telemetry.repeated(found).encode("ascii")
        return [found.head, b"rokgraph-query: ", name, _AT_ONCE, found.body]

    def ask(self, url: bytes, head: Head, client: str, asker: Asker) -> "Asking | None":
        """Have a query answered to `asker`; None for one that goes the long way."""
        wanted = head.wanted
        if wanted is None or not url.startswith(_PATH) or b"#" in url:
            return None
        text = query_of(url[len(_PATH) :])
        if text is None or (wanted.result is None and wanted.graph is None):
            return None
        service, base_iri = self.service, f"{head.base_url}/sparql"
        query = Query(text, base_iri, None, None, wanted.result, wanted.graph)
        engine = service.engine
        foreign = engine.settings.federation and "service" in text.lower()
        if foreign or is_volatile(text) or not engine.summary.lasting:
            return None
        if service.cache.is_coming(query) or not self._admits(client):
            return None
        asking = Asking(self, query, url, head, asker)
        try:
            asking.begin()
        except RokgraphError as error:
            asking.put_nowait(error)
        return asking

    def opening(self, kind: Kind, form: str, coded: str) -> bytes:
        """The lines that all answers in a format have in their heads."""
        found = self._openings.get((kind, form, coded))
        if found is None:
            headers = described(Plan(Query(""), "Accept"), "", kind, form, coded)
            del headers["etag"]
            found = lines_of({**self.service.common(""), **headers})
            self._openings[kind, form, coded] = found
        return found

    def _admits(self, client: str) -> bool:
        return not self.service.limiter.wait(client, asyncio.get_running_loop().time())


class Asking:
    """One query between the head of its request and its answer.

    It stands where uvicorn has its cycle of a request and a response, and is one as far as it
    looks; for the engine it is where the frames of the answer go.
    """

    message_event = _Nobody()
    more_body = False

    def __init__(self, direct: Direct, query: Query, url: bytes, head: Head, asker: Asker) -> None:
        """Begin to observe."""
        self.response_complete = self.disconnected = False
        self.keep_alive = True
        self.url, self.head = url, head
        self._direct, self._query, self._asker = direct, query, asker
        self._service = direct.service
        self._observed = self._service.telemetry.begin()
        self._first = True
        self._more: deque[Item] = deque()
        self._job: Job | None = None
        self._making: Making | None = None

    def begin(self) -> None:
        """Have the query answered: from what is kept, else by the engine.

        Raises TooManyQueries and EngineUnavailable.
        """
        cache, query = self._service.cache, self._query
        kept = cache.get(query)
        if kept is not None:
            self._observed.cache = "hit"
            asyncio.get_running_loop().call_soon(self._guarded, kept)
            return
        self._making = cache.begin(query)
        self._making.__enter__()
        self._job = self._service.engine.submit(query, self)

    # -- what the engine tells -----------------------------------------------------------------

    def put_nowait(self, item: Item) -> None:
        """Take a frame; the first one says how it goes on, which the engine must not feel."""
        if self._first:
            self._first = False
            asyncio.get_running_loop().call_soon(self._guarded, item)
        else:
            self._more.append(item)

    def get_nowait(self) -> Item:
        """Give the next one back."""
        return self._more.popleft()

    def empty(self) -> bool:
        """Whether none waits beside the first."""
        return not self._more

    def qsize(self) -> int:
        """How many wait beside the first."""
        return len(self._more)

    # -- what becomes of it --------------------------------------------------------------------

    def left(self) -> None:
        """The client is gone: stop the query."""
        if self.response_complete:
            return
        self.disconnected = True
        if self._job is not None:
            self._service.engine.leave(self._job)
        self._observed.outcome = "left"
        self._end()

    def _guarded(self, item: Item | Kept) -> None:
        """Go on; whatever goes wrong ends the connection, so that nobody waits for ever."""
        if self.response_complete or self.disconnected:
            return
        fine = False
        try:
            self._go_on(item)
            fine = True
        finally:
            if not fine:
                self.keep_alive = False
                self._asker.reply(self, 500, [b"content-length: 0\r\n\r\n"])
                self._end()

    def _go_on(self, item: Item | Kept) -> None:
        if isinstance(item, Kept):
            self._whole(item)
            return
        if isinstance(item, RokgraphError):
            self._refuse(item)
            return
        tag, payload = item
        assert self._job is not None  # noqa: S101 - who else would answer
        if tag is Tag.FAULT:
            self._refuse(from_plain(json.loads(payload)))
        elif tag is Tag.WHOLE:
            self._service.engine.drop(self._job)
            header, _, content = payload.partition(b"\n")
            kept = Kept(*begun(header), content)
            if self._making is not None:
                self._making.done(kept)
            self._whole(kept)
        else:
            frames: asyncio.Queue[Item] = asyncio.Queue()
            for more in self._more:
                frames.put_nowait(more)
            self._job.frames = frames
            engine = self._service.engine
            self._hand_over(Answer(*begun(payload), None, Chunks(engine, self._job, frames)))

    def _whole(self, kept: Kept) -> None:
        if len(kept.body) > LARGEST or self._asker.waits:
            self._hand_over(kept)
            return
        service, observed, direct = self._service, self._observed, self._direct
        observed.form, observed.format = kept.kind.value, kept.format
        observed.rows = rows_of(kept)
        coded, content = kept.encoded(self.head.coding)
        observed.sent = len(content)
        tag = conditional.tag(service.tags.base(self._query.to_bytes()), kept.format, coded)
        opening = direct.opening(kept.kind, kept.format, coded)
        own = f"etag: {tag}\r\ncontent-length: {observed.sent}\r\n"
        told = opening + own.encode("ascii")
        if observed.cache == "hit":  # what came twice may well come again
            line = line_of_repeats(observed)
            repeated = Repeated(told, content, observed.form, line)
            service.repeats.put((self.url, self.head.told), repeated)
        self._asker.reply(self, 200, [told, self._anew(), content])
        self._end()

    def _refuse(self, error: RokgraphError) -> None:
        service, observed = self._service, self._observed
        if self._job is not None:
            service.engine.drop(self._job)
        scope, accept = self._asker.scope_of(self), self.head.told[ACCEPT].decode("latin-1")
        frame = Frame.of(scope, headers_of(scope), service.engine.summary)
        refusal = problem(error, accept, frame)
        observed.outcome, observed.status = refusal.name, refusal.status
        observed.sent = len(refusal.body)
        head = head_of({**service.common(""), **refusal.headers}, refusal.body)
        self._asker.reply(self, refusal.status, [head, self._anew(), refusal.body])
        self._end(error)

    def _hand_over(self, found: Kept | Answer) -> None:
        """Let the application send what is found."""
        self.response_complete = True
        self._unmake()
        self._asker.take_over(self, {
            "rokgraph.begun": found, "rokgraph.observed": self._observed,
            "rokgraph.site": self._direct.site,  # another may have taken its place
        })  # fmt: skip

    def _anew(self) -> bytes:
        """The headers that are told of each answer anew, and the end of the head."""
        end = "\r\n" if self.keep_alive else "connection: close\r\n\r\n"
        timing = f"server-timing: total;dur={self._observed.seconds * 1000:.1f}\r\n"
        return f"rokgraph-query: {self._observed.id}\r\n{timing}{end}".encode("ascii")

    def _end(self, error: RokgraphError | None = None) -> None:
        self.response_complete = True
        self._unmake(error)
        self._service.telemetry.end(self._observed)

    def _unmake(self, error: RokgraphError | None = None) -> None:
        """Nobody waits for this any longer; who did is told of the error."""
        if self._making is not None:
            self._making.__exit__(type(error), error, None)
            self._making = None
