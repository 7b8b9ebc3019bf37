"""Events as a file that calendars subscribe to.

Rule: the same events make the same bytes; the clock is never asked.

See https://www.rfc-editor.org/rfc/rfc5545 and https://www.rfc-editor.org/rfc/rfc7986
"""

import calendar
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import icalendar

MEDIA_TYPE = "text/calendar"
_MAKER = "-//rokgraph//timeline//EN"
_AGAIN = timedelta(days=7)  # how long a calendar may keep what it has


@dataclass(frozen=True, slots=True)
class Event:
    """What a calendar shows on a day: `uid` stays the same for ever, `url` leads to the page."""

    uid: str
    day: date
    summary: str
    description: str
    url: str
    category: str


def last_day(when: str) -> date:
    """The last day of a year (`2024`) or of a month (`2023-11`), or the day itself.

    Raises ValueError for anything else.
    """
    year, month, day = (int(part) for part in (f"{when}-0-0").split("-")[:3])
    month = month or 12
    return date(year, month, day or calendar.monthrange(year, month)[1])


def written(events: Iterable[Event], name: str, language: str, source: str, made: date) -> bytes:
    """The file, UTF-8: all-day events that leave the day free.

    `source` is the address that it is fetched from, `made` the day of what it is made from.
    """
    import icalendar  # noqa: PLC0415 - nobody waits for it at the start

    whole = icalendar.Calendar()
    whole.add("prodid", _MAKER)
    whole.add("version", "2.0")
    whole.add("method", "PUBLISH")
    whole.add("name", name, {"LANGUAGE": language})
    whole.add("x-wr-calname", name)  # for calendars that do not know the other
    whole.add("source", source, {"VALUE": "URI"})
    whole.add("refresh-interval", _AGAIN, {"VALUE": "DURATION"})
    stamp = datetime.combine(made, time(), UTC)
    for event in events:
        whole.add_component(_event(event, language, stamp))
    return bytes(whole.to_ical())


def _event(event: Event, language: str, stamp: datetime) -> "icalendar.Event":
    import icalendar  # noqa: PLC0415 - as above

    entry = icalendar.Event()
    entry.add("uid", event.uid)
    entry.add("dtstamp", stamp)
    entry.add("dtstart", event.day)
    entry.add("dtend", event.day + timedelta(days=1))  # the first day that is not in it
    entry.add("summary", event.summary, {"LANGUAGE": language})
    entry.add("description", event.description, {"LANGUAGE": language})
    entry.add("url", event.url)
    entry.add("categories", [event.category])
    entry.add("transp", "TRANSPARENT")
    return entry
