"""One request and its response, and what the routes of a server share.

Rule: the same headers on every answer, the same document for every refusal.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from rokgraph import __version__
from rokgraph.engine import Engine
from rokgraph.errors import RokgraphError
from rokgraph.web import conditional
from rokgraph.web.cache import AnswerCache
from rokgraph.web.encoding import LEVEL, PAGES, WORTHWHILE, coding, encode
from rokgraph.web.frame import Frame
from rokgraph.web.http import CORS, PREFLIGHT, Gone, Receive, Scope, Send, headers_of, respond
from rokgraph.web.limiter import Limiter
from rokgraph.web.problems import Draw, HttpProblem, problem
from rokgraph.web.repeats import Repeated, Repeats, head_of
from rokgraph.web.telemetry import Telemetry, line_of_repeats

_HOST = re.compile(r"[A-Za-z0-9.\-]{1,253}(?::[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](?::[0-9]{1,5})?")


@dataclass
class Service:
    """What the routes of one server share."""

    engine: Engine
    cache: AnswerCache
    telemetry: Telemetry
    limiter: Limiter
    repeats: Repeats
    tags: conditional.Begun = field(init=False)

    def __post_init__(self) -> None:
        """Begin the tags of all answers."""
        summary = self.engine.summary
        self.tags = conditional.Begun(summary.digest, summary.load, __version__)

    @classmethod
    def over(cls, engine: Engine, before: "Service | None" = None) -> "Service":
        """A service over an engine that is prepared.

        `before`: the one whose place it takes. What clients may and what is counted goes on;
        nothing that was made of other data does.
        """
        # A quarter for whole responses, the rest for answers of which they are made.
        limit = engine.settings.cache if engine.summary.lasting else 0
        share = limit // 4
        cache, repeats = AnswerCache(limit - share), Repeats(share)
        if before is not None:
            return cls(engine, cache, before.telemetry, before.limiter, repeats)
        limiter = Limiter(engine.settings.client_rate)
        return cls(engine, cache, Telemetry(engine, cache, repeats), limiter, repeats)

    def common(self, query: str) -> dict[str, str]:
        """Headers of every answer: who may read it, which dataset it is from, which query it is."""
        dataset = self.engine.summary.name
        return {**CORS, "rokgraph-dataset": dataset, "rokgraph-query": query}

    def base_url(self, scope: Scope, headers: Mapping[str, str]) -> str:
        """The URL that clients reach the service under, without a slash at its end.

        That of the settings; else by the Host header if it is one; else by the socket.
        """
        host, scheme = headers.get("host", ""), scope.get("scheme", "http")
        if (found := self.base_url_at(host, scheme)) is not None:
            return found
        address, port = scope.get("server") or ("localhost", None)
        return f"{scheme}://{address}:{port}" if port else f"{scheme}://{address}"

    def base_url_at(self, host: str, scheme: str) -> str | None:
        """That of the settings, else that by a Host header; None if it is none."""
        if self.engine.settings.base_url:
            return self.engine.settings.base_url
        return f"{scheme}://{host}" if _HOST.fullmatch(host) else None


class Exchange:
    """One request and its response."""

    def __init__(self, service: Service, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the headers and begin to observe."""
        self.service, self.scope, self.receive, self.send = service, scope, receive, send
        self.headers = headers_of(scope)
        self.head = scope["method"] == "HEAD"
        self.observed = scope.get("rokgraph.observed") or service.telemetry.begin()
        self.started = False

    @property
    def accept(self) -> str:
        """The Accept header, empty if there is none."""
        return self.headers.get("accept", "")

    @property
    def frame(self) -> Frame:
        """What stands around a page for this reader."""
        return Frame.of(self.scope, self.headers, self.service.engine.summary)

    @property
    def condition(self) -> str | None:
        """The If-None-Match header; what a POST would select is none of the tags of its answer."""
        return None if self.scope["method"] == "POST" else self.headers.get("if-none-match")

    async def run(self, methods: str, answer: "Callable[[Exchange], Awaitable[None]]") -> None:
        """Answer by `answer`, or OPTIONS with `methods`; tell of every error that may be told.

        Raises what is a bug, and what comes in the middle of an answer.
        """
        try:
            self._admit()
            if self.scope["method"] == "OPTIONS":
                allow = {"allow": methods, "access-control-allow-methods": methods}
                await self.respond(204, allow | PREFLIGHT)
            else:
                await answer(self)
        except Gone:
            self.observed.outcome = "left"
        except (RokgraphError, HttpProblem) as error:
            await self.refuse(error)
        finally:
            self.service.telemetry.end(self.observed)

    def _admit(self) -> None:
        """Raise HttpProblem (429) if this client asks too often."""
        if "rokgraph.observed" in self.scope:
            return  # it was admitted where its head was read
        client = (self.scope.get("client") or ("",))[0]
        wait = self.service.limiter.wait(client, asyncio.get_running_loop().time())
        if wait:
            raise HttpProblem(
                429,
                "rate",
                "Too many requests",
                "This address asks more often than one client may; please wait.",
                {"retry-after": str(wait)},
            )

    async def refuse(self, error: Exception, draw: Draw | None = None) -> None:
        """Tell of an error, unless the answer has begun: then break it off by raising it.

        `draw` makes the page that a browser gets, instead of the one that all refusals have.
        """
        told = problem(error, self.accept, self.frame, draw)
        self.observed.outcome, self.observed.status = told.name, told.status
        if self.started:
            raise error
        await self.respond(told.status, told.headers, told.body)

    async def represent(
        self,
        headers: Mapping[str, str],
        base: str,
        form: str,
        body: bytes,
        level: int = LEVEL,
    ) -> None:
        """Send a whole representation, tagged and coded; 304 if the client has it.

        `base` is what its tag begins with, `form` its format, `level` how hard to compress.
        Of data that may change nothing is tagged, and nothing shall be kept.
        """
        worthwhile = len(body) >= WORTHWHILE
        coded = coding(self.headers.get("accept-encoding")) if worthwhile else "identity"
        if self.service.engine.summary.lasting:
            tag, condition = conditional.tag(base, form, coded), self.condition
            headers = {**headers, "etag": tag}
            if conditional.matches(condition, {tag}) or conditional.any_matches(condition):
                await self.respond(304, headers)
                return
        else:
            headers = {**headers, "cache-control": "no-store"}
        if coded != "identity":
            headers["content-encoding"] = coded
        await self.respond(200, headers, encode(body, coded, level))

    async def show(self, headers: Mapping[str, str], base: str, page: bytes) -> None:
        """Send a page in the reader's language, as `represent` does."""
        frame = self.frame
        await self.represent(frame.headers(headers), base, f"html-{frame.language}", page, PAGES)

    async def respond(self, status: int, headers: Mapping[str, str], body: bytes = b"") -> None:
        """Send a whole response with the headers of every answer."""
        self.started = True
        self.observed.status = status
        self.observed.sent += 0 if self.head else len(body)
        timing = f"total;dur={self.observed.seconds * 1000:.1f}"
        told = {**self.common(), "server-timing": timing, **headers}
        key = self.scope.get("rokgraph.repeat")
        if key is not None and status == 200 and "etag" in told and "set-cookie" not in told:  # noqa: PLR2004
            line = line_of_repeats(self.observed)
            kept = Repeated(head_of(told, body), body, self.observed.form, line)
            self.service.repeats.put(key, kept)
        await respond(self.send, status, told, body, head=self.head)

    def common(self) -> dict[str, str]:
        """Headers of every answer: who may read it, which dataset it is from, which query it is."""
        return self.service.common(self.observed.id)
