"""A store on disk, built beside the one that is in use, then put in its place at once.

Rule: until everything is on disk nobody sees it; a build that is killed changes nothing.

What is built is first called `making-…`; the next build removes what an earlier one left, and
the builds that are neither current nor served by anybody. The link `current` is replaced by one
system call. See https://pubs.opengroup.org/onlinepubs/9799919799/functions/rename.html
"""

import contextlib
import fcntl
import gc
import json
import os
import random
import re
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, cast
from uuid import uuid4

import pyoxigraph as ox

from rokgraph import sources
from rokgraph.errors import SettingError, SourceError
from rokgraph.formats import data_format
from rokgraph.library import saved_query
from rokgraph.reading import Reading
from rokgraph.settings import Settings
from rokgraph.snapshot import Summary, digest_of_files, load_built_in, summarised
from rokgraph.store import (
    CURRENT,
    FILES,
    SUMMARY,
    TABLE,
    Build,
    Opener,
    allow_files,
    build_at,
    format_of_engine,
)

CANONICAL = "canonical N-Quads (RDFC-1.0)"
OF_FILES = "the sorted SHA-256 of the files"
_MAKING = "making-"
_LINK = ".current-"
_NAME = re.compile(r"[0-9a-f]{16}-[0-9]{8}T[0-9]{6}Z(-[0-9a-f]{4})?")
_SAMPLE = 50_000  # statements; a table holds some hundred thousand
_SHARE = "0.01"  # as it stands in the query
_LINES = frozenset({"ntriples", "nquads"})


class Progress(Protocol):
    """Who is told how far a build is."""

    def begin(self, what: str, total: int = 0) -> None:
        """Something begins, of so many bytes, 0 if that is not known."""

    def advance(self, count: int) -> None:
        """So many bytes more are done."""


@dataclass(frozen=True, slots=True)
class Built:
    """A build that is current now: what it is, its bytes on disk, the seconds each part took."""

    build: Build
    bytes: int
    seconds: dict[str, float] = field(default_factory=dict)


def build(place: Path, settings: Settings, progress: Progress) -> Built:
    """Build the data of the settings into a new folder at `place` and make it current.

    The digest of the built-in graph is that of its canonical N-Quads; that of given files is
    taken from their bytes, as if they were served from memory, since to make a large graph
    canonical may take exponential time.

    Raises SourceError for data that cannot be read, SettingError if the place cannot be written.
    """
    try:
        place.mkdir(parents=True, exist_ok=True)
        with _alone(place):
            _clean(place)
            return _build(place, settings, progress)
    except OSError as error:
        raise SettingError(f"cannot build at {place}: {error}") from None


@contextlib.contextmanager
def _alone(place: Path) -> Iterator[None]:
    """Be the only build at a place. Raises SettingError if there is another."""
    lock = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SettingError(f"another build is at work at {place}") from None
    else:
        yield
    finally:
        os.close(lock)


def _clean(place: Path) -> None:
    """Remove what a killed build left, and what nobody serves and is not current."""
    for link in place.glob(f"{_LINK}*"):
        link.unlink()
    kept = (place / CURRENT).resolve()
    for folder in sorted(entry for entry in place.iterdir() if not entry.is_symlink()):
        if folder.name.startswith(_MAKING):
            shutil.rmtree(folder)
        elif _NAME.fullmatch(folder.name) and folder.resolve() != kept:
            _remove_unused(folder)


def _remove_unused(folder: Path) -> None:
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        (folder / SUMMARY).unlink(missing_ok=True)  # from here on it is no build any more
        shutil.rmtree(folder)
    except BlockingIOError:
        pass  # somebody serves it
    finally:
        os.close(lock)


def _build(place: Path, settings: Settings, progress: Progress) -> Built:
    making = place / f"{_MAKING}{secrets.token_hex(4)}"
    making.mkdir()
    try:
        made, seconds = _made(making, settings, progress)
        progress.begin("writing to disk")
        begun = time.perf_counter()
        _sync(making)
        folder = _named(place, made.summary.digest)
        making.rename(folder)
    except BaseException:
        shutil.rmtree(making, ignore_errors=True)
        raise
    _sync_one(place)
    _make_current(place, folder)
    seconds["sync"] = time.perf_counter() - begun
    return Built(build_at(folder), sum(made.sizes.values()), seconds)


def _made(making: Path, settings: Settings, progress: Progress) -> tuple[Build, dict[str, float]]:
    """Fill the folder: the engine's files, and the summary of them."""
    seconds, files = {}, making / FILES
    allow_files()
    begun = time.perf_counter()
    store = ox.Store(files)
    digest, blank = _load(store, settings, progress)
    seconds["load"] = time.perf_counter() - begun
    progress.begin("sorting")
    begun = time.perf_counter()
    store.flush()
    store.optimize()
    del store
    gc.collect()  # it is closed when nobody holds it any more
    seconds["sort"] = time.perf_counter() - begun
    progress.begin("counting")
    begun = time.perf_counter()
    store = ox.Store.read_only(str(files))
    queries = settings.root / "queries" / "store"
    summary = _summary(store, queries, digest, settings, blank)
    del store
    gc.collect()
    openers = _openers(files, settings.root, summary.size)
    seconds["count"] = time.perf_counter() - begun
    sizes = {path.name: path.stat().st_size for path in sorted(files.iterdir()) if _lasts(path)}
    of = OF_FILES if settings.data else CANONICAL
    made = Build(making, summary, format_of_engine(), of, sizes, openers)
    (making / SUMMARY).write_text(json.dumps(made.as_json(), indent=1), encoding="utf-8")
    return made, seconds


def _lasts(path: Path) -> bool:
    """Whether the engine leaves a file as it is when it only reads."""
    return path.suffix == TABLE or path.name.startswith(("CURRENT", "MANIFEST"))


def _load(store: ox.Store, settings: Settings, progress: Progress) -> tuple[str, bool]:
    """Fill a store with the data of the settings.

    Their digest, and whether there may be blank nodes that have other names each time.

    Raises SourceError.
    """
    if not settings.data:
        progress.begin("loading the built-in graph")
        snapshot = load_built_in(settings.root)
        store.bulk_extend(iter(snapshot.store))
        return snapshot.summary.digest, False  # their names are canonical
    digests, blank = [], False
    for source in sources.given(settings.data):
        progress.begin(f"loading {source.path.name}", source.path.stat().st_size)
        reading = Reading(progress.advance)
        sources.load_one(store, source, reading.opened)
        digests.append(reading.digest)
        form = data_format(source.path)
        blank = blank or reading.blank or form is None or form.name not in _LINES
    return digest_of_files(digests), blank


def _summary(
    store: ox.Store, queries: Path, digest: str, settings: Settings, blank: bool
) -> Summary:
    """What is to be known of the store, counted by the engine itself.

    `blank`: whether there may be blank nodes.
    """

    def asked(name: str) -> ox.QuerySolutions | ox.QueryBoolean | ox.QueryTriples:
        return store.query(saved_query(queries / f"{name}.rq").text)

    rows = cast("ox.QuerySolutions", asked("counts"))
    counted = {row["graph"].value: int(row["triples"].value) for row in rows}
    named = {graph.value: counted.get(graph.value, 0) for graph in store.named_graphs()}
    own = len(store) - sum(named.values())
    graphs = ({"": own} if own else {}) | dict(sorted(named.items()))
    load = uuid4().hex if blank and bool(asked("blank")) else ""
    return summarised(store, digest, graphs, union=settings.union_default_graph, load=load)


def _openers(files: Path, root: Path, size: int) -> tuple[str, ...]:
    """Statements whose lookup has the engine open all tables.

    Raises SourceError if there are none that do.
    """
    kept, left = _useful(files, root, ())
    if not left:
        return ()
    sample = files.parent / "sample.tsv"
    for many in (_SAMPLE, 40 * _SAMPLE, size):  # a table with a handful escapes a small one
        _write_sample(files, root, min(1.0, many / size), sample)
        form = ox.QueryResultsFormat.TSV
        rows = cast("ox.QuerySolutions", ox.parse_query_results(path=sample, format=form))
        some: Iterable[ox.Quad] = (ox.Quad(row["s"], row["p"], row["o"], row["g"]) for row in rows)
        if many == _SAMPLE:
            some = list(some)
            random.shuffle(some)  # neighbours lie in the same tables
        kept, left = _useful(files, root, some)
        if not left:
            sample.unlink()
            return tuple(f"{quad} ." for quad in kept)
    raise SourceError(files, f"{left} files are not opened by any statement")


def _useful(files: Path, root: Path, quads: Iterable[ox.Quad]) -> tuple[list[ox.Quad], int]:
    """Those of the statements that open a table of a fresh store; how many remain closed."""
    opener = Opener(ox.Store.read_only(str(files)), files, root)
    kept, left = [*opener.useful(quads)], len(opener.closed())
    del opener
    gc.collect()  # its tables are closed
    return kept, left


def _write_sample(files: Path, root: Path, share: float, path: Path) -> None:
    """Write a share of all statements, taken by chance."""
    text = saved_query(root / "queries" / "store" / "sample.rq").text
    store = ox.Store.read_only(str(files))
    found = cast("ox.QuerySolutions", store.query(text.replace(_SHARE, f"{share:.9f}")))
    found.serialize(path, format=ox.QueryResultsFormat.TSV)
    del found, store
    gc.collect()


def _sync(folder: Path) -> None:
    """Have everything in a folder on disk. Raises OSError."""
    for path in (*folder.rglob("*"), folder):
        _sync_one(path)


def _sync_one(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _named(place: Path, digest: str) -> Path:
    """A folder that is not there yet, named after digest and time."""
    name = f"{digest[:16]}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
    return place / (name if not (place / name).exists() else f"{name}-{secrets.token_hex(2)}")


def _make_current(place: Path, folder: Path) -> None:
    """Let the link lead there, at once for whoever follows it."""
    link = place / f"{_LINK}{secrets.token_hex(4)}"
    link.symlink_to(folder.name)
    link.replace(place / CURRENT)
    _sync_one(place)
