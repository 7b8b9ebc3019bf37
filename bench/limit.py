"""The engine called in-process: no server can be quicker, and its answers are what is expected.

Rule: a process of its own, so that its memory and its interpreter are nobody else's.
"""

import multiprocessing
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pyoxigraph as ox

from bench.answers import RESULTS
from bench.mix import Request

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

Asked = tuple[str, str]


class Limit:
    """The process and the pipe to it."""

    def __init__(self, pipe: "Connection[Any, Any]", seconds: float) -> None:
        """Talk by that pipe; `seconds` is what loading took."""
        self._pipe = pipe
        self.start = seconds

    def body(self, request: Request) -> bytes:
        """The answer as the engine writes it, in the form that the request wants."""
        self._pipe.send(("answer", [(request.text, request.accept)], 0.0))
        return cast("bytes", self._pipe.recv())

    def times(self, requests: Sequence[Request], seconds: float) -> list[float]:
        """Seconds that each call took, one after the other for so long, at least one."""
        asked = [(one.text, one.accept) for one in requests]
        self._pipe.send(("times", asked, seconds))
        return cast("list[float]", self._pipe.recv())


@contextmanager
def running(path: Path, *, union: bool) -> Iterator[Limit]:
    """The engine in a process, with the triples of a file loaded."""
    begun = time.perf_counter()
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, path, union), daemon=True)
    process.start()
    theirs.close()
    try:
        ours.recv()
        yield Limit(ours, time.perf_counter() - begun)
    finally:
        ours.close()
        process.join(10)
        process.kill()


def _work(pipe: "Connection[Any, Any]", path: Path, union: bool) -> None:
    store = ox.Store()
    form = ox.RdfFormat.N_QUADS if path.suffix == ".nq" else ox.RdfFormat.N_TRIPLES
    store.bulk_load(path=path, format=form)
    pipe.send("loaded")
    while True:
        try:
            word, asked, seconds = pipe.recv()
        except EOFError:
            return
        if word == "answer":
            pipe.send(_answer(store, asked[0], union=union))
        else:
            pipe.send(list(_times(store, asked, seconds, union=union)))


def _times(
    store: ox.Store, asked: Sequence[Asked], seconds: float, *, union: bool
) -> Iterator[float]:
    end = time.perf_counter() + seconds
    number = 0
    while not number or time.perf_counter() < end:
        begun = time.perf_counter()
        _answer(store, asked[number % len(asked)], union=union)
        yield time.perf_counter() - begun
        number += 1


def _answer(store: ox.Store, asked: Asked, *, union: bool) -> bytes:
    text, accept = asked
    answer = store.query(text, use_default_graph_as_union=union)
    if accept == RESULTS:
        results = cast("ox.QuerySolutions | ox.QueryBoolean", answer)
        return results.serialize(format=ox.QueryResultsFormat.JSON) or b""
    graph = cast("ox.QueryTriples", answer)
    return graph.serialize(format=ox.RdfFormat.N_TRIPLES) or b""
