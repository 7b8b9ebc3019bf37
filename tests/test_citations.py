"""Citations: every span is what it says it is, and no sentence of the release is copied.

Rule: a citation is a position and a digest. What needs the text of the release is recomputed from
it; what does not is checked without it.
"""

import hashlib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pyoxigraph as ox
import pytest

ROOT = Path(__file__).parents[1]
BASE = "https://w3id.org/rokgraph/"
ID = BASE + "id/"
ROK = BASE + "ont#"
OA = "http://www.w3.org/ns/oa#"
TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
HEX_BINARY = "http://www.w3.org/2001/XMLSchema#hexBinary"

SHA256 = "0e8860cc63a85e0db6777bea9881caa93712baa0faa046c995b3aa53013606be"
CHARACTERS = 20342
BYTES = 20538
POINTING = ("citation", "passage", "mention", "headerCitation", "anchor")
CARRIERS = {
    "StrategyDocument",
    "PolicyInitiative",
    "Strategy",
    "Task",
    "Measure",
    "Action",
    "ImplementationSystem",
    "Aim",
    "Target",
    "Quantity",
    "Budget",
    "LegislativeProposal",
    "InternationalForum",
    "Event",
    "Place",
    "Enumeration",
    "Footnote",
    "Table",
    "Statement",
    "TimingExpression",
    "Discrepancy",
}
# As many words in a row may be the same by chance or because they are a name.
LONGEST_RUN = 12

Facts = dict[str, dict[str, set[str]]]
Span = tuple[int, int]


def literals(folder: str) -> Iterator[tuple[Path, ox.Literal]]:
    """All texts of all Turtle files below a folder."""
    for path in sorted((ROOT / folder).rglob("*.ttl")):
        for quad in ox.parse(path=str(path), format=ox.RdfFormat.TURTLE):
            if isinstance(quad.object, ox.Literal):
                yield path.relative_to(ROOT), quad.object


def load(folder: str) -> Facts:
    """All Turtle files below a folder as one graph: subject -> predicate -> values."""
    found: Facts = defaultdict(lambda: defaultdict(set))
    for path in sorted((ROOT / folder).rglob("*.ttl")):
        for quad in ox.parse(path=str(path), format=ox.RdfFormat.TURTLE):
            assert isinstance(quad.subject, ox.NamedNode)
            assert isinstance(quad.object, ox.NamedNode | ox.Literal)
            found[quad.subject.value][quad.predicate.value].add(quad.object.value)
    return found


@pytest.fixture(scope="module")
def facts() -> Facts:
    return load("data")


@pytest.fixture(scope="module")
def passages(facts: Facts) -> dict[str, Span]:
    """All cited passages with their positions, read from the selectors."""
    found = {}
    for subject, said in facts.items():
        if ROK + "Citation" in said[TYPE]:
            (selector,) = said[OA + "hasSelector"]
            (start,) = facts[selector][OA + "start"]
            (end,) = facts[selector][OA + "end"]
            found[subject] = (int(start), int(end))
    assert len(found) > 700
    return found


@pytest.fixture(scope="module")
def release(shared: Path) -> str:
    """The text of the release: the one that the digests are of."""
    content = (shared / "source" / "press-release.txt").read_bytes()
    assert hashlib.sha256(content).hexdigest() == SHA256
    return content.decode("utf-8")


def report(problems: list[str]) -> None:
    print(*problems, sep="\n")
    assert not problems


# ---------------------------------------------------------------- without the release


def test_a_citation_has_one_source_selector_and_digest(facts: Facts) -> None:
    problems = []
    for subject, said in facts.items():
        if ROK + "Citation" in said[TYPE]:
            if said[OA + "hasSource"] != {ID + "source/msit-eng-742"}:
                problems.append(f"{subject}: source {said[OA + 'hasSource']}")
            digests = said[ROK + "selectionSha256"]
            if len(digests) != 1 or not all(re.fullmatch("[0-9a-f]{64}", d) for d in digests):
                problems.append(f"{subject}: digests {digests}")
            selectors = said[OA + "hasSelector"]
            if selectors != {subject.replace("/passage/", "/selector/")}:
                problems.append(f"{subject}: selectors {selectors}")
            problems += [
                f"{selector}: {name} {facts[selector][OA + name]}"
                for selector in selectors
                for name in ("start", "end")
                if len(facts[selector][OA + name]) != 1
            ]
    report(problems)


def test_digests_are_hex_binary() -> None:
    wrong = []
    for path in sorted((ROOT / "data" / "source").glob("*.ttl")):
        for quad in ox.parse(path=str(path), format=ox.RdfFormat.TURTLE):
            if quad.predicate.value in (ROK + "selectionSha256", ROK + "sourceSha256"):
                assert isinstance(quad.object, ox.Literal)
                if quad.object.datatype.value != HEX_BINARY:
                    wrong.append(str(quad.subject))
    report(wrong)


def test_positions_are_in_the_text_and_in_the_name(passages: dict[str, Span]) -> None:
    report(
        [
            f"{subject}: {start}-{end}"
            for subject, (start, end) in passages.items()
            if not 0 <= start < end <= CHARACTERS or subject != f"{ID}passage/p{start}-{end}"
        ]
    )


def test_every_selector_belongs_to_a_passage(facts: Facts, passages: dict[str, Span]) -> None:
    selectors = {
        subject for subject, said in facts.items() if OA + "TextPositionSelector" in said[TYPE]
    }
    assert selectors == {each.replace("/passage/", "/selector/") for each in passages}


def test_every_passage_is_pointed_at_and_there(facts: Facts, passages: dict[str, Span]) -> None:
    used = {
        value for said in facts.values() for name in POINTING for value in said.get(ROK + name, ())
    }
    report([f"{each} is not there" for each in sorted(used - passages.keys())])
    report([f"{each} is not used" for each in sorted(passages.keys() - used)])


def test_no_quotation_selectors(facts: Facts) -> None:
    quoting = {OA + "exact", OA + "prefix", OA + "suffix"}
    assert not [subject for subject, said in facts.items() if quoting & said.keys()]


def test_what_carries_a_number_a_date_or_a_duty_is_cited() -> None:
    report(
        [
            subject
            for subject, said in load("data/source").items()
            if any(kind.removeprefix(ROK) in CARRIERS for kind in said[TYPE])
            and not said[ROK + "citation"]
        ]
    )


def spans_of(facts: Facts, passages: dict[str, Span], subject: str, name: str) -> list[Span]:
    return [passages[each] for each in sorted(facts[subject][ROK + name])]


def around(facts: Facts, passages: dict[str, Span], subject: str) -> Span | None:
    """The passage of the nearest element above that has one; the document has none."""
    while subject:
        subject = next(iter(facts[subject][ROK + "elementOf"]), "")
        for span in spans_of(facts, passages, subject, "passage") if subject else []:
            return span
    return None


def inside(inner: Span, outer: Span) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1]


def test_a_child_lies_in_the_passage_of_its_parent(facts: Facts, passages: dict[str, Span]) -> None:
    problems, compared = [], 0
    for subject in [each for each, said in facts.items() if said[ROK + "elementOf"]]:
        outer = around(facts, passages, subject)
        for name in ("citation", "passage"):
            for span in spans_of(facts, passages, subject, name):
                if outer is not None:
                    compared += 1
                    if not inside(span, outer):
                        problems.append(f"{subject} {name} {span} is not in {outer}")
    report(problems)
    assert compared >= 159 + 2 * 40 + 2 * 18


def test_an_element_is_cited_within_its_own_passage(
    facts: Facts, passages: dict[str, Span]
) -> None:
    report(
        [
            f"{subject}: {cited} is not in {whole}"
            for subject in list(facts)
            for whole in spans_of(facts, passages, subject, "passage")
            for cited in spans_of(facts, passages, subject, "citation")
            if not inside(cited, whole)
        ]
    )


def test_what_an_element_has_lies_in_its_passage(facts: Facts, passages: dict[str, Span]) -> None:
    problems, compared = [], 0
    for subject in list(facts):
        wholes = spans_of(facts, passages, subject, "passage")
        outer = wholes[0] if wholes else around(facts, passages, subject)
        for name in ("hasAim", "hasTarget", "hasBudget"):
            for owned in facts[subject][ROK + name]:
                for span in spans_of(facts, passages, owned, "citation"):
                    compared += 1
                    if outer is None or not inside(span, outer):
                        problems.append(f"{owned} {span} is not in {outer} of {subject}")
    report(problems)
    assert compared == 32 + 18 + 3


def test_passages_of_siblings_do_not_overlap(facts: Facts, passages: dict[str, Span]) -> None:
    children: dict[str, list[tuple[Span, str]]] = defaultdict(list)
    for subject in list(facts):
        for parent in facts[subject][ROK + "elementOf"]:
            for span in spans_of(facts, passages, subject, "passage"):
                children[parent].append((span, subject))
    for siblings in children.values():
        siblings.sort()
        for ((_, end), one), ((start, _), other) in pairwise(siblings):
            assert end <= start, (one, other)


# ---------------------------------------------------------------- with the release


def test_the_text_is_the_one_that_positions_count_in(release: str) -> None:
    assert len(release) == CHARACTERS
    assert len(release.encode()) == BYTES
    # Positions count code points; JavaScript counts the same only inside the first plane.
    assert max(map(ord, release)) < 0x10000
    assert unicodedata.is_normalized("NFC", release)
    assert not release.startswith("\ufeff")
    assert "\r" not in release


def test_every_digest_is_that_of_the_selected_text(
    facts: Facts, passages: dict[str, Span], release: str
) -> None:
    report(
        [
            subject
            for subject, (start, end) in passages.items()
            if facts[subject][ROK + "selectionSha256"]
            != {hashlib.sha256(release[start:end].encode()).hexdigest()}
        ]
    )


def words(text: str) -> list[str]:
    """Words in small letters, without punctuation."""
    return re.findall(r"[^\W_]+", text.casefold())


def runs(text: str) -> Iterator[tuple[str, ...]]:
    """All runs of one word more than may be the same."""
    found = words(text)
    for start in range(len(found) - LONGEST_RUN):
        yield tuple(found[start : start + LONGEST_RUN + 1])


@pytest.mark.parametrize("folder", ["data", "ontology", "shapes"])
def test_no_text_copies_the_release(folder: str, release: str) -> None:
    known = set(runs(release))
    copied = {
        f"{path}: {literal.value}"
        for path, literal in literals(folder)
        if any(run in known for run in runs(literal.value))
    }
    report(sorted(copied))


def test_a_copied_sentence_would_be_found(release: str) -> None:
    known = set(runs(release))
    copied = " ".join(words(release)[200 : 200 + LONGEST_RUN + 1]).upper().replace(" ", ",\n“")
    assert any(run in known for run in runs(copied))
    assert not list(runs(" ".join(words(release)[200 : 200 + LONGEST_RUN])))
