"""The page at `/figures`: amounts and targets as printed, and what has none."""

from itertools import pairwise

import pytest
from lxml import html

from rokgraph.vocab import BASE
from rokgraph.web.ranges import WIDTH, span
from running import Server

_PREFIXES = f"""PREFIX rok: <{BASE}ont#>
PREFIX oa: <http://www.w3.org/ns/oa#>
PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
PREFIX graph: <{BASE}graph/>
PREFIX technology: <{BASE}def/technology/> """
DASH = "\N{EN DASH}"
_JSON = {"accept": "application/sparql-results+json"}

Solution = dict[str, str]


def solutions(server: Server, query: str) -> list[Solution]:
    found = server.get(_PREFIXES + query, **_JSON).json()["results"]["bindings"]
    return [{name: term["value"] for name, term in row.items()} for row in found]


def page_at(server: Server, language: str = "en", **given: str) -> html.HtmlElement:
    answer = server.client.get(
        "/figures", params={"lang": language, **given}, headers={"accept": "text/html"}
    )
    assert answer.status_code == 200, answer.text[:300]
    return html.document_fromstring(answer.content)


def words_of(element: html.HtmlElement) -> str:
    return " ".join(element.text_content().split())


def rows_below(page: html.HtmlElement, heading: str) -> list[html.HtmlElement]:
    """The rows of the table that a heading names."""
    found: list[html.HtmlElement] = page.xpath(
        "//*[@role='region'][@aria-labelledby=$heading]//tbody/tr", heading=heading
    )
    return found


def thing_of(row: html.HtmlElement) -> str:
    """The IRI of what a row is about."""
    address: str = row.xpath("./th//a/@href")[0]
    return BASE + address.removeprefix("/")


def amounts_in(element: html.HtmlElement) -> list[float]:
    """The amounts of money that are printed in an element."""
    columns = ("amount", "baselineAmount")
    return [
        float(found.get("value"))
        for found in element.xpath(".//data")
        if found.get("data-column") in columns
    ]


@pytest.fixture(scope="module")
def whole(server: Server) -> html.HtmlElement:
    return page_at(server)


# Money


def test_every_task_has_a_row_and_each_amount_stands_in_its_own(
    server: Server, whole: html.HtmlElement
) -> None:
    tasks = [
        row["t"]
        for row in solutions(
            server,
            """SELECT ?t { ?t a rok:Task ; rok:ordinal ?n ; rok:elementOf/rok:ordinal ?s }
            ORDER BY ?s ?n""",
        )
    ]
    stated = {
        (row["t"], float(row["won"]))
        for row in solutions(
            server, "SELECT ?t ?won { ?b a rok:Budget ; rok:amount ?won ; rok:inTask ?t }"
        )
    }
    rows = rows_below(whole, "money")
    assert list(dict.fromkeys(thing_of(row) for row in rows)) == tasks
    assert {(thing_of(row), won[0]) for row in rows if (won := amounts_in(row))} == stated
    for row in rows:
        assert bool(amounts_in(row)) != ("no amount stated" in words_of(row))


def test_an_amount_has_its_years_its_kind_its_baseline_and_its_span(
    whole: html.HtmlElement,
) -> None:
    told = [words_of(row) for row in rows_below(whole, "money") if amounts_in(row)]
    [semiconductors] = [row for row in told if "AI semiconductors" in row]
    assert "KRW 1.02 trillion" in semiconductors
    assert f"Total over the period 2022{DASH}2026" in semiconductors
    assert f"3067{DASH}3148" in semiconductors
    [fund] = [row for row in told if "Size of a fund" in row]
    assert "KRW 300 billion from KRW 100 billion in 2022" in fund
    assert "Note: Basis of the fund amounts" in fund


def test_nothing_is_added_up(server: Server, whole: html.HtmlElement) -> None:
    stated = {
        float(row["won"])
        for row in solutions(
            server, "SELECT ?won { ?b a rok:Budget ; rok:amount|rok:baselineAmount ?won }"
        )
    }
    assert set(amounts_in(whole)) == stated
    assert not solutions(
        server,
        """SELECT ?b { VALUES ?class { rok:StrategyDocument rok:Strategy rok:Task }
        ?of a ?class ; rok:hasBudget ?b }""",
    )
    assert "states no total" in words_of(whole)


def test_bars_have_one_scale(whole: html.HtmlElement) -> None:
    bars = whole.xpath("//figure//svg//rect")
    lengths = [float(bar.get("width")) for bar in bars]
    amounts = [
        won for row in rows_below(whole, "money") for won in amounts_in(row)
    ]  # the amount, then what it grows from
    assert len(lengths) == len(amounts)
    scales = [length / amount for length, amount in zip(lengths, amounts, strict=True)]
    assert all(abs(one / other - 1) < 0.01 for one, other in pairwise(scales))
    assert [bar.get("class") for bar in bars].count("ring") == 1
    for link in whole.xpath("//figure//svg//a"):
        assert link.xpath("string(./title)")
        assert link.get("href").startswith("/id/budget/")


# Targets


def test_every_target_has_a_row_with_its_value_and_its_span(
    server: Server, whole: html.HtmlElement
) -> None:
    found = solutions(
        server,
        """SELECT ?x ?value ?start ?end { GRAPH graph:source { ?x a rok:Target ;
        rok:targetValue/rok:numericValue ?value ; rok:citation/oa:hasSelector ?s }
        ?s oa:start ?start ; oa:end ?end }""",
    )
    rows = {thing_of(row): row for row in rows_below(whole, "targets")}
    assert rows.keys() == {row["x"] for row in found}
    for solution in found:
        row = rows[solution["x"]]
        value = row.xpath(".//data[@data-column='value']/@value")
        assert [float(one) for one in value] == [float(solution["value"])]
        assert f"{solution['start']}{DASH}{solution['end']}" in words_of(row)


@pytest.mark.parametrize("heading", ["targets", "reported"])
def test_a_range_is_drawn_only_from_a_baseline(
    server: Server, whole: html.HtmlElement, heading: str
) -> None:
    held = {
        row["x"]: float(row["value"])
        for row in solutions(server, "SELECT ?x ?value { ?x rok:baseline/rok:numericValue ?value }")
    }
    rows = rows_below(whole, heading)
    assert {thing_of(row) for row in rows} & held.keys()
    for row in rows:
        baseline = held.get(thing_of(row))
        printed = row.xpath(".//data[@data-column='baseline']/@value")
        assert [float(one) for one in printed] == ([] if baseline is None else [baseline])
        assert len(row.xpath(".//svg//circle[@class='ring']")) == len(printed)
        assert bool(row.xpath(".//svg//path")) == bool(printed)
        assert ("no baseline" in words_of(row)) != bool(printed)


def test_each_range_has_a_scale_from_zero_to_the_larger() -> None:
    drawn = span(2_000_000, 6_000_000)
    assert drawn.baseline is not None
    assert drawn.target == drawn.right
    third = (drawn.right - drawn.left) / 3
    assert drawn.baseline - drawn.left == pytest.approx(third, abs=0.1)
    falling = span(12, 3)
    assert falling.baseline == falling.right
    assert falling.target < falling.right < WIDTH
    assert not span(1, 1).apart
    assert span(None, 5).baseline is None
    assert span(0, 0).target == span(0, 0).left


def test_a_number_says_how_it_is_meant_and_a_year_is_not_made(whole: html.HtmlElement) -> None:
    rows = {thing_of(row).rpartition("/")[2]: words_of(row) for row in rows_below(whole, "targets")}
    assert "2,000 Company · More than 2027" in rows["saas-companies"]
    assert "34 Hour · At least no year" in rows["hours-elementary"]
    assert "from 2022, no end" in rows["cybersecurity-talent"]
    assert "no year" in rows["digital-talent"]


def test_goals_of_other_reports_stand_apart_with_their_evidence(
    server: Server, whole: html.HtmlElement
) -> None:
    goals = {
        row["x"]
        for row in solutions(server, "SELECT ?x { GRAPH graph:context { ?x a rok:Target } }")
    }
    rows = rows_below(whole, "reported")
    assert {thing_of(row) for row in rows} == goals
    for row in rows:
        assert row.xpath(".//a[@class='graph']/@href") == ["/graph/context"]
        assert "28 September 2022" in words_of(row)
        assert "Confirmed" in words_of(row)


# Counts, notes, the form


@pytest.mark.parametrize("given", [{}, {"strategy": "3"}, {"technology": "ai"}], ids=str)
def test_the_counts_are_those_of_the_rows(server: Server, given: dict[str, str]) -> None:
    page = page_at(server, **given)
    counts = {
        found.get("data-column"): int(found.get("value"))
        for found in page.xpath("//main/p/data[contains(@data-of, 'figures-counts')]")
    }
    money, targets = rows_below(page, "money"), rows_below(page, "targets")
    funded = {thing_of(row) for row in money if amounts_in(row)}
    assert counts == {
        "tasks": len({thing_of(row) for row in money}),
        "tasksWithAmount": len(funded),
        "tasksWithoutAmount": len([row for row in money if not amounts_in(row)]),
        "amounts": len([row for row in money if amounts_in(row)]),
        "targets": len(targets),
        "withBaseline": len([row for row in targets if row.xpath(".//*[@class='ring']")]),
        "withoutBaseline": len([row for row in targets if "no baseline" in words_of(row)]),
        "withYear": len([row for row in targets if not {"no year", "no end"} & told(row[3])]),
        "withoutYear": len([row for row in targets if {"no year", "no end"} & told(row[3])]),
    }


def told(cell: html.HtmlElement) -> set[str]:
    """The parts of what a cell says."""
    return {part.strip() for part in words_of(cell).split(",")}


def test_what_is_odd_about_a_number_stands_with_it(server: Server, whole: html.HtmlElement) -> None:
    wanted = {
        (row["x"], row["d"].rpartition("/")[2])
        for row in solutions(
            server,
            """SELECT ?x ?d { VALUES ?class { rok:Target rok:Budget }
            ?d a rok:Discrepancy ; oa:hasTarget ?x . ?x a ?class }""",
        )
    }
    rows = [*rows_below(whole, "targets"), *rows_below(whole, "reported")]
    linked = {
        (thing_of(row), link.removeprefix("#"))
        for row in rows
        for link in row.xpath("./th/a/@href")
        if link.startswith("#")
    }
    linked |= {
        (BASE + row.xpath(".//td[@class='num']/a/@href")[0].removeprefix("/"), link[1:])
        for row in rows_below(whole, "money")
        for link in row.xpath(".//a[starts-with(@href, '#')]/@href")
    }
    assert linked == wanted
    shown = set(whole.xpath("//div[@class='note']/@id"))
    assert shown == {note for _, note in wanted} | {"19-tasks-18-headings"}
    for link in whole.xpath("//a[starts-with(@href, '#')]/@href"):
        assert whole.xpath("//*[@id=$id]", id=link.removeprefix("#")), link
    [money] = whole.xpath("//h2[@id='money']/following-sibling::p[1]")
    assert money.xpath("./a[@href='#19-tasks-18-headings']")


def test_the_page_is_narrowed_to_a_strategy(server: Server) -> None:
    page = page_at(server, strategy="2")
    assert {row[0].text_content() for row in rows_below(page, "money")} == {"II"}
    assert [thing_of(row) for row in rows_below(page, "targets")] == [
        f"{BASE}id/target/aquaculture-hubs"
    ]
    assert not page.xpath("//figure")
    [chosen] = page.xpath("//select[@name='strategy']/option[@selected]/@value")
    assert chosen == "2"


def test_the_page_is_narrowed_to_a_technology_and_what_is_narrower(server: Server) -> None:
    page = page_at(server, technology="software")
    narrower = solutions(server, "SELECT ?x { ?x skos:broader technology:software }")
    assert f"{BASE}def/technology/saas" in {row["x"] for row in narrower}
    assert [thing_of(row) for row in rows_below(page, "targets")] == [
        f"{BASE}id/target/saas-companies"
    ]
    told = words_of(page)
    assert "no amount stated for this technology" in told
    assert "no amount stated " in told


def test_an_amount_for_another_technology_is_not_denied(server: Server) -> None:
    page = page_at(server, technology="ai")
    [fund] = [row for row in rows_below(page, "money") if thing_of(row).endswith("/1-5")]
    assert "no amount stated for this technology" in words_of(fund)


def test_korean_amounts_and_words(server: Server) -> None:
    told = words_of(page_at(server, "ko"))
    for words in ("1조 200억 원", "3,018억 원", "기준값 없음", "금액 없음", "합계를 밝히지 않았고"):
        assert words in told


def test_what_is_not_known_is_refused(server: Server) -> None:
    for given in ({"technology": "nothing"}, {"strategy": "9"}):
        assert server.client.get("/figures", params=given).status_code == 422, given
