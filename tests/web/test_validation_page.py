"""The page that says how far to trust the graph: it tells what the report says, and no more."""

import re
from typing import Any

import pyoxigraph as ox
import pytest
from lxml import etree, html

from conformance.wire import run
from downloading import made
from rokgraph.web.language import LANGUAGES, words
from rokgraph.web.signposting import local
from running import Server

SH = "http://www.w3.org/ns/shacl#"
BROWSER = {"accept": "text/html"}


@pytest.fixture(scope="module")
def report(server: Server) -> list[ox.Triple]:
    """The report as the server offers it, with every result of the rules."""
    made(server)
    [link] = page_of(server, "en").xpath("//a[contains(@href, 'validation.ttl')]/@href")
    answer = server.client.get(link)
    assert answer.headers["content-type"].startswith("text/turtle")
    parsed = ox.parse(answer.content, format=ox.RdfFormat.TURTLE)
    return [quad.triple for quad in parsed]


def page_of(server: Server, language: str) -> etree._Element:
    answer = server.client.get(f"/validation?lang={language}", headers=BROWSER)
    assert answer.status_code == 200
    return html.fromstring(answer.text)


def values(report: list[ox.Triple], name: str) -> list[str]:
    return [getattr(t.object, "value", "") for t in report if t.predicate.value == SH + name]


def rows(server: Server, name: str) -> list[dict[str, Any]]:
    found = server.client.get(f"/data/2026.1/validation/{name}.json").json()
    return [{k: term["value"] for k, term in row.items()} for row in found["results"]["bindings"]]


def test_the_rows_are_those_of_the_report(server: Server, report: list[ox.Triple]) -> None:
    results = rows(server, "results")
    assert sorted(row["focus"] for row in results) == sorted(values(report, "focusNode"))
    assert sorted(row["shape"] for row in results) == sorted(values(report, "sourceShape"))
    by_severity = {row["severity"]: int(row["results"]) for row in rows(server, "severities")}
    told = [value.removeprefix(SH).lower() for value in values(report, "resultSeverity")]
    assert by_severity == {name: told.count(name) for name in ("violation", "warning", "info")}
    rules = rows(server, "rules")
    assert sum(int(row["results"]) for row in rules) == len(results)
    assert len({row["rule"] for row in rules}) == len(rules)
    assert all(row["ruleEn"] and row["ruleKo"] for row in rules)


def test_each_rule_looks_at_what_it_targets(server: Server, report: list[ox.Triple]) -> None:
    checked = {row["rule"]: int(row["checked"]) for row in rows(server, "rules")}
    for rule, term in (("G-02-W", "rok:Target"), ("B-01", "rok:Budget"), ("P-06", "rok:Action")):
        query = f"""PREFIX rok: <https://w3id.org/rokgraph/ont#>
            SELECT (COUNT(DISTINCT ?x) AS ?n) {{ ?x a {term} }}"""
        answer = server.get(query, accept="application/sparql-results+json").json()
        assert checked[rule] == int(answer["results"]["bindings"][0]["n"]["value"]), rule


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_thing_concerned_is_listed_and_linked(
    server: Server, report: list[ox.Triple], language: str
) -> None:
    page = page_of(server, language)
    for row in rows(server, "results"):
        [section] = page.xpath(f"//section[@id='{row['rule']}']")
        links = {a.get("href"): a.text_content() for a in section.iter("a")}
        assert links[local(row["focus"])], row
    told = words(language, "validation")
    assert told["conforms"] in page.text_content()
    assert told["not_ready"] not in page.text_content()


def test_the_coverage_is_what_another_query_counts(server: Server) -> None:
    query = """PREFIX rok: <https://w3id.org/rokgraph/ont#>
        SELECT (COUNT(DISTINCT ?t) AS ?all) (COUNT(DISTINCT ?l) AS ?some) {
          ?t a rok:Task OPTIONAL { ?trace rok:traceTask ?t BIND(?t AS ?l) } }"""
    [counts] = server.get(query, accept="application/sparql-results+json").json()["results"][
        "bindings"
    ]
    covered = server.client.get("/queries/coverage.json").json()["results"]["bindings"]
    [row] = [row for row in covered if row["aspectEn"]["value"] == "a law, stated or inferred"]
    assert row["total"]["value"] == counts["all"]["value"]
    assert row["covered"]["value"] == counts["some"]["value"]
    for row in covered:
        share = 100 * int(row["covered"]["value"]) / int(row["total"]["value"])
        assert float(row["share"]["value"]) == pytest.approx(share, abs=0.05)


def test_until_the_report_is_made_the_page_says_so(tmp_path: object) -> None:
    with run(ROKGRAPH_DUMPS=str(tmp_path)) as server:
        early = server.client.get("/validation?lang=en", headers=BROWSER)
        assert early.status_code == 200
        told = words("en", "validation")
        if told["not_ready"] not in early.text:  # a quick machine may have made it already
            pytest.skip("the report was made at once")
        assert told["conforms"] not in early.text
        assert not re.search(r'href="[^"]*validation\.ttl"', early.text)
        made(server)
        late = server.client.get("/validation?lang=en", headers=BROWSER)
        assert told["conforms"] in late.text
        assert late.headers["etag"] != early.headers["etag"]


def test_data_of_others_are_not_judged_here(serve: Any, tmp_path: Any) -> None:
    (tmp_path / "x.ttl").write_text("<urn:a> <urn:b> <urn:c> .")
    other = serve("--data", str(tmp_path))
    answer = other.client.get("/validation?lang=en", headers=BROWSER)
    assert answer.status_code == 200
    # as text: the command stands in code marks
    assert "rokgraph check --data" in answer.text
