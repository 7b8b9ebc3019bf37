"""The graph of provenance: from which files, by digest, and in which step each graph was made.

Rule: tells what is there by its bytes and content; no time, no machine, no commit.

A file has the SHA-256 of its bytes, a graph that of its canonical N-Quads (RDFC-1.0). The graph
does not describe itself. See https://www.w3.org/TR/prov-o/
"""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import pyoxigraph as ox

from rokgraph import vocab
from rokgraph.snapshot import canonical_nquads, declared_prefixes, graph_iri
from rokgraph.sources import built_in, load
from rokgraph.turtle import write_folder, write_turtle

GRAPH_NAME = "provenance"

# The graphs that a command writes: the step that makes them and the files that it uses.
_GENERATED = {
    "alignments": ("alignment", "data/alignments/*.sssom.tsv"),
    "examples": ("examples", "queries/questions/*.rq"),
    "inferred": ("inference", "queries/inference/*.rq"),
}
_STEP = vocab.ID + "step/"
_FILE = vocab.ID + "file/"


def provenance(root: Path) -> dict[Path, bytes]:
    """The one file of the graph, by path, as it must be.

    Raises SourceError for a data file that cannot be read.
    """
    found = [source for source in built_in(root) if source.graph != vocab.GRAPH + GRAPH_NAME]
    store = load(found)
    triples: list[ox.Triple] = []
    for name in sorted({str(source.graph).removeprefix(vocab.GRAPH) for source in found}):
        graph = graph_iri(name)
        content = ox.Store()
        content.extend(store.quads_for_pattern(None, None, None, graph))
        triples += _checksum(graph, canonical_nquads(content))
        step, used = _GENERATED.get(name, ("writing", ""))
        activity = ox.NamedNode(_STEP + step)
        triples.append(ox.Triple(graph, vocab.PROV_GENERATED_BY, activity))
        for path in sorted(root.glob(used)) if used else ():
            triples += _file(root, path)
            triples.append(ox.Triple(activity, vocab.PROV_USED, _file_iri(root, path)))
        for source in found:
            if source.graph == graph.value:
                triples += _file(root, source.path)
                file = _file_iri(root, source.path)
                triples.append(ox.Triple(graph, vocab.PROV_DERIVED_FROM, file))
    path = root / "data" / GRAPH_NAME / "files.ttl"
    return {path: write_turtle(triples, declared_prefixes(store))}


def write(root: Path) -> list[Path]:
    """Write the graph; returns the files that changed.

    Raises SourceError as `provenance` does, OSError if a file cannot be written.
    """
    return write_folder(root / "data" / GRAPH_NAME, provenance(root))


def _file_iri(root: Path, path: Path) -> ox.NamedNode:
    return ox.NamedNode(_FILE + re.sub(r"[^a-z0-9]+", "-", path.relative_to(root).as_posix()))


def _file(root: Path, path: Path) -> Iterator[ox.Triple]:
    iri = _file_iri(root, path)
    name = path.relative_to(root).as_posix()
    yield ox.Triple(iri, vocab.RDF_TYPE, vocab.PROV_ENTITY)
    yield ox.Triple(iri, vocab.DCTERMS_IDENTIFIER, ox.Literal(name))
    yield from _checksum(iri, path.read_bytes())


def _checksum(thing: ox.NamedNode, content: bytes) -> Iterator[ox.Triple]:
    digest = hashlib.sha256(content).hexdigest()
    key = re.sub(r"[^a-z0-9]+", "-", thing.value.removeprefix(vocab.BASE).removeprefix("id/"))
    node = ox.NamedNode(f"{vocab.ID}checksum/{key}")
    yield ox.Triple(thing, vocab.SPDX_CHECKSUM, node)
    yield ox.Triple(node, vocab.RDF_TYPE, vocab.SPDX_CHECKSUM_CLASS)
    yield ox.Triple(node, vocab.SPDX_ALGORITHM, vocab.SPDX_SHA256)
    yield ox.Triple(node, vocab.SPDX_VALUE, ox.Literal(digest, datatype=vocab.XSD_HEX_BINARY))
