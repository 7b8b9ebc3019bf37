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


@dataclass(frozen=True, slots=True)
class Copy:
    """A reader's own copy of a text: where it lies, its SHA-256, its characters."""

    path: Path
    digest: str
    text: str

    @classmethod
    def read(cls, path: Path) -> "Copy":
        """The copy in a file.

        Raises SourceError if it cannot be read.
        """
        try:
            content = path.read_bytes()
            return cls(path, hashlib.sha256(content).hexdigest(), content.decode("utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise SourceError(path, str(error)) from None

    def require(self, *cited: str) -> None:
        """Raise SourceError unless this is a text of one of these digests."""
        if self.digest not in cited:
            raise SourceError(
                self.path,
                f"this is not the text that is cited: its SHA-256 is {self.digest}, "
                f"cited is {' or '.join(cited) or 'none'}",
            )

    def words(self, start: int, end: int, digest: str) -> str:
        """The characters from `start` to before `end`, which have that SHA-256.

        Raises SourceError if they have another.
        """
        words = self.text[start:end]
        if hashlib.sha256(words.encode()).hexdigest() != digest:
            reason = f"characters {start} to {end} are not those that are cited"
            raise SourceError(self.path, reason)
        return words


def passages(snapshot: Snapshot, root: Path, iri: str, copy: Path) -> Iterator[Passage]:
    """The passages that support the node `iri`, by position.

    Raises SourceError if the copy cannot be read, is another text than the one cited, or does
    not hold a passage as cited.
    """
    own = Copy.read(copy)
    query = saved_query(root / "queries" / "pages" / "citations.rq")
    rows = snapshot.store.query(
        query.text,
        use_default_graph_as_union=True,
        substitutions={ox.Variable("node"): ox.NamedNode(iri)},
    )
    assert isinstance(rows, ox.QuerySolutions)  # noqa: S101 - a SELECT
    for row in rows:
        own.require(row["document"].value)
        start, end = int(row["start"].value), int(row["end"].value)
        yield Passage(row["role"].value, start, end, own.words(start, end, row["digest"].value))
