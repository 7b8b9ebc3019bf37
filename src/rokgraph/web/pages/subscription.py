"""The timeline as a calendar that people subscribe to.

Rule: the rows are those of the page; a day that the text does not name is said to be the last of
its year or month.
"""

from collections.abc import Mapping
from datetime import date

from rokgraph import __version__
from rokgraph.library import saved_queries
from rokgraph.publication import Publication
from rokgraph.query import Kind, Query
from rokgraph.web import conditional
from rokgraph.web.arguments import read
from rokgraph.web.cache import Kept
from rokgraph.web.calendar import MEDIA_TYPE, Event, last_day, written
from rokgraph.web.exchange import Exchange, Service
from rokgraph.web.http import Receive, Scope, Send
from rokgraph.web.language import words
from rokgraph.web.members import Members
from rokgraph.web.pages.asked import Asked, Row
from rokgraph.web.pages.timeline import CALENDAR, ministries
from rokgraph.web.problems import HttpProblem
from rokgraph.web.signposting import local
from rokgraph.web.wording import day

_METHODS = "GET, HEAD, OPTIONS"
_UNKNOWN = "1970-01-01"  # the day of a dataset that tells of none


class Subscription:
    """The ASGI application at `CALENDAR`."""

    def __init__(self, service: Service, publication: Publication) -> None:
        """Answer with this service; `publication` are its files, of which nothing is told here."""
        self._service, self._members = service, Members(service)
        self._publication = publication
        root = service.engine.settings.root
        self._saved = {saved.name: saved for saved in saved_queries(root, "views")}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await Exchange(self._service, scope, receive, send).run(_METHODS, self._answer)

    async def _answer(self, exchange: Exchange) -> None:
        if exchange.scope["method"] not in ("GET", "HEAD"):
            detail = f"The calendar is for reading; use {_METHODS}."
            raise HttpProblem(405, "method", "Method not allowed", detail, {"allow": _METHODS})

        async def iris(name: str) -> tuple[str, ...]:
            return tuple(member.iri for member in await self._members.of(exchange, name))

        summary, frame = self._service.engine.summary, exchange.frame
        arguments = await read(
            exchange.scope, self._saved["timeline"].parameters, (("ics",), ()), iris,
            summary.prefixes,
        )  # fmt: skip
        base = self._service.base_url(exchange.scope, exchange.headers)
        key = Query(
            "", None, None, None, f"ics-{frame.language}", None,
            (("page", base + CALENDAR), *sorted(arguments.given.items())),
        )  # fmt: skip
        kept = self._service.cache.get(key)
        if kept is None:
            asked = Asked(exchange, arguments, self._saved, self._members, self._publication)
            address = arguments.url(base + CALENDAR, lang=frame.language)
            kept = Kept(Kind.SOLUTIONS, "ics", await _file(asked, base, address))
            self._service.cache.put(key, kept)
        headers = {
            "content-type": f"{MEDIA_TYPE}; charset=utf-8",
            "content-language": frame.language,
            "content-disposition": 'inline; filename="timeline.ics"',
            "vary": "Accept-Encoding, Accept-Language, Cookie",
            "cache-control": "public, max-age=60",
            "x-content-type-options": "nosniff",
        }
        tag = conditional.base_tag(summary.digest, summary.load, __version__, *key.bindings)
        await exchange.represent(headers, tag, f"ics-{frame.language}", kept.body)


async def _file(asked: Asked, base: str, address: str) -> bytes:
    told = words(asked.language, "timeline")
    today = next(iter(await asked.rows("dataset-day")), Row())
    events = [_event(row, told, asked.language, base) for row in await asked.rows("timeline")]
    made = date.fromisoformat((today["day"] or _UNKNOWN)[:10])
    return written(events, told["calendar"], asked.language, address, made)


def _event(row: Row, told: Mapping[str, str], language: str, base: str) -> Event:
    when = day(row["when"], language)
    # What has a beginning and an end is two events; the end is what is due.
    begins = row["role"] == "starts" and row["kind"].endswith("/range")
    precise = "month_only" if "-" in row["when"] else "year_only"
    bodies = ", ".join(body.named("ministry", language) for body in ministries(row))
    lines = [
        told[precise].format(when=when),
        told["ics_printed"].format(words=row["printed"]) if row["printed"] else "",
        _certainty(row, told, row.named("scope", language)),
        f"{row['notation']} {row.named('task', language)}" if row["task"] else "",
        told["ics_ministry"].format(names=bodies) if bodies else told["no_ministry"],
        told["ics_source"].format(address=base + local(row["passage"] or row["thing"])),
        told["kept"],
    ]
    return Event(
        row["thing"] + ("#start" if begins else ""),
        last_day(row["when"]),
        told[f"ics_{row['role']}"].format(what=row.named("thing", language), when=when),
        "\n".join(filter(None, lines)),
        base + local(row["thing"]),
        row["notation"] or row["strategyNotation"] or told["whole"],
    )


def _certainty(row: Row, told: Mapping[str, str], scope: str) -> str:
    if not row["certain"]:
        return told["ics_itself"]
    sure = "ics_certain" if row["certain"] == "true" else "ics_uncertain"
    return told[sure].format(scope=scope)
