"""Graphs of the product's own shape, of any size, the same from the same seed.

Rule: classes and properties are those of `ontology/rokgraph.ttl`; triples stream to a file of
N-Triples, so that ten million need no memory.

A graph is a shared part (technologies, sectors, ministries, times) and as many plans as fit: a
document of four strategies with their tasks, measures and actions, each with names in English and
Korean and a cited passage, some with budget, target, timing or a law that is announced and comes.
A larger graph begins with the smaller one. See https://www.w3.org/TR/n-triples/
"""

import hashlib
import json
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench import plans, words
from bench.statements import Block, Fact, a, concept, facts, names, scheme_of, thing, typed

SEED = 20221128
SAMPLE = 200  # members of a class that queries may be asked about


@dataclass(frozen=True, slots=True)
class Graph:
    """A file of triples, and members of its classes by local name of the class, in order."""

    name: str
    path: Path
    triples: int
    sha256: str
    members: dict[str, tuple[str, ...]]


def size_of(name: str) -> int:
    """The number that `5k` or `1M` stands for.

    Raises ValueError for a text that is no such size.
    """
    scale = {"k": 1_000, "M": 1_000_000}.get(name[-1:], 1)
    return int(name if scale == 1 else name[:-1]) * scale


def blocks(seed: int) -> Iterator[Block]:
    """The parts of a graph without end; each is whole, and refers to what came before."""
    yield from shared()
    number = 0
    while True:
        yield from plans.plan(number, random.Random(f"{seed} {number}"))  # noqa: S311 - no secret
        number += 1


def taken(parts: Iterable[Block], size: int) -> Iterator[Block]:
    """Parts until they are `size` triples or, by the last one, a few more."""
    count = 0
    for block in parts:
        yield block
        count += len(block.lines)
        if count >= size:
            return


def shared() -> Iterator[Block]:
    """What all plans refer to."""
    for scheme, kind, table in (
        ("technology", "rok:Technology", words.TECHNOLOGIES),
        ("sector", "rok:Sector", words.SECTORS),
        ("beneficiary", "rok:BeneficiaryGroup", words.BENEFICIARIES),
        ("unit", "", words.UNITS),
        *((scheme, "", table) for scheme, table in words.CODES.items()),
    ):
        for key, both in table.items():
            kinds = [a("skos:Concept")] + ([a(kind)] if kind else [])
            named = names(*both, "skos:prefLabel")
            part = ("skos:inScheme", scheme_of(scheme))
            yield _block(concept(scheme, key), *kinds, *named, part)
    for key, both in words.MINISTRIES.items():
        sort: Fact = ("org:classification", concept("org-kind", "ministry"))
        yield _block(thing("organisation", key), a("org:Organization"), *names(*both), sort)
    for level, table in (("country", words.COUNTRIES), ("city", words.CITIES)):
        for key, both in table.items():
            sort = ("dcterms:type", concept("place-kind", level))
            yield _block(thing("place", key), a("rok:Place"), *names(*both), sort)
    for year in words.YEARS:
        yield _instant(str(year), "time:inXSDgYear", "gYear")
    for month in words.MONTHS:
        yield _instant(month, "time:inXSDgYearMonth", "gYearMonth")
    label = ("rdfs:label", '"KOGL Type 1"@en')
    yield _block(thing("licence", "kogl-1"), a("dcterms:LicenseDocument"), label)


def _instant(text: str, when: str, datatype: str) -> Block:
    return _block(thing("instant", text), a("time:Instant"), (when, typed(text, datatype)))


def _block(node: str, *pairs: Fact) -> Block:
    return Block("", node, facts(node, *pairs))


def made(name: str, folder: Path, seed: int = SEED) -> Graph:
    """The graph of that size in `folder`, written there unless it is there already."""
    path, beside = folder / f"{name}.nt", folder / f"{name}.json"
    maker = _digest_of_the_maker(seed)
    if path.exists() and beside.exists():
        known = json.loads(beside.read_text())
        if known.pop("maker") == maker:
            members = {kind: tuple(iris) for kind, iris in known.pop("members").items()}
            return Graph(path=path, members=members, **known)
    folder.mkdir(parents=True, exist_ok=True)
    beside.unlink(missing_ok=True)
    graph = _write(name, path, seed)
    told = {"name": name, "triples": graph.triples, "sha256": graph.sha256}
    beside.write_text(json.dumps({"maker": maker, **told, "members": graph.members}))
    return graph


def _write(name: str, path: Path, seed: int) -> Graph:
    chance, digest = random.Random(seed), hashlib.sha256()  # noqa: S311 - no secret
    samples: dict[str, list[str]] = {}
    seen: dict[str, int] = {}
    count = 0
    with path.open("wb") as file:
        for block in taken(blocks(seed), size_of(name)):
            content = "".join(block.lines).encode()
            file.write(content)
            digest.update(content)
            count += len(block.lines)
            if block.kind:
                # a reservoir: https://doi.org/10.1145/3147.3165, algorithm R
                sample, at = samples.setdefault(block.kind, []), seen.get(block.kind, 0)
                seen[block.kind] = at + 1
                place = at if at < SAMPLE else chance.randrange(at + 1)
                if place < SAMPLE:
                    sample[place : place + 1] = [block.node[1:-1]]
    members = {kind: tuple(iris) for kind, iris in sorted(samples.items())}
    return Graph(name, path, count, digest.hexdigest(), members)


def _digest_of_the_maker(seed: int) -> str:
    """Another one whenever the code, the words or the seed are others."""
    here = Path(__file__).parent
    rooms = ("author", "graphs", "plans", "promises", "statements", "words")
    code = [(here / f"{room}.py").read_bytes() for room in rooms]
    return hashlib.sha256(b"%d" % seed + b"".join(code)).hexdigest()
