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

from rokgraph import __version__
from rokgraph.connection import Item, Job
from rokgraph.engine import Answer, Chunks, begun
from rokgraph.errors import RokgraphError, from_plain
from rokgraph.frames import Tag
from rokgraph.query import Query
from rokgraph.web import conditional
from rokgraph.web.answering import Plan, described, rows_of
from rokgraph.web.cache import Kept, Making
from rokgraph.web.encoding import coding
from rokgraph.web.exchange import Service
from rokgraph.web.frame import Frame
from rokgraph.web.http import Application, Scope, headers_of
from rokgraph.web.negotiation import html_first, negotiate
from rokgraph.web.problems import problem
from rokgraph.web.repeats import ACCEPT, ANEW, CODING, HOST, LARGEST, URL, Key
from rokgraph.web.request import query_of

_PATH = b"/sparql?"


class Asker(Protocol):
    """The connection that a request came by."""

    def reply(self, asking: "Asking", status: int, parts: list[bytes]) -> None:
        """Write a response, given from its headers on."""

    def take_over(self, asking: "Asking") -> None:
        """Let the application answer, with what the asking's scope has by now."""

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

    def repeated(self, key: Key, client: str) -> list[bytes] | None:
        """The parts of the response after its status line and date; None if none is kept."""
        service = self.service
        found = service.repeats.get(key)
        if found is None or not self._admits(client):
            return None
        observed = service.telemetry.begin()
        observed.form, observed.format, observed.rows = found.form, found.format, found.rows
        observed.sent, observed.cache = len(found.body), "repeat"
        service.cache.hits += 1
        service.telemetry.end(observed)
        anew = f"rokgraph-query: {observed.id}\r\nserver-timing: total;dur=0.0\r\n\r\n"
        return [found.head, anew.encode("ascii"), found.body]

    def ask(self, key: Key, scope: Scope, asker: Asker) -> "Asking | None":
        """Have a query answered to `asker`; None for one that goes the long way."""
        url, accept = key[URL], key[ACCEPT].decode("latin-1")
        if not url.startswith(_PATH) or b"#" in url or html_first(accept):
            return None
        service = self.service
        wanted = negotiate(accept, None)
        text = query_of(url[len(_PATH) :])
        if text is None or (wanted.result is None and wanted.graph is None):
            return None
        base = service.base_url(scope, {"host": key[HOST].decode("latin-1")})
        query = Query(text, f"{base}/sparql", None, None, wanted.result, wanted.graph)
        plan = Plan(query, "Accept")
        foreign = bool(service.engine.settings.federation) and "service" in text.lower()
        changing = plan.volatile or not service.engine.summary.lasting
        if changing or foreign or query in service.cache.coming:
            return None
        client = scope.get("client")
        if not self._admits(client[0] if client else ""):
            return None
        scope["path"], scope["query_string"] = "/sparql", url[len(_PATH) :]
        asking = Asking(self, plan, key, scope, asker)
        try:
            asking.begin()
        except RokgraphError as error:
            asking.put_nowait(error)
        return asking

    def _admits(self, client: str) -> bool:
        return not self.service.limiter.wait(client, asyncio.get_running_loop().time())


class Asking:
    """One query between the head of its request and its answer.

    It stands where uvicorn has its cycle of a request and a response, and is one as far as it
    looks; for the engine it is where the frames of the answer go.
    """

    message_event = _Nobody()
    more_body = False

    def __init__(self, direct: Direct, plan: Plan, key: Key, scope: Scope, asker: Asker) -> None:
        """Begin to observe."""
        self.response_complete = self.disconnected = False
        self.keep_alive = True
        self.scope = scope
        self._service, self._plan, self._key, self._asker = direct.service, plan, key, asker
        self._site = direct.site
        self._observed = self._service.telemetry.begin()
        self._first = True
        self._more: deque[Item] = deque()
        self._job: Job | None = None
        self._making: Making | None = None

    def begin(self) -> None:
        """Have the query answered: from what is kept, else by the engine.

        Raises TooManyQueries and EngineUnavailable.
        """
        cache, query = self._service.cache, self._plan.query
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
        service, observed, plan = self._service, self._observed, self._plan
        observed.form, observed.format = kept.kind.value, kept.format
        observed.rows = rows_of(kept)
        coded, content = kept.encoded(coding(self._key[CODING].decode("latin-1") or None))
        summary = service.engine.summary
        base = conditional.base_tag(
            summary.digest, summary.load, __version__, plan.query.to_bytes()
        )
        headers = described(plan, base, kept.kind, kept.format, coded)
        headers = {**service.common(observed.id), **headers}
        told = (observed.form, observed.format, observed.rows)
        repeated = service.repeats.put(self._key, headers, content, told)
        observed.sent = len(content)
        anew = self._anew()
        self._asker.reply(self, 200, [repeated.head, anew, content])
        self._end()

    def _refuse(self, error: RokgraphError) -> None:
        service, observed = self._service, self._observed
        if self._job is not None:
            service.engine.drop(self._job)
        accept = self._key[ACCEPT].decode("latin-1")
        frame = Frame.of(self.scope, headers_of(self.scope), service.engine.summary)
        refusal = problem(error, accept, frame)
        observed.outcome, observed.status = refusal.name, refusal.status
        observed.sent = len(refusal.body)
        headers = {**service.common(observed.id), **refusal.headers}
        lines = "".join(
            f"{name}: {value}\r\n" for name, value in headers.items() if name not in ANEW
        )
        length = f"content-length: {len(refusal.body)}\r\n"
        parts = [(lines + length).encode("latin-1"), self._anew(), refusal.body]
        self._asker.reply(self, refusal.status, parts)
        self._end(error)

    def _hand_over(self, found: Kept | Answer) -> None:
        """Let the application send what is found."""
        self.response_complete = True
        self.scope.update({
            "method": "GET", "path": "/sparql", "raw_path": b"/sparql",
            "rokgraph.begun": found, "rokgraph.observed": self._observed,
            "rokgraph.site": self._site,  # another may have taken its place
        })  # fmt: skip
        self._unmake()
        self._asker.take_over(self)

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
