"""The list at `/tasks`: each way to narrow it gives the tasks that the graph has."""

import csv
import io
import re

import pytest
from lxml import html

from rokgraph.vocab import BASE
from running import Server

_PREFIXES = f"""PREFIX rok: <{BASE}ont#>
PREFIX id: <{BASE}id/>
PREFIX technology: <{BASE}def/technology/>
PREFIX xsd: <http://www.w3.org/2001/XMLSchema#> """
_JSON = {"accept": "application/sparql-results+json"}
FACETS = ("strategy", "agency", "year", "technology", "law", "gap")

# What is asked of the page, and the pattern that says the same of ?t.
CASES = [
    ({"strategy": "3"}, "?t rok:elementOf ?s . ?s rok:notation 'III'"),
    ({"agency": "moe"}, f"?x rok:inTask ?t ; rok:withinRemitOf <{BASE}id/organisation/moe>"),
    ({"agency": "private-sector"}, "?x rok:inTask ?t ; rok:ledBy ?o"),
    ({"year": "2025"}, "?x rok:inTask ?t ; rok:dueYear '2025'^^xsd:gYear"),
    ({"technology": "ai"}, "?x rok:inTask ?t ; rok:aboutTechnology technology:ai"),
    (
        {"law": "ai-framework-act"},
        f"?x rok:traceTask ?t ; rok:traceProposal <{BASE}id/proposal/ai-framework-act>",
    ),
    ({"law": "kr-20676"}, f"?x rok:traceTask ?t ; rok:traceAct <{BASE}id/act/kr-20676>"),
    ({"gap": "no-law"}, "FILTER NOT EXISTS { ?x rok:traceTask ?t }"),
    ({"gap": "no-stated-law"}, "FILTER NOT EXISTS { ?t rok:touchesLegislation ?l }"),
    ({"gap": "no-deadline"}, "FILTER NOT EXISTS { ?x rok:inTask ?t ; rok:dueYear ?y }"),
    ({"gap": "no-target"}, "FILTER NOT EXISTS { ?x rok:inTask ?t ; rok:hasTarget ?y }"),
    ({"gap": "no-budget"}, "FILTER NOT EXISTS { ?x rok:inTask ?t ; rok:hasBudget ?y }"),
    (
        {"technology": "ai", "strategy": "1", "gap": "no-budget"},
        """?x rok:inTask ?t ; rok:aboutTechnology technology:ai . ?t rok:elementOf ?s .
        ?s rok:notation 'I' FILTER NOT EXISTS { ?y rok:inTask ?t ; rok:hasBudget ?z }""",
    ),
]


def page_at(
    server: Server, given: dict[str, str] | None = None, status: int = 200
) -> html.HtmlElement:
    answer = server.client.get(
        "/tasks", params={"lang": "en", **(given or {})}, headers={"accept": "text/html"}
    )
    assert answer.status_code == status, answer.text[:300]
    return html.document_fromstring(answer.content)


def rows_of(page: html.HtmlElement) -> dict[str, html.HtmlElement]:
    """The rows of the list by the IRI of their task, in order."""
    rows = page.xpath("//table[contains(@class, 'sortable')]/tbody/tr")
    return {BASE + row.xpath("./th/a/@href")[0].removeprefix("/"): row for row in rows}


def asked(server: Server, pattern: str) -> list[str]:
    """The tasks for which a pattern holds, in the order of the plan."""
    query = f"""{_PREFIXES} SELECT DISTINCT ?t ?a ?b WHERE {{ ?t a rok:Task ; rok:ordinal ?b ;
      rok:elementOf/rok:ordinal ?a . {pattern} }} ORDER BY ?a ?b"""
    bindings = server.get(query, **_JSON).json()["results"]["bindings"]
    return [row["t"]["value"] for row in bindings]


def words_of(element: html.HtmlElement) -> str:
    return " ".join(element.text_content().split())


def cell(page: html.HtmlElement, row: html.HtmlElement, head: str) -> html.HtmlElement:
    """The cell of a row under a head."""
    heads = [words_of(one) for one in page.xpath("//table[contains(@class, 'sortable')]/thead//th")]
    return row[heads.index(head)]


@pytest.fixture(scope="module")
def whole(server: Server) -> html.HtmlElement:
    return page_at(server)


def test_without_conditions_every_task_is_there_in_order(
    server: Server, whole: html.HtmlElement
) -> None:
    assert [*rows_of(whole)] == asked(server, "")
    assert len(rows_of(whole)) == 18


@pytest.mark.parametrize(("given", "pattern"), CASES, ids=lambda value: str(value)[:40])
def test_conditions_leave_the_tasks_that_meet_them_all(
    server: Server, given: dict[str, str], pattern: str
) -> None:
    found = [*rows_of(page_at(server, given))]
    assert found == asked(server, pattern)
    assert 0 < len(found) < 18


@pytest.mark.parametrize("name", FACETS)
def test_whatever_the_form_offers_finds_something(
    server: Server, whole: html.HtmlElement, name: str
) -> None:
    values = whole.xpath(f"//select[@name='{name}']/option/@value")
    assert len(values) > 4
    assert values[0] == ""
    assert len(set(values)) == len(values)
    for value in values[1:]:
        page = page_at(server, {name: value})
        assert rows_of(page), value
        assert page.xpath(f"//select[@name='{name}']/option[@selected]/@value") == [value]


def test_the_form_as_browsers_send_it_is_no_condition(server: Server) -> None:
    assert len(rows_of(page_at(server, dict.fromkeys(FACETS, "")))) == 18


def test_what_is_not_known_is_refused(server: Server) -> None:
    for given in ({"agency": "nobody"}, {"gap": "no-idea"}, {"year": "soon"}):
        page_at(server, given, 422)


def test_a_condition_that_nothing_meets_says_so(server: Server) -> None:
    page = page_at(server, {"year": "1999"})
    assert not rows_of(page)
    assert words_of(page.xpath("//*[@role='status']")[0]) == "Nothing here."
    assert page.xpath("//select[@name='year']/option[@selected]/@value") == ["1999"]


def test_each_condition_can_be_taken_away_alone(server: Server) -> None:
    page = page_at(server, {"agency": "msit", "gap": "no-target"})
    chips = {words_of(chip): chip.get("href") for chip in page.xpath("//a[@class='chip']")}
    assert {words.partition(":")[0]: link for words, link in chips.items()} == {
        "Ministry or body": "/tasks?gap=no-target",
        "What is missing": "/tasks?agency=msit",
    }
    assert "Ministry of Science and ICT (remit as read by us)" in " ".join(chips)


def test_the_form_says_whether_a_lead_is_stated_or_read(whole: html.HtmlElement) -> None:
    told = whole.xpath("//select[@name='agency']/option[@value != '']/text()")
    stated = [text for text in told if "stated lead" in text]
    assert stated == ["Private sector (stated lead)"]
    assert all(text.endswith("(remit as read by us)") for text in told if text not in stated)


def test_laws_and_ministries_say_on_what_they_rest(whole: html.HtmlElement) -> None:
    rows = rows_of(whole)
    legal = cell(whole, rows[f"{BASE}id/task/5-3"], "Laws")
    assert words_of(legal).startswith("stated 8: ")
    assert "inferred" not in words_of(legal)
    both = [words_of(part) for part in cell(whole, rows[f"{BASE}id/task/2-2"], "Laws")]
    assert [re.match(r"\w+ \d", part)[0] for part in both] == ["stated 1", "inferred 1"]  # type: ignore[index]
    platform = words_of(cell(whole, rows[f"{BASE}id/task/1-5"], "Who answers for it"))
    assert platform.startswith("stated: Private sector inferred: Ministry of Culture")
    others = [words_of(cell(whole, row, "Who answers for it")) for row in rows.values()]
    assert sum("stated: no lead named" in other for other in others) == 17


def test_gaps_are_told_in_the_row(whole: html.HtmlElement) -> None:
    row = rows_of(whole)[f"{BASE}id/task/5-4"]
    told = {
        head: words_of(cell(whole, row, head))
        for head in ("Laws", "Technologies", "Targets", "Budget", "First due")
    }
    assert told == {
        "Laws": "no law named",
        "Technologies": "none named",
        "Targets": "none",
        "Budget": "none stated",
        "First due": "no deadline",
    }


def test_budgets_stand_in_words_with_the_exact_value(whole: html.HtmlElement) -> None:
    budget = cell(whole, rows_of(whole)[f"{BASE}id/task/1-2"], "Budget")
    assert words_of(budget).startswith("KRW 1.02 trillion Total over the period")
    assert budget.xpath(".//data/@value") == ["1020000000000", "301800000000"]


def test_the_rows_can_be_taken_away_as_they_are_narrowed(server: Server) -> None:
    page = page_at(server, {"strategy": "2", "lang": "ko"})
    [address] = {link for link in page.xpath("//p[@class='foot']/a/@href") if "/tasks.csv" in link}
    table = csv.DictReader(io.StringIO(server.client.get(address).text))
    assert [row["task"] for row in table] == [*rows_of(page)]


def test_every_row_cites_the_heading_of_its_task(server: Server, whole: html.HtmlElement) -> None:
    for task, row in rows_of(whole).items():
        [span] = row.xpath(".//a[@class='span']/@href")
        passage = BASE + span.removeprefix("/")
        assert server.get(
            f"{_PREFIXES} ASK {{ <{task}> rok:citation <{passage}> }}", **_JSON
        ).json()["boolean"]


def test_the_page_says_where_it_stands(whole: html.HtmlElement) -> None:
    crumbs = whole.xpath("//nav[@class='crumbs']//li")
    assert [words_of(crumb) for crumb in crumbs] == ["Overview", "Tasks"]
    assert crumbs[1].get("aria-current") == "page"


def test_marks_that_others_add_to_an_address_do_not_matter(server: Server) -> None:
    plain, marked = page_at(server), page_at(server, {"utm_source": "letter", "year": ""})
    assert html.tostring(plain) == html.tostring(marked)
