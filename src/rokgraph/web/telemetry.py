"""What operators see: metrics in the Prometheus form, one line of JSON for each query.

Rule: no query text and no address of a client leaves this room; a query id ties answer and line.
"""

import atexit
import contextlib
import json
import logging
import queue
import sys
import threading
import time
from dataclasses import dataclass, field
from itertools import count
from logging.handlers import QueueHandler

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from rokgraph.engine import Engine
from rokgraph.web.cache import AnswerCache

LOG = logging.getLogger("rokgraph")
_LINES = 10_000
_LAST_LINES = 1.0  # seconds
_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60)


class _AsJson(logging.Formatter):
    """A line of somebody else's, for instance of a bug with its trace."""

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON."""
        line = {
            "time": _now(),
            "level": record.levelname.lower(),
            "message": record.getMessage().strip(),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line)


class _Unhurried(QueueHandler):
    """Hands lines to the thread that writes them; whoever reads slowly loses lines, not answers."""

    def enqueue(self, record: logging.LogRecord) -> None:
        """Queue a line, or drop it when too many wait."""
        with contextlib.suppress(queue.Full):
            self.queue.put_nowait(record)


def log_as_json() -> None:
    """Write log lines to standard error; ours as they are, since they are JSON already.

    A thread writes them: if nobody reads standard error, no query waits for it.
    """
    lines: queue.Queue[logging.LogRecord | None] = queue.Queue(_LINES)
    for logger, formatter in (
        (LOG, logging.Formatter("%(message)s")),
        (logging.getLogger(), _AsJson()),
    ):
        handler = _Unhurried(lines)
        handler.setFormatter(formatter)
        logger.addHandler(handler)
    writer = threading.Thread(target=_write_all, args=(lines,), daemon=True)
    writer.start()
    atexit.register(_finish, lines, writer)
    LOG.setLevel(logging.INFO)
    LOG.propagate = False


def _write_all(lines: "queue.Queue[logging.LogRecord | None]") -> None:
    while (record := lines.get()) is not None:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(record.getMessage() + "\n")
            sys.stderr.flush()


def _finish(lines: "queue.Queue[logging.LogRecord | None]", writer: threading.Thread) -> None:
    """Let the last lines out, but wait for nobody."""
    with contextlib.suppress(queue.Full):
        lines.put_nowait(None)
        writer.join(_LAST_LINES)


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


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
    """The metrics of one server; `engine` and `cache` are read when somebody asks."""

    engine: Engine
    cache: AnswerCache
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def __post_init__(self) -> None:
        """Set the metrics up."""
        registry, engine, cache = self.registry, self.engine, self.cache
        self._ids = count(1)
        self._start = f"{int(time.time()):x}"
        self._queries = Counter(
            "rokgraph_queries",
            "Queries by outcome and form",
            ("outcome", "form"),
            registry=registry,
        )
        self._latency = Histogram(
            "rokgraph_query_seconds",
            "Time to the whole answer",
            buckets=_BUCKETS,
            registry=registry,
        )
        self._bytes = Counter("rokgraph_sent_bytes", "Bytes of answers", registry=registry)
        for name, text, read in (
            ("rokgraph_queue", "Queries that wait", lambda: engine.waiting),
            ("rokgraph_workers", "Worker processes", lambda: engine.workers),
            ("rokgraph_busy_workers", "Worker processes at work", lambda: engine.busy),
            ("rokgraph_cache_bytes", "Bytes of kept answers", lambda: cache.size),
            ("rokgraph_cache_hits", "Answers from the cache", lambda: cache.hits),
            ("rokgraph_cache_misses", "Answers made", lambda: cache.misses),
            ("rokgraph_triples", "Triples in the dataset", lambda: engine.summary.size),
        ):
            Gauge(name, text, registry=registry).set_function(read)
        kills = Gauge("rokgraph_kills", "Workers ended, by cause", ("cause",), registry=registry)
        for cause in engine.kills:
            kills.labels(cause).set_function(lambda cause=cause: engine.kills[cause])  # type: ignore[misc]

    def begin(self) -> Observed:
        """A query has come in."""
        return Observed(f"{self._start}-{next(self._ids)}", time.perf_counter())

    def end(self, observed: Observed) -> None:
        """It is answered, or the client has left."""
        seconds = observed.seconds
        self._queries.labels(observed.outcome, observed.form).inc()
        self._latency.observe(seconds)
        self._bytes.inc(observed.sent)
        if LOG.isEnabledFor(logging.INFO):
            line = {
                "time": _now(),
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
            LOG.info(json.dumps(line))

    def exposed(self) -> bytes:
        """All metrics in the text form, version 0.0.4.

        See https://prometheus.io/docs/instrumenting/exposition_formats/
        """
        return generate_latest(self.registry)
