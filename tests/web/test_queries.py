"""The questions as an API: every question in every format, parameters, pages, code, examples."""

import csv
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from io import BytesIO, StringIO
from itertools import pairwise
from pathlib import Path
from shutil import which
from typing import Any, cast
from urllib.parse import urlencode

import httpx
import openpyxl
import pyoxigraph as ox
import pytest
from lxml import html

from rokgraph.dialect import counted, sliced
from rokgraph.errors import SourceError
from rokgraph.evaluation import ask
from rokgraph.examples import ENDPOINT, examples
from rokgraph.formats import RESULT_FORMATS
from rokgraph.library import SavedQuery, saved_queries, saved_query, without_header
from rokgraph.parameters import bound, places, term
from rokgraph.query import Query
from rokgraph.snapshot import Snapshot, load_built_in
from rokgraph.values import python_value
from rokgraph.vocab import RDF_TYPE
from rokgraph.web.arguments import RESERVED
from rokgraph.web.language import LANGUAGES, words
from rokgraph.web.renderings import OFFERED, SNIPPETS
from rokgraph.web.signposting import local
from running import ROOT, Server, missing

QUESTIONS = {saved.name: saved for saved in saved_queries(ROOT, "questions")}
NAMES = sorted(QUESTIONS)
EXPECTED = ROOT / "tests" / "expected"
YEAR, TASK, AI = "due-in-2024", "laws-that-touch-a-task", "everything-about-ai-in-order"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    return load_built_in(ROOT)


def got(server: Server, place: str, **parameters: object) -> httpx.Response:
    return server.client.get(f"/queries/{place}", params={k: str(v) for k, v in parameters.items()})


def rows(text: str) -> list[list[str]]:
    return list(csv.reader(StringIO(text)))


def expected(name: str) -> list[list[str]]:
    return rows((EXPECTED / f"{name}.csv").read_text(encoding="utf-8"))


def terms(content: bytes, form: ox.QueryResultsFormat) -> list[list[Any]]:
    found = ox.parse_query_results(content, format=form)
    assert isinstance(found, ox.QuerySolutions)
    return [list(solution) for solution in found]


def solutions(store: ox.Store, text: str) -> ox.QuerySolutions:
    found = store.query(text)
    assert isinstance(found, ox.QuerySolutions)
    return found


# -- formats ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_a_question_answers_in_every_format(server: Server, name: str) -> None:
    columns, *told = expected(name)
    exact = got(server, f"{name}.json")
    found = terms(exact.content, ox.QueryResultsFormat.JSON)
    assert terms(got(server, f"{name}.xml").content, ox.QueryResultsFormat.XML) == found
    assert terms(got(server, f"{name}.tsv").content, ox.QueryResultsFormat.TSV) == found
    assert rows(got(server, f"{name}.csv").text) == [columns, *told]
    sheet = openpyxl.load_workbook(BytesIO(got(server, f"{name}.xlsx").content))["answer"]
    cells = [[cell.value for cell in row] for row in sheet.rows]
    assert cells[0] == columns
    for row, (put, solution) in enumerate(zip(cells[1:], found, strict=True)):
        for value, one in zip(put, solution, strict=True):
            wanted = python_value(one)
            if isinstance(wanted, str):
                assert value == str(wanted), row
            elif isinstance(wanted, int):
                assert value == wanted, row
    page = got(server, f"{name}.html").text
    assert page.count("<tr>") == len(told) + 1
    assert got(server, f"{name}.rq").text == QUESTIONS[name].text


def content(answer: httpx.Response) -> bytes:
    """The body; of a page what is not of its address."""
    return answer.content.partition(b"<main")[2].partition(b"</main>")[0] or answer.content


@pytest.mark.parametrize("suffix", OFFERED)
def test_suffix_format_and_accept_choose_the_same(server: Server, suffix: str) -> None:
    by_suffix = got(server, f"{YEAR}.{suffix}")
    by_name = got(server, YEAR, format=suffix)
    by_type = server.client.get(f"/queries/{YEAR}", headers={"accept": OFFERED[suffix][0]})
    assert content(by_suffix) == content(by_name) == content(by_type)
    assert by_suffix.headers["content-type"].partition(";")[0] == OFFERED[suffix][0]
    assert "Accept," not in by_suffix.headers["vary"]
    chosen = ", Accept-Language, Cookie" if suffix == "html" else ""
    assert by_type.headers["vary"] == f"Accept, Accept-Encoding{chosen}"


def test_a_browser_gets_a_page_and_a_program_json(server: Server) -> None:
    page = server.client.get(f"/queries/{YEAR}", headers={"accept": BROWSER})
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert got(server, YEAR).headers["content-type"] == RESULT_FORMATS[0].media_type


def test_a_page_tells_the_question_in_both_languages_and_its_query(server: Server) -> None:
    saved = QUESTIONS[YEAR]
    page = got(server, f"{YEAR}.html").text
    for text in (*saved.title.values(), *saved.description.values()):
        assert text in page
    assert "SELECT ?notation ?action ?actionLabel ?printed" in page
    assert "#+" not in page
    assert "<script>" not in page
    for name in OFFERED:
        assert name == "html" or f'href="/queries/{YEAR}.{name}"' in page


def test_a_page_shows_which_values_were_given(server: Server) -> None:
    page = got(server, f"{TASK}.html", task="1-3").text
    assert '<option value="task:1-3" selected>' in page
    assert page.count(" selected>") == 1
    assert page.count("<option") == 18
    assert f'href="/queries/{TASK}.csv?task=1-3"' in page
    assert '<option value="task:1-2" selected>' in got(server, f"{TASK}.html").text


def test_a_workbook_says_what_it_is(server: Server) -> None:
    answer = got(server, f"{YEAR}.xlsx", year="2026")
    book = openpyxl.load_workbook(BytesIO(answer.content))
    about = {row[0].value: row[1].value for row in book["about"].rows}
    assert about["title"] == QUESTIONS[YEAR].title["en"]
    assert about["제목"] == QUESTIONS[YEAR].title["ko"]
    assert about["description"] == QUESTIONS[YEAR].description["en"]
    assert about["dataset"] == answer.headers["rokgraph-dataset"]
    assert re.fullmatch(r"\d{4}\.\d+", about["dataset version"])
    assert '"2026"' in about["parameter year"]
    assert '"2026"^^' in about["query"]
    assert book["answer"].freeze_panes == "A2"
    assert book["answer"]["B2"].hyperlink.target == book["answer"]["B2"].value


def test_a_header_whose_text_ends_at_a_comma_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "one.rq"
    path.write_text("#+ title: {en: Links, counted, ko: 연결}\nASK {}\n", encoding="utf-8")
    with pytest.raises(SourceError, match="'counted': None"):
        saved_query(path)


# -- the page --------------------------------------------------------------------------------


def document(server: Server, place: str, **parameters: object) -> html.HtmlElement:
    """The page at a place below /queries/, in English where nothing else is asked for."""
    answer = server.client.get(
        f"/queries/{place}",
        params={key: str(value) for key, value in parameters.items()},
        headers={"accept": BROWSER},
    )
    assert answer.status_code == 200
    return html.document_fromstring(answer.content)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_a_page_speaks_the_language_of_the_reader(server: Server, name: str, language: str) -> None:
    page, saved = document(server, name, lang=language), QUESTIONS[name]
    [heading] = page.xpath("//h1")
    assert heading.text.strip() == saved.title[language]
    [lede] = page.xpath("//p[@class='lede']")
    assert lede.text_content() == saved.description[language]
    labels = [label.text_content() for label in page.xpath("//form[@class='facets']//label")]
    assert labels == [wanted.description[language] for wanted in saved.parameters.values()]
    assert page.xpath("//*[@class='crumbs']//a/@href") == ["/queries/"]


@pytest.mark.parametrize("name", NAMES)
def test_every_row_and_number_of_a_page_is_that_of_the_answer(server: Server, name: str) -> None:
    page = document(server, name)
    [table] = page.xpath("//table")
    variables, found = (
        server.client.get(table.get("data-of")).json()[part] for part in ("head", "results")
    )
    shown = [head.text_content() for head in table.xpath("./thead/tr/th")]
    assert set(shown) <= set(variables["vars"])
    for row, solution in zip(table.xpath("./tbody/tr"), found["bindings"], strict=True):
        for name_, cell in zip(shown, row.xpath("./td"), strict=True):
            term = solution.get(name_)
            if term is None:
                assert cell.text_content().strip() == ""
            elif term["type"] == "uri":
                assert cell.xpath("./a/@href") == [local(term["value"])]
            elif cell.xpath("./data"):
                assert cell.xpath("./data/@value") == [term["value"]]
                assert cell.xpath("./data/@data-column") == [name_]
            elif cell.xpath("./time"):
                assert cell.xpath("./time/@datetime") == [term["value"]]
            else:
                assert cell.text_content() == term["value"]


def test_a_column_that_repeats_a_name_is_left_to_the_link(server: Server) -> None:
    heads = "//table/thead/tr/th"
    page = document(server, "stated-and-read", lang="ko")
    assert [one.text for one in page.xpath(heads)] == ["property", "stated", "read"]
    assert page.xpath("//table//td/a")[0].text_content() == "부착 대상"
    asked = {"query": QUESTIONS["stated-and-read"].text}
    whole = server.client.get("/sparql", params=asked, headers={"accept": BROWSER})
    columns = [one.text for one in html.document_fromstring(whole.content).xpath(heads)]
    assert columns == ["property", "label", "stated", "read"]


def test_names_of_members_are_in_the_language_of_the_reader(server: Server) -> None:
    for language, name in (("en", "Sufficient digital resources"), ("ko", "디지털 자원")):
        [chosen] = document(server, TASK, lang=language).xpath("//option[@selected]")
        assert name in chosen.text
        assert chosen.text.endswith("(task:1-2)")


FIGURES = [name for name in NAMES if QUESTIONS[name].figure]


def test_a_figure_names_columns_of_its_question() -> None:
    assert {QUESTIONS[name].view for name in FIGURES} == {"bars", "timeline"}
    for name in NAMES:
        figure, columns = QUESTIONS[name].figure, QUESTIONS[name].expect["columns"]
        assert figure.keys() <= {"label", "value", "when", "pairs", "unit"}
        assert (QUESTIONS[name].view == "bars") == ("value" in figure or "pairs" in figure)
        named = [*figure.get("label", []), *figure.get("value", []), figure.get("when")]
        named += [column for pair in figure.get("pairs", []) for column in pair]
        assert {*filter(None, named)} <= {*columns}
        assert figure.get("unit", "") in ("", "won", "days")


@pytest.mark.parametrize("name", [name for name in FIGURES if QUESTIONS[name].view == "bars"])
def test_bars_are_as_long_as_their_numbers(server: Server, name: str) -> None:
    [drawing] = document(server, name).xpath("//figure//svg")
    lengths = [float(length) for length in drawing.xpath(".//rect/@width")]
    values = [float(value) for value in drawing.xpath(".//text/@data-value")]
    columns = drawing.xpath(".//text/@data-column")
    answer = got(server, f"{name}.json").json()["results"]["bindings"]
    assert sorted(values) == sorted(
        float(row[column]["value"]) for row in answer for column in {*columns} if column in row
    )
    assert max(lengths) == 720 - 150
    for length, value in zip(lengths, values, strict=True):
        assert length == pytest.approx(value / max(values) * max(lengths), abs=0.1)


def test_amounts_and_days_are_told_in_words(server: Server) -> None:
    drawn = "//figure//svg//text[@data-value]"
    for language, amount in (("en", "KRW 1.02 trillion"), ("ko", "1조 200억 원")):
        page = document(server, "ai-research-budgets", lang=language)
        assert amount in [text.text for text in page.xpath(drawn)]
    page = document(server, "days-from-announcement-to-law")
    assert "517 days · daysToPromulgation" in [text.text for text in page.xpath(drawn)]


@pytest.mark.parametrize("name", [name for name in FIGURES if QUESTIONS[name].view == "timeline"])
def test_a_timeline_has_a_mark_for_each_time(server: Server, name: str) -> None:
    [drawing] = document(server, name).xpath("//figure//svg")
    answer = got(server, f"{name}.json").json()["results"]["bindings"]
    when = QUESTIONS[name].figure["when"]
    times = [row[when]["value"] for row in answer if when in row]
    assert len(drawing.xpath(".//circle")) == sum(len(time) == 10 for time in times)
    assert len(drawing.xpath(".//rect")) == sum(len(time) in (4, 7) for time in times)
    years = [int(text) for text in drawing.xpath(".//text[@text-anchor='middle']/text()")]
    assert min(years) == min(int(time[:4]) for time in times)
    places = {
        year: float(x)
        for year, x in zip(years, drawing.xpath(".//text[@text-anchor='middle']/@x"), strict=True)
    }
    for time, mark in zip(times, drawing.xpath(".//circle | .//rect"), strict=True):
        at = float(mark.get("cx") or mark.get("x"))
        assert places[int(time[:4])] <= at < places.get(int(time[:4]) + 1, 1000)


def test_a_figure_without_rows_is_not_drawn(server: Server) -> None:
    page = document(server, "due-by-2025-without-known-outcome", year="1999")
    assert page.xpath("//figure") == []


def test_a_page_comes_in_parts(server: Server) -> None:
    page = document(server, AI, limit=5, offset=5)
    assert [head.tag for head in page.xpath("//tbody/tr")] == ["tr"] * 5
    links = {link.get("rel"): link.get("href") for link in page.xpath("//*[@class='parts']/a")}
    assert links["prev"] == f"/queries/{AI}?limit=5"
    assert links["next"] == f"/queries/{AI}?limit=5&offset=10"
    assert "Rows 6 to 10 of 17" in page.xpath("//h2[1]/following-sibling::p[1]")[0].text


def test_a_page_leads_to_the_editor_with_the_values_that_were_given(server: Server) -> None:
    page = document(server, YEAR, year="2026")
    [form] = page.xpath("//form[@action='/sparql']")
    text = dict(form.form_values())["query"]
    answer = server.get(text.replace("\r\n", "\n"), accept="text/csv")
    assert rows(answer.text) == rows(got(server, f"{YEAR}.csv", year="2026").text)


def test_a_page_says_how_to_cite_it(server: Server) -> None:
    [cited] = document(server, YEAR, year="2026").xpath("//details[@class='cite']")
    text = cited.text_content()
    assert QUESTIONS[YEAR].title["en"] in text
    assert f"{server.url}/queries/{YEAR}?year=2026" in text


# -- the list --------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_list_is_grouped_by_the_first_tag(server: Server, language: str) -> None:
    page = document(server, "", lang=language)
    common = words(language, "common")
    seen: list[str] = []
    for group in page.xpath("//main/section[@class='group']"):
        names = [link.rpartition("/")[2] for link in group.xpath(".//li/a/@href")]
        [tag] = {QUESTIONS[name].tags[0] for name in names}
        assert group.xpath("./h2")[0].text == common[f"tag_{tag}"]
        assert [one.text for one in group.xpath(".//li/a")] == [
            QUESTIONS[name].title[language] for name in names
        ]
        seen += names
    assert sorted(seen) == NAMES
    behind = page.xpath("//details//section[@class='group']//li/a/@href")
    views = [f"/queries/{saved.name}" for saved in saved_queries(ROOT, "views")]
    assert sorted(behind) == sorted(views)


def test_every_tag_has_a_word_in_both_languages() -> None:
    saved = (*QUESTIONS.values(), *saved_queries(ROOT, "views"))
    tags = {f"tag_{tag}" for one in saved for tag in one.tags}
    assert tags <= words("en", "common").keys()
    assert tags <= words("ko", "common").keys()


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("인공지능 예산", "ai-budgets-compared"),
        ("BUDGETS ratio", "ai-budgets-compared"),
        ("법률", "history-of-the-acts"),
        ("saas-companies", "saas-companies-target"),
    ],
)
def test_the_list_is_searched_in_both_languages(server: Server, asked: str, name: str) -> None:
    names = [told["name"] for told in got(server, "", q=asked).json()["questions"]]
    page = document(server, "", q=asked)
    assert sorted(page.xpath("//main/section[@class='group']//li/a/@href")) == [
        f"/queries/{one}" for one in sorted(names)
    ]
    assert 0 < len(names) < len(NAMES)
    assert name in names


def test_a_search_without_result_says_so(server: Server) -> None:
    page = document(server, "", q="<no such word>")
    assert page.xpath("//*[@role='status']")[0].text == words("en", "questions")["none"]
    assert page.xpath("//input[@id='q']")[0].value == "<no such word>"
    assert got(server, "", q="xyzzy").headers["x-total-count"] == "0"


def test_a_search_is_kept_from_part_to_part(server: Server) -> None:
    answer = got(server, "", q="law", limit=2)
    assert "q=law" in answer.links["next"]["url"]
    total = int(answer.headers["x-total-count"])
    assert 2 < total < len(NAMES)


@pytest.mark.parametrize("path", ["/queries", "/queries/"])
def test_the_list_tells_of_every_question(server: Server, path: str) -> None:
    answer = server.client.get(path)
    document = answer.json()
    assert document["total"] == len(NAMES) == int(answer.headers["x-total-count"])
    for told in document["questions"]:
        saved = QUESTIONS[told["name"]]
        assert told["title"] == saved.title
        assert told["description"] == saved.description
        assert told["tags"] == list(saved.tags)
        assert told["view"] == saved.view
        assert [each["name"] for each in told["parameters"]] == list(saved.parameters)
        assert told["columns"] == saved.expect["columns"]
    page = server.client.get(path, headers={"accept": BROWSER}).text
    assert all(f'href="/queries/{name}"' in page for name in NAMES)


def test_the_list_comes_in_parts_too(server: Server) -> None:
    seen, place = [], "/queries/?limit=7"
    while place:
        answer = server.client.get(place)
        seen += [told["name"] for told in answer.json()["questions"]]
        place = answer.links.get("next", {}).get("url", "")
    assert seen == NAMES


# -- parameters ------------------------------------------------------------------------------


def test_a_year_is_bound(server: Server) -> None:
    assert rows(got(server, f"{YEAR}.csv", year="2024").text) == expected(YEAR)
    [first, *found] = rows(got(server, f"{YEAR}.csv", year="2027").text)
    assert found
    assert found != expected(YEAR)[1:]
    assert first == expected(YEAR)[0]
    assert rows(got(server, f"{YEAR}.csv", year="1999").text) == [first]


def test_an_iri_a_short_form_and_a_key_are_the_same(server: Server) -> None:
    values = ("https://w3id.org/rokgraph/id/task/1-3", "task:1-3", "1-3")
    found = {got(server, f"{TASK}.csv", task=value).text for value in values}
    assert len(found) == 1
    assert found != {got(server, f"{TASK}.csv").text}


def test_a_concept_an_act_and_a_language_are_bound(server: Server) -> None:
    metaverse = got(server, f"{AI}.csv", technology="technology:metaverse").text
    assert "proposal/metaverse-special-act,Metaverse Special Act" in metaverse
    acts = got(server, "tasks-that-the-ai-act-touches.csv", act="act:kr-20672").text
    assert acts != got(server, "tasks-that-the-ai-act-touches.csv").text
    assert re.search("[가-힣]", got(server, "strategies-in-order.csv", language="ko").text)


def test_a_number_a_choice_and_a_string_are_bound(server: Server) -> None:
    other = got(server, "where-an-amount-is-stated.csv", won="1")
    assert rows(other.text) == [QUESTIONS["where-an-amount-is-stated"].expect["columns"]]
    timeline = rows(got(server, "timeline-of-2026.csv", role="ends").text)[1:]
    assert timeline == [row for row in expected("timeline-of-2026") if row[0] == "ends"]
    names = rows(got(server, "english-names-of-acts.csv", contains="METAVERSE").text)[1:]
    every = expected("english-names-of-acts")[1:]
    assert names == [row for row in every if "metaverse" in row[2].lower()] != every


def test_an_empty_value_of_a_parameter_without_default_is_none(server: Server) -> None:
    assert rows(got(server, "timeline-of-2026.csv", role="").text) == expected("timeline-of-2026")
    assert got(server, "timeline-of-2026.csv", year="").status_code == 422


BAD = [
    (YEAR, {"year": "24"}, "is no year of four digits", 0),
    (TASK, {"task": "9-9"}, "is nothing of the class rok:Task", 18),
    (TASK, {"task": "technology:ai"}, "is nothing of the class rok:Task", 18),
    ("strategies-in-order", {"language": "fr"}, "is none of the values", 2),
    ("timeline-of-2026", {"role": "begins"}, "is none of the values", 4),
    ("where-an-amount-is-stated", {"won": "-1"}, "is out of bounds", 1),
    ("where-an-amount-is-stated", {"won": "1e3"}, "is no integer", 1),
    ("english-names-of-acts", {"contains": "x" * 201}, "is longer than", 0),
    (YEAR, {"limit": "0"}, "is out of bounds", 1),
    (YEAR, {"limit": "10001"}, "is out of bounds", 1),
    (YEAR, {"limit": "ten"}, "is out of bounds", 1),
    (YEAR, {"offset": "-1"}, "is out of bounds", 1),
    (YEAR, {"offset": "٣"}, "is out of bounds", 1),
    (YEAR, {"format": "pdf"}, "is not on offer", len(OFFERED)),
    (YEAR, {"snippet": "cobol"}, "is not on offer", len(SNIPPETS)),
    (YEAR + ".csv", {"format": "json"}, "is not on offer", 1),
    (YEAR, {"Year": "2024"}, "is not known", 6),
]


@pytest.mark.parametrize(("place", "given", "told", "allowed"), BAD)
def test_a_bad_value_is_refused_by_name(
    server: Server, place: str, given: dict[str, str], told: str, allowed: int
) -> None:
    answer = got(server, place, **given)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    [fault] = answer.json()["errors"]
    [(name, value)] = given.items()
    assert fault["parameter"] == name
    assert fault["value"] == value[:100]
    assert told in fault["detail"]
    assert fault["detail"] in answer.json()["detail"]
    assert fault["allowedCount"] == allowed == len(fault["allowed"])


def test_every_fault_is_told_at_once_and_of_many_values_the_first(server: Server) -> None:
    answer = got(server, AI, technology="none", limit=0, colour="red")
    faults = {fault["parameter"]: fault for fault in answer.json()["errors"]}
    assert faults.keys() == {"technology", "limit", "colour"}
    assert len(faults["technology"]["allowed"]) == 20 < faults["technology"]["allowedCount"]
    assert answer.json()["title"] == "Parameters are wrong"


def test_a_value_given_twice_or_not_in_utf_8_is_refused(server: Server) -> None:
    assert server.client.get(f"/queries/{YEAR}?year=2024&year=2024").status_code == 422
    assert server.client.get(f"/queries/{YEAR}?year=%ff").status_code == 400


INJECTIONS = [
    '"} UNION { ?s ?p ?o } #',
    '2024"^^xsd:gYear } ?s ?p ?o . #',
    "<https://w3id.org/rokgraph/id/task/1-2> } UNION { ?s ?p ?o",
    "https://w3id.org/rokgraph/id/task/1-2> <https://w3id.org/rokgraph/id/task/1-3",
    "task:1-2 task:1-3",
    "UNDEF",
    "?task",
    "1 } SERVICE <http://localhost/> {",
    "\\u0022 } #",
    "\n} LIMIT 1 #",
    "' OR 1=1",
    'en") || ("" = "',
    "\x00",
    "${7*7}",
    "<script>alert(1)</script>",
]


@pytest.mark.parametrize("value", INJECTIONS)
@pytest.mark.parametrize("name", [name for name in NAMES if QUESTIONS[name].parameters])
def test_a_value_never_becomes_a_piece_of_the_query(server: Server, name: str, value: str) -> None:
    for key, wanted in QUESTIONS[name].parameters.items():
        answer = got(server, f"{name}.csv", **{key: value})
        if wanted.kind == "string":
            assert answer.status_code == 200
            assert rows(answer.text) == expected(name)[:1]
            text = got(server, f"{name}.rq", **{key: value}).text
            start, end = places(text)[key]
            [row] = solutions(ox.Store(), f"SELECT * {{ VALUES ?v {{ {text[start:end]} }} }}")
            assert row["v"].value == value
        else:
            assert answer.status_code == 422
        for place in (name, f"{name}?snippet=python"):
            page = server.client.get(
                f"/queries/{place}", params={key: value}, headers={"accept": BROWSER}
            )
            assert "<script>" not in page.text


def test_a_value_is_the_same_in_a_page_s_links_and_snippets(server: Server) -> None:
    value = "a'b\"c&d $(id) `id`"
    page = got(server, "english-names-of-acts.html", contains=value).text
    assert urlencode({"contains": value}).replace("&", "&amp;") in page
    for name in SNIPPETS:
        code = got(server, "english-names-of-acts", contains=value, snippet=name).text
        assert urlencode({"contains": value}) in code
        assert "$(id)" not in code


def test_no_parameter_has_a_reserved_name() -> None:
    for saved in QUESTIONS.values():
        assert not saved.parameters.keys() & set(RESERVED)


# -- paging ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_a_walk_over_the_pages_sees_every_row_once(server: Server, name: str) -> None:
    columns, *told = expected(name)
    seen: list[list[str]] = []
    path = f"/queries/{name}.csv"
    place: str | None = f"{path}?limit=4"
    last = first = ""
    while place:
        answer = server.client.get(place)
        assert answer.headers["x-total-count"] == str(len(told))
        head, *part = rows(answer.text)
        assert head == columns
        assert 0 < len(part) <= 4
        seen += part
        first, last = (answer.links[relation]["url"] for relation in ("first", "last"))
        place = answer.links.get("next", {}).get("url")
    assert seen == told
    assert rows(server.client.get(first).text)[1:] == told[:4]
    assert rows(server.client.get(last).text)[-1] == told[-1]
    assert last.startswith(path)


def test_a_walk_back_ends_at_the_first_page(server: Server) -> None:
    answer = got(server, f"{AI}.csv", limit=5, offset=1000)
    assert rows(answer.text)[1:] == []
    assert "next" not in answer.links
    seen: list[list[str]] = []
    while "prev" in answer.links:
        answer = server.client.get(answer.links["prev"]["url"])
        seen = [*rows(answer.text)[1:], *seen]
    assert seen == expected(AI)[1:]


def test_parameters_go_along_from_page_to_page(server: Server) -> None:
    whole = rows(got(server, f"{YEAR}.csv", year="2026").text)[1:]
    answer = server.client.get(f"/queries/{YEAR}?year=2026&limit=2&format=csv")
    assert answer.headers["x-total-count"] == str(len(whole))
    following = server.client.get(answer.links["next"]["url"])
    assert rows(following.text)[1:] == whole[2:4]


def test_without_limit_there_is_no_other_page(server: Server) -> None:
    assert "link" not in got(server, YEAR).headers


def values_of(snapshot: Snapshot, saved: SavedQuery) -> Iterator[dict[str, Any]]:
    """The default, and every value that a parameter may be chosen from."""
    yield {}
    prefixes = snapshot.summary.prefixes
    for name, wanted in saved.parameters.items():
        if wanted.kind == "iri":
            prefix, _, local = str(wanted.of).partition(":")
            of = ox.NamedNode(prefixes[prefix] + local)
            for quad in snapshot.store.quads_for_pattern(None, RDF_TYPE, of):
                yield {name: quad.subject}
        else:
            chosen = {"year": map(str, range(2015, 2031)), "language": ("en", "ko")}
            for value in chosen.get(wanted.kind, wanted.choices):
                yield {name: term(wanted, value, (), prefixes)}


@pytest.mark.parametrize("name", NAMES)
def test_no_two_rows_are_equal_before_the_order(snapshot: Snapshot, name: str) -> None:
    saved = QUESTIONS[name]
    for given in values_of(snapshot, saved):
        text = bound(saved.text, given).rstrip()
        found = ask(snapshot, Query(text))
        assert isinstance(found, ox.QuerySolutions)
        columns = [variable.value for variable in found.variables]
        up, down = (
            [[*row] for row in cast("ox.QuerySolutions", ask(snapshot, Query(f"{text} {order}")))]
            for order in (
                " ".join(f"?{column}" for column in columns),
                " ".join(f"DESC(?{column})" for column in columns),
            )
        )
        assert up == down, given
        assert all(one != other for one, other in pairwise(up)), given


def test_a_question_leaves_room_for_its_part() -> None:
    for saved in QUESTIONS.values():
        words = re.findall(r"[A-Z]+", without_header(saved.text).rpartition("ORDER BY")[2])
        assert not {"LIMIT", "OFFSET", "VALUES"} & set(words), saved.name
        assert "FROM" not in re.sub(r"<[^>]*>|\"[^\"]*\"", "", without_header(saved.text))


def test_count_and_part_are_of_the_same_query() -> None:
    store = ox.Store()
    text = "PREFIX e: <urn:x> # {\nSELECT DISTINCT ?a { VALUES ?a { 3 1 2 1 } } ORDER BY ?a # end"
    [row] = solutions(store, counted(text))
    assert row["total"].value == "3"
    found = [row["a"].value for row in solutions(store, sliced(text, 2, 1))]
    assert found == ["2", "3"]
    assert sliced(text, None, 0) == text


# -- refusals and HTTP -----------------------------------------------------------------------


@pytest.mark.parametrize("place", ["due-in-204", "due-in-2024s", "due-in-2024.pdf", "due-in-2024."])
def test_a_name_that_is_not_there_is_404_with_near_ones(server: Server, place: str) -> None:
    answer = got(server, place)
    assert answer.status_code == 404
    assert f"/queries/{YEAR}" in answer.json()["near"]
    assert YEAR in answer.json()["detail"]
    page = server.client.get(f"/queries/{place}", headers={"accept": BROWSER})
    assert f'href="/queries/{YEAR}"' in page.text


@pytest.mark.parametrize("place", ["zzzzzzz", "a/b", "../../etc/passwd", "%00"])
def test_nothing_near_leads_to_the_list(server: Server, place: str) -> None:
    answer = server.client.get(f"/queries/{place}".replace("..", "%2e%2e"))
    assert answer.status_code == 404
    assert answer.json()["list"] == "/queries/"


@pytest.mark.parametrize(
    "path", ["/queries/", f"/queries/{YEAR}", "/.well-known/sparql-examples", "/openapi.json"]
)
def test_methods_origins_tags_and_codings(server: Server, path: str) -> None:
    client = server.client
    answer = client.get(path, headers={"accept-encoding": "identity"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cache-control"] == "public, max-age=60"
    tag = answer.headers["etag"]
    again = client.get(path, headers={"if-none-match": tag, "accept-encoding": "identity"})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    packed = client.get(path, headers={"accept-encoding": "gzip"})
    assert (packed.content, packed.headers["content-encoding"]) == (answer.content, "gzip")
    assert packed.headers["etag"] != tag
    head = client.head(path, headers={"accept-encoding": "identity"})
    assert head.headers["content-length"] == str(len(answer.content))
    assert head.content == b""
    for method in ("POST", "PUT", "DELETE"):
        refused = client.request(method, path)
        assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
    assert client.options(path).headers["allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize("path", ["/queries/", f"/queries/{YEAR}", "/.well-known/sparql-examples"])
def test_what_nobody_offers_is_406(server: Server, path: str) -> None:
    answer = server.client.get(path, headers={"accept": "image/png"})
    assert answer.status_code == 406
    assert "On offer: " in answer.json()["detail"]


def test_two_formats_and_two_values_have_two_tags(server: Server) -> None:
    places_ = ["", ".csv", ".xml", ".tsv", ".html", ".xlsx", ".rq"]
    asked = [(f"{YEAR}{suffix}", year) for suffix in places_ for year in ("2024", "2026")]
    tags = {got(server, place, year=year).headers["etag"] for place, year in asked}
    assert len(tags) == len(asked)


def test_the_pages_of_a_question_may_be_read_by_scripts_of_others(server: Server) -> None:
    exposed = got(server, YEAR, limit=2).headers["access-control-expose-headers"]
    assert {"Link", "X-Total-Count"} <= set(exposed.split(", "))


# -- code ------------------------------------------------------------------------------------


def snippet(server: Server, name: str, language: str) -> str:
    answer = got(server, name, snippet=language)
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    return answer.text


def run(*command: str) -> str:
    return subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=60, encoding="utf-8"
    ).stdout


@pytest.mark.parametrize("name", NAMES)
def test_the_curl_of_a_question_prints_its_answer(server: Server, name: str) -> None:
    if which("curl") is None:
        missing("curl")
    assert rows(run("bash", "-c", snippet(server, name, "curl"))) == expected(name)


@pytest.mark.parametrize("name", NAMES)
def test_the_python_of_a_question_prints_its_rows(server: Server, name: str) -> None:
    columns, *told = expected(name)
    printed = run(sys.executable, "-X", "utf8", "-c", snippet(server, name, "python"))
    assert printed == "".join(f"{dict(zip(columns, row, strict=True))}\n" for row in told)


def test_the_javascript_of_a_question_prints_its_rows(server: Server, tmp_path: Path) -> None:
    if which("node") is None:
        missing("node")
    # as JSON: what a console prints of an object is for people
    lines = ["const print = console.log;"]
    for name in NAMES:
        (tmp_path / f"{name}.mjs").write_text(snippet(server, name, "javascript"))
        lines.append(f"console.log = row => print(JSON.stringify(['{name}', row]));")
        lines.append(f"await import('./{name}.mjs');")
    (tmp_path / "all.mjs").write_text("\n".join(lines))
    printed = [json.loads(line) for line in run("node", str(tmp_path / "all.mjs")).splitlines()]
    for name in NAMES:
        columns, *told = expected(name)
        wanted = [
            {column: value for column, value in zip(columns, row, strict=True) if value}
            for row in told
        ]
        assert [row for question, row in printed if question == name] == wanted


def test_the_r_of_a_question_prints_its_rows(server: Server) -> None:
    if which("Rscript") is None:
        pytest.skip("R is not here, and nobody must have it")
    printed = run("Rscript", "-e", snippet(server, YEAR, "r"))
    assert "nationwide-5g-network" in printed


def test_a_snippet_asks_for_the_same_part(server: Server) -> None:
    answer = got(server, YEAR, year="2026", limit=2, offset=2, snippet="curl")
    whole = rows(got(server, f"{YEAR}.csv", year="2026").text)
    assert rows(run("bash", "-c", answer.text)) == [whole[0], *whole[3:5]]


# -- examples --------------------------------------------------------------------------------

SH = "http://www.w3.org/ns/shacl#"
# What editors ask an endpoint for its examples and its prefixes.
EXAMPLES = f"""
PREFIX sh: <{SH}>
PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
SELECT DISTINCT ?sq ?comment ?query
WHERE {{
  ?sq a sh:SPARQLExecutable ; rdfs:comment ?comment ; sh:select|sh:ask|sh:construct ?query .
}}
ORDER BY ?sq"""


def test_the_graph_of_examples_is_what_the_questions_give() -> None:
    path = ROOT / "data" / "examples" / "questions.ttl"
    assert examples(ROOT) == {path: path.read_bytes()}


def test_an_editor_finds_each_question_at_the_endpoint_and_it_runs(server: Server) -> None:
    found = server.get(EXAMPLES).json()["results"]["bindings"]
    base = "https://w3id.org/rokgraph/id/question/"
    told = {(row["sq"]["value"], row["comment"]["xml:lang"]) for row in found}
    assert told == {(base + name, language) for name in NAMES for language in ("en", "ko")}
    for row in found:
        name = row["sq"]["value"].removeprefix(base)
        saved, language = QUESTIONS[name], row["comment"]["xml:lang"]
        assert row["comment"]["value"].startswith(saved.title[language])
        assert saved.description[language] in row["comment"]["value"]
        if language == "en":
            answer = server.get(row["query"]["value"], accept="text/csv")
            assert rows(answer.text) == expected(name)


def test_the_document_of_examples_stands_alone(server: Server) -> None:
    answer = server.client.get("/.well-known/sparql-examples")
    assert answer.headers["content-type"] == "text/turtle; charset=utf-8"
    store = ox.Store()
    store.load(answer.content, format=ox.RdfFormat.TURTLE)
    assert len(list(solutions(store, EXAMPLES))) == 2 * len(NAMES)
    graph = ox.parse(
        path=str(ROOT / "data" / "examples" / "questions.ttl"), format=ox.RdfFormat.TURTLE
    )
    target = ox.NamedNode("https://schema.org/target")
    for quad in graph:
        triple = (quad.subject, quad.predicate, quad.object)
        if quad.predicate == target:
            assert quad.object == ox.NamedNode(ENDPOINT)
            triple = (quad.subject, target, ox.NamedNode(f"{server.url}/sparql"))
        assert next(store.quads_for_pattern(*triple), None), triple
    prefixes = f"SELECT ?p ?n {{ [] <{SH}prefix> ?p ; <{SH}namespace> ?n }}"
    table = {row["p"].value: row["n"].value for row in solutions(store, prefixes)}
    assert table == load_built_in(ROOT).summary.prefixes
    # each query runs as SHACL would run it: with the declared prefixes before it
    head = "".join(f"PREFIX {name}: <{space}>\n" for name, space in table.items())
    for row in solutions(store, f"SELECT ?q {{ ?s <{SH}select> ?q }}"):
        store.query(head + row["q"].value)


@pytest.mark.parametrize(
    "media_type", ["application/ld+json", "application/rdf+xml", "text/turtle"]
)
def test_the_document_of_examples_is_negotiated(server: Server, media_type: str) -> None:
    answer = server.client.get("/.well-known/sparql-examples", headers={"accept": media_type})
    assert answer.headers["content-type"].partition(";")[0] == media_type
    form = ox.RdfFormat.from_media_type(media_type)
    assert form is not None
    subjects = {quad.subject for quad in ox.parse(answer.content, format=form)}
    assert ox.NamedNode(f"https://w3id.org/rokgraph/id/question/{YEAR}") in subjects
