"""The passages of a source that support a node, read from the reader's own copy of it.

Rule: no text of the source is kept; only positions and digests are, and both are checked.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyoxigraph as ox

from rokgraph.errors import SourceError
from rokgraph.library import saved_query
from rokgraph.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Passage:
    """A span of a source: how it supports the node, where it stands (code points), its words."""

    role: str
    start: int
    end: int
    text: str


def passages(snapshot: Snapshot, root: Path, iri: str, copy: Path) -> Iterator[Passage]:
    """The passages that support the node `iri`, by position.

    Raises SourceError if the copy cannot be read, is another text than the one cited, or does
    not hold a passage as cited.
    """
    try:
        content = copy.read_bytes()
        text = content.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(copy, str(error)) from None
    digest = hashlib.sha256(content).hexdigest()
    query = saved_query(root / "queries" / "pages" / "citations.rq")
    rows = snapshot.store.query(
        query.text,
        use_default_graph_as_union=True,
        substitutions={ox.Variable("node"): ox.NamedNode(iri)},
    )
    assert isinstance(rows, ox.QuerySolutions)  # noqa: S101 - a SELECT
    for row in rows:
        if row["document"].value != digest:
            raise SourceError(
                copy,
                f"this is not the text that is cited: its SHA-256 is {digest}, "
                f"cited is {row['document'].value}",
            )
        start, end = int(row["start"].value), int(row["end"].value)
        words = text[start:end]
        if hashlib.sha256(words.encode()).hexdigest() != row["digest"].value:
            raise SourceError(copy, f"characters {start} to {end} are not those that are cited")
        yield Passage(row["role"].value, start, end, words)
