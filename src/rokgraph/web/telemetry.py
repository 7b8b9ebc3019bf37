"""What operators see: metrics in the Prometheus form, one line of JSON for each query.

Rule: no query text and no address of a client leaves this room; a query id ties answer and line.
"""

import json
import time
from dataclasses import dataclass, field
from itertools import count

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from rokgraph.engine import Engine
from rokgraph.web import lines
from rokgraph.web.cache import AnswerCache
from rokgraph.web.repeats import Repeats

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
        self._start = f"{int(time.time()):x}"
        self._queries = Counter(
            "rokgraph_queries",
            "Queries by outcome and form",
            ("outcome", "form"),
            registry=registry,
        )
        self._counters: dict[tuple[str, str], Counter] = {}
        self._latency = Histogram(
            "rokgraph_query_seconds",
            "Time to the whole answer",
            buckets=_BUCKETS,
            registry=registry,
        )
        self._bytes = Counter("rokgraph_sent_bytes", "Bytes of answers", registry=registry)
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
        return Observed(f"{self._start}-{next(self._ids)}", time.perf_counter())

    def end(self, observed: Observed) -> None:
        """It is answered, or the client has left."""
        seconds = observed.seconds
        key = observed.outcome, observed.form
        counter = self._counters.get(key)
        if counter is None:  # to find one by its labels costs more than to count
            counter = self._counters[key] = self._queries.labels(*key)
        counter.inc()
        self._latency.observe(seconds)
        self._bytes.inc(observed.sent)
        line = {
            "time": lines.now(),
            "query": observed.id,
            "outcome": observed.outcome,
            "status": observed.status,
            "form": observed.form,
            "format": observed.format,
            "cache": observed.cache,
            "ms": round(seconds * 1000, 2),
            "bytes": observed.sent,
            "rows": observed.rows,
        }
        lines.add(json.dumps(line))

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
