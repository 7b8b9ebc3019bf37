"""The lines of the log: written by a thread, so that no query waits for whoever reads them.

Rule: to add a line costs a query an append and nothing else; a reader that is slow loses lines.
"""

import atexit
import contextlib
import json
import logging
import sys
import threading
import time
from collections import deque
from functools import lru_cache

_MOST = 10_000  # lines that may wait
_PAUSE = 0.1  # seconds between two looks: to be woken for each line would cost more than a query
_LAST = 1.0  # seconds for the last lines

_lines: deque[str] = deque()


def now() -> str:
    """The time as a line tells it, UTC."""
    return _written(int(time.time()))


@lru_cache(maxsize=1)
def _written(second: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(second))


def add(line: str) -> None:
    """Write a line soon, or drop it if too many wait."""
    if len(_lines) < _MOST:
        _lines.append(line)


class _AsJson(logging.Handler):
    """Lines of others, for instance of a bug with its trace."""

    def emit(self, record: logging.LogRecord) -> None:
        """Add one line of JSON."""
        line = {
            "time": now(),
            "level": record.levelname.lower(),
            "message": record.getMessage().strip(),
        }
        if record.exc_info:
            line["trace"] = logging.Formatter().formatException(record.exc_info)
        add(json.dumps(line))


def begin() -> None:
    """Write lines to standard error from now on, those of the logging of others too."""
    logging.getLogger().addHandler(_AsJson())
    over = threading.Event()
    writer = threading.Thread(target=_write_all, args=(over,), daemon=True)
    writer.start()
    atexit.register(_finish, over, writer)


def _write_all(over: threading.Event) -> None:
    while not over.is_set():
        time.sleep(_PAUSE)
        _write()
    _write()


def _write() -> None:
    found = []
    with contextlib.suppress(IndexError):
        while True:
            found.append(_lines.popleft() + "\n")
    if found:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write("".join(found))
            sys.stderr.flush()


def _finish(over: threading.Event, writer: threading.Thread) -> None:
    """Let the last lines out, but wait for nobody."""
    over.set()
    writer.join(_LAST)
