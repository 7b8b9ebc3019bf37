"""Graphs and XML written so that they are read as they were meant.

Rule: streams in and out; what a format cannot carry is refused, never mangled.
"""

import re
from collections.abc import Iterable
from itertools import chain, islice
from typing import IO, cast

import pyoxigraph as ox

from rokgraph import formats
from rokgraph.errors import QueryError

_ABBREVIATED = frozenset({"turtle", "trig", "rdfxml"})
_LOOKED_AT = 100  # triples in which prefixes worth declaring are looked for

# https://www.w3.org/TR/xml/#charsets; and an element of no name, which is how the engine writes a
# property whose IRI does not end in what can be a name.
_NOT_XML = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]|<[\w.-]{1,50}:[ >/]")
_KEPT = 64  # bytes: what is looked for may be cut in two
# What can be a prefix in XML and Turtle alike.
_PREFIX = re.compile(r"(?!xml)[a-z][\w-]{,49}", re.ASCII | re.IGNORECASE)


def write_graph(
    triples: Iterable[ox.Triple],
    stream: IO[bytes],
    form: formats.Format,
    prefixes: dict[str, str],
) -> None:
    """Serialise triples as they come, short where the format can, by the snapshot's prefixes.

    Only prefixes that the first triples use are declared.
    """
    native = cast("ox.RdfFormat", form.native)
    if isinstance(triples, ox.QueryTriples) and form.name not in _ABBREVIATED:
        triples.serialize(stream, native)
        return
    coming = iter(triples)
    used: dict[str, str] = {}
    if form.name in _ABBREVIATED:
        first = list(islice(coming, _LOOKED_AT))
        by_space = {space: prefix for prefix, space in prefixes.items()}
        spaces = _spaces(first)
        used = {by_space[space]: space for space in sorted(spaces & by_space.keys())}
        used = {prefix: space for prefix, space in used.items() if _PREFIX.fullmatch(prefix)}
        coming = chain(first, coming)
    ox.serialize(coming, stream, native, prefixes=used)


def stable(
    statements: Iterable[ox.Quad] | Iterable[ox.Triple],
    form: ox.RdfFormat,
    prefixes: dict[str, str],
) -> bytes:
    """Serialise in the given order, prefixes sorted: the engine writes them in any order."""
    content = ox.serialize(statements, format=form, prefixes=prefixes) or b""
    lines = content.splitlines(keepends=True)
    head = [line for line in lines if line.startswith(b"@prefix ")]
    return b"".join([*sorted(head), *lines[len(head) :]])


def _spaces(triples: Iterable[ox.Triple]) -> set[str]:
    """The namespaces of the IRIs in triples, datatypes included."""
    iris = set()
    for triple in triples:
        for term in triple:
            if type(term) is ox.NamedNode:
                iris.add(term.value)
            elif type(term) is ox.Literal:
                iris.add(term.datatype.value)
    return {iri[: max(iri.rfind("#"), iri.rfind("/")) + 1] for iri in iris}


class XmlStream:
    """What XML cannot carry is refused; a carriage return is written so that it is kept.

    See https://www.w3.org/TR/xml/#sec-line-ends: a literal one is read as a line feed.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        """Write to that stream."""
        self._stream = stream
        self._tail = b""

    def write(self, data: bytes) -> int:
        """Pass bytes on. Raises QueryError for what XML cannot carry."""
        seen = self._tail + data
        found = _NOT_XML.search(seen)
        if found is not None:
            raise QueryError(_not_xml(found[0]))
        self._tail = seen[-_KEPT:]
        self._stream.write(data.replace(b"\r", b"&#13;"))
        return len(data)

    def flush(self) -> None:
        """Pass it on."""
        self._stream.flush()


def _not_xml(found: bytes) -> str:
    if found.startswith(b"<"):
        return (
            "RDF/XML cannot carry this answer: the IRI of a property has no part that can be "
            "an XML name. Ask for Turtle, TriG, N-Triples, N-Quads or JSON-LD."
        )
    return (
        f"XML cannot carry this answer: it holds the character U+{ord(found.decode()):04X}. "
        "Ask for JSON, TSV, Turtle or another format that is not XML."
    )
