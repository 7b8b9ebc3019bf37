"""The dataset as files to take away.

Rule: the same snapshot gives the same bytes, on any machine.
"""

import gzip
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyoxigraph as ox

from rokgraph.snapshot import Snapshot, canonical_nquads

CHECKSUMS = "SHA256SUMS"


def write_dumps(snapshot: Snapshot, folder: Path) -> Iterator[Path]:
    """Write every dump into `folder`, plain and gzipped, then the checksums; yields each path.

    Turtle holds the union of all graphs; N-Quads, TriG and JSON-LD hold the graphs by name.

    Raises OSError if a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sums = []
    for name, content in _dumps(snapshot):
        for path, data in (
            (folder / name, content),
            (folder / f"{name}.gz", gzip.compress(content, mtime=0)),
        ):
            path.write_bytes(data)
            sums.append(f"{hashlib.sha256(data).hexdigest()}  {path.name}\n")
            yield path
    checksums = folder / CHECKSUMS
    checksums.write_text("".join(sorted(sums, key=lambda line: line.split()[1])))
    yield checksums


def _dumps(snapshot: Snapshot) -> Iterator[tuple[str, bytes]]:
    nquads = canonical_nquads(snapshot.store)
    # blank nodes have their canonical names from here on, so every dump is stable
    quads = list(ox.parse(nquads, format=ox.RdfFormat.N_QUADS))
    prefixes = snapshot.summary.prefixes
    yield "rokgraph.nq", nquads
    yield "rokgraph.trig", _stable(quads, ox.RdfFormat.TRIG, prefixes)
    triples = dict.fromkeys(quad.triple for quad in sorted(quads, key=_by_triple))
    yield "rokgraph.ttl", _stable(triples, ox.RdfFormat.TURTLE, prefixes)
    yield "rokgraph.jsonld", _stable(quads, ox.RdfFormat.JSON_LD, {})


def _by_triple(quad: ox.Quad) -> str:
    return str(quad.triple)


def _stable(
    statements: Iterable[ox.Quad] | Iterable[ox.Triple],
    form: ox.RdfFormat,
    prefixes: dict[str, str],
) -> bytes:
    """Serialise in the given order, prefixes sorted: the engine writes them in any order."""
    content = ox.serialize(statements, format=form, prefixes=prefixes) or b""
    lines = content.splitlines(keepends=True)
    head = [line for line in lines if line.startswith(b"@prefix ")]
    return b"".join([*sorted(head), *lines[len(head) :]])
