"""What an element of a generated plan promises: laws, times, money, targets.

Rule: each keeps the rules of `shapes/core.ttl` of its class.
"""

from typing import NamedTuple

from bench import words
from bench.author import LAST_YEAR, Author, identified
from bench.statements import Block, Fact, a, concept, facts, iri, names, text, thing, typed

AS_OF = typed("2042-01-01", "date")


class Time(NamedTuple):
    """When an action takes place: its period, the kind of it, years if known, its citation."""

    period: str
    kind: Fact
    first: int | None
    last: int | None
    citation: Fact


def law(author: Author, key: str, task: str) -> list[Block]:
    """A law that a task announces, and mostly what came of it."""
    lines: list[str] = []
    chance, node = author.chance, thing("proposal", key)
    technology, both = chance.choice(author.technologies)
    title = (f"{both[0]} Act {key}", f"{both[1]} 기본법 {key}")
    lines += facts(
        node,
        a("rok:LegislativeProposal"),
        *identified(f"law-{key}", *title),
        ("rok:instrumentType", concept("instrument-type", chance.choice(("act", "special-act")))),
        ("rok:nameIsTentative", typed(str(author.likely(0.3)).lower(), "boolean")),
        ("rok:statedStatus", concept("instrument-status", "to-be-enacted")),
        ("rok:concernsTechnology", concept("technology", technology)),
        author.cited(lines),
    )
    lines += facts(task, ("rok:proposesLegislation", node))
    found = [Block("LegislativeProposal", node, lines)]
    if author.likely(0.8):
        found.append(_outcome(author, key, node, title))
    return found


def _outcome(author: Author, key: str, proposal: str, title: tuple[str, str]) -> Block:
    node, act = thing("outcome", key), thing("act", key)
    enacted = author.likely(0.6)
    status = "enacted" if enacted else author.chance.choice(("not-enacted", "unknown"))
    month = author.chance.randrange(1, 13)
    day = typed(f"{author.year(author.issued + 1)}-{month:02}-20", "date")
    known: tuple[Fact, ...] = (
        ("prov:hadPrimarySource", f"<https://example.org/law/{key}>"),
        ("rok:assertedAsOf", AS_OF),
        ("rok:confidence", concept("confidence", "confirmed" if enacted else "probable")),
    )
    then: list[Fact] = [("dcterms:date", day), ("rok:resultedIn", act)] if enacted else []
    lines = facts(
        node,
        a("rok:Outcome"),
        *names(f"{title[0]}: {status}", f"{title[1]}: {words.CODES['outcome-status'][status][1]}"),
        ("rok:outcomeOf", proposal),
        ("rok:outcomeStatus", concept("outcome-status", status)),
        *known,
        *then,
    )
    if enacted:
        lines += facts(
            act,
            a("eli:LegalResource"),
            *names(*title),
            ("dcterms:title", f'"{title[1]}"@ko'),
            ("eli:number", text(f"{author.number}-{author.read}")),
            ("eli:date_publication", day),
            ("eli:in_force", iri("eli:InForce-inForce")),
            ("rok:evidence", text("Text of the act")),
            *known,
        )
    return Block("Outcome", node, lines)


def time(author: Author, lines: list[str], key: str, action: str) -> Time:
    """When an action takes place, as the text states it, and the years that follow from it."""
    kind = author.chance.choice(("open-start", "by", "range"))
    year = author.year(author.issued)
    first = None if kind == "by" else year
    last = None if kind == "open-start" else author.year(year)
    told: Fact = ("rok:timingKind", concept("timing-kind", kind))
    found = Time(thing("period", key), told, first, last, author.cited(lines))
    ends = [(name, thing("instant", at)) for name, at in _ends(found) if at is not None]
    lines += facts(
        found.period,
        a("time:ProperInterval"),
        *ends,
        told,
        ("rok:timingScope", concept("timing-scope", "own")),
        ("rok:scopeIsCertain", typed("true", "boolean")),
        found.citation,
    )
    lines += facts(action, ("rok:period", found.period))
    if first is not None:
        lines += facts(action, ("rok:startYear", typed(first, "gYear")))
    if last is not None:
        lines += facts(action, ("rok:dueYear", typed(last, "gYear")))
    if author.likely(0.5):
        lines += facts(
            thing("timing", key),
            a("rok:TimingExpression"),
            *names(f"{first or ''}~{last or ''}", f"{first or ''}~{last or ''}"),
            ("dcterms:identifier", text(f"time-{key}")),
            ("rok:attachedTo", action),
            ("rok:denotes", found.period),
            told,
            found.citation,
        )
    return found


def _ends(found: Time) -> tuple[tuple[str, int | None], tuple[str, int | None]]:
    return ("time:hasBeginning", found.first), ("time:hasEnd", found.last)


def budget(author: Author, lines: list[str], key: str, when: Time) -> Fact:
    """Money for an action: for its period where that has both ends, else each year."""
    node, whole = thing("budget", key), when.first is not None and when.last is not None
    period: list[Fact] = [("rok:period", when.period)] if whole else []
    amount = f"{author.chance.randrange(1, 10_000) * 100_000_000}.0"
    lines += facts(
        node,
        a("rok:Budget"),
        *identified(f"budget-{key}", f"Budget {key}", f"예산 {key}"),
        ("rok:amount", typed(amount, "decimal")),
        ("rok:amountBasis", concept("amount-basis", "total-over-period" if whole else "annual")),
        ("rok:currency", iri("unit:CCY_KRW")),
        author.cited(lines),
        *period,
    )
    return "rok:hasBudget", node


def target(author: Author, lines: list[str], key: str, when: Time) -> Fact:
    """What an action is to reach, with its indicator, its value and its deadline."""
    node, indicator, quantity = (thing(kind, key) for kind in ("target", "indicator", "quantity"))
    unit = ("rok:unit", concept("unit", author.chance.choice(tuple(words.UNITS))))
    cited = author.cited(lines)
    lines += facts(indicator, a("rok:Indicator"), *names(f"Number {key}", f"수 {key}"), unit)
    lines += facts(
        quantity,
        a("rok:Quantity"),
        ("rok:numericValue", typed(f"{author.chance.randrange(1, 5_000)}.0", "decimal")),
        ("rok:comparator", concept("comparator", author.chance.choice(("exactly", "more-than")))),
        unit,
        cited,
    )
    lines += facts(
        node,
        a("rok:Target"),
        *identified(f"target-{key}", f"Target {key}", f"성과 {key}"),
        ("rok:ofIndicator", indicator),
        ("rok:targetValue", quantity),
        ("rok:deadline", thing("instant", when.last or LAST_YEAR)),
        cited,
    )
    return "rok:hasTarget", node
