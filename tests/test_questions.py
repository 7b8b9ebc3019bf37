"""The questions an analyst asks: each is well-formed, quick and rightly answered.

The expected answers in `expected/` were written from the release, not from the graph; those to
the questions about what came later were compared, line by line, with the tables they come from.
"""

import csv
import re
import time
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import yaml

from rokgraph.evaluation import evaluate
from rokgraph.library import saved_queries, saved_query
from rokgraph.query import Kind, Query
from rokgraph.snapshot import Snapshot, load_built_in
from running import ROOT, Server

FOLDER = ROOT / "queries" / "questions"
NAMES = sorted(path.stem for path in FOLDER.glob("*.rq"))
IDS = [1, 3, 7, 9, 10, 14, 16, 20, 22, 23, 31, 33, 34, 38, 45, 49, 52, 54, 56, 60]
LATER = range(1, 19)  # the questions about what came of the strategy
NUMBERS = [*(f"N{number:02}" for number in LATER), *(f"Q{number:02}" for number in IDS)]
PROVENANCE = {"Q54", "Q56", "Q60", "N07", "N15"}
FLAGSHIP = "planned-legislation-by-task"
VIEWS = {"table", "timeline", "trace", "bars"}
KEYS = {"title", "description", "tags", "view", "question", "expect"}

NOT_CODE = re.compile(r"""<[^<>\s]*>|#[^\n]*|"[^"\n]*\"""")


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    return load_built_in(ROOT)


def path_of(name: str) -> Path:
    return FOLDER / f"{name}.rq"


def text_of(name: str) -> str:
    return path_of(name).read_text(encoding="utf-8")


def header_of(name: str) -> dict[str, Any]:
    lines = [line.removeprefix("#+ ") for line in text_of(name).splitlines() if line[:2] == "#+"]
    header: dict[str, Any] = yaml.safe_load("\n".join(lines))
    return header


def code_of(name: str) -> str:
    return NOT_CODE.sub(" ", text_of(name))


def rows_of(text: str) -> list[list[str]]:
    return list(csv.reader(text.splitlines()))


def expected(name: str) -> list[list[str]]:
    path = Path(__file__).parent / "expected" / f"{name}.csv"
    return rows_of(path.read_text(encoding="utf-8"))


def answered(snapshot: Snapshot, name: str) -> list[list[str]]:
    output = BytesIO()
    query = Query(text_of(name), result_format="csv")
    assert evaluate(snapshot, query, lambda kind, form: output) is Kind.SOLUTIONS
    return rows_of(output.getvalue().decode())


def test_the_questions_are_all_there() -> None:
    questions = [header_of(name)["question"] for name in NAMES]
    assert sorted(questions) == NUMBERS
    assert [query.name for query in saved_queries(ROOT, "questions")] == NAMES


def test_each_question_has_an_expected_answer_and_no_answer_is_left_over() -> None:
    assert sorted(path.stem for path in (Path(__file__).parent / "expected").iterdir()) == NAMES


def test_no_two_questions_have_the_same_title() -> None:
    titles = [title for name in NAMES for title in saved_query(path_of(name)).title.values()]
    assert len(titles) == len(set(titles)) == 2 * len(NUMBERS)


@pytest.mark.parametrize("name", NAMES)
def test_the_header_is_well_formed(name: str) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)
    header, query = header_of(name), saved_query(path_of(name))
    assert header.keys() - {"parameters", "figure"} == KEYS
    for texts in (query.title, query.description):
        assert texts.keys() == {"en", "ko"}
        assert all(texts.values())
        assert re.search("[가-힣]", texts["ko"])
        assert not re.search("[가-힣]", texts["en"])
    assert query.view in VIEWS
    assert query.tags
    assert all(re.fullmatch(r"[a-z-]+", tag) for tag in query.tags)
    assert query.expect.keys() == {"rows", "columns"}


@pytest.mark.parametrize("name", NAMES)
def test_the_query_names_no_graph_and_orders_its_answer(name: str) -> None:
    code = code_of(name)
    if header_of(name)["question"] not in PROVENANCE:
        assert not re.search(r"\b(FROM|GRAPH)\b", code, re.IGNORECASE)
    assert re.search(r"\bORDER BY\b[^{}]+$", code)


@pytest.mark.parametrize("name", NAMES)
def test_the_prefixes_are_ours_and_each_is_used(snapshot: Snapshot, name: str) -> None:
    declared = dict(re.findall(r"^PREFIX ([a-z-]+): <(\S+)>$", text_of(name), re.MULTILINE))
    assert declared.items() <= snapshot.summary.prefixes.items()
    body = re.sub(r"PREFIX \S+", "", code_of(name))
    assert set(re.findall(r"([a-z-]+):", body)) == declared.keys()
    assert list(declared) == sorted(declared)


@pytest.mark.parametrize("name", NAMES)
def test_the_answer_is_right_and_quick(snapshot: Snapshot, name: str) -> None:
    begun = time.perf_counter()
    rows = answered(snapshot, name)
    assert time.perf_counter() - begun < 1
    assert rows == expected(name)


@pytest.mark.parametrize("name", NAMES)
def test_the_answer_is_as_the_header_says(snapshot: Snapshot, name: str) -> None:
    columns, *rows = answered(snapshot, name)
    assert {"rows": len(rows), "columns": columns} == header_of(name)["expect"]


@pytest.mark.parametrize("name", NAMES)
def test_a_newcomer_gets_the_right_answer_over_http(server: Server, name: str) -> None:
    answer = server.get(text_of(name), accept="text/csv")
    assert answer.status_code == 200
    assert answer.headers["content-type"].partition(";")[0] == "text/csv"
    assert rows_of(answer.text) == expected(name)


def test_the_flagship_is_answered_by_post_as_a_form(server: Server) -> None:
    answer = server.client.post(
        "/sparql", data={"query": text_of(FLAGSHIP)}, headers={"accept": "text/csv"}
    )
    assert answer.request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert rows_of(answer.text) == expected(FLAGSHIP)


def test_the_flagship_is_answered_by_post_as_a_query(server: Server) -> None:
    answer = server.client.post(
        "/sparql",
        content=text_of(FLAGSHIP).encode(),
        headers={"accept": "text/csv", "content-type": "application/sparql-query"},
    )
    assert rows_of(answer.text) == expected(FLAGSHIP)
