"""The search index finds what people type, in English and Korean, misspelt or not.

`pytest -s` on this file, and `python -m tests.test_search`, print the table of look-ups.
"""

import sqlite3
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pyoxigraph as ox
import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))  # for `python -m tests.test_search`

from rokgraph.evaluation import ask
from rokgraph.query import Query
from rokgraph.search import Index, Row
from rokgraph.snapshot import load_built_in
from running import ROOT


@dataclass(frozen=True)
class LookUp:
    """What is typed, what must be found, and how far down it may stand."""

    typed: str
    expected: str
    rank: int
    kind: str


LOOK_UPS = (
    # exact names
    LookUp("Ministry of Science and ICT", "organisation:msit", 1, "English name"),
    LookUp("과학기술정보통신부", "organisation:msit", 1, "Korean name"),
    LookUp("MSIT", "organisation:msit", 1, "other name"),
    LookUp("AI Basic Act", "act:kr-20676", 1, "other name"),
    LookUp("Digital Inclusion Act", "act:kr-20672", 2, "name of an act and of its proposal"),
    LookUp("디지털포용법", "proposal:digital-inclusion-act", 2, "the same in Korean"),
    LookUp("Digital Order", "measure:5-3-digital-order", 3, "name as printed"),
    # Korean with and without spaces, in parts, short
    LookUp("디지털 포용법", "act:kr-20672", 2, "Korean, a space too many"),
    LookUp("데이터산업진흥및이용촉진에관한기본법", "act:kr-18475", 1, "Korean, no spaces"),
    LookUp("인공", "technology:ai", 1, "Korean, two syllables"),
    LookUp("양자", "technology:quantum", 2, "Korean, two syllables"),
    LookUp("정보통신부", "organisation:msit", 2, "Korean, end of a word"),
    LookUp("기재부", "organisation:moef", 1, "Korean abbreviation"),
    LookUp("과기정통부", "organisation:msit", 1, "Korean abbreviation"),
    LookUp("메타버스 특별법", "proposal:metaverse-special-act", 1, "Korean, two words"),
    # misspelt
    LookUp("Minstry of Enviroment", "organisation:me", 1, "English, misspelt"),
    LookUp("artifical inteligence", "technology:ai", 1, "English, misspelt"),
    LookUp("semicondutor", "technology:ai-semiconductors", 1, "English, misspelt"),
    LookUp("과학기술정보통신뷰", "organisation:msit", 1, "Korean, misspelt"),
    LookUp("디지탈포용법", "act:kr-20672", 2, "Korean, misspelt"),
    # in parts and in another order
    LookUp("metav", "technology:metaverse", 1, "beginning"),
    LookUp("framework act artificial intelligence", "proposal:ai-framework-act", 1, "other order"),
    LookUp("informatization", "act:kr-17344", 2, "one word"),
    LookUp("sci ict", "organisation:msit", 2, "beginnings of words"),
    # codes
    LookUp("I-2", "task:1-2", 1, "notation"),
    LookUp("\u2164-3", "task:5-3", 1, "notation in Roman numerals"),
    LookUp("Task II-1", "task:2-1", 1, "class and notation"),
    LookUp("20676", "act:kr-20676", 1, "number of a law"),
    LookUp("법률 제20672호", "act:kr-20672", 1, "number of a law, Korean"),
    LookUp("Act No. 17344", "act:kr-17344", 1, "number of a law, English"),
    LookUp("task:1-2", "task:1-2", 1, "CURIE"),
    LookUp(
        "https://w3id.org/rokgraph/id/budget/ai-semiconductor", "budget:ai-semiconductor", 1, "IRI"
    ),
    LookUp("org-3gpp", "organisation:3gpp", 1, "identifier"),
    LookUp("passage:p177-216", "passage:p177-216", 1, "CURIE of a passage"),
    # names of today and of 2022
    LookUp("기후에너지환경부", "organisation:me-2025", 1, "name of 2025"),
    LookUp("Ministry of Finance and Economy", "organisation:moef-2025", 1, "name of 2025"),
)


def built_in() -> Index:
    """The index of the built-in graph, made as the server makes it but in this process."""
    snapshot = load_built_in(ROOT)
    query = (ROOT / "queries" / "search" / "index.rq").read_text()
    rows = []
    answer = ask(snapshot, Query(query))
    assert isinstance(answer, ox.QuerySolutions)
    for found in answer:
        text: ox.Literal | ox.NamedNode = found["text"]
        lang = (text.language or "") if isinstance(text, ox.Literal) else ""
        rows.append(Row(found["iri"].value, found["field"].value, text.value, lang))
    return Index(rows, snapshot.summary.prefixes)


@pytest.fixture(scope="module")
def index() -> Index:
    return built_in()


def rank(index: Index, typed: str, expected: str) -> int | None:
    found = [hit.thing.curie for hit in index.search(typed)]
    return found.index(expected) + 1 if expected in found else None


def print_table(index: Index) -> None:
    print(f"\n{'typed':<54} {'expected':<32} {'rank':>4} {'at most':>7} {'ms':>5}  kind")
    for one in LOOK_UPS:
        begun = time.thread_time()
        at = rank(index, one.typed, one.expected)
        spent = (time.thread_time() - begun) * 1000
        shown = "none" if at is None else at
        print(
            f"{one.typed:<54} {one.expected:<32} {shown:>4} {one.rank:>7} {spent:>5.1f}  {one.kind}"
        )


@pytest.mark.parametrize("one", LOOK_UPS, ids=lambda one: one.typed)
def test_a_look_up_finds_its_thing(index: Index, one: LookUp) -> None:
    at = rank(index, one.typed, one.expected)
    assert at is not None
    assert at <= one.rank


def test_the_table(index: Index) -> None:
    print_table(index)
    assert len(LOOK_UPS) >= 30


def test_the_match_says_field_and_text(index: Index) -> None:
    first = index.search("기재부")[0]
    assert (first.match.field, first.match.text, first.match.lang) == ("label", "기획재정부", "ko")
    assert index.search("20676")[0].match.field == "number"
    assert first.thing.labels == {"en": "Ministry of Economy and Finance", "ko": "기획재정부"}


def test_better_ways_of_matching_come_first() -> None:
    names = {
        "exact": "Alpha beta",
        "prefix": "Alpha beta gamma",
        "word": "Gamma alpha beta",
        "substring": "Gammalpha beta",
        "fuzzy": "Alpa beta",
    }
    rows = [Row(f"urn:{key}", "label", text, "en") for key, text in names.items()]
    rows.append(Row("urn:code", "notation", "Alpha-Beta"))
    found = [hit.thing.iri.removeprefix("urn:") for hit in Index(rows, {}).search("alpha beta")]
    assert found == ["exact", "code", "prefix", "word", "substring", "fuzzy"]


def test_a_weighty_class_comes_first() -> None:
    rows = [Row("urn:a", "label", "Same", "en"), Row("urn:b", "label", "Same", "en")]
    rows.append(Row("urn:b", "weight", "1.0"))
    assert [hit.thing.iri for hit in Index(rows, {}).search("same")] == ["urn:b", "urn:a"]


def test_classes_and_languages_restrict(index: Index) -> None:
    proposal = index.of_class("LegislativeProposal")
    assert proposal is not None
    found = index.search("디지털포용법", types=[proposal])
    assert found
    assert all(proposal in hit.thing.types for hit in found)
    assert not [hit for hit in index.search("과학기술", lang="en") if hit.match.lang == "ko"]
    assert index.search("과학기술", lang="ko")
    assert index.search("I-2", lang="ko")[0].thing.curie == "task:1-2"


@pytest.mark.parametrize("typed", ["", "   ", "…", '"', "*", "\x00", "zzqxv", "\u202e", "🙂"])
def test_what_is_nothing_finds_nothing(index: Index, typed: str) -> None:
    assert index.search(typed) == []


@given(st.text(max_size=200))
def test_no_text_breaks_the_index(typed: str) -> None:
    for hit in INDEX.search(typed):
        assert 0 <= hit.score <= 100


@pytest.mark.parametrize("typed", ['"AI"', "AI*", "(AI", "-AI", "^AI", "{AI}", "AI'", "AI:", "+AI"])
def test_signs_of_the_full_text_syntax_are_no_syntax(index: Index, typed: str) -> None:
    plain = {hit.thing.iri for hit in index.search("AI")}
    assert plain == {hit.thing.iri for hit in index.search(typed)}


@pytest.mark.parametrize("sign", ["NEAR", "AND", "OR", "NOT"])
def test_words_of_the_full_text_syntax_are_words(index: Index, sign: str) -> None:
    # as an operator it would find what AI finds, or nothing but AI
    plain = {hit.thing.iri for hit in index.search("AI")}
    assert plain != {hit.thing.iri for hit in index.search(f"AI {sign} zzqxv")}
    assert index.search(f"AI {sign} (") == index.search(f"ai {sign.lower()}")


def test_a_search_is_quick(index: Index) -> None:
    longest = "ministry of science " * 10
    spent = []
    for typed in (*(one.typed for one in LOOK_UPS), longest, "디지털" * 66, "e", "on"):
        times = []
        for _ in range(3):
            begun = time.thread_time()
            index.search(typed)
            times.append(time.thread_time() - begun)
        spent.append(min(times))
    assert sorted(spent)[len(spent) // 2] < 0.005
    assert max(spent) < 0.05  # machines of others are slower


def test_every_task_is_found_by_its_names(index: Index) -> None:
    task = index.of_class("rok:Task")
    assert task is not None
    tasks = [thing for thing in index.things.values() if task in thing.types]
    assert len(tasks) == 18
    for thing in tasks:
        for label in thing.labels.values():
            found = [hit.thing.iri for hit in index.search(label, types=[task])]
            assert found[0] == thing.iri, label


def test_without_full_text_the_same_is_found(
    monkeypatch: pytest.MonkeyPatch, index: Index, caplog: pytest.LogCaptureFixture
) -> None:
    class Bare:
        def execute(self, _: str) -> None:
            raise sqlite3.OperationalError("no such module: fts5")

    monkeypatch.setattr(sqlite3, "connect", lambda *_, **__: Bare())
    bare = built_in()
    assert [record.getMessage() for record in caplog.records] == [
        "SQLite has no FTS5 (no such module: fts5): every search compares with all names."
    ]
    for one in LOOK_UPS:
        at = rank(bare, one.typed, one.expected)
        assert at is not None
        assert at <= one.rank


INDEX = Index([Row("urn:a", "label", "디지털 AI", "ko"), Row("urn:a", "notation", "≥")], {})


if __name__ == "__main__":
    print_table(built_in())
