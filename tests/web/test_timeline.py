"""The page at `/timeline` and its calendar: all that has a time, what has none, what came of it."""

import re
from calendar import monthrange
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import combinations
from typing import Any

import icalendar
import pytest
from lxml import html

from rokgraph.vocab import BASE
from rokgraph.web.calendar import last_day
from rokgraph.web.swarm import PITCH, swarm
from running import Server, run_server

_PREFIXES = f"""PREFIX rok: <{BASE}ont#>
PREFIX id: <{BASE}id/>
PREFIX graph: <{BASE}graph/>
PREFIX outcome-status: <{BASE}def/outcome-status/>
PREFIX organisation: <{BASE}id/organisation/> """
DASH = "\N{EN DASH}"
_JSON = {"accept": "application/sparql-results+json"}
_PROMISES = "VALUES ?class { rok:Action rok:Target rok:Budget rok:LegislativeProposal } ?x a ?class"
FILTERS = [
    {},
    {"strategy": "4"},
    {"agency": "mof"},
    {"year": "2027"},
    {"agency": "msit", "strategy": "1", "year": "2026"},
]
IDS = [" ".join(given.values()) or "all" for given in FILTERS]

Solution = dict[str, str]


def solutions(server: Server, query: str) -> list[Solution]:
    found = server.get(_PREFIXES + query, **_JSON).json()["results"]["bindings"]
    return [{name: term["value"] for name, term in row.items()} for row in found]


def view(server: Server, name: str, given: dict[str, str] | None = None) -> list[Solution]:
    answer = server.client.get(f"/queries/{name}.json", params=given or {})
    found = answer.json()["results"]["bindings"]
    return [{name: term["value"] for name, term in row.items()} for row in found]


def page_at(server: Server, language: str = "en", **given: str) -> html.HtmlElement:
    answer = server.client.get(
        "/timeline", params={"lang": language, **given}, headers={"accept": "text/html"}
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


def dots(page: html.HtmlElement) -> list[html.HtmlElement]:
    """The dots of the picture."""
    found: list[html.HtmlElement] = page.xpath("//figure//svg//a[title]")
    return found


def place(dot: html.HtmlElement) -> tuple[int, int]:
    """The middle of what can be hit of a dot."""
    [area] = dot.xpath("./rect")
    assert (area.get("width"), area.get("height")) == ("24", "24")
    return int(area.get("x")) + 12, int(area.get("y")) + 12


def events_of(server: Server, **given: str) -> list[Any]:
    """The events of the calendar; what a property of one is, only its name tells."""
    answer = server.client.get("/timeline.ics", params=given)
    assert answer.status_code == 200, answer.text
    return list(icalendar.Calendar.from_ical(answer.content).walk("VEVENT"))


def in_scope(given: dict[str, str], year: str) -> str:
    """The pattern that says of ?x, and a year of it, what the page is asked for."""
    told = []
    if "strategy" in given:
        told.append(f"?x rok:inStrategy <{BASE}id/strategy/{given['strategy']}> .")
    if "agency" in given:
        remit = f"rok:withinRemitOf organisation:{given['agency']}"
        told.append(f"""FILTER(
          EXISTS {{ ?x rok:ledBy organisation:{given["agency"]} }}
          || EXISTS {{ ?x rok:inMeasure ?m . ?m {remit} }}
          || EXISTS {{ ?x rok:inTask ?t . ?t {remit} . FILTER NOT EXISTS {{
               ?x rok:inMeasure ?m . ?m rok:withinRemitOf ?any }} }})""")
    if "year" in given:
        told.append(f'FILTER(STR({year}) = "{given["year"]}")')
    return " ".join(told)


@pytest.fixture(scope="module")
def whole(server: Server) -> html.HtmlElement:
    return page_at(server)


# What is shown


@pytest.mark.parametrize("given", FILTERS, ids=IDS)
def test_the_table_has_every_year_that_the_graph_has(server: Server, given: dict[str, str]) -> None:
    """By the short cuts, which the query of the page does not use."""
    expected = Counter(
        (row["x"], row["year"])
        for row in solutions(
            server,
            f"""SELECT DISTINCT ?x ?p ?year {{ {_PROMISES} .
            VALUES ?p {{ rok:startYear rok:dueYear }}
            ?x ?p ?year . {in_scope(given, "?year")} }}""",
        )
    )
    beyond = {
        row["x"]
        for row in solutions(
            server,
            f"""SELECT ?x {{ {{ GRAPH graph:context {{ ?x a rok:Target }} }}
            UNION {{ ?x a rok:Event }} {in_scope(given, '""') if "strategy" in given else ""} }}""",
        )
    }
    shown = [(thing_of(row), row) for row in rows_below(page_at(server, **given), "list")]
    found = Counter(
        (thing, row.xpath(".//time/@datetime")[0]) for thing, row in shown if thing not in beyond
    )
    assert found
    assert found == expected


def test_goals_of_other_reports_and_meetings_are_there_and_marked(
    whole: html.HtmlElement,
) -> None:
    rows = {thing_of(row): words_of(row) for row in rows_below(whole, "list")}
    goal = rows[f"{BASE}id/target/imd-digital-competitiveness"]
    assert goal.startswith("2027")
    assert "from other reports" in goal
    assert "no ministry named, none read" in goal
    assert rows[f"{BASE}id/event/g20-summit"].startswith("Nov 2023")
    assert "from other reports" not in rows[f"{BASE}id/target/saas-companies"]


def test_each_row_has_its_span_and_says_how_sure_it_is(
    server: Server, whole: html.HtmlElement
) -> None:
    found = view(server, "timeline")
    rows = rows_below(whole, "list")
    assert len(rows) == len(found)
    for solution, row in zip(found, rows, strict=True):
        [*_, source, certainty] = row
        if "passage" in solution:
            assert source.xpath(".//a/@href") == ["/" + solution["passage"].removeprefix(BASE)]
            assert f"{solution['start']}{DASH}{solution['end']}" in words_of(source)
        sure = {"true": "certain", "false": "judgement", "": "of the item itself"}
        assert words_of(certainty).startswith(sure[solution.get("certain", "")])


def test_ministries_are_marked_as_read_and_lead_to_the_reason(
    server: Server, whole: html.HtmlElement
) -> None:
    known = {
        "/" + row["r"].removeprefix(BASE)
        for row in solutions(
            server,
            """PREFIX rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#>
            SELECT ?r { ?r rdf:predicate rok:withinRemitOf }""",
        )
    }
    for row in rows_below(whole, "list"):
        cell = row[5]
        reasons = cell.xpath(".//small/a/@href")
        assert set(reasons) <= known
        assert len(cell.xpath(".//*[@class='inferred']")) == len(reasons)
        assert reasons or "none read" in words_of(cell) or cell.xpath(".//*[@class='stated']")
    led = [row for row in rows_below(whole, "list") if "stated" in words_of(row[5])]
    assert [thing_of(row) for row in led] == [f"{BASE}id/action/autonomous-platform-organizations"]


# The picture


@pytest.mark.parametrize("given", FILTERS, ids=IDS)
@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_row_is_a_dot_that_leads_to_the_thing(
    server: Server, given: dict[str, str], language: str
) -> None:
    page = page_at(server, language, **given)
    found = view(server, "timeline", given)
    own = "thingEn" if language == "en" else "thingKo"
    assert len(dots(page)) == len(found)
    for dot, solution in zip(dots(page), found, strict=True):
        assert BASE + dot.get("href").removeprefix("/") == solution["thing"]
        title = dot.xpath("string(./title)")
        assert solution[own] in title
        assert solution["when"][:4] in title


def test_no_dot_stands_on_another_or_outside(whole: html.HtmlElement) -> None:
    [drawing] = whole.xpath("//figure//div/svg")
    width, height = int(drawing.get("width")), int(drawing.get("height"))
    places = [place(dot) for dot in dots(whole)]
    assert all(12 <= x <= width - 12 and 12 <= y <= height - 12 for x, y in places)
    for (x, y), (other_x, other_y) in combinations(places, 2):
        assert abs(x - other_x) >= PITCH or abs(y - other_y) >= PITCH


def test_a_dot_stands_under_its_year_and_beside_its_strategy(
    server: Server, whole: html.HtmlElement
) -> None:
    [drawing] = whole.xpath("//figure//div/svg")
    heads = {int(text.text): int(text.get("x")) for text in drawing.xpath("./text[@y='20']")}
    bands = {
        a.get("href"): (int(rect.get("y")), int(rect.get("y")) + int(rect.get("height")))
        for a in drawing.xpath("./a[not(title)]")
        for rect in a.xpath("./rect")
    }
    assert sorted(heads) == list(range(min(heads), max(heads) + 1))
    for dot, solution in zip(dots(whole), view(server, "timeline"), strict=True):
        x, y = place(dot)
        year = int(solution["when"][:4])
        assert min(heads, key=lambda head: abs(heads[head] - x)) == year
        if "strategy" in solution:
            top, bottom = bands["/" + solution["strategy"].removeprefix(BASE)]
            assert top < y < bottom
        else:
            assert y > max(bottom for _, bottom in bands.values())


def test_a_dot_is_filled_if_its_year_is_over_on_the_day_of_the_dataset(
    server: Server, whole: html.HtmlElement
) -> None:
    [today] = view(server, "dataset-day")
    looks = set()
    for dot, solution in zip(dots(whole), view(server, "timeline"), strict=True):
        over = solution["when"][:4] < today["day"][:4]
        uncertain = solution.get("certain") == "false"
        marks = dot.xpath("./circle/@class | ./path/@class")
        assert any("fill" in mark for mark in marks) == over
        assert any("dashed" in mark for mark in marks) == uncertain
        assert bool(dot.xpath("./path")) == (solution["role"] == "starts")
        looks.add((over, uncertain))
    assert looks == {(True, True), (True, False), (False, True), (False, False)}
    shown = date.fromisoformat(today["day"])
    assert f"dataset: {shown.day} {shown:%b %Y}" in words_of(whole)


def test_the_picture_says_what_it_does_not_say(server: Server) -> None:
    for language, sentence in (
        ("en", "what was promised, not whether it was kept"),
        ("ko", "지켰는지를 말하지 않습니다"),
    ):
        [caption] = page_at(server, language).xpath("//figcaption")
        assert sentence in words_of(caption)


def test_dots_of_one_cell_are_heaped_and_years_without_any_have_a_column() -> None:
    drawn = swarm([(0, 2020)] * 30 + [(1, 2023)], 2, 2022)
    assert drawn is not None
    assert [column.year for column in drawn.columns] == [2020, 2021, 2022, 2023]
    assert len(set(drawn.places)) == 31
    assert drawn.lanes[0].height > drawn.lanes[1].height
    assert drawn.now == drawn.columns[2].x
    assert swarm([], 2, 2022) is None
    assert (only := swarm([(0, 2020)], 1, 2022)) is not None
    assert only.now is None


# What has no deadline, and what came of it


@pytest.mark.parametrize("given", FILTERS[:3], ids=IDS[:3])
def test_all_promises_without_a_deadline_are_listed_and_counted(
    server: Server, given: dict[str, str]
) -> None:
    expected = [
        row["x"]
        for row in solutions(
            server,
            f"""SELECT DISTINCT ?x {{ {_PROMISES} .
            FILTER NOT EXISTS {{ ?x rok:dueYear ?y }} FILTER NOT EXISTS {{ ?x rok:deadline ?y }}
            {in_scope(given, "")} }}""",
        )
    ]
    page = page_at(server, **given)
    rows = rows_below(page, "gaps")
    assert sorted(thing_of(row) for row in rows) == sorted(expected)
    count = page.xpath("//h2[@id='gaps']/following-sibling::p[1]/data/@value")
    bare = [row for row in rows if "no year" in words_of(row)]
    assert count == [str(len(rows)), str(len(rows) - len(bare)), str(len(bare))]


def test_the_counts_are_those_of_the_graph(server: Server, whole: html.HtmlElement) -> None:
    [counts] = solutions(
        server,
        f"""SELECT (COUNT(DISTINCT ?x) AS ?all) (COUNT(DISTINCT ?d) AS ?due) {{ {_PROMISES} .
        OPTIONAL {{ ?x rok:dueYear|rok:deadline ?y . BIND(?x AS ?d) }} }}""",
    )
    values = whole.xpath("//figure/following-sibling::p[1]/data/@value")
    assert values[:2] == [counts["all"], counts["due"]]
    assert int(values[0]) == sum(int(value) for value in values[1:])


def test_outcomes_stand_apart_and_say_of_which_day_they_are(
    server: Server, whole: html.HtmlElement
) -> None:
    known = solutions(
        server,
        """SELECT DISTINCT ?o ?day { GRAPH graph:outcomes { ?o rok:outcomeStatus ?s ;
        rok:assertedAsOf ?day } FILTER(?s != outcome-status:unknown) }""",
    )
    rows = rows_below(whole, "outcomes")
    shown = [
        (BASE + row[2].xpath(".//a/@href")[0].removeprefix("/"),
         row[5].xpath(".//time/@datetime")[0])
        for row in rows
    ]  # fmt: skip
    assert sorted(shown) == sorted((row["o"], row["day"]) for row in known)
    assert all(row[5].xpath(".//a[@class='graph']/@href") == ["/graph/outcomes"] for row in rows)
    assert "Later facts" in words_of(whole.xpath("//h2[@id='outcomes']/following-sibling::p[1]")[0])
    for place_of in ("list", "gaps"):
        for row in rows_below(whole, place_of):
            assert not [link for link in row.xpath(".//a/@href") if re.match("/id/outcome/", link)]


def test_an_act_has_its_number_and_both_days(whole: html.HtmlElement) -> None:
    [row] = [
        row
        for row in rows_below(whole, "outcomes")
        if thing_of(row) == f"{BASE}id/proposal/ai-framework-act"
    ]
    act = words_of(row[4])
    assert "No. 20676" in act
    assert "promulgated 21 Jan 2025" in act
    assert "in force 22 Jan 2026" in act


# Notes, the form, other forms


def test_notes_stand_on_the_page_and_the_rows_lead_to_them(
    server: Server, whole: html.HtmlElement
) -> None:
    shown = {thing_of(row): row for row in rows_below(whole, "list")}
    wanted = {
        (row["x"], row["d"].rpartition("/")[2])
        for row in solutions(
            server,
            """PREFIX oa: <http://www.w3.org/ns/oa#> SELECT ?d ?x { ?d a rok:Discrepancy ;
            rok:aboutProperty ?p ; oa:hasTarget ?x . FILTER(?p IN (rok:period, rok:deadline,
            rok:expansionPeriod)) }""",
        )
        if row["x"] in shown
    }
    linked = {
        (thing, link.removeprefix("#"))
        for thing, row in shown.items()
        for link in row.xpath("./th/a/@href")
        if link.startswith("#")
    }
    assert (f"{BASE}id/event/g20-summit", "g20-date") in linked
    assert linked == wanted
    for link in whole.xpath("//a[starts-with(@href, '#')]/@href"):
        assert whole.xpath("//*[@id=$id]", id=link.removeprefix("#")), link


@pytest.mark.parametrize("given", FILTERS, ids=IDS)
def test_the_form_shows_what_was_chosen_and_links_keep_it(
    server: Server, given: dict[str, str]
) -> None:
    page = page_at(server, **given)
    chosen = {
        select.get("name"): option.get("value")
        for select in page.xpath("//form[@class='facets']//select")
        for option in select.xpath("./option[@selected]")
    }
    assert chosen == given
    for link in page.xpath("//a[contains(@href, '.csv') or contains(@href, '.ics')]/@href"):
        if "timeline.csv" in link or ".ics" in link:
            assert all(f"{name}={value}" in link for name, value in given.items())


def test_where_nothing_has_a_time_the_gaps_are_still_there(server: Server) -> None:
    page = page_at(server, strategy="4", year="2024")
    assert not dots(page)
    assert not rows_below(page, "list")
    assert "names no time for what you asked for" in words_of(page)
    assert rows_below(page, "gaps")


@pytest.mark.parametrize("path", ["/timeline", "/timeline.ics"])
def test_what_is_not_known_is_refused(server: Server, path: str) -> None:
    for given in ({"year": "soon"}, {"agency": "nobody"}, {"strategy": "9"}):
        answer = server.client.get(path, params=given)
        assert answer.status_code == 422, given
        assert next(iter(given)) in answer.text
    assert server.client.post(path).status_code == 405


# The calendar


def test_the_calendar_is_a_calendar(server: Server) -> None:
    answer = server.client.get("/timeline.ics")
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    lines = answer.content.split(b"\r\n")
    assert b"\n" not in b"".join(lines)
    assert all(len(line) <= 75 for line in lines)
    whole = icalendar.Calendar.from_ical(answer.content)
    assert whole["VERSION"] == "2.0"
    assert whole["PRODID"]
    assert not whole.errors
    assert not [error for event in whole.walk("VEVENT") for error in event.errors]


@pytest.mark.parametrize("given", FILTERS, ids=IDS)
def test_the_calendar_has_an_event_for_each_row(server: Server, given: dict[str, str]) -> None:
    found = view(server, "timeline", given)
    events = events_of(server, **given)
    assert len(events) == len(found)
    assert len({event["UID"] for event in events}) == len(events)
    for event, row in zip(events, found, strict=True):
        assert event["UID"].partition("#")[0] == row["thing"]
        year, _, month = row["when"].partition("-")
        last = int(month or 12)
        day = date(int(year), last, monthrange(int(year), last)[1])
        assert event["DTSTART"].dt == day
        assert event["DTEND"].dt == day + timedelta(days=1)
        assert event["URL"].endswith(row["thing"].removeprefix(BASE))
        assert row["thingEn"] in event["SUMMARY"]


def test_an_event_says_how_sure_it_is_and_where_it_is_from(server: Server) -> None:
    events = {str(event["UID"]): event for event in events_of(server)}
    for row in view(server, "timeline"):
        event = events.get(row["thing"] + "#start") or events[row["thing"]]
        told = str(event["DESCRIPTION"])
        if "passage" in row:
            assert "/" + row["passage"].removeprefix(BASE) in told
        sure = {"true": "Certain:", "false": "Uncertain:", "": "of the item itself"}
        assert sure[row.get("certain", "")] in told
        assert "not whether it was kept" in told
    assert "the last of that month" in str(events[f"{BASE}id/event/g20-summit"]["DESCRIPTION"])
    assert "the last of that year" in str(events[f"{BASE}id/target/saas-companies"]["DESCRIPTION"])


def test_a_range_is_two_events_and_its_end_has_the_plain_name(server: Server) -> None:
    events = {str(event["UID"]): event for event in events_of(server)}
    action = f"{BASE}id/action/kahis-advancement"
    assert events[action + "#start"]["DTSTART"].dt == date(2023, 12, 31)
    assert events[action]["DTSTART"].dt == date(2027, 12, 31)
    narrowed = events_of(server, year="2023")
    assert action + "#start" in {str(event["UID"]) for event in narrowed}


def test_the_calendar_never_asks_the_clock(server: Server) -> None:
    [today] = view(server, "dataset-day")
    stamp = datetime.combine(date.fromisoformat(today["day"]), datetime.min.time(), UTC)
    assert {event["DTSTAMP"].dt for event in events_of(server)} == {stamp}
    first = server.client.get("/timeline.ics?year=2027", headers={"host": "example.org"})
    with run_server() as other:
        again = other.client.get("/timeline.ics?year=2027", headers={"host": "example.org"})
    assert first.content == again.content


def test_the_calendar_speaks_the_language_of_the_reader(server: Server) -> None:
    event = events_of(server, lang="ko", year="2027")[0]
    assert re.search("[가-힣]", str(event["SUMMARY"]))
    assert "지켰는지를 말하지 않습니다" in str(event["DESCRIPTION"])
    accepted = server.client.get("/timeline.ics", headers={"accept-language": "ko"})
    assert accepted.headers["content-language"] == "ko"
    assert "accept-language" in accepted.headers["vary"].lower()


def test_a_calendar_that_did_not_change_is_not_sent_again(server: Server) -> None:
    answer = server.client.get("/timeline.ics")
    tag = answer.headers["etag"]
    again = server.client.get("/timeline.ics", headers={"if-none-match": tag})
    assert again.status_code == 304
    assert not again.content
    others = {
        server.client.get(path).headers["etag"]
        for path in ("/timeline.ics?lang=ko", "/timeline.ics?year=2027")
    }
    assert len({tag, *others}) == 3


def test_the_page_leads_to_the_calendar(server: Server, whole: html.HtmlElement) -> None:
    [link] = whole.xpath("//main//a[@type='text/calendar']/@href")
    assert link == "/timeline.ics?lang=en"
    assert server.client.get(link).status_code == 200


def test_the_last_day_of_a_time() -> None:
    assert last_day("2024") == date(2024, 12, 31)
    assert last_day("2024-02") == date(2024, 2, 29)
    assert last_day("2022-09-28") == date(2022, 9, 28)
    with pytest.raises(ValueError, match="invalid literal"):
        last_day("soon")
