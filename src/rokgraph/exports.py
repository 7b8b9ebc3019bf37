"""The graph as tables to take away, for people who do not write SPARQL.

Rule: a file per query of `queries/exports`; nothing here decides what a table holds.
"""

from collections.abc import Iterator
from pathlib import Path

from rokgraph.library import SavedQuery, saved_queries
from rokgraph.snapshot import Snapshot
from rokgraph.tables import table, to_csv


def export_queries(root: Path) -> list[SavedQuery]:
    """The policy table, then a query for each class and one for links, by file name.

    Raises SourceError for a query whose header is wrong.
    """
    return [*saved_queries(root, "exports"), *saved_queries(root, "exports/csv")]


def write_csv(snapshot: Snapshot, root: Path, folder: Path) -> Iterator[Path]:
    """Write each table into `folder` under the name of its query; yields each path.

    Raises SourceError for a query whose header is wrong, OSError if a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for saved in export_queries(root):
        path = folder / f"{saved.name}.csv"
        path.write_bytes(to_csv(table(snapshot, saved.text)))
        yield path
