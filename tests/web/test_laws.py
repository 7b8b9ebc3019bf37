"""The page `/laws`: what was announced, what became of it, and what nobody knows."""

import csv
import io

import pytest
from lxml import html

from rokgraph.vocab import BASE
from rokgraph.web.language import LANGUAGES, words
from rokgraph.web.milestones import Course, Mark, chart
from rokgraph.web.signposting import local
from running import ROOT, Server

JSON = {"accept": "application/sparql-results+json"}


def page_at(server: Server, **given: str) -> html.HtmlElement:
    answer = server.client.get("/laws", params=given, headers={"accept": "text/html"})
    assert answer.status_code == 200, answer.text[:300]
    return html.document_fromstring(answer.content)


def select(server: Server, query: str) -> list[dict[str, str]]:
    answer = server.get(f"PREFIX rok: <{BASE}ont#> {query}", **JSON)
    assert answer.status_code == 200, answer.text
    found = answer.json()["results"]["bindings"]
    return [{name: term["value"] for name, term in row.items()} for row in found]


def expected(name: str) -> list[dict[str, str]]:
    path = ROOT / "tests" / "expected" / f"{name}.csv"
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))


def table(page: html.HtmlElement, at: int = 0) -> list[dict[str, html.HtmlElement]]:
    found = page.xpath("//table")[at]
    heads = [head.text_content() for head in found.xpath("./thead//th")]
    return [dict(zip(heads, row, strict=True)) for row in found.xpath("./tbody/tr")]


def days(cell: html.HtmlElement) -> str:
    return "".join(cell.xpath(".//time/@datetime"))


@pytest.fixture(scope="module")
def page(server: Server) -> html.HtmlElement:
    return page_at(server, lang="en")


def test_the_table_says_what_the_tables_of_the_outcomes_say(page: html.HtmlElement) -> None:
    """The expected answer to question N01 was compared line by line with its sources."""
    wanted = sorted(
        (row["instrument"], row["status"], row["number"], row["promulgated"], row["inForce"],
         row["asOf"], row["confidence"], row["evidence"])
        for row in expected("announced-instruments-and-their-acts")
    )  # fmt: skip
    told = sorted(
        (
            row["Instrument"].xpath("./a")[0].text_content(),
            row["What became of it"].xpath("./a")[0].text_content(),
            "".join(row["No."].xpath("./data/@value")),
            days(row["Promulgated"]),
            days(row["In force"]),
            days(row["As of"]),
            row["Confidence"].text_content(),
            row["Evidence"].xpath("./span")[0].text_content(),
        )
        for row in table(page)
    )
    assert told == wanted


def test_the_days_are_those_of_the_question(page: html.HtmlElement) -> None:
    wanted = {
        row["proposalLabel"]: (row["daysToPromulgation"], row["daysToForce"])
        for row in expected("days-from-announcement-to-law")
    }
    told = {
        row["Instrument"].xpath("./a")[0].text_content(): (
            "".join(row["Days to promulgation"].xpath("./data/@value")),
            "".join(row["Days from there to force"].xpath("./data/@value")),
        )
        for row in table(page)
    }
    assert {name: pair for name, pair in told.items() if pair != ("", "")} == wanted


def test_what_nobody_looked_up_is_called_so(page: html.HtmlElement) -> None:
    [row] = [row for row in table(page) if "self-driving" in row["Instrument"].text_content()]
    assert "nobody has looked it up" in row["What became of it"].text_content()
    assert row["Act or document"].text_content() == "no act known"
    assert "nobody has looked it up" in page.xpath("//svg")[0].text_content()


def test_a_number_that_was_not_read_is_not_invented(page: html.HtmlElement) -> None:
    [row] = [row for row in table(page) if "ICT" in row["Instrument"].text_content()]
    for column in ("No.", "Promulgated", "In force"):
        assert row[column].text_content() == "not read"


def test_what_existed_before_is_not_called_announced(page: html.HtmlElement) -> None:
    for row in table(page):
        href = row["Instrument"].xpath("./a/@href")[0]
        told = row["In the release"].text_content()
        assert told.startswith("announced" if "/proposal/" in href else "existed before")
        if "/act/" in href:
            assert not row["Days to promulgation"].xpath(".//data")


def test_each_row_leads_to_its_entity_its_span_its_evidence_and_its_trace(
    server: Server, page: html.HtmlElement
) -> None:
    for row in table(page):
        [span] = row["Source"].xpath(".//a[@class='span']/@href")
        links = [span, *row["Instrument"].xpath("./a/@href"), *row["Trace"].xpath("./a/@href")]
        links += row["What became of it"].xpath("./a/@href")
        assert len(links) == 5
        for href in links:
            assert server.client.get(href, follow_redirects=True).status_code == 200, href


def test_the_tasks_that_announce_are_those_of_the_graph(
    server: Server, page: html.HtmlElement
) -> None:
    wanted = {
        (local(row["law"]), local(row["task"]))
        for row in select(
            server, "SELECT ?law ?task { ?law a rok:LegislativeProposal ; rok:inTask ?task }"
        )
    }
    told = {
        (row["Instrument"].xpath("./a/@href")[0], href)
        for row in table(page)
        for href in row["In the release"].xpath("./a/@href")
    }
    assert {pair for pair in told if "/proposal/" in pair[0]} == wanted


def test_every_instrument_has_a_lane_in_the_picture(page: html.HtmlElement) -> None:
    [drawing] = page.xpath("//svg")
    assert drawing.get("role") == "group"
    lanes = set(drawing.xpath(".//a/@href"))
    assert lanes == {row["Instrument"].xpath("./a/@href")[0] for row in table(page)}
    told = drawing.text_content()
    for words_of_mark in ("promulgated 21 Jan 2025", "in force 22 Jan 2026",
                          "published 25 Sep 2023", "Not enacted as of 11 Jul 2025"):  # fmt: skip
        assert words_of_mark in told


def test_what_amends_what_is_all_there(server: Server, page: html.HtmlElement) -> None:
    query = "SELECT ?a ?b { ?a <http://data.europa.eu/eli/ontology#amends> ?b }"
    wanted = {(local(row["a"]), local(row["b"])) for row in select(server, query)}
    rows = table(page, 1)
    told = [
        (row["Amending act"].xpath("./a/@href")[0], row["Amended act"].xpath("./a/@href")[0])
        for row in rows
    ]
    assert len(told) == len(set(told))
    assert set(told) == wanted
    of_strategy = {row["Amending act"].xpath("./a/@href")[0] for row in rows
                   if row["Came of the strategy"].xpath("./a")}  # fmt: skip
    assert of_strategy == {
        f"/id/act/kr-{row['amendingNumber']}"
        for row in expected("acts-amended-by-acts-of-the-strategy")
    }


def test_discrepancies_of_laws_are_told(server: Server, page: html.HtmlElement) -> None:
    wanted = select(
        server,
        """SELECT DISTINCT ?note { ?note a rok:Discrepancy ;
        <http://www.w3.org/ns/oa#hasTarget> ?law .
        { ?law a rok:LegislativeProposal }
        UNION { ?law a <http://data.europa.eu/eli/ontology#LegalResource> } }""",
    )
    told = page.xpath("//div[@class='note']/p/a[1]/@href")
    assert sorted(told) == sorted(local(row["note"]) for row in wanted)


def test_each_status_on_offer_gives_the_laws_that_it_counts(
    server: Server, page: html.HtmlElement
) -> None:
    counted = {
        link.get("href"): link.xpath("following-sibling::data[1]/@value")[0]
        for link in page.xpath("//main/p/a[starts-with(@href, '/laws?status=')]")
    }
    assert counted
    for href, count in counted.items():
        found = html.document_fromstring(server.client.get(href).content)
        laws = {row["Instrument"].xpath("./a/@href")[0] for row in table(found)
                if "Instrument" in row}  # fmt: skip
        assert len(laws) == int(count), href


@pytest.mark.parametrize(
    ("given", "laws"),
    [
        ({"technology": "ai"}, {"/id/proposal/ai-framework-act"}),
        ({"technology": "npu"}, {"/id/proposal/ai-framework-act"}),
        ({"technology": "data"}, {"/id/act/kr-18475"}),
        (
            {"status": "outcome-status:enacted", "technology": "metaverse"},
            {"/id/proposal/metaverse-special-act"},
        ),
    ],
)
def test_the_facets_choose(server: Server, given: dict[str, str], laws: set[str]) -> None:
    page = page_at(server, lang="en", **given)
    assert {row["Instrument"].xpath("./a/@href")[0] for row in table(page)} == laws
    chosen = page.xpath("//form[@action='/laws']//option[@selected]/@value")
    assert {value.rpartition("/")[2] for value in chosen} == {
        value.rpartition(":")[2] for value in given.values()
    } & {value.rpartition("/")[2] for value in page.xpath("//form//option/@value")}


def test_no_law_of_a_choice_is_said_plainly(server: Server) -> None:
    page = page_at(server, lang="en", technology="quantum")
    assert page.xpath("//p[@class='note']")
    assert not page.xpath("//svg")
    assert len(page.xpath("//table")) == 1  # the amendments


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_is_in_the_language(server: Server, language: str) -> None:
    page = page_at(server, lang=language)
    assert page.get("lang") == language
    assert page.xpath("//h1")[0].text_content() == words(language, "laws")["title"]


def test_marks_stand_in_order_of_time_within_the_picture() -> None:
    courses = [
        Course("a", "A", (Mark("2020-01-01", "first", "x"), Mark("2026-12-31", "last one", "y"))),
        Course("b", "B", (), aside="not known", since="2022-09-28"),
    ]
    drawn = chart(courses, "2022-09-28")
    first, last = drawn.lanes[0].dots
    assert drawn.left == first.x < drawn.event < last.x == drawn.right
    assert last.anchor == "end"
    assert drawn.lanes[0].y < drawn.lanes[1].y < drawn.height
    assert [year for _, year in drawn.ticks] == list(range(2020, 2027))
    assert drawn.lanes[1].aside is not None
    with pytest.raises(ValueError, match="2022-9"):
        chart(courses, "2022-9")
