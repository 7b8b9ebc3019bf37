"""The board at `/`: what it says of a task is what the graph says, asked another way."""

import json
from collections import defaultdict

import pytest
from lxml import html

from rokgraph.vocab import BASE
from running import Server

_ROK = f"PREFIX rok: <{BASE}ont#> "
_JSON = {"accept": "application/sparql-results+json"}
GAPS = ("no-law", "no-stated-law", "no-deadline", "no-target", "no-budget")


def asked(server: Server, query: str) -> list[tuple[str, ...]]:
    """The rows of a SELECT, in the order of its variables."""
    told = server.get(_ROK + query, **_JSON).json()
    names = told["head"]["vars"]
    return [
        tuple(row[name]["value"] if name in row else "" for name in names)
        for row in told["results"]["bindings"]
    ]


def page_at(server: Server, path: str) -> html.HtmlElement:
    answer = server.client.get(path, headers={"accept": "text/html"})
    assert answer.status_code == 200, (path, answer.text[:300])
    return html.document_fromstring(answer.content)


@pytest.fixture(scope="module")
def board(server: Server) -> html.HtmlElement:
    return page_at(server, "/?lang=en")


def words_of(element: html.HtmlElement) -> str:
    return " ".join(element.text_content().split())


def cards(page: html.HtmlElement) -> dict[str, html.HtmlElement]:
    """The cards of the board by the IRI of their task."""
    links = page.xpath("//*[@class='board']//li[@class='cell']/a")
    return {BASE + link.get("href").removeprefix("/"): link for link in links}


def parts_of(card: html.HtmlElement) -> list[str]:
    return [words_of(part) for part in card.xpath(".//*[@class='told']/span")]


def test_the_bands_are_the_strategies_and_the_cards_their_tasks_in_order(
    server: Server, board: html.HtmlElement
) -> None:
    expected = defaultdict(list)
    query = """SELECT ?strategy ?task WHERE {
      ?task a rok:Task ; rok:elementOf ?strategy ; rok:ordinal ?second .
      ?strategy rok:ordinal ?first } ORDER BY ?first ?second"""
    for strategy, task in asked(server, query):
        expected[strategy].append(task)
    found = {
        BASE + band.xpath(".//h2/a/@href")[0].removeprefix("/"): [
            BASE + href.removeprefix("/") for href in band.xpath(".//li/a/@href")
        ]
        for band in board.xpath("//section[contains(@class, 'band')]")
    }
    assert found == expected
    assert [*found] == [*expected]


def test_each_band_has_a_hue_of_its_own(board: html.HtmlElement) -> None:
    hues = [band.get("class") for band in board.xpath("//section[contains(@class, 'band')]")]
    assert hues == [f"band s{number}" for number in range(1, 6)]


def test_a_card_has_the_laws_of_its_task_stated_apart_from_inferred(
    server: Server, board: html.HtmlElement
) -> None:
    laws: dict[str, dict[bool, set[str]]] = defaultdict(lambda: defaultdict(set))
    query = """SELECT ?task ?basis ?proposal ?act WHERE {
      ?trace rok:traceTask ?task ; rok:traceBasis ?basis
      OPTIONAL { ?trace rok:traceProposal ?proposal } OPTIONAL { ?trace rok:traceAct ?act } }"""
    for task, basis, proposal, act in asked(server, query):
        laws[task][basis.endswith("/stated")].add(proposal or act)
    assert laws
    for task, card in cards(board).items():
        stated, inferred = len(laws[task][True]), len(laws[task][False])
        parts = parts_of(card)
        nouns = {1: "law"}
        assert (f"{stated} {nouns.get(stated, 'laws')} stated" in parts) == bool(stated), task
        assert (f"{inferred} {nouns.get(inferred, 'laws')} inferred" in parts) == bool(inferred)
        assert ("no law named" in parts) == (not stated and not inferred), task


@pytest.mark.parametrize(("of", "one"), [("Target", "target"), ("Budget", "budget")])
def test_a_card_has_how_many_targets_and_budgets_there_are_or_that_there_is_none(
    server: Server, board: html.HtmlElement, of: str, one: str
) -> None:
    found = defaultdict(set)
    for task, thing in asked(server, f"SELECT ?t ?x {{ ?x a rok:{of} ; rok:inTask ?t }}"):
        found[task].add(thing)
    assert found
    for task, card in cards(board).items():
        count = len(found[task])
        told = f"{count} {one}{'s' * (count != 1)}" if count else f"no {one}"
        assert told in parts_of(card), task


def test_a_card_has_the_first_year_or_that_there_is_no_deadline(
    server: Server, board: html.HtmlElement
) -> None:
    years = defaultdict(set)
    for task, year in asked(server, "SELECT ?t ?y { ?x rok:dueYear ?y ; rok:inTask ?t }"):
        years[task].add(year)
    assert years
    for task, card in cards(board).items():
        told = f"first due {min(years[task])}" if years[task] else "no deadline"
        assert told in parts_of(card), task


def test_the_heading_counts_by_a_query(server: Server, board: html.HtmlElement) -> None:
    [(strategies, tasks)] = asked(
        server,
        "SELECT ?a ?b { { SELECT (COUNT(*) AS ?a) { ?s a rok:Strategy } }"
        " { SELECT (COUNT(*) AS ?b) { ?s a rok:Task } } }",
    )
    assert [words_of(head) for head in board.xpath("//h1")] == [
        f"{strategies} strategies, {tasks} tasks"
    ]


def test_the_missing_task_is_told_where_the_reader_counts(board: html.HtmlElement) -> None:
    [note] = board.xpath("//p[@class='note']")
    assert words_of(note).startswith("19 tasks announced, 18 headings printed")
    assert note.xpath(".//a/@href")[0] == "/id/discrepancy/19-tasks-18-headings"
    assert note.xpath(".//a[@class='span']/@href") == ["/id/passage/p1736-1773"]


@pytest.mark.parametrize("gap", GAPS)
def test_a_gap_leads_to_as_many_tasks_as_it_says(
    server: Server, board: html.HtmlElement, gap: str
) -> None:
    [link] = board.xpath(f"//a[@href='/tasks?gap={gap}']")
    listed = page_at(server, f"/tasks?gap={gap}").xpath(
        "//table[contains(@class, 'sortable')]//tbody/tr"
    )
    assert [len(listed)] == [int(value) for value in link.xpath("./data/@value")]


def test_a_year_leads_to_as_many_tasks_as_it_says(server: Server, board: html.HtmlElement) -> None:
    links = board.xpath("//a[starts-with(@href, '/tasks?year=')]")
    assert len(links) > 3
    for link in links:
        listed = page_at(server, link.get("href")).xpath(
            "//table[contains(@class, 'sortable')]//tbody/tr"
        )
        row = link.getparent().getparent()
        assert [str(len(listed))] == row.xpath(".//data[@data-column='tasks']/@value")


def test_the_questions_lead_somewhere(server: Server, board: html.HtmlElement) -> None:
    links = board.xpath("//ul[contains(@class, 'ask')]//a/@href")
    assert len(links) == 5
    for link in links:
        assert server.client.get(link, headers={"accept": "text/html"}).status_code == 200, link


def test_each_task_has_its_span_in_the_table(server: Server, board: html.HtmlElement) -> None:
    query = "SELECT ?task ?passage { ?task a rok:Task ; rok:citation ?passage }"
    found = [
        (
            BASE + row.xpath("./th/a/@href")[0][1:],
            BASE + row.xpath(".//a[@class='span']/@href")[0][1:],
        )
        for row in board.xpath("//table[contains(@class, 'sortable')]//tbody/tr")
    ]
    assert sorted(found) == sorted(asked(server, query))


def test_search_engines_read_the_dataset_here_and_only_here(
    server: Server, board: html.HtmlElement
) -> None:
    [markup] = board.xpath("//script[@type='application/ld+json']/text()")
    told = json.loads(markup)
    assert told["@type"] == "Dataset"
    assert told["@id"] == f"{BASE}dataset"
    for path in ("/tasks", "/about"):
        assert not page_at(server, path).xpath("//script[@type='application/ld+json']")


def test_the_board_speaks_korean(server: Server) -> None:
    page = page_at(server, "/?lang=ko")
    assert words_of(page.xpath("//h1")[0]) == "5개 추진전략, 18개 세부과제"
    assert "충분한 디지털 자원 확보" in words_of(cards(page)[f"{BASE}id/task/1-2"])
    assert "시한 없음" in parts_of(cards(page)[f"{BASE}id/task/1-1"])
    assert not page.xpath("//*[@class='board']//*[@lang='en']")
