"""One stable Turtle form: the same triples always give the same bytes.

Rule: what the engine writes, nobody escapes a second time; only order and layout are made here.

Prefixes come first, the used ones only; then one block per subject. Numbers inside names count as
numbers: `task:1-2` stands before `task:1-10`, `passage:p916` before `passage:p11158`.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeAlias

import pyoxigraph as ox

from rokgraph import vocab

_Term: TypeAlias = ox.NamedNode | ox.Literal
_Natural: TypeAlias = tuple[tuple[str | int, ...], str]

_WIDTH = 100
_INDENT = " " * 4
_NUMBER = re.compile(r"([0-9]+)")
# These stand first in a block, in this order; all other predicates follow by CURIE.
_FIRST = (
    vocab.RDF_TYPE,
    vocab.RDFS_LABEL,
    vocab.SKOS_PREF_LABEL,
    vocab.DCTERMS_IDENTIFIER,
)


def write_turtle(triples: Iterable[ox.Triple], prefixes: Mapping[str, str]) -> bytes:
    """Write triples as UTF-8 Turtle in the stable form, ending in one newline.

    `prefixes` maps prefix names to namespaces; those that no term needs are left out. A triple
    that occurs twice is written once.

    Raises TypeError for a blank node or a triple inside a triple, since neither has a name to be
    sorted by, and ValueError for a namespace that is no absolute IRI.
    """
    blocks: dict[ox.NamedNode, dict[ox.NamedNode, set[_Term]]] = {}
    for triple in triples:
        subject, value = triple.subject, triple.object
        if not isinstance(subject, ox.NamedNode) or isinstance(value, ox.BlankNode | ox.Triple):
            raise TypeError(f"only IRIs and literals have a stable place in a file: {triple}")
        blocks.setdefault(subject, {}).setdefault(triple.predicate, set()).add(value)
    terms = _Terms(prefixes)
    order = sorted(blocks, key=lambda subject: _natural(subject.value))
    body = [_block(subject, blocks[subject], terms) for subject in order]
    head = "".join(f"@prefix {name}: <{prefixes[name]}> .\n" for name in sorted(terms.used))
    return ("\n".join([head, *body] if head else body) or "\n").encode()


def in_stable_form(path: Path, prefixes: Mapping[str, str]) -> bytes:
    """The content that a Turtle file has in the stable form.

    Raises SyntaxError and OSError as the parser does, TypeError and ValueError as `write_turtle`.
    """
    quads = ox.parse(path=path, format=ox.RdfFormat.TURTLE)
    return write_turtle((quad.triple for quad in quads), prefixes)


def write_folder(folder: Path, files: Mapping[Path, bytes]) -> list[Path]:
    """Make these the Turtle files of a folder, and no others; returns those that changed.

    Raises OSError if a file cannot be written.
    """
    folder.mkdir(exist_ok=True)
    changed = []
    for path in {*folder.glob("*.ttl"), *files}:
        content = files.get(path)
        if content is None:
            path.unlink()
        elif path.exists() and path.read_bytes() == content:
            continue
        else:
            path.write_bytes(content)
        changed.append(path)
    return sorted(changed)


class _Terms:
    """Terms as the engine writes them, and the prefixes that this took."""

    def __init__(self, prefixes: Mapping[str, str]) -> None:
        self.used: set[str] = set()
        self._prefixes = dict(prefixes)
        self._texts: dict[_Term, str] = {}

    def text(self, term: _Term) -> str:
        """Write one term as Turtle."""
        if term not in self._texts:
            self._texts[term] = self._write(term)
        return self._texts[term]

    def _write(self, term: _Term) -> str:
        triple = ox.Triple(vocab.RDFS_LABEL, vocab.RDF_TYPE, term)
        answer = ox.serialize([triple], format=ox.RdfFormat.TURTLE, prefixes=self._prefixes)
        # The last line of the answer is `<subject> a <term> .`; no term spans lines.
        line = (answer or b"").decode().rstrip().rpartition("\n")[2]
        text = line.split(" ", 2)[2].removesuffix(" .")
        name = text
        if isinstance(term, ox.Literal):
            # Only a datatype behind the closing quote has a name; `5` and `true` have none.
            name = text.rpartition('"')[2].partition("^^")[2]
        if ":" in name and not name.startswith("<"):
            self.used.add(name.partition(":")[0])
        return text


def _block(subject: ox.NamedNode, facts: Mapping[ox.NamedNode, set[_Term]], terms: _Terms) -> str:
    """Write one subject with all that is said of it."""

    def by_place(predicate: ox.NamedNode) -> tuple[int, _Natural]:
        if predicate in _FIRST:
            return _FIRST.index(predicate), ((), "")
        return len(_FIRST), _natural(terms.text(predicate))

    def by_value(term: _Term) -> tuple[bool, str, _Natural]:
        # IRIs before literals; literals by language, then by what they say.
        language = term.language or "" if isinstance(term, ox.Literal) else ""
        return isinstance(term, ox.Literal), language, _natural(terms.text(term))

    lines = [
        _line(
            "a" if predicate == vocab.RDF_TYPE else terms.text(predicate),
            [terms.text(term) for term in sorted(facts[predicate], key=by_value)],
        )
        for predicate in sorted(facts, key=by_place)
    ]
    return f"{terms.text(subject)} " + f" ;\n{_INDENT}".join(lines) + " .\n"


def _line(predicate: str, values: list[str]) -> str:
    """Write a predicate with its objects: on one line if it fits, else one object per line."""
    line = f"{predicate} {', '.join(values)}"
    if len(values) == 1 or len(_INDENT + line + " ;") <= _WIDTH:
        return line
    return predicate + ",".join(f"\n{_INDENT * 2}{value}" for value in values)


def _natural(text: str) -> _Natural:
    """Make a key that sorts digits as numbers; the text breaks the tie of `01` and `1`."""
    parts = _NUMBER.split(text)
    return tuple(int(part) if at % 2 else part for at, part in enumerate(parts)), text
