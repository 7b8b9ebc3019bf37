"""The dataset as loaded: immutable, counted, and named by its digest.

Rule: sources go in, one snapshot comes out; nothing writes to it afterwards.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from uuid import uuid4

import pyoxigraph as ox

from rokgraph import sources
from rokgraph.vocab import (
    DATASET,
    DCAT_VERSION,
    GRAPH,
    SH_NAMESPACE,
    SH_PREFIX,
    SOURCE_SHA256,
)

_HASHED_BYTES = 1024 * 1024
_SEGMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{,63}")


@dataclass(frozen=True, slots=True)
class Summary:
    """What is to be known of a snapshot without holding its triples.

    `digest` is lower-case hexadecimal SHA-256; `graphs` maps graph IRIs ("" for the default
    graph) to triple counts; `prefixes` maps prefix to namespace; `union` says whether queries
    see the union of all graphs as their default graph; `load` is empty where the same digest always
    means the same names of blank nodes, else it is another one each time the data is loaded.
    `version` is the version that the dataset states of itself, empty if it states none; `texts` are
    the SHA-256 of the texts that it cites, lower-case hexadecimal.
    `called` is what data elsewhere is called by who stands in front of it, None for a snapshot: its
    digest is then one of this and of counts, not of statements. `lasting` says that the data does
    not change as long as it is served.
    """

    digest: str
    graphs: dict[str, int]
    prefixes: dict[str, str]
    union: bool
    load: str = ""
    version: str = ""
    texts: tuple[str, ...] = ()
    called: str | None = None
    lasting: bool = True

    @property
    def name(self) -> str:
        """What answers say that they are from."""
        return f"sha256:{self.digest}" if self.called is None else self.called

    @property
    def release(self) -> str:
        """What the address of a version is made of: the stated one, else of the digest."""
        return self.version if _SEGMENT.fullmatch(self.version) else self.digest[:16]

    @property
    def size(self) -> int:
        """Number of quads."""
        return sum(self.graphs.values())

    def as_json(self) -> dict[str, object]:
        """The summary as plain JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An immutable dataset and its summary."""

    store: ox.Store = field(repr=False)
    summary: Summary


def load_built_in(root: Path, *, union: bool = True) -> Snapshot:
    """The snapshot of the files under `root`.

    Its digest is the SHA-256 of the dataset's canonical N-Quads (RDFC-1.0), so it is the same
    whatever the order of files or statements, and on any machine.
    See https://www.w3.org/TR/rdf-canon/

    Raises SourceError for a file that cannot be read or parsed.
    """
    store = sources.load(sources.built_in(root))
    _name_blanks(store)
    return Snapshot(store, summarised(store, dataset_digest(store), _counts(store), union=union))


def load_given(paths: Iterable[Path], *, union: bool = False) -> Snapshot:
    """The snapshot of the data files among `paths`, its own default graph kept.

    Its digest is taken from the bytes of the files, sorted by digest: canonical N-Quads of a
    foreign dataset may take exponential time.

    Raises SourceError for a path or file that cannot be used.
    """
    found = sources.given(paths)
    store = sources.load(found)
    digest = digest_of_files(_file_digest(source.path) for source in found)
    load = uuid4().hex if any(map(_has_blank, store)) else ""
    return Snapshot(store, summarised(store, digest, _counts(store), union=union, load=load))


def digest_of_files(digests: Iterable[str]) -> str:
    """The digest of a dataset by those of its files, in whatever order these come."""
    return hashlib.sha256("\n".join(sorted(digests)).encode()).hexdigest()


def dataset_digest(store: ox.Store) -> str:
    """SHA-256 (lower-case hexadecimal) of the canonical N-Quads of a dataset."""
    return hashlib.sha256(canonical_nquads(store)).hexdigest()


def canonical_nquads(store: ox.Store) -> bytes:
    """The dataset in canonical N-Quads, sorted by code point.

    See https://www.w3.org/TR/rdf-canon/#canonical-quads
    """
    lines = (store.dump(format=ox.RdfFormat.N_QUADS) or b"").splitlines(keepends=True)
    # Only statements with blank nodes are touched by canonicalisation, and they depend on no
    # others; ` _:` inside a literal does no harm.
    named = [line for line in lines if not _may_hold_blank(line)]
    blank = b"".join(line for line in lines if _may_hold_blank(line))
    dataset = ox.Dataset(ox.parse(blank, format=ox.RdfFormat.N_QUADS))
    dataset.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
    renamed = ox.serialize(dataset, format=ox.RdfFormat.N_QUADS) or b""
    return b"".join(sorted([*named, *renamed.splitlines(keepends=True)]))


def _may_hold_blank(line: bytes) -> bool:
    return line.startswith(b"_:") or b" _:" in line


def declared_prefixes(quads: Iterable[ox.Quad]) -> dict[str, str]:
    """The prefix table that the dataset itself declares with sh:declare, by prefix.

    See https://www.w3.org/TR/shacl/#sparql-prefixes
    """
    names: dict[object, str] = {}
    spaces: dict[object, str] = {}
    for quad in quads:
        if isinstance(quad.object, ox.Literal):
            if quad.predicate == SH_PREFIX:
                names[quad.subject] = quad.object.value
            elif quad.predicate == SH_NAMESPACE:
                spaces[quad.subject] = quad.object.value
    return {names[node]: spaces[node] for node in sorted(names, key=names.get) if node in spaces}  # type: ignore[arg-type]


def _name_blanks(store: ox.Store) -> None:
    """Give blank nodes their canonical names, the same each time: answers show them.

    In sorted order, since rows without ORDER BY come in the order in which they were stored.
    """
    found = [quad for quad in store if _has_blank(quad)]
    named = ox.Dataset(found)
    named.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
    for quad in found:
        store.remove(quad)
    store.extend(sorted(named, key=str))


def _has_blank(quad: ox.Quad) -> bool:
    return isinstance(quad.subject, ox.BlankNode) or isinstance(quad.object, ox.BlankNode)


def summarised(
    store: ox.Store, digest: str, graphs: dict[str, int], *, union: bool, load: str = ""
) -> Summary:
    """The summary of a store whose graphs are counted already."""
    declaring = store.quads_for_pattern(None, SH_PREFIX, None)
    spaces = store.quads_for_pattern(None, SH_NAMESPACE, None)
    prefixes = declared_prefixes([*declaring, *spaces])
    stated = next(store.quads_for_pattern(DATASET, DCAT_VERSION, None), None)
    version = stated.object.value if stated and isinstance(stated.object, ox.Literal) else ""
    cited = (quad.object for quad in store.quads_for_pattern(None, SOURCE_SHA256, None))
    texts = (*sorted({term.value for term in cited if isinstance(term, ox.Literal)}),)
    return Summary(digest, graphs, prefixes, union, load, version, texts)


def _counts(store: ox.Store) -> dict[str, int]:
    named = {
        graph.value: sum(1 for _ in store.quads_for_pattern(None, None, None, graph))
        for graph in store.named_graphs()
    }
    own = sum(1 for _ in store.quads_for_pattern(None, None, None, ox.DefaultGraph()))
    return ({"": own} if own else {}) | dict(sorted(named.items()))


def _file_digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_HASHED_BYTES):
            digest.update(block)
    return digest.hexdigest()


def graph_iri(name: str) -> ox.NamedNode:
    """The IRI of one of our graphs by its short name, such as `source`."""
    return ox.NamedNode(GRAPH + name)


def summary_from(values: Mapping[str, object]) -> Summary:
    """The summary that `Summary.as_json` made plain."""
    texts: tuple[str, ...] = tuple(values.get("texts", ()))  # type: ignore[arg-type]
    return Summary(**{**values, "texts": texts})  # type: ignore[arg-type]
