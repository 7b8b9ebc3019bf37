"""One plan as a generated graph tells it: a document, its strategies, and all below.

Rule: parents before children; what a plan says is cited and keeps the rules of `shapes/core.ttl`.
"""

import random
from collections.abc import Iterator

from bench import promises, words
from bench.author import SOURCE_LENGTH, Author, identified
from bench.statements import Block, Fact, a, concept, facts, names, scheme_of, text, thing, typed

STRATEGIES = 4
_TECHNOLOGIES = tuple(words.TECHNOLOGIES.items())
_SECTORS = tuple(words.SECTORS)
_BENEFICIARIES = tuple(words.BENEFICIARIES)
_PLACES = (*words.COUNTRIES, *words.CITIES)


def plan(number: int, chance: random.Random) -> Iterator[Block]:
    """The blocks of the plan of that number; the last one counts what it announced."""
    author = Author(number, chance, issued=2018 + chance.randrange(6))
    document = thing("document", f"p{number}")
    yield _document(author, document)
    yield from _technologies(author)
    for order in range(1, STRATEGIES + 1):
        yield from _strategy(author, f"p{number}-{order}", document, order)
    counts: tuple[Fact, ...] = (
        ("rok:announcedStrategyCount", typed(STRATEGIES, "nonNegativeInteger")),
        ("rok:announcedTaskCount", typed(author.tasks, "nonNegativeInteger")),
    )
    yield Block("", document, facts(document, *counts))


def _document(author: Author, node: str) -> Block:
    number, chance = author.number, author.chance
    lines = facts(
        author.source,
        a("rok:SourceDocument"),
        *names(f"Press release {number}", f"보도자료 {number}"),
        ("dcterms:issued", typed(f"{author.issued}-{chance.randrange(1, 13):02}-15", "date")),
        ("dcterms:license", thing("licence", "kogl-1")),
        ("rok:characterCount", typed(SOURCE_LENGTH, "positiveInteger")),
        ("rok:sourceSha256", typed(f"{chance.getrandbits(256):064x}", "hexBinary")),
    )
    cited = author.cited(lines)
    lines += facts(
        node,
        a("rok:StrategyDocument"),
        *identified(f"policy-p{number}", f"Digital plan {number}", f"디지털 계획 {number}"),
        ("rok:announcedBy", author.ministry()),
        cited,
    )
    lines += facts(
        author.agency,
        a("org:Organization"),
        *names(f"Agency of plan {number}", f"계획 {number} 전담기관"),
        ("org:classification", concept("org-kind", "agency")),
        ("org:subOrganizationOf", author.ministry()),
        cited,
    )
    return Block("StrategyDocument", node, lines)


def _technologies(author: Author) -> Iterator[Block]:
    """Two technologies of the plan's own; with eight others, they are those it is about."""
    for broad, both in author.chance.sample(_TECHNOLOGIES, 2):
        key = f"{broad}-p{author.number}"
        own = (f"{both[0]} of plan {author.number}", f"계획 {author.number} {both[1]}")
        node = concept("technology", key)
        lines = facts(
            node,
            a("skos:Concept"),
            a("rok:Technology"),
            *names(*own, "skos:prefLabel"),
            ("skos:inScheme", scheme_of("technology")),
            ("skos:broader", concept("technology", broad)),
            ("rok:technologyTier", concept("technology-tier", "narrower")),
        )
        author.technologies.append((key, own))
        yield Block("Technology", node, lines)
    author.technologies += author.chance.sample(_TECHNOLOGIES, 8)


def _element(author: Author, lines: list[str], key: str, parent: str, order: int) -> list[Fact]:
    """What every element of a plan has: its name, parent, order and citation."""
    chance, number = author.chance, key.removeprefix("p")
    work, about = chance.choice(words.WORKS), chance.choice(author.technologies)[1]
    return [
        *identified(key, f"{work[0]} {about[0]} {number}", f"{about[1]} {work[1]} {number}"),
        ("rok:elementOf", parent),
        ("rok:ordinal", typed(order, "positiveInteger")),
        author.cited(lines),
    ]


def _strategy(author: Author, key: str, parent: str, order: int) -> Iterator[Block]:
    lines: list[str] = []
    node = thing("strategy", key)
    pairs = _element(author, lines, key, parent, order)
    lines += facts(node, a("rok:Strategy"), *pairs, ("rok:notation", text(str(order))))
    yield Block("Strategy", node, lines)
    for number in range(1, author.chance.randrange(4, 6)):
        yield from _task(author, f"{key}-{number}", node, number)


def _task(author: Author, key: str, parent: str, order: int) -> Iterator[Block]:
    lines: list[str] = []
    author.tasks += 1
    node = thing("task", key)
    pairs = _element(author, lines, key, parent, order)
    notation = ("rok:notation", text(key.partition("-")[2]))
    remit = ("rok:withinRemitOf", author.ministry())
    lines += facts(node, a("rok:Task"), *pairs, notation, remit)
    yield Block("Task", node, lines)
    if author.likely(0.4):
        yield from promises.law(author, key, node)
    for number in range(1, author.chance.randrange(2, 5)):
        yield from _measure(author, f"{key}-{number}", node, number)


def _measure(author: Author, key: str, parent: str, order: int) -> Iterator[Block]:
    lines: list[str] = []
    node = thing("measure", key)
    pairs = _element(author, lines, key, parent, order)
    if author.likely(0.4):
        aim = thing("aim", key)
        named = identified(f"aim-{key}", f"Aim {key}", f"목표 {key}")
        lines += facts(aim, a("rok:Aim"), *named, author.cited(lines))
        pairs.append(("rok:hasAim", aim))
    lines += facts(node, a("rok:Measure"), *pairs)
    yield Block("Measure", node, lines)
    for number in range(1, author.chance.randrange(3, 6)):
        yield _action(author, f"{key}-{number}", node, number)


def _action(author: Author, key: str, parent: str, order: int) -> Block:
    """An action with its time and, of some, money and a target."""
    lines: list[str] = []
    chance, node = author.chance, thing("action", key)
    pairs = [a("rok:Action"), *_element(author, lines, key, parent, order)]
    if author.likely(0.15):
        pairs.append(a("rok:Project"))
    for technology, _ in chance.sample(author.technologies, 1 + author.likely(0.3)):
        pairs.append(("rok:aboutTechnology", concept("technology", technology)))
    pairs.append(("rok:inSector", concept("sector", chance.choice(_SECTORS))))
    if author.likely(0.5):
        pairs.append(("rok:benefits", concept("beneficiary", chance.choice(_BENEFICIARIES))))
    if author.likely(0.4):
        body = author.agency if author.likely(0.5) else author.ministry()
        pairs.append(("rok:involves", body))
    if author.likely(0.2):
        pairs.append(("rok:takesPlaceIn", thing("place", chance.choice(_PLACES))))
    when = promises.time(author, lines, key, node)
    if author.likely(0.3):
        pairs.append(promises.budget(author, lines, key, when))
    if author.likely(0.25):
        pairs.append(promises.target(author, lines, key, when))
    lines += facts(node, *pairs)
    return Block("Action", node, lines)
