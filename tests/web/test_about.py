"""The page about the graph, and the page of patterns."""

import re
from collections.abc import Callable

import pytest
from lxml import html

from rokgraph import __version__
from rokgraph.vocab import BASE
from running import ROOT, Server

_JSON = {"accept": "application/sparql-results+json"}
_COUNTED = {
    "spans": "Citation",
    "readings": "Reading",
    "attestations": "Attestation",
    "outcomes": "Outcome",
    "notes": "Discrepancy",
}


def page_at(server: Server, path: str) -> html.HtmlElement:
    answer = server.client.get(path, headers={"accept": "text/html"})
    assert answer.status_code == 200, answer.text[:300]
    return html.document_fromstring(answer.content)


def words_of(page: html.HtmlElement) -> str:
    return " ".join(page.xpath("//main")[0].text_content().split())


@pytest.mark.parametrize(("column", "of"), _COUNTED.items())
def test_what_was_read_is_counted(server: Server, column: str, of: str) -> None:
    query = f"SELECT (COUNT(*) AS ?n) WHERE {{ ?x a <{BASE}ont#{of}> }}"
    [row] = server.get(query, **_JSON).json()["results"]["bindings"]
    found = page_at(server, "/about").xpath(f"//data[@data-column='{column}']/@value")
    assert found == [row["n"]["value"]]


def test_text_and_dataset_are_named_by_digest_and_version(server: Server) -> None:
    told = words_of(page_at(server, "/about?lang=en"))
    digest = server.client.get("/about").headers["rokgraph-dataset"]
    query = f"SELECT ?digest WHERE {{ ?source <{BASE}ont#sourceSha256> ?digest }}"
    [row] = server.get(query, **_JSON).json()["results"]["bindings"]
    assert row["digest"]["value"] in told
    assert digest in told
    assert f"Code{__version__}" in told
    assert "The rokgraph team" in told


def test_each_graph_is_told_with_what_it_holds(server: Server) -> None:
    rows = page_at(server, "/about?lang=en").xpath("//table/tbody/tr")
    query = "SELECT DISTINCT ?g WHERE { GRAPH ?g { ?s ?p ?o } }"
    graphs = {row["g"]["value"] for row in server.get(query, **_JSON).json()["results"]["bindings"]}
    assert {BASE + row.xpath("./th/a/@href")[0].removeprefix("/") for row in rows} == graphs
    assert all(row[1].text_content().strip() for row in rows)


def test_a_server_without_contact_says_so(server: Server) -> None:
    assert "named no contact" in words_of(page_at(server, "/about?lang=en"))


def test_the_contact_of_the_settings_is_told(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROKGRAPH_CONTACT", "mailto:graph@example.org")
    page = page_at(serve(), "/about?lang=en")
    [link] = page.xpath("//a[starts-with(@href, 'mailto:')]")
    assert (link.get("href"), link.text) == ("mailto:graph@example.org", "graph@example.org")
    assert "named no contact" not in words_of(page)


def test_the_patterns_show_every_part(server: Server) -> None:
    """A macro that nobody sees there is one that nobody looks after."""
    templates = ROOT / "src" / "rokgraph" / "web" / "templates"
    parts = re.findall(r"{% macro (\w+)\(", (templates / "parts.html").read_text(encoding="utf-8"))
    shown = re.findall(r"\bp\.(\w+)\(", (templates / "patterns.html").read_text(encoding="utf-8"))
    assert set(parts) == set(shown)
    for language in ("en", "ko"):
        page = page_at(server, f"/patterns?lang={language}")
        assert page.xpath("//svg[@role='group']/title")
        assert page.xpath("//*[contains(@class, 's1')]")


def test_the_patterns_are_in_no_menu(server: Server) -> None:
    assert "/patterns" not in page_at(server, "/").xpath("//header//a/@href")
