"""A snapshot on disk: where it lies, that it stays while it is used, how it is opened.

Rule: reads finished stores only and writes nothing; who makes them is another room.

A place is a folder with one folder for each build, and a symbolic link `current` to one of them.
A build's folder holds the engine's own files and a summary, so that nothing is counted at the
start. Who serves a build holds a lock on its folder, and a locked folder is not removed.
"""

import contextlib
import fcntl
import json
import os
import resource
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pyoxigraph as ox

from rokgraph.errors import SourceError
from rokgraph.library import saved_query, without_header
from rokgraph.snapshot import Snapshot, Summary, summary_from

CURRENT = "current"
SUMMARY = "summary.json"
FILES = "files"
TABLE = ".sst"
# Bytes that a triple takes in memory, and what must stay free: measured by `bench/large.py`.
IN_MEMORY = 450
_KEPT_FREE = 256 * 1024 * 1024
_OPEN = Path("/proc/self/fd")
# Which parts of a statement are given, so that it is found by each of the engine's orders.
_ORDERS = ((1, 1, 1), (1, 0, 1), (0, 1, 1), (0, 0, 1), (1, 0, 0))
_DAMAGED = "the store is damaged, or was made by another version: build it again"


@dataclass(frozen=True, slots=True)
class Build:
    """One build on disk, as its summary tells of it.

    `sizes` maps the name of each of its files to its length in bytes; `digest_of` says what the
    digest is taken from; `openers` are statements whose lookup opens every table of the engine.
    """

    folder: Path
    summary: Summary
    engine: str
    digest_of: str
    sizes: dict[str, int]
    openers: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        """What stands in the summary file."""
        return {
            "engine": self.engine,
            "digest_of": self.digest_of,
            "summary": self.summary.as_json(),
            "sizes": self.sizes,
            "openers": self.openers,
        }


def format_of_engine() -> str:
    """Which engine can read a store: its name with major and minor version."""
    return "pyoxigraph " + ".".join(ox.__version__.split(".")[:2])


class Held:
    """The build that is current at a place, or the place itself if it is a build; locked."""

    def __init__(self, place: Path) -> None:
        """Lock it, so that it stays where it is.

        Raises SourceError if there is none.
        """
        self._lock = -1
        while True:
            self.folder = current(place)
            try:
                self._lock = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
            except OSError as error:
                raise SourceError(self.folder, error.strerror or str(error)) from None
            fcntl.flock(self._lock, fcntl.LOCK_SH)
            if (self.folder / SUMMARY).is_file():
                return
            # another took its place and it was removed, just now
            self.release()
            if current(place) == self.folder:
                raise SourceError(self.folder, f"no {SUMMARY} here: {_DAMAGED}")

    def release(self) -> None:
        """Let it go; more than once does no harm."""
        lock, self._lock = self._lock, -1
        if lock >= 0:
            os.close(lock)


def current(place: Path) -> Path:
    """The folder of the build to be served, as an absolute path without links.

    Raises SourceError if there is none.
    """
    if (place / SUMMARY).is_file():
        return place.resolve()
    link = place / CURRENT
    if not link.is_dir():
        raise SourceError(place, "no store here; `rokgraph build --store` makes one")
    return link.resolve()


def build_at(folder: Path) -> Build:
    """What the summary of a build says, checked against the files that are there.

    Raises SourceError if it cannot be used.
    """
    path = folder / SUMMARY
    try:
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        summary = summary_from(values.pop("summary"))
        openers = tuple(values.pop("openers"))
        build = Build(folder=folder, summary=summary, openers=openers, **values)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SourceError(path, f"{_DAMAGED} ({error})") from None
    if build.engine != format_of_engine():
        told = f"made for {build.engine}, and this is {format_of_engine()}: build it again"
        raise SourceError(folder, told)
    for name, size in build.sizes.items():
        try:
            here = (folder / FILES / name).stat().st_size
        except OSError:
            here = -1
        if here != size:
            told = "is missing" if here < 0 else f"has {here} bytes instead of {size}"
            raise SourceError(folder / FILES / name, f"{told}; {_DAMAGED}")
    return build


def open_snapshot(
    folder: Path, root: Path, *, union: bool | None = None, in_memory: bool = False
) -> Snapshot:
    """The snapshot of a build, read from disk, or copied into memory.

    `root` holds the queries; `union`: whether queries see the union of all graphs, None: as it
    was built.

    Raises SourceError if it cannot be used.
    """
    build = build_at(folder)
    summary = build.summary
    if union is not None:
        summary = summary_from({**summary.as_json(), "union": union})
    if in_memory:
        _check_memory(build)
    allow_files()
    try:
        store = ox.Store.read_only(str(folder / FILES))
        if in_memory:
            copy = ox.Store()
            copy.bulk_extend(iter(store))
            return Snapshot(copy, summary)
        opener = Opener(store, folder / FILES, root)
        quads = ox.parse("\n".join(build.openers), format=ox.RdfFormat.N_QUADS)
        left = opener.open_all(quads)
    except (OSError, RuntimeError, SyntaxError) as error:
        raise SourceError(folder, f"{error}; {_DAMAGED}") from None
    if left:
        raise SourceError(folder, _unopened(left))
    return Snapshot(store, summary)


def _unopened(count: int) -> str:
    if not _OPEN.exists():
        return "a store is served from disk on Linux only; elsewhere in_memory serves it"
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return f"{count} of its files could not be opened ahead; {soft} may be open (`ulimit -n`)"


def _check_memory(build: Build) -> None:
    """Raise SourceError if what is in the store does not fit into the memory that is free."""
    needed = build.summary.size * IN_MEMORY + _KEPT_FREE
    free = _free_memory()
    if free is not None and needed > free:
        raise SourceError(
            build.folder,
            f"{build.summary.size:,} triples need about {needed / 1e9:.1f} GB in memory"
            f" ({IN_MEMORY} bytes each), and {free / 1e9:.1f} GB are free;"
            " without in_memory they are served from disk",
        )


def _free_memory() -> int | None:
    """Bytes that may still be taken; None where the system does not tell."""
    with contextlib.suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/meminfo").read_text().splitlines()
        line = next(line for line in lines if line.startswith("MemAvailable:"))
        return int(line.split()[1]) * 1024
    return None


def allow_files() -> None:
    """Allow as many open files as the system lets us: the engine opens as many as it may."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class Opener:
    """Has the engine open the tables of a store, which it would do when it first needs them.

    A process that may open nothing any more cannot: it would wait for ever.
    """

    def __init__(self, store: ox.Store, files: Path, root: Path) -> None:
        """Look at a store that was opened from `files`; `root` holds the queries."""
        self._store, self._files = store, files.resolve()
        self._left = {path.name for path in files.glob(f"*{TABLE}")}
        self._known: set[str] = set()  # the descriptors of the others
        self._tally = without_header(saved_query(root / "queries" / "store" / "tally.rq").text)
        self._tallied: set[tuple[object, ...]] = set()

    def open_all(self, quads: Iterable[ox.Quad]) -> int:
        """Look these statements up until every table is open; how many tables are not."""
        for _ in self.useful(quads):
            pass
        return len(self.closed())

    def useful(self, quads: Iterable[ox.Quad]) -> Iterator[ox.Quad]:
        """Those of the statements whose lookup opened a table, until every table is open."""
        left = len(self.closed())
        for quad in quads:
            if not left:
                return
            self._look_up(quad)
            before, left = left, len(self.closed())
            if left < before:
                yield quad

    def closed(self) -> set[str]:
        """The names of the tables that are not open in this process."""
        descriptors = _OPEN.iterdir() if _OPEN.exists() else ()
        for descriptor in descriptors:
            if descriptor.name not in self._known:
                with contextlib.suppress(OSError):  # closed meanwhile, as the one that lists
                    target = descriptor.readlink()
                    if target.parent == self._files and target.name in self._left:
                        self._known.add(descriptor.name)  # a table stays open
                        self._left.discard(target.name)
        return self._left

    def _look_up(self, quad: ox.Quad) -> None:
        """Find a statement by each order in which the engine keeps statements."""
        subject, predicate, value = quad.subject, quad.predicate, quad.object
        if not isinstance(quad.graph_name, ox.DefaultGraph):
            self._store.contains_named_graph(quad.graph_name)
        for graph in (None, quad.graph_name):
            for by_subject, by_predicate, by_value in _ORDERS:
                found = self._store.quads_for_pattern(
                    subject if by_subject else None,
                    predicate if by_predicate else None,
                    value if by_value else None,
                    graph,
                )
                next(found, None)
        if isinstance(value, (ox.NamedNode, ox.Literal)):
            self._count(predicate, value, quad.graph_name)

    def _count(
        self, predicate: ox.NamedNode, value: ox.NamedNode | ox.Literal, graph: object
    ) -> None:
        """Pass over all statements with that value of that property: they may fill tables."""
        text = self._tally.replace("?p", str(predicate)).replace("?o", str(value))
        for options in ({"default_graph": graph}, {"use_default_graph_as_union": True}):
            key = (text, *options.values())
            if key not in self._tallied:
                self._tallied.add(key)
                list(cast("ox.QuerySolutions", self._store.query(text, **options)))
