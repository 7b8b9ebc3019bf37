"""The questions as RDF: what editors list as examples, each with its query.

Rule: says nothing that does not stand in the header or the text of a question.

The form is that of SHACL's executables, as editors of the SIB read them: a node per query with
comment, text, prefixes, keywords and target. See https://www.w3.org/TR/shacl/#sparql-prefixes
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pyoxigraph as ox

from rokgraph import vocab
from rokgraph.library import SavedQuery, saved_queries, without_header
from rokgraph.snapshot import load_built_in
from rokgraph.turtle import write_folder, write_turtle

GRAPH_NAME = "examples"
# The endpoint under the name that lasts; a server that tells of itself has its own address.
ENDPOINT = vocab.BASE + "sparql"

_PREFIXES = ox.NamedNode(vocab.BASE + "prefixes")


def examples(root: Path) -> dict[Path, bytes]:
    """The one file of the graph, by path, as it must be.

    Raises SourceError for a question that cannot be read.
    """
    prefixes = load_built_in(root).summary.prefixes
    found = triples(saved_queries(root, "questions"), ENDPOINT)
    return {root / "data" / GRAPH_NAME / "questions.ttl": write_turtle(found, prefixes)}


def write(root: Path) -> list[Path]:
    """Write the graph; returns the files that changed.

    Raises SourceError as `examples` does, OSError if a file cannot be written.
    """
    return write_folder(root / "data" / GRAPH_NAME, examples(root))


def triples(questions: Iterable[SavedQuery], endpoint: str) -> Iterator[ox.Triple]:
    """What is said of the questions; `endpoint` is the URL where they are asked."""
    target = ox.NamedNode(endpoint)
    for saved in questions:
        node = ox.NamedNode(f"{vocab.ID}question/{saved.name}")
        yield ox.Triple(node, vocab.RDF_TYPE, vocab.SH_EXECUTABLE)
        yield ox.Triple(node, vocab.RDF_TYPE, vocab.SH_SELECT_EXECUTABLE)
        for language, title in saved.title.items():
            yield ox.Triple(node, vocab.RDFS_LABEL, ox.Literal(title, language=language))
            # editors show the comment alone
            comment = f"{title} {saved.description.get(language, '')}".strip()
            yield ox.Triple(node, vocab.RDFS_COMMENT, ox.Literal(comment, language=language))
        yield ox.Triple(node, vocab.SH_SELECT, ox.Literal(without_header(saved.text)))
        yield ox.Triple(node, vocab.SH_PREFIXES, _PREFIXES)
        for tag in saved.tags:
            yield ox.Triple(node, vocab.SCHEMA_KEYWORDS, ox.Literal(tag))
        yield ox.Triple(node, vocab.SCHEMA_TARGET, target)


def declarations(prefixes: Mapping[str, str]) -> Iterator[ox.Triple]:
    """The prefix table that the questions refer to, for a document that stands alone."""
    for name, space in prefixes.items():
        node = ox.NamedNode(f"{_PREFIXES.value}#{name}")
        yield ox.Triple(_PREFIXES, vocab.SH_DECLARE, node)
        yield ox.Triple(node, vocab.SH_PREFIX, ox.Literal(name))
        uri = ox.Literal(space, datatype=vocab.XSD_ANY_URI)
        yield ox.Triple(node, vocab.SH_NAMESPACE, uri)
