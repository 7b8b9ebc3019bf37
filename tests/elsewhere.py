"""Endpoints of other engines that hold our data, for a server of ours to stand in front of.

Rule: each dataset is loaded once into an endpoint of its own, whose files go with it.
"""

import contextlib
import hashlib
import json
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyoxigraph as ox
from bench import virtuoso
from bench.peers import PEERS, Dataset, Missing

from rokgraph.snapshot import Snapshot, load_built_in, load_given
from running import ROOT, free_port, missing

ENGINES = {
    "oxigraph": "the Oxigraph server (package oxigraph)",
    "virtuoso": "Virtuoso (Debian package virtuoso-opensource-7-bin)",
}
_PATHS = {"oxigraph": "/query", "virtuoso": "/sparql"}


@dataclass(frozen=True)
class Loaded:
    """An endpoint that holds a dataset: its URL, the process, the options to stand before it."""

    url: str
    pid: int
    snapshot: Snapshot
    options: tuple[str, ...]
    variables: dict[str, str]


class Elsewhere:
    """The endpoints of one engine; they end when it is closed."""

    def __init__(self, engine: str) -> None:
        """Be of the engine of that name."""
        self.engine = engine
        self._open = contextlib.ExitStack()
        self._loaded: dict[str, Loaded] = {}

    def close(self) -> None:
        """End them all."""
        self._open.close()

    def holding(self, *paths: Path) -> Loaded:
        """One that holds the data of these files, or the built-in graph; skips where it cannot."""
        snapshot = load_given(paths) if paths else load_built_in(ROOT)
        digest = snapshot.summary.digest
        if digest not in self._loaded:
            self._loaded[digest] = self._open.enter_context(_run(self.engine, snapshot))
        return self._loaded[digest]

    def instead(self, options: Sequence[str]) -> tuple[list[str], dict[str, str]]:
        """Options and variables of `serve` that have it ask one of these, in the place of data."""
        rest, paths = _without_data(options)
        loaded = self.holding(*paths)
        return [*rest, *loaded.options], loaded.variables


def _without_data(options: Sequence[str]) -> tuple[list[str], list[Path]]:
    rest: list[str] = []
    paths: list[Path] = []
    coming = iter(options)
    for option in coming:
        if option == "--data":
            paths.append(Path(next(coming)))
        else:
            rest.append(option)
    return rest, paths


@contextlib.contextmanager
def _run(engine: str, snapshot: Snapshot) -> Iterator[Loaded]:
    peer = next(peer for peer in PEERS if peer.name == engine)
    try:
        peer.version()
    except Missing:
        missing(ENGINES[engine])
    summary = snapshot.summary
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "data.nq"
        snapshot.store.dump(str(path), format=ox.RdfFormat.N_QUADS)
        dataset = Dataset("data", path, summary.size, union=summary.union)
        with peer.run(dataset, free_port(2), folder) as endpoint:
            url = f"http://127.0.0.1:{endpoint.port}{_PATHS[engine]}"
            version = f"test-{hashlib.sha256(summary.digest.encode()).hexdigest()[:8]}"
            options = ("--upstream", url, "--dataset-version", version)
            variables = _graphs(summary.graphs) if engine == "virtuoso" else {}
            yield Loaded(url, endpoint.pid, snapshot, options, variables)


def _graphs(graphs: Iterable[str]) -> dict[str, str]:
    """The variable that keeps Virtuoso's own graphs out of sight; triples of none stand in one."""
    return {"ROKGRAPH_UPSTREAM_GRAPHS": json.dumps([graph or virtuoso.GRAPH for graph in graphs])}
