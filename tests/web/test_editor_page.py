"""The query editor's page: empty, with an answer, with a refusal; by forms alone."""

import html as entities
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from shutil import which
from urllib.parse import urlencode

import httpx
import pytest
from lxml import html

from rokgraph.library import saved_queries, without_header
from rokgraph.web.language import LANGUAGES, words
from running import ROOT, Server, missing

STATIC = ROOT / "src" / "rokgraph" / "web" / "static"
VENDOR = STATIC / "vendor" / "yasqe.min.js"
QUESTIONS = {saved.name: saved for saved in saved_queries(ROOT, "questions")}
ROK = "PREFIX rok: <https://w3id.org/rokgraph/ont#>\n"
TASKS = ROK + "SELECT ?task ?order { ?task a rok:Task ; rok:ordinal ?order } ORDER BY ?task"
GRAPH = ROK + "CONSTRUCT { ?task a rok:Task } { ?task a rok:Task }"
WRONG = ROK + 'SELECT ?한글 ("한글" AS ?x) WHERE {\n  ?한글 a "글" nonsense\n}'


def got(server: Server, accept: str = "text/html", **asked: str) -> httpx.Response:
    return server.client.get("/sparql", params=asked, headers={"accept": accept})


def page(server: Server, **asked: str) -> html.HtmlElement:
    return html.document_fromstring(got(server, **asked).content)


def texts(found: html.HtmlElement, path: str) -> list[str]:
    return [element.text_content().strip() for element in found.xpath(path)]


def held(found: html.HtmlElement) -> str:
    """The query in the form; a browser leaves the first line break of a text area out."""
    [area] = found.xpath("//form[@id='ask']//textarea[@name='query']")
    return str(area.text)


# -- empty -----------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_speaks_the_language_of_the_reader(server: Server, language: str) -> None:
    found = page(server, lang=language)
    told = words(language, "query")
    assert texts(found, "//h1") == [told["title"]]
    assert found.get("lang") == language
    assert told["run"] in texts(found, "//form[@id='ask']//button")


def test_the_query_it_begins_with_has_an_answer(server: Server) -> None:
    answer = got(server, accept="text/csv", query=held(page(server)))
    assert answer.status_code == 200
    assert len(answer.text.splitlines()) > 1


def test_it_is_a_form_that_gets_the_query_alone(server: Server) -> None:
    [form] = page(server).xpath("//form[@id='ask']")
    assert (form.get("action"), form.get("method")) == ("/sparql", "get")
    assert [*form.fields.keys()] == ["query"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_question_is_one_click_away(server: Server, language: str) -> None:
    links = page(server, lang=language).xpath("//*[@class='shelf']//a")
    found = {link.get("href"): link.text_content().strip() for link in links}
    assert found == {
        f"/sparql?question={name}": saved.title[language] for name, saved in QUESTIONS.items()
    }


@pytest.mark.parametrize("name", ["tasks-per-strategy", "about-dataset"])
def test_a_question_is_opened_in_it(server: Server, name: str) -> None:
    folder = "questions" if name in QUESTIONS else "views"
    text = without_header((ROOT / "queries" / folder / f"{name}.rq").read_text(encoding="utf-8"))
    found = page(server, question=name)
    assert held(found) == text
    assert f"/queries/{name}" in found.xpath("//form[@id='ask']//a/@href")


def test_an_unknown_question_is_the_first_query(server: Server) -> None:
    assert held(page(server, question="<none>")) == held(page(server))


def test_the_questions_are_searched_without_scripts_too(server: Server) -> None:
    [form] = page(server).xpath("//form[.//input[@id='filter']]")
    assert (form.get("action"), form.get("method")) == ("/queries/", "get")
    assert [*form.fields.keys()] == ["q"]


# -- its scripts -----------------------------------------------------------------------------


def test_the_script_of_others_is_there_or_is_not_asked_for(server: Server) -> None:
    sources = page(server).xpath("//script/@src | //link[@rel='stylesheet']/@href")
    assert any("/vendor/" in source for source in sources) == VENDOR.exists()
    for source in sources:
        assert source.startswith("/static/")
        assert server.client.get(source).status_code == 200


def test_its_policy_is_that_of_every_page(server: Server) -> None:
    policies = {
        answer.headers["content-security-policy"]
        for answer in (got(server), got(server, query=TASKS), got(server, query=WRONG))
    }
    assert policies == {
        server.client.get("/about", headers={"accept": "text/html"}).headers[
            "content-security-policy"
        ]
    }
    assert "unsafe" not in policies.pop()


def test_our_script_is_small_and_names_no_other_host() -> None:
    text = (STATIC / "editor.js").read_text(encoding="utf-8")
    assert len(text.encode()) < 6000
    assert "://" not in text


def test_what_the_lock_file_pins_is_pinned_by_digest_alone() -> None:
    lock = json.loads((ROOT / "assets" / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert packages["node_modules/@zazuko/yasqe"]["version"]
    for name, package in packages.items():
        assert package["integrity"].startswith("sha512-"), name
        assert "resolved" not in package, name


# -- completions -----------------------------------------------------------------------------


def test_completions_are_the_prefixes_and_names_of_the_dataset(server: Server) -> None:
    answer = server.client.get("/completions.json")
    assert answer.headers["content-type"] == "application/json"
    document = answer.json()
    terms = {short: tuple(told) for short, *told in document["terms"]}
    assert terms["rok:Task"] == ("class", "Task", "세부과제")
    assert terms["rok:ordinal"][0] == "property"
    assert terms["rdfs:label"][0] == "property"
    assert terms["technology:metaverse"] == ("thing", "Metaverse", "메타버스")
    assert document["prefixes"]["rok"] == "https://w3id.org/rokgraph/ont#"
    rows = got(
        server,
        accept="text/csv",
        query="PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>\n"
        "SELECT DISTINCT ?iri { ?iri rdfs:label ?label FILTER(ISIRI(?iri)) }",
    ).text.splitlines()[1:]
    spaces = document["prefixes"]
    full = {
        spaces[short.partition(":")[0]] + short.partition(":")[2]
        if short.partition(":")[0] in spaces
        else short
        for short in terms
    }
    assert rows
    assert set(rows) <= full


def test_completions_are_asked_for_once(server: Server) -> None:
    first = server.client.get("/completions.json")
    again = server.client.get("/completions.json", headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304
    assert server.client.post("/completions.json").status_code == 405


# -- an answer -------------------------------------------------------------------------------


@pytest.mark.parametrize(("language", "name"), [("en", "Task"), ("ko", "세부과제")])
def test_names_stand_beside_iris_and_links_stay_here(
    server: Server, language: str, name: str
) -> None:
    query = ROK + "SELECT * { VALUES ?x { rok:Task <http://example.org/a> <urn:x> } }"
    found = page(server, query=query, lang=language)
    cells = found.xpath("//section[@id='answer']//tbody//td")
    assert texts(cells[0], ".//a") == [name]
    assert cells[0].xpath(".//a/@href") == ["/ont#Task"]
    assert texts(cells[0], ".//code") == ["rok:Task"]
    assert cells[1].xpath(".//a/@href") == ["http://example.org/a"]
    assert (cells[2].xpath(".//a"), cells[2].text_content()) == ([], "urn:x")


def test_every_row_and_every_number_is_that_of_the_endpoint(server: Server) -> None:
    found = page(server, query=TASKS)
    [table] = found.xpath("//section[@id='answer']//table")
    rows = server.client.get(table.get("data-of")).json()["results"]["bindings"]
    assert texts(table, ".//thead/tr/th") == ["task", "order"]
    assert table.xpath(".//tbody/tr/td/data/@value") == [row["order"]["value"] for row in rows]
    assert len(table.xpath(".//tbody/tr")) == len(rows) == 18


def test_terms_are_shown_as_they_are_written_here(server: Server) -> None:
    xsd = "http://www.w3.org/2001/XMLSchema#"
    query = (
        f'SELECT * {{ BIND(1234567.5 AS ?n) BIND("2024-02-27"^^<{xsd}date> AS ?d) '
        f'BIND("메타"@ko AS ?k) BIND("en"@en AS ?e) BIND("2022"^^<{xsd}gYear> AS ?y) }}'
    )
    cells = page(server, query=query).xpath("//tbody//td")
    assert [cell.text_content().strip() for cell in cells] == [
        "1,234,567.5", "27 Feb 2024", "메타", "en", "2022",
    ]  # fmt: skip
    assert cells[1].xpath("./time/@datetime") == ["2024-02-27"]
    assert cells[2].xpath("./span/@lang") == ["ko"]
    assert not cells[3].xpath("./span")


def test_only_the_first_rows_are_shown_and_that_is_said(server: Server) -> None:
    found = page(server, query="SELECT ?s { ?s ?p ?o } LIMIT 700")
    assert len(found.xpath("//tbody/tr")) == 500
    [told] = texts(found, "//section[@id='answer']/p[1]")
    assert "500" in told
    assert "700" in told
    assert not page(server, query="SELECT ?s { ?s <urn:none> ?o }").xpath("//table")


@pytest.mark.parametrize(
    ("query", "formats"),
    [
        (TASKS, ["json", "xml", "csv", "tsv"]),
        ("ASK {}", ["json", "xml", "csv", "tsv"]),
        (GRAPH, ["turtle", "ntriples", "rdfxml", "jsonld"]),
    ],
)
def test_the_answer_is_taken_in_other_formats(
    server: Server, query: str, formats: list[str]
) -> None:
    links = page(server, query=query).xpath("//section[@id='answer']/p[@class='foot']/a")
    assert [link.text for link in links] == formats
    for link, form in zip(links, formats, strict=True):
        answer = server.client.get(link.get("href"))
        assert answer.content == got(server, accept="*/*", query=query, format=form).content


def test_the_graphs_that_are_asked_go_along(server: Server) -> None:
    asked = {"query": TASKS, "default-graph-uri": "https://w3id.org/rokgraph/graph/korean"}
    found = html.document_fromstring(got(server, **asked).content)
    assert not found.xpath("//tbody/tr")
    [link, *_] = found.xpath("//section[@id='answer']/p[@class='foot']/a/@href")
    assert server.client.get(link).json()["results"]["bindings"] == []
    [hidden] = found.xpath("//form[@id='ask']//input[@type='hidden']")
    assert (hidden.name, hidden.value) == [*asked.items()][1]


def test_the_query_stays_and_questions_are_still_at_hand(server: Server) -> None:
    found = page(server, query=TASKS)
    assert held(found) == TASKS
    assert len(found.xpath("//details//*[@class='shelf']//a")) == len(QUESTIONS)
    [cited] = found.xpath("//details[@class='cite']/p")
    assert urlencode({"query": TASKS}) in cited.text_content()


def test_a_page_is_not_sent_twice(server: Server) -> None:
    first = got(server, query=TASKS)
    again = server.client.get(
        "/sparql",
        params={"query": TASKS},
        headers={"accept": "text/html", "if-none-match": first.headers["etag"]},
    )
    assert again.status_code == 304
    assert got(server, query=TASKS, lang="ko").headers["etag"] != first.headers["etag"]


# -- code ------------------------------------------------------------------------------------

HARD = (
    'SELECT ?x {\n  VALUES ?x { "it\'s \\"so\\" $(id) `id` \\\\" "한글 {{ 1 }}" "%41+&" }\n}\n# end'
)


def snippets(server: Server, query: str) -> dict[str, str]:
    [box] = page(server, query=query).xpath("//section[@id='answer']/details[@class='code']")
    return dict(zip(texts(box, "./h3"), texts(box, "./pre"), strict=True))


@pytest.mark.parametrize("query", [TASKS, HARD, GRAPH, "ASK {}"], ids=range(4))
@pytest.mark.parametrize(
    ("label", "command"), [("curl", ["bash", "-c"]), ("Python", [sys.executable, "-c"])]
)
def test_the_code_asks_the_same(
    server: Server, tmp_path: Path, query: str, label: str, command: list[str]
) -> None:
    code = snippets(server, query)[label]
    ran = subprocess.run(
        [*command, code], capture_output=True, text=True, check=True, cwd=tmp_path
    ).stdout
    rows = query in (TASKS, HARD)
    accept = "text/csv" if rows else "text/turtle" if query == GRAPH else "application/json"
    answer = got(server, accept=accept, query=query)
    if label == "Python" and rows:
        bindings = got(server, accept="application/json", query=query).json()["results"]
        wanted = [
            {name: term["value"] for name, term in row.items()} for row in bindings["bindings"]
        ]
        assert ran.splitlines() == [str(row) for row in wanted]
    else:
        assert ran.replace("\r\n", "\n").strip() == answer.text.replace("\r\n", "\n").strip()


@pytest.mark.parametrize("query", [TASKS, HARD], ids=range(2))
def test_the_code_in_javascript_runs(server: Server, tmp_path: Path, query: str) -> None:
    node = which("node")
    if node is None:
        missing("node")
    (tmp_path / "code.mjs").write_text(snippets(server, query)["JavaScript"], encoding="utf-8")
    ran = subprocess.run(
        [str(node), "code.mjs"], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    rows = got(server, accept="application/json", query=query).json()["results"]["bindings"]
    assert len(ran.stdout.splitlines()) >= len(rows) > 0


# -- a refusal -------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_error_keeps_the_query_and_points_at_the_place(server: Server, language: str) -> None:
    told = got(server, accept="application/json", query=WRONG).json()
    answer = got(server, query=WRONG, lang=language)
    found = html.document_fromstring(answer.content)
    assert answer.status_code == told["status"] == 400
    assert held(found) == WRONG
    assert told["detail"] in entities.unescape(answer.text)
    [form] = found.xpath("//form[@id='ask']")
    assert (form.get("data-line"), form.get("data-column")) == (
        str(told["line"]),
        str(told["column"]),
    )
    [place] = found.xpath("//*[@id='refusal']//pre")
    above, line, caret = place.text_content().splitlines()
    assert (above, line) == tuple(WRONG.splitlines()[told["line"] - 2 : told["line"]])
    assert line[told["column"] - 1 :].startswith("nonsense")
    # a sign of Hangul is as wide as two others
    assert caret.index("^") == told["column"] - 1 + sum(sign > "\u0fff" for sign in line)
    where = words(language, "query")["where"].format(line=told["line"], column=told["column"])
    assert where in texts(found, "//*[@id='refusal']/p")


@pytest.mark.parametrize("query", ["SELECT ?x {", "\n\n}", "SELECT", "ASK { # é\n\t\t?s ?p }"])
def test_an_error_at_any_place_is_shown(server: Server, query: str) -> None:
    answer = got(server, query=query)
    assert answer.status_code == 400
    assert (
        "^"
        in html.document_fromstring(answer.content)
        .xpath("//*[@id='refusal']//pre")[0]
        .text_content()
    )


def test_a_query_that_is_stopped_is_kept_too(serve: Callable[..., Server]) -> None:
    server = serve("--timeout", "1")
    query = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"
    answer = got(server, query=query)
    found = html.document_fromstring(answer.content)
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert held(found) == query
    assert words("en", "query")["later"] in texts(found, "//*[@id='refusal']/p")
    assert not found.xpath("//*[@id='refusal']//pre")


def test_a_program_gets_the_place_as_json(server: Server) -> None:
    answer = got(server, accept="*/*", query=WRONG)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["line"] == 3
