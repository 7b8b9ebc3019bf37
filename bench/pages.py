"""Weight and time of every kind of page: a table.

Rule: asks as a browser would, over HTTP only; prints and judges nothing but the limits it names.

Weight is what a first visit brings over the wire, with gzip: the page, its style sheet, its
scripts. Time is what the server says it took (`total` of `Server-Timing`), or else the round trip,
of a first request, and of thirty more, one at a time: their median and 95th percentile.

Run it: `python bench/pages.py`, or with `--url` of a server that runs; `--things` adds a thing of
each class. The exit code is 1 if a page but the editor is heavier than 60 kB or its 95th
percentile is 50 ms or more.
"""
# ruff: noqa: T201 - it prints

import argparse
import contextlib
import re
import statistics
import sys
import time
from pathlib import Path

import httpx

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from addresses import FIXED, LANGUAGES, Address, entities, questions
from running import run_server
from weighing import weigh, wire

HEAVY = 60_000  # bytes
SLOW = 50.0  # milliseconds
REQUESTS = 30
_TOTAL = re.compile(r"\btotal;dur=([0-9.]+)")


def taken(client: httpx.Client, url: str) -> float:
    """Milliseconds that the server took for one request, as it says or as it seems."""
    begun = time.perf_counter()
    _, answer = wire(client, url)
    trip = 1000 * (time.perf_counter() - begun)
    told = _TOTAL.search(answer.headers.get("server-timing", ""))
    return float(told[1]) if told else trip


def row(client: httpx.Client, address: Address, language: str) -> bool:
    """Print what one page weighs and takes; whether it is within the limits."""
    client.cookies.clear()  # the language is that of the address
    first = taken(client, address.url(language))
    weight = weigh(client, address, language)
    times = sorted(taken(client, address.url(language)) for _ in range(REQUESTS))
    half, late = statistics.median(times), times[int(0.95 * REQUESTS)]
    light = weight.total <= HEAVY or address.edits
    mark = "" if light and late < SLOW else "  over"
    print(
        f"{address.name:32.32} {language} {weight.total:8,} {weight.page:8,} "
        f"{first:8.1f} {half:8.1f} {late:8.1f}{mark}"
    )
    return not mark


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--url", help="of a server that runs; else one is started")
    parser.add_argument("--things", action="store_true", help="a thing of each class, too")
    given = parser.parse_args()
    with contextlib.ExitStack() as stack:
        url = given.url or stack.enter_context(run_server()).url
        client = stack.enter_context(httpx.Client(base_url=url, timeout=60))
        print(f"{'page':32}    {'bytes':>8} {'html':>8} {'1st ms':>8} {'p50 ms':>8} {'p95 ms':>8}")
        pages = [*FIXED, *questions(), *(entities() if given.things else ())]
        good = [row(client, address, language) for address in pages for language in LANGUAGES]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
