"""What operators see: metrics in the Prometheus form, one line of JSON for each query.

Rule: no query text and no address of a client leaves this room; a query id ties answer and line.
"""

import time
from bisect import bisect_left
from collections import Counter as Numbers
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import accumulate, count

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric

from rokgraph.engine import Engine
from rokgraph.web import lines
from rokgraph.web.cache import AnswerCache
from rokgraph.web.repeats import Repeated, Repeats

_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60)


@dataclass(slots=True)
class Observed:
    """One query while it is answered. `outcome` is `ok` or the name of a problem."""

    id: str
    begun: float
    outcome: str = "ok"
    form: str = "none"
    format: str = ""
    cache: str = "miss"
    status: int = 200
    sent: int = 0
    rows: int | None = None

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return time.perf_counter() - self.begun


# A line of the log is JSON; its values are numbers, and words of ours that need no escape.
_BEGIN = '{"time": "%s", "query": "%s", '
_REST = (
    '"outcome": "%s", "status": %d, "form": "%s", "format": "%s", "cache": "%s", "ms": %s, '
    '"bytes": %d, "rows": %s}'
)


def line_of_repeats(observed: Observed) -> str:
    """The rest of the line of every repeat of this answer."""
    return _rest(replace(observed, cache="repeat"), 0.0)


def _rest(observed: Observed, seconds: float) -> str:
    rows = "null" if observed.rows is None else observed.rows
    return _REST % (
        observed.outcome, observed.status, observed.form, observed.format, observed.cache,
        round(seconds * 1000, 2), observed.sent, rows,
    )  # fmt: skip


class QueryCollector:
    """What is counted of each query: plain numbers, which become metrics when somebody asks.

    The library's own counters take a lock for each number, which costs more than many a query.
    This has none: it belongs to the event loop.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self._queries: Numbers[tuple[str, str]] = Numbers()
        self._latencies = [0] * (len(_BUCKETS) + 1)
        self._seconds = 0.0
        self._sent = 0

    def add(self, outcome: str, form: str, seconds: float, sent: int) -> None:
        """One more query."""
        self._queries[outcome, form] += 1
        self._latencies[bisect_left(_BUCKETS, seconds)] += 1
        self._seconds += seconds
        self._sent += sent

    def collect(self) -> Iterator[Metric]:
        """The metrics of it, as the registry wants them."""
        queries = CounterMetricFamily(
            "rokgraph_queries", "Queries by outcome and form", labels=("outcome", "form")
        )
        for key, number in self._queries.items():
            queries.add_metric(key, number)
        yield queries
        names = (*map(str, map(float, _BUCKETS)), "+Inf")
        buckets = list(zip(names, map(float, accumulate(self._latencies)), strict=True))
        yield HistogramMetricFamily(
            "rokgraph_query_seconds", "Time to the whole answer", buckets, self._seconds
        )
        yield CounterMetricFamily("rokgraph_sent_bytes", "Bytes of answers", self._sent)


@dataclass
class Telemetry:
    """The metrics of one server; `engine` and `cache` are read when somebody asks.

    Set them when others take their place: what is counted goes on.
    """

    engine: Engine
    cache: AnswerCache
    repeats: Repeats
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def __post_init__(self) -> None:
        """Set the metrics up."""
        registry = self.registry
        self._ids = count(1)
        self._start = f"{int(time.time()):x}-"
        self._counted = QueryCollector()
        registry.register(self._counted)
        for name, text, read in (
            ("rokgraph_queue", "Queries that wait", lambda: self.engine.waiting),
            ("rokgraph_workers", "Worker processes", lambda: self.engine.workers),
            ("rokgraph_busy_workers", "Worker processes at work", lambda: self.engine.busy),
            ("rokgraph_cache_bytes", "Bytes of kept answers", self._kept_bytes),
            ("rokgraph_cache_hits", "Answers from the cache", lambda: self.cache.hits),
            ("rokgraph_cache_misses", "Answers made", lambda: self.cache.misses),
            ("rokgraph_triples", "Triples in the dataset", lambda: self.engine.summary.size),
        ):
            Gauge(name, text, registry=registry).set_function(read)
        kills = Gauge("rokgraph_kills", "Workers ended, by cause", ("cause",), registry=registry)
        for cause in self.engine.kills:
            kills.labels(cause).set_function(lambda cause=cause: self.engine.kills[cause])  # type: ignore[misc]
        self._loads = Counter(
            "rokgraph_loads",
            "Times that other data took the place of those before, or could not",
            ("outcome",),
            registry=registry,
        )
        for outcome in ("ok", "failed"):
            self._loads.labels(outcome)

    def begin(self) -> Observed:
        """A query has come in."""
        return Observed(self._start + str(next(self._ids)), time.perf_counter())

    def end(self, observed: Observed) -> None:
        """It is answered, or the client has left."""
        seconds = observed.seconds
        self._counted.add(observed.outcome, observed.form, seconds, observed.sent)
        lines.add(_BEGIN % (lines.now(), observed.id) + _rest(observed, seconds))

    def repeated(self, found: Repeated) -> str:
        """A query is answered as one before, at once; its id."""
        self._counted.add("ok", found.form, 0.0, len(found.body))
        name = self._start + str(next(self._ids))
        lines.add(_BEGIN % (lines.now(), name) + found.line)
        return name

    def _kept_bytes(self) -> int:
        return self.cache.size + self.repeats.size

    def follow(self, engine: Engine, cache: AnswerCache, repeats: Repeats) -> None:
        """Others have taken their place; their counting goes on where it was."""
        engine.kills = self.engine.kills
        cache.hits += self.cache.hits
        cache.misses += self.cache.misses
        self.engine, self.cache, self.repeats = engine, cache, repeats
        self._loads.labels("ok").inc()

    def refused(self) -> None:
        """Other data could not take the place of those that are served."""
        self._loads.labels("failed").inc()

    def exposed(self) -> bytes:
        """All metrics in the text form, version 0.0.4.

        See https://prometheus.io/docs/instrumenting/exposition_formats/
        """
        return generate_latest(self.registry)
