"""The dataset as files to take away.

Rule: the same snapshot gives the same bytes, on any machine; of a gzipped file that holds where
the zlib is the same, of its content always.

Turtle holds the union of all graphs; N-Quads, TriG and JSON-LD hold the graphs by name. HDT is
left out: no library that writes it is kept up.
"""

import contextlib
import gzip
import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pyoxigraph as ox

from rokgraph.errors import SettingError
from rokgraph.exports import export_queries
from rokgraph.jsonld import jsonld
from rokgraph.library import saved_queries
from rokgraph.snapshot import Snapshot, canonical_nquads, graph_iri
from rokgraph.stratml import to_stratml
from rokgraph.tables import table, to_csv
from rokgraph.validation import report_on
from rokgraph.writing import stable

CHECKSUMS = "SHA256SUMS"
CONTEXT = "context.jsonld"
NQUADS = "rokgraph.nq"
TABLES = "csv/"
VALIDATION = "validation"
_GZIP = "application/gzip"
_ROWS = "application/sparql-results+json"


@dataclass(frozen=True, slots=True)
class Dump:
    """A file: its path below the folder, and what it is.

    `title` maps a language tag to text; `kind` is the key of its format in the European Union's
    list of file types; `gzipped`: the file is a gzipped one of that media type.
    See http://publications.europa.eu/resource/authority/file-type
    """

    path: str
    media_type: str
    kind: str
    title: dict[str, str]
    gzipped: bool = False

    @property
    def content_type(self) -> str:
        """The value of a Content-Type header: text types name their character set."""
        if self.gzipped:
            return _GZIP
        text = self.media_type.startswith("text/") or self.path == CHECKSUMS
        return f"{self.media_type}; charset=utf-8" if text else self.media_type

    @property
    def is_rdf(self) -> bool:
        """Whether it is a dump of the whole dataset in RDF."""
        return self.path.startswith("rokgraph.") and not self.path.endswith(".xml")


_RDF = (
    Dump(
        NQUADS,
        "application/n-quads",
        "RDF_N_QUADS",
        {"en": "All graphs in N-Quads", "ko": "모든 그래프, N-Quads"},
    ),
    Dump(
        "rokgraph.trig",
        "application/trig",
        "RDF_TRIG",
        {"en": "All graphs in TriG", "ko": "모든 그래프, TriG"},
    ),
    Dump(
        "rokgraph.ttl",
        "text/turtle",
        "RDF_TURTLE",
        {"en": "The union of all graphs in Turtle", "ko": "모든 그래프의 합집합, Turtle"},
    ),
    Dump(
        "rokgraph.jsonld",
        "application/ld+json",
        "JSON_LD",
        {"en": "All graphs in JSON-LD", "ko": "모든 그래프, JSON-LD"},
    ),
)
_CONTEXT = Dump(
    CONTEXT,
    "application/ld+json",
    "JSON_LD",
    {"en": "The context of the JSON-LD dump", "ko": "JSON-LD 덤프의 컨텍스트"},
)
_STRATML = Dump(
    "rokgraph.stratml.xml",
    "application/xml",
    "XML",
    {"en": "The plan in StratML Part 2", "ko": "StratML 제2부로 쓴 계획"},
)
_REPORT = Dump(
    f"{VALIDATION}.ttl",
    "text/turtle",
    "RDF_TURTLE",
    {"en": "The SHACL validation report in Turtle", "ko": "SHACL 검증 보고서, Turtle"},
)
_SUMS = Dump(
    CHECKSUMS,
    "text/plain",
    "TXT",
    {"en": "SHA-256 of every file", "ko": "모든 파일의 SHA-256"},
)


def dumps(root: Path) -> tuple[Dump, ...]:
    """All files that the built-in graph is written to, in order.

    Raises SourceError for a query of the tables whose header is wrong.
    """
    rdf = [each for dump in _RDF for each in (dump, _zipped(dump))]
    return (*rdf, _CONTEXT, *_tables(root), _STRATML, _REPORT, *_results(root), _SUMS)


def _results(root: Path) -> list[Dump]:
    """What the validation report says, as rows that a page can show."""
    return [
        Dump(f"{VALIDATION}/{saved.name}.json", _ROWS, "JSON", saved.title)
        for saved in saved_queries(root, VALIDATION)
    ]


def _tables(root: Path) -> list[Dump]:
    return [
        Dump(f"{TABLES}{saved.name}.csv", "text/csv", "CSV", saved.title)
        for saved in export_queries(root)
    ]


def _zipped(dump: Dump) -> Dump:
    title = {"en": f"{dump.title['en']}, gzipped", "ko": f"{dump.title['ko']}, gzip 압축"}
    return replace(dump, path=f"{dump.path}.gz", title=title, gzipped=True)


def write_dumps(snapshot: Snapshot, root: Path, folder: Path) -> Iterator[Path]:
    """Write every dump into `folder`, the checksums last; yields each path.

    A table without rows is not written, nor StratML of data that hold no plan, nor a validation
    report of data without shapes.

    Raises OSError if a file cannot be written, SourceError for a query whose header is wrong.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sums = []
    for name, content in _contents(snapshot, root):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        sums.append(f"{hashlib.sha256(content).hexdigest()}  {name}\n")
        yield path
    checksums = folder / CHECKSUMS
    checksums.write_text("".join(sorted(sums, key=lambda line: line.split("  ")[1])))
    yield checksums


def _contents(snapshot: Snapshot, root: Path) -> Iterator[tuple[str, bytes]]:
    for name, content in _rdf(snapshot):
        yield name, content
        if name != CONTEXT:
            yield f"{name}.gz", _gzip(content)
    for saved in export_queries(root):
        found = table(snapshot, saved.text)
        if found.rows:
            yield f"{TABLES}{saved.name}.csv", to_csv(found)
    with contextlib.suppress(SettingError):  # no plan in these data
        yield _STRATML.path, to_stratml(snapshot, root)
    yield from _validation(snapshot, root)


def _validation(snapshot: Snapshot, root: Path) -> Iterator[tuple[str, bytes]]:
    """The report, and the answers of queries over the dataset with the report as one more graph.

    Nothing for data that come without shapes.
    """
    if graph_iri("shapes").value not in snapshot.summary.graphs:
        return
    report = report_on(snapshot, root).graph
    yield _REPORT.path, report
    store = ox.Store()
    store.bulk_extend(snapshot.store)
    store.load(report, format=ox.RdfFormat.TURTLE, to_graph=graph_iri(VALIDATION))
    for saved in saved_queries(root, VALIDATION):
        found = store.query(saved.text, use_default_graph_as_union=True)
        assert isinstance(found, ox.QuerySolutions)  # noqa: S101 - a SELECT of ours
        rows = found.serialize(format=ox.QueryResultsFormat.JSON) or b""
        yield f"{VALIDATION}/{saved.name}.json", rows


def _rdf(snapshot: Snapshot) -> Iterator[tuple[str, bytes]]:
    nquads = canonical_nquads(snapshot.store)
    # blank nodes have their canonical names from here on, so every dump is stable
    quads = list(ox.parse(nquads, format=ox.RdfFormat.N_QUADS))
    prefixes = snapshot.summary.prefixes
    yield NQUADS, nquads
    yield "rokgraph.trig", stable(quads, ox.RdfFormat.TRIG, prefixes)
    triples = dict.fromkeys(quad.triple for quad in sorted(quads, key=_by_triple))
    yield "rokgraph.ttl", stable(triples, ox.RdfFormat.TURTLE, prefixes)
    try:
        dataset, context = jsonld(quads, prefixes)
    except ValueError:
        return  # triple terms: JSON-LD has none
    yield "rokgraph.jsonld", dataset
    yield CONTEXT, context


def _gzip(content: bytes) -> bytes:
    """Gzipped, with neither a time nor the name of a file or system in the header."""
    output = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=output, mtime=0) as file:
        file.write(content)
    return output.getvalue()


def _by_triple(quad: ox.Quad) -> str:
    return str(quad.triple)
