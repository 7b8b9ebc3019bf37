"""The formats in which results and graphs are written and read.

Rule: these tables are the only ones; whatever is promised anywhere is looked up here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pyoxigraph as ox


@dataclass(frozen=True, slots=True)
class Format:
    """One serialisation: its short name, media types and file suffixes.

    `media_types[0]` is the registered one, which answers carry; the others are synonyms that
    clients ask for. `native` is the engine's constant.
    """

    name: str
    native: ox.QueryResultsFormat | ox.RdfFormat
    media_types: tuple[str, ...]
    suffixes: tuple[str, ...]

    @property
    def media_type(self) -> str:
        """The media type that answers carry."""
        return self.media_types[0]

    @property
    def content_type(self) -> str:
        """The value of a Content-Type header: text types name their character set."""
        text = self.media_type.startswith("text/")
        return f"{self.media_type}; charset=utf-8" if text else self.media_type


# Results of SELECT and ASK, the most wanted first.
RESULT_FORMATS: tuple[Format, ...] = (
    Format(
        "json",
        ox.QueryResultsFormat.JSON,
        ("application/sparql-results+json", "application/json", "text/json"),
        (".srj", ".json"),
    ),
    Format(
        "xml",
        ox.QueryResultsFormat.XML,
        ("application/sparql-results+xml", "application/xml", "text/xml"),
        (".srx", ".xml"),
    ),
    Format("csv", ox.QueryResultsFormat.CSV, ("text/csv",), (".csv",)),
    Format("tsv", ox.QueryResultsFormat.TSV, ("text/tab-separated-values",), (".tsv",)),
)

# Graphs of CONSTRUCT and DESCRIBE, and files without named graphs.
GRAPH_FORMATS: tuple[Format, ...] = (
    Format(
        "turtle",
        ox.RdfFormat.TURTLE,
        ("text/turtle", "application/turtle", "application/x-turtle"),
        (".ttl",),
    ),
    Format(
        "ntriples",
        ox.RdfFormat.N_TRIPLES,
        ("application/n-triples", "text/plain"),
        (".nt",),
    ),
    Format(
        "rdfxml",
        ox.RdfFormat.RDF_XML,
        ("application/rdf+xml", "application/xml", "text/xml"),
        (".rdf", ".owl"),
    ),
    Format(
        "jsonld",
        ox.RdfFormat.JSON_LD,
        ("application/ld+json", "application/json"),
        (".jsonld",),
    ),
)

# Files with named graphs.
DATASET_FORMATS: tuple[Format, ...] = (
    Format("nquads", ox.RdfFormat.N_QUADS, ("application/n-quads",), (".nq",)),
    Format("trig", ox.RdfFormat.TRIG, ("application/trig",), (".trig",)),
)

_BY_SUFFIX = {
    suffix: entry for entry in (*GRAPH_FORMATS, *DATASET_FORMATS) for suffix in entry.suffixes
}


def data_format(path: Path) -> Format | None:
    """The format of a data file by its name, looking through a trailing `.gz`; None if unknown."""
    name = path.name.lower().removesuffix(".gz")
    return _BY_SUFFIX.get(Path(name).suffix)


def result_format(name: str) -> Format | None:
    """The result format of that short name or media type; None if there is none."""
    return _RESULTS.get(name.strip().lower())


def graph_format(name: str) -> Format | None:
    """The graph format of that short name or media type; None if there is none."""
    return _GRAPHS.get(name.strip().lower())


def _by_name(table: Iterable[Format]) -> dict[str, Format]:
    """What goes by each name, media type and suffix; the first of those that share one."""
    found: dict[str, Format] = {}
    for entry in table:
        suffixes = (suffix.removeprefix(".") for suffix in entry.suffixes)
        for name in (entry.name, *entry.media_types, *suffixes):
            found.setdefault(name, entry)
    return found


_RESULTS = _by_name(RESULT_FORMATS)
_GRAPHS = _by_name((*GRAPH_FORMATS, *DATASET_FORMATS))
