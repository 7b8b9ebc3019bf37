"""The files of a dataset, found in a stable order and parsed with faults told by place.

Rule: knows files and syntax; nothing of what the triples mean.
"""

import gzip
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import pyoxigraph as ox

from rokgraph.errors import SourceError
from rokgraph.formats import data_format
from rokgraph.vocab import GRAPH


@dataclass(frozen=True, slots=True, order=True)
class Source:
    """One file and the named graph its triples belong to.

    `graph` None: the file says so itself (N-Quads, TriG) or its triples go to the default graph.
    """

    path: Path
    graph: str | None = None


def built_in(root: Path) -> list[Source]:
    """The files under `root`: each folder of `data/` is a graph, `ontology/` and `shapes/` too.

    Raises SourceError if `root` holds no ontology and no data.
    """
    folders = [(root / "ontology", "ontology"), (root / "shapes", "shapes")]
    data = root / "data"
    if data.is_dir():
        folders += [(entry, entry.name) for entry in sorted(data.iterdir()) if entry.is_dir()]
    found = [
        Source(path, GRAPH + name)
        for folder, name in folders
        if folder.is_dir()
        # shapes/examples holds wrong data on purpose
        for path in sorted(folder.glob("*.ttl") if name == "shapes" else folder.rglob("*.ttl"))
    ]
    if not found:
        raise SourceError(root, "no ontology and no data here")
    return found


def given(paths: Iterable[Path]) -> list[Source]:
    """The data files among `paths`, folders walked.

    Raises SourceError for a path that is not there, a file of unknown format, an empty folder.
    """
    found: list[Source] = []
    for path in paths:
        if path.is_dir():
            inside = [p for p in sorted(path.rglob("*")) if p.is_file() and data_format(p)]
            if not inside:
                raise SourceError(path, "no RDF file in this folder")
            found += map(Source, inside)
        elif not path.exists():
            raise SourceError(path, "no such file or folder")
        elif data_format(path) is None:
            raise SourceError(path, "unknown format: .nq .trig .ttl .nt .rdf .owl .jsonld, or .gz")
        else:
            found.append(Source(path))
    return found


def load(sources: Iterable[Source]) -> ox.Store:
    """A store with all that the files say; blank nodes of different files stay apart.

    Raises SourceError with line, column and the offending line where the parser knows them.
    """
    store = ox.Store()
    for source in sources:
        load_one(store, source)
    return store


def opened(path: Path) -> IO[bytes]:
    """The content of a file, unpacked if its name ends in `.gz`. Raises OSError."""
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")  # type: ignore[return-value]


def load_one(
    store: ox.Store,
    source: Source,
    read: Callable[[Path], AbstractContextManager[IO[bytes]]] = opened,
) -> None:
    """Load a file into a store; `read` opens what is to be parsed.

    Raises SourceError with line, column and the offending line where the parser knows them.
    """
    form = data_format(source.path)
    if form is None:
        raise SourceError(source.path, "unknown format")
    try:
        with read(source.path) as file:
            store.bulk_load(
                file,
                format=cast("ox.RdfFormat", form.native),
                base_iri=source.graph or source.path.resolve().as_uri(),
                to_graph=ox.NamedNode(source.graph) if source.graph else None,
            )
    except SyntaxError as error:
        line, column = error.lineno or 0, error.offset or 0
        raise SourceError(
            source.path,
            error.msg.partition(": ")[2] or error.msg,
            line=line,
            column=column,
            text=_line(source.path, line),
        ) from None
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise SourceError(source.path, getattr(error, "strerror", None) or str(error)) from None


def _line(path: Path, number: int) -> str:
    if number < 1:
        return ""
    try:
        with opened(path) as file:
            for count, line in enumerate(file, 1):
                if count == number:
                    return line.decode("utf-8", "replace").rstrip()[:200]
    except (OSError, EOFError):
        pass
    return ""
