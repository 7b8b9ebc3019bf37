"""How many machines so many requests need: times are measured here, the rest is simulated.

Rule: what is printed says what it rests on; a quiet machine gives the smaller numbers.

Run it: `python bench/sizing.py`; `--write` puts what it printed into docs/reference/sizing.md.
"""
# ruff: noqa: T201 - it prints

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from statistics import fmean, median

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from bench import machine  # noqa: E402 - this is a script, and these its neighbours
from bench.peers import PEERS, Dataset, Endpoint  # noqa: E402
from bench.queueing import House, Kind, Seen, fewest, simulate  # noqa: E402
from bench.wire import Client, target  # noqa: E402
from rokgraph.library import saved_queries, without_header  # noqa: E402
from rokgraph.settings import Settings  # noqa: E402

PAGE = ROOT / "docs" / "reference" / "sizing.md"
MARK = "<!-- sizing: begin -->", "<!-- sizing: end -->"
_ACCEPT = "application/sparql-results+json"
_RATES = (100, 1_000, 10_000)
_CORES = 4  # of one machine; one is for the process that speaks HTTP, one for slow queries
_BUDGET = float(Settings.model_fields["quick"].default)
_BUSY = 0.7  # the most that any part is to be at work
_GOAL = 0.1  # seconds in which 99 of 100 quick answers are to be there
_LONG = 30.0  # seconds at least that are simulated: many times what a slow query takes
_SLOW = (
    "SELECT (COUNT(*) AS ?n) { { SELECT * { ?a ?b ?c } LIMIT 1000 } "
    "{ SELECT * { ?d ?e ?f } LIMIT 4000 } }"
)
_SLOWLY = "slow query"
_FRESH, _SLOW_SHARE = 0.2, 0.002  # shares of requests, unless others are given
_TRIED = 40.0  # requests a second by which the simulation is compared with the server itself


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, simulate, print; returns the exit code."""
    parser = argparse.ArgumentParser(prog="sizing.py", description=__doc__.split("\n")[0])
    parser.add_argument("--fresh", type=float, default=_FRESH, help="share of new questions")
    parser.add_argument("--slow", type=float, default=_SLOW_SHARE, help="share of slow queries")
    parser.add_argument("--rates", type=float, nargs="+", default=_RATES, help="requests a second")
    parser.add_argument("--requests", type=int, default=60_000, help="simulated at the least")
    parser.add_argument("--tried", type=float, default=20, help="seconds of the comparison")
    parser.add_argument("--port", type=int, default=8490)
    parser.add_argument("--json", type=Path, help="file for what was measured")
    parser.add_argument("--write", action="store_true", help="put it into the page")
    given = parser.parse_args(arguments)
    with _serving(given.port) as site:
        kinds = site.measured(given.fresh, given.slow)
        tried = _of_trial(site, kinds, given.tried)
    if given.json:
        given.json.write_text(json.dumps([asdict(kind) for kind in kinds], indent=1))
    lines = [*_of_machine(), "", *_of_kinds(kinds), "", *tried, "", *_of_rates(kinds, given)]
    print("\n".join(lines))
    if given.write:
        PAGE.write_text(written(PAGE.read_text(), "\n".join(lines)))
    return 0


def written(page: str, text: str) -> str:
    """The page with these tables in the place of those that are there."""
    head, _, rest = page.partition(MARK[0])
    return f"{head}{MARK[0]}\n{text}\n{MARK[1]}{rest.partition(MARK[1])[2]}"


# -- what is measured ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Site:
    """A server of the built-in graph that is asked."""

    endpoint: Endpoint
    questions: list[str]
    mark: Iterator[int]

    def kept(self) -> str:
        """The target of a query that has been asked before."""
        return target(self.endpoint.prefix, self.questions[0])

    def new(self, text: str) -> str:
        """The target of a query that nobody has asked: a remark costs nothing to evaluate."""
        return target(self.endpoint.prefix, f"{text}\n# {next(self.mark)}")

    def measured(self, fresh: float, slow: float) -> list[Kind]:
        """The kinds of requests, with the times they take."""
        with Client(self.endpoint.port) as client:
            times = _Times(self.endpoint.pid, client)
            repeat = times.of(self.kept, 4_000)
            page = times.of(lambda: "/tasks", 1_000, "text/html")
            new = [times.of(lambda text=text: self.new(text), 12) for text in self.questions]  # type: ignore[misc]
            long = times.of(lambda: self.new(_SLOW), 5)
        front = [each[0] for each in new]
        kept = 1 - fresh - slow
        return [
            Kind("repeated query", kept / 2, [repeat[0]]),
            Kind("repeated page", kept / 2, [page[0]]),
            Kind("new question", fresh, front, [each[1] for each in new]),
            Kind(_SLOWLY, slow, [long[0]], [long[1]]),
        ]

    def trial(self, kinds: Sequence[Kind], rate: float, seconds: float) -> Seen:
        """What the server itself does with such a mix, each request sent when it is its time.

        Seconds are counted from that time, so that no wait is left out.
        """
        chance = random.Random(2)  # noqa: S311 - no secret is made of it
        paths: dict[str, Callable[[], str]] = {
            "repeated query": self.kept,
            "repeated page": lambda: "/tasks",
            "new question": lambda: self.new(chance.choice(self.questions)),
            _SLOWLY: lambda: self.new(_SLOW),
        }
        seen, at, plan = Seen({kind.name: [] for kind in kinds}), 0.0, []
        while (at := at + chance.expovariate(rate)) < seconds:
            [kind] = chance.choices(kinds, [kind.share for kind in kinds])
            plan.append((at, kind.name, paths[kind.name]()))
        coming, begun = iter(plan), time.perf_counter()

        def ask() -> None:
            with Client(self.endpoint.port) as client:
                for due, name, path in coming:
                    time.sleep(max(0.0, begun + due - time.perf_counter()))
                    accept = "text/html" if path == "/tasks" else _ACCEPT
                    client.get(path, accept, keep=False)
                    seen.seconds[name].append(time.perf_counter() - begun - due)

        with ThreadPoolExecutor(16) as pool:
            for each in [pool.submit(ask) for _ in range(16)]:
                each.result()
        return seen


@contextmanager
def _serving(port: int) -> Iterator[_Site]:
    us = next(peer for peer in PEERS if peer.name == "rokgraph")
    dataset = Dataset("strategy", ROOT, 0, union=True, built_in=True)
    questions = [without_header(each.text) for each in saved_queries(ROOT, "questions")]
    with (
        tempfile.TemporaryDirectory() as folder,
        us.run(dataset, port, Path(folder)) as endpoint,
    ):
        machine.settle(endpoint.pid)
        yield _Site(endpoint, questions, count())


@dataclass(frozen=True, slots=True)
class _Times:
    """Seconds of a request on one connection to a server with this process id."""

    pid: int
    client: Client

    def of(
        self, path: Callable[[], str], number: int, accept: str = _ACCEPT
    ) -> tuple[float, float]:
        """What it takes of the processor in front, and how long the rest takes.

        The first one is not counted: it opens what is kept open.
        """
        self.client.get(path(), accept, keep=False)
        paths = [path() for _ in range(number)]
        before = _processor(self.pid)
        walls = [self.client.get(each, accept, keep=False).seconds for each in paths]
        front = (_processor(self.pid) - before) / number
        return front, max(0.0, median(walls) - front)


def _processor(pid: int) -> float:
    """Seconds of processor that a process has had, its children left out.

    The clock that clock_getcpuclockid(3) gives: https://man7.org/linux/man-pages/man3/clock_getcpuclockid.3.html
    """
    return time.clock_gettime((~pid << 3) | 2)


# -- what is printed -------------------------------------------------------------------------------


def _of_machine() -> list[str]:
    told = machine.described()
    return [f"Measured on {told['processor']}, {told['system']}, load {told['load']}."]


def _of_kinds(kinds: Sequence[Kind]) -> list[str]:
    lines = [
        "| request | share | in front, ms | in a worker, ms: mean (most) |",
        "| --- | ---: | ---: | ---: |",
    ]
    for kind in kinds:
        work = f"{1000 * fmean(kind.work):.1f} ({1000 * max(kind.work):.0f})" if kind.work else ""
        lines.append(
            f"| {kind.name} | {kind.share:.1%} | {1000 * fmean(kind.front):.2f} | {work} |"
        )
    return lines


def _of_trial(site: _Site, kinds: Sequence[Kind], seconds: float) -> list[str]:
    """The simulation beside the server itself, which shares its processors with who asks."""
    settings = Settings()
    house = House(1, settings.workers, settings.slow_workers, _BUDGET)
    ways = {
        "simulated": simulate(kinds, _TRIED, house, 20_000),
        "measured": site.trial(kinds, _TRIED, seconds),
    }
    names = [kind.name for kind in kinds if kind.name != _SLOWLY]
    return [
        f"One server at {_TRIED:.0f} requests a second, on this machine with who asks beside it:",
        "",
        "| | p50 of quick ones, ms | p95 | p99 |",
        "| --- | ---: | ---: | ---: |",
        *(f"| {way} | {_percentiles(seen, names, ' | ')} |" for way, seen in ways.items()),
    ]


def _of_rates(kinds: Sequence[Kind], given: argparse.Namespace) -> list[str]:
    lines = [
        (
            "| requests a second | cache | replicas | at work: front, workers, slow "
            "| p50, p95, p99 of quick ones, ms | p99 of slow ones, s |"
        ),
        "| ---: | --- | ---: | --- | --- | ---: |",
    ]
    for rate in given.rates:
        for cached in (False, True):
            reaching = [kind for kind in kinds if kind.work] if cached else list(kinds)
            share = sum(kind.share for kind in reaching)
            replicas, seen = needed(reaching, rate * share, given.requests)
            names = [kind.name for kind in reaching if kind.name != _SLOWLY]
            busy = ", ".join(f"{part:.0%}" for part in seen.busy.values())
            lines.append(
                f"| {rate:,.0f} | {'Varnish' if cached else 'none'} | {replicas} | {busy} "
                f"| {_percentiles(seen, names)} | {seen.percentile(0.99, _SLOWLY):.1f} |"
            )
    return lines


def _percentiles(seen: Seen, names: Sequence[str], between: str = ", ") -> str:
    return between.join(f"{1000 * seen.percentile(part, *names):.1f}" for part in (0.5, 0.95, 0.99))


def needed(kinds: Sequence[Kind], rate: float, requests: int) -> tuple[int, Seen]:
    """The fewest replicas that keep to the goal, and what is seen of them."""
    one = House(1, quick=_CORES - 2, slow=1, budget=_BUDGET)
    number = fewest(kinds, rate, one, _BUSY)
    quick = [kind.name for kind in kinds if kind.name != _SLOWLY]
    while True:
        house = House(number, one.quick, one.slow, one.budget)
        seen = simulate(kinds, rate, house, max(requests, int(_LONG * rate)))
        if seen.percentile(0.99, *quick) <= _GOAL:
            return number, seen
        number += max(1, number // 8)


if __name__ == "__main__":
    raise SystemExit(main())
