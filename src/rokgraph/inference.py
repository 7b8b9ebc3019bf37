"""The inferred graph: what follows from what is asserted, by the queries in `queries/inference`.

Rule: one file of triples per query; nothing here decides what follows, the queries do.

The queries run in the order of their names, each over what is asserted and what the earlier ones
gave; a triple that is asserted is never inferred again.
"""

from pathlib import Path

import pyoxigraph as ox

from rokgraph.library import saved_queries
from rokgraph.snapshot import Snapshot, graph_iri, load_built_in
from rokgraph.turtle import write_folder, write_turtle

GRAPH_NAME = "inferred"


def infer(root: Path) -> dict[Path, bytes]:
    """The files of the inferred graph, by path, as they must be.

    Raises SourceError for a file or a query that cannot be read.
    """
    snapshot = _asserted(root)
    graph = graph_iri(GRAPH_NAME)
    files: dict[Path, bytes] = {}
    for saved in saved_queries(root, "inference"):
        found = snapshot.store.query(saved.text, use_default_graph_as_union=True)
        assert isinstance(found, ox.QueryTriples)  # noqa: S101 - tests hold every file to it
        known = snapshot.store.quads_for_pattern
        new = {t for t in found if next(known(t.subject, t.predicate, t.object), None) is None}
        snapshot.store.extend(ox.Quad(t.subject, t.predicate, t.object, graph) for t in new)
        path = root / "data" / GRAPH_NAME / f"{saved.name}.ttl"
        files[path] = write_turtle(new, snapshot.summary.prefixes)
    return files


def write(root: Path) -> list[Path]:
    """Write the inferred graph; returns the files that changed.

    Raises SourceError as `infer` does, OSError if a file cannot be written.
    """
    return write_folder(root / "data" / GRAPH_NAME, infer(root))


def _asserted(root: Path) -> Snapshot:
    snapshot = load_built_in(root)
    for made in (GRAPH_NAME, "provenance"):  # provenance is told of what is made here
        snapshot.store.remove_graph(graph_iri(made))
    return snapshot
