"""The graph of alignments: what others call our things, made from tables in SSSOM/TSV.

Rule: a table is the only place of a mapping; each row becomes the match and one attestation.

The header of a table is YAML in lines that begin with `#`; its `curie_map` says what the short
names in the rows stand for. Only confirmed matches stand in a table, so all rows have that
confidence. See https://mapping-commons.github.io/sssom/
"""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

import pyoxigraph as ox
import yaml

from rokgraph import vocab
from rokgraph.errors import SourceError
from rokgraph.snapshot import declared_prefixes
from rokgraph.sources import Source, load
from rokgraph.turtle import write_folder, write_turtle

GRAPH_NAME = "alignments"

_SUFFIX = ".sssom.tsv"
_MARK = "#"
# What every row must say; a label of the object and addresses of the evidence may be lacking.
_REQUIRED = (
    "subject_id",
    "predicate_id",
    "object_id",
    "mapping_justification",
    "mapping_date",
    "comment",
)


def align(root: Path) -> dict[Path, bytes]:
    """The files of the graph, by path, as they must be: one for each table.

    Raises SourceError for a table, or a prefix table, that cannot be read.
    """
    declared = declared_prefixes(load([Source(root / "ontology" / "prefixes.ttl")]))
    folder = root / "data" / GRAPH_NAME
    return {
        folder / f"{path.name.removesuffix(_SUFFIX)}.ttl": write_turtle(_triples(path), declared)
        for path in sorted(folder.glob(f"*{_SUFFIX}"))
    }


def write(root: Path) -> list[Path]:
    """Write the graph; returns the files that changed.

    Raises SourceError as `align` does, OSError if a file cannot be written.
    """
    return write_folder(root / "data" / GRAPH_NAME, align(root))


def _triples(path: Path) -> list[ox.Triple]:
    prefixes, rows = _read(path)
    found: list[ox.Triple] = []
    names: set[str] = set()
    for number, row in rows:
        try:
            name, triples = _row(row, prefixes)
        except ValueError as error:
            raise SourceError(path, str(error), line=number, column=1) from None
        if name in names:
            raise SourceError(path, f"a second {name}", line=number, column=1)
        names.add(name)
        found += triples
    return found


def _read(path: Path) -> tuple[dict[str, str], Iterator[tuple[int, dict[str, str]]]]:
    """The prefixes of a table, and its rows with their line numbers."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        head = [line.removeprefix(_MARK) for line in lines if line.startswith(_MARK)]
        prefixes = {str(k): str(v) for k, v in yaml.safe_load("\n".join(head))["curie_map"].items()}
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(path, str(error)) from None
    except (yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
        raise SourceError(path, f"no header with a curie_map: {error}") from None
    body = lines[len(head) :]
    rows = csv.DictReader(body, delimiter="\t", quoting=csv.QUOTE_NONE, restval="")
    return prefixes, enumerate(rows, len(head) + 2)


def _row(row: Mapping[str, str], prefixes: Mapping[str, str]) -> tuple[str, list[ox.Triple]]:
    """The name of the attestation, and what a row says; ValueError says what is wrong with it."""
    for column in _REQUIRED:
        if not row.get(column):
            raise ValueError(f"no {column}")

    def iri(column: str) -> ox.NamedNode:
        prefix, _, local = row[column].partition(":")
        if prefix not in prefixes:
            raise ValueError(f"{column} {row[column]} has no prefix of the curie_map")
        return ox.NamedNode(prefixes[prefix] + local)

    subject, predicate, value = iri("subject_id"), iri("predicate_id"), iri("object_id")
    kind, _, key = row["subject_id"].partition(":")
    name = f"{kind}-{key}-{row['object_id'].partition(':')[0]}"
    node = ox.NamedNode(f"{vocab.ID}attestation/{name}")
    triples = [
        ox.Triple(subject, predicate, value),
        ox.Triple(node, vocab.RDF_TYPE, vocab.ATTESTATION),
        ox.Triple(node, vocab.RDF_SUBJECT, subject),
        ox.Triple(node, vocab.RDF_PREDICATE, predicate),
        ox.Triple(node, vocab.RDF_OBJECT, value),
        ox.Triple(node, vocab.CONFIDENCE, vocab.CONFIRMED),
        ox.Triple(node, vocab.EVIDENCE, ox.Literal(row["comment"])),
        ox.Triple(node, vocab.MAPPING_JUSTIFICATION, iri("mapping_justification")),
        ox.Triple(
            node, vocab.DCTERMS_DATE, ox.Literal(row["mapping_date"], datatype=vocab.XSD_DATE)
        ),
    ]
    if row.get("object_label"):
        label = ox.Literal(row["object_label"], language="en")
        triples.append(ox.Triple(value, vocab.RDFS_LABEL, label))
    triples += [
        ox.Triple(node, vocab.HAD_PRIMARY_SOURCE, ox.NamedNode(address))
        for address in row.get("see_also", "").split("|")
        if address
    ]
    return name, triples
