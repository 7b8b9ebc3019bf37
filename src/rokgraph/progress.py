"""How far a long command is: a bar where a terminal shows it, else a line now and then.

Rule: writes to standard error; what the command found goes to standard output.
"""

import contextlib
import sys
import time
from collections.abc import Iterator

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from rokgraph import building

_EVERY = 10.0  # seconds between two lines


@contextlib.contextmanager
def shown() -> Iterator[building.Progress]:
    """Whom to tell how far something is."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines()
        return
    columns = (
        TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn(),
        TimeElapsedColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console) as bars:
        yield _Bars(bars)


class _Bars:
    """A bar for each part."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._task = None if not bars.task_ids else bars.task_ids[-1]

    def begin(self, what: str, total: int = 0) -> None:
        """The next bar; one without an end just moves."""
        if self._task is not None:
            task = self._bars.tasks[-1]
            self._bars.update(self._task, total=task.completed or 1, completed=task.completed or 1)
        self._task = self._bars.add_task(what, total=total or None)

    def advance(self, count: int) -> None:
        """Move it."""
        if self._task is not None:
            self._bars.advance(self._task, count)


class _Lines:
    """A line when a part begins, and one every ten seconds of a long one."""

    def __init__(self) -> None:
        self._what, self._total, self._done = "", 0, 0
        self._begun = self._told = time.monotonic()

    def begin(self, what: str, total: int = 0) -> None:
        """The line of a part."""
        self._what, self._total, self._done = what, total, 0
        self._told = time.monotonic()
        self._say("")

    def advance(self, count: int) -> None:
        """Another line if it is time for one."""
        self._done += count
        if time.monotonic() - self._told > _EVERY:
            self._told = time.monotonic()
            share = f"{100 * self._done / self._total:.0f} % of " if self._total else ""
            self._say(f": {share}{(self._total or self._done) / 1e6:,.0f} MB")

    def _say(self, more: str) -> None:
        seconds = time.monotonic() - self._begun
        sys.stderr.write(f"{seconds:7.1f} s  {self._what}{more}\n")
        sys.stderr.flush()
