"""The page of the ontology: every term, every part, in both languages, and all of it true."""

import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import html5lib
import httpx
import pyoxigraph as ox
import pytest
from lxml import etree, html

from rokgraph.terminology import QUERIES
from rokgraph.web import diagram
from rokgraph.web.language import LANGUAGES, words
from running import ROOT, Server, missing

ONT = "https://w3id.org/rokgraph/ont#"
BASE = "https://w3id.org/rokgraph/"
HANGUL = re.compile("[가-힣]")
SVG = "{http://www.w3.org/2000/svg}"
PREFIXES = (
    "PREFIX owl: <http://www.w3.org/2002/07/owl#> PREFIX graph: <https://w3id.org/rokgraph/graph/>"
)


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture
def page(server: Server, language: str) -> etree._Element:
    return read(server, language)


@cache
def text_of(url: str, language: str) -> str:
    answer = httpx.get(f"{url}/ont?lang={language}", headers={"accept": "text/html"}, timeout=60)
    assert answer.status_code == 200
    return answer.text


def read(server: Server, language: str) -> etree._Element:
    return html.fromstring(text_of(server.url, language))


@pytest.fixture(scope="module")
def declared() -> dict[str, str]:
    """Every term of the ontology by local name, and its kind."""
    store = ox.Store()
    store.load(path=ROOT / "ontology" / "rokgraph.ttl", format=ox.RdfFormat.TURTLE)
    owl = "http://www.w3.org/2002/07/owl#"
    kinds = {"Class": "class", "ObjectProperty": "object", "DatatypeProperty": "data",
             "AnnotationProperty": "annotation"}  # fmt: skip
    rdf_type = ox.NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
    return {
        quad.subject.value.removeprefix(ONT): kind
        for name, kind in kinds.items()
        for quad in store.quads_for_pattern(None, rdf_type, ox.NamedNode(owl + name))
        if isinstance(quad.subject, ox.NamedNode) and quad.subject.value.startswith(ONT)
    }


def select(server: Server, query: str) -> list[dict[str, str]]:
    answer = server.get(query, accept="application/sparql-results+json")
    assert answer.status_code == 200, answer.text
    found = answer.json()["results"]["bindings"]
    return [{name: term["value"] for name, term in row.items()} for row in found]


def sections(page: etree._Element) -> dict[str, etree._Element]:
    return {section.get("id"): section for section in page.iter("section")
            if section.get("class") == "term"}  # fmt: skip


def part(section: etree._Element, name: str) -> etree._Element:
    [found] = [row.find("dd") for row in section.iter("div")
               if row.find("dt") is not None and row.find("dt").text == name]  # fmt: skip
    return found


def said(element: etree._Element) -> str:
    return " ".join(element.text_content().split())


# --------------------------------------------------------------------------------- the document


def test_the_html_is_well_formed(server: Server, language: str) -> None:
    html5lib.HTMLParser(strict=True).parse(text_of(server.url, language))


def test_it_needs_no_script_and_no_style_of_its_own(page: etree._Element) -> None:
    assert [script.get("src") for script in page.iter("script")] == ["/static/page.js"]
    assert not list(page.iter("style"))
    assert not [e for e in page.iter() if any(a == "style" or a.startswith("on") for a in e.attrib)]


def test_a_browser_gets_the_page_and_a_program_rdf(server: Server) -> None:
    browser = server.client.get("/ont", headers={"accept": "text/html,*/*;q=0.8"})
    assert browser.headers["content-type"] == "text/html; charset=utf-8"
    assert "Accept" in browser.headers["vary"]
    program = server.client.get("/ont", headers={"accept": "text/turtle"})
    assert program.headers["content-type"].startswith("text/turtle")
    assert len(list(ox.parse(program.content, format=ox.RdfFormat.TURTLE))) > 1000


def test_each_language_has_its_own_tag(server: Server) -> None:
    tags = [server.client.get(f"/ont.html?lang={one}").headers["etag"] for one in LANGUAGES]
    assert len(set(tags)) == 2
    for one, tag in zip(LANGUAGES, tags, strict=True):
        again = server.client.get(f"/ont.html?lang={one}", headers={"if-none-match": tag})
        assert again.status_code == 304
    assert server.client.get("/ont.html").headers["etag"] == tags[0]


def test_a_language_that_is_none_of_ours_is_left_out(server: Server) -> None:
    for query, language in (("lang=fr", "en"), ("lang=", "en"), ("lang=fr&lang=ko", "ko")):
        answer = server.client.get(f"/ont.html?{query}")
        assert (answer.status_code, answer.headers["content-language"]) == (200, language)


def test_each_page_says_its_language_and_leads_to_the_other(
    page: etree._Element, language: str
) -> None:
    assert page.get("lang") == language
    [other] = {one for one in LANGUAGES if one != language}
    assert [link for link in page.iter("a") if link.get("hreflang") == other]


def test_foreign_data_has_no_such_page(serve: object, tmp_path: Path) -> None:
    (tmp_path / "x.ttl").write_text("<urn:a> <urn:b> <urn:c> .")
    running: Server = serve("--data", str(tmp_path))  # type: ignore[operator]
    assert running.client.get("/ont", headers={"accept": "text/html"}).status_code == 404


def test_it_says_what_it_is(page: etree._Element, language: str) -> None:
    about = page.get_element_by_id("part-about").text_content()
    for what in (
        "https://w3id.org/rokgraph/ont/1.0.0",
        "1.0.0",
        "The rokgraph team: rokgraph ontology",
    ):
        assert what in about
    assert {"en": "Commons Attribution", "ko": "저작자표시"}[language] in about


# ------------------------------------------------------------------------------------ the terms


def test_every_term_has_its_section_under_its_name(
    page: etree._Element, declared: dict[str, str]
) -> None:
    assert sections(page).keys() == declared.keys()
    assert len(declared) > 180


def test_ids_are_unique_and_anchors_lead_somewhere(page: etree._Element) -> None:
    ids = [element.get("id") for element in page.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    inside = {a.get("href")[1:] for a in page.iter("a") if a.get("href").startswith("#")}
    assert inside <= set(ids)
    assert len(inside) > 180


def test_the_rules_stand_in_full_once(page: etree._Element, language: str) -> None:
    rules = page.get_element_by_id("part-rules")
    named = {a.text for s in sections(page).values() for ul in s.iter("ul") for a in ul.iter("a")}
    assert {li.get("id").removeprefix("rule-") for li in rules.iter("li")} == named
    for li in rules.iter("li"):
        assert bool(HANGUL.search(said(li))) == (language == "ko"), said(li)


def test_every_section_has_every_part(
    page: etree._Element, language: str, declared: dict[str, str]
) -> None:
    w = words(language, "ontology")
    for key, section in sections(page).items():
        kind = declared[key]
        family = "class" if kind == "class" else "property"
        assert said(part(section, w["iri"])) == ONT + key
        assert said(part(section, w["kind"])) == w[f"kind_{kind}"]
        texts = {p.get("lang"): said(p) for p in part(section, w["definition"]).iter("p")}
        assert texts.keys() == {language}, key
        assert bool(HANGUL.search(texts[language])) == (language == "ko"), key
        assert said(part(section, w["status"])) in (w["asserted"], w["derived"])
        for name in ("rules", f"uses_{family}", "example", "ask"):
            assert said(part(section, w[name])), (key, name)
        if kind in ("object", "data"):
            assert said(part(section, w["domain"])), key
            assert said(part(section, w["range"])), key


def test_headings_are_in_the_language_of_the_page(page: etree._Element, language: str) -> None:
    for key, section in sections(page).items():
        first = section.find("h3").find("span")
        assert first.get("lang") == language, key
        assert bool(HANGUL.search(first.text)) == (language == "ko"), key


def test_the_korean_page_is_korean(server: Server) -> None:
    page = read(server, "ko")
    for heading in page.iter("h1", "h2", "dt", "summary", "figcaption", "th"):
        words_ = said(heading)
        assert HANGUL.search(words_) or heading.get("title") or words_ == "IRI", words_
    for rule in page.iter("li"):
        if rule.getparent().get("class") == "rules":
            assert HANGUL.search(rule.findall("span")[-1].text_content()), said(rule)


def test_derived_and_asserted_are_told_apart(server: Server) -> None:
    w, found = words("en", "ontology"), sections(read(server, "en"))
    derived = {row["t"] for row in select(
        server, f"SELECT ?t {{ ?t <{ONT}isDerived> true }}"
    )}  # fmt: skip
    told = {ONT + key for key, s in found.items() if said(part(s, w["status"])) == w["derived"]}
    assert told == derived
    assert derived


def test_a_known_term_is_told_as_it_is(server: Server) -> None:
    w, section = words("en", "ontology"), sections(read(server, "en"))["elementOf"]
    assert said(part(section, w["domain"])) == said(part(section, w["range"])) == "rok:PlanElement"
    assert said(part(section, w["inverse"])) == "rok:hasElement"
    assert said(part(section, w["characteristics"])) == "functional, asymmetric, irreflexive"
    assert "rok:withinElement" in said(part(section, w["above_property"]))
    rules = said(part(section, w["rules"]))
    assert "P-01 must" in rules
    assert "C-01" not in rules
    [rule] = [a.get("href") for a in part(section, w["rules"]).iter("a") if a.text == "P-01"]
    told = said(read(server, "en").get_element_by_id(rule.removeprefix("#")))
    assert told == "P-01 exactly one parent (rok:elementOf)"


def test_a_property_without_a_domain_says_where_it_is_used(server: Server) -> None:
    w, section = words("en", "ontology"), sections(read(server, "en"))["takesPlaceIn"]
    told = said(part(section, w["domain"]))
    counts = {"rok:Action": 0, "rok:Event": 0}
    for name in counts:
        [row] = select(server, f"""PREFIX rok: <{ONT}> {PREFIXES}
            SELECT (COUNT(DISTINCT ?x) AS ?n) {{ GRAPH ?g {{ ?x a {name} }} ?x rok:takesPlaceIn ?y
              FILTER(?g != graph:inferred) }}""")  # fmt: skip
        assert f"{name} {row['n']}" in told


def test_counts_are_those_of_the_endpoint(server: Server, declared: dict[str, str]) -> None:
    w, found = words("en", "ontology"), sections(read(server, "en"))
    counted: dict[str, dict[str, str]] = {key: {} for key in declared}
    for pattern in ("?s a ?t", "?s ?t ?o"):
        query = f"""SELECT ?t ?g (COUNT(*) AS ?n) {{ GRAPH ?g {{ {pattern} }}
            FILTER(STRSTARTS(STR(?t), "{ONT}")) }} GROUP BY ?t ?g"""
        for row in select(server, query):
            graph = row["g"].removeprefix(BASE + "graph/")
            counted[row["t"].removeprefix(ONT)][graph] = row["n"]
    for key, section in found.items():
        family = "class" if declared[key] == "class" else "property"
        cell = part(section, w[f"uses_{family}"])
        graphs = [a.text for a in cell.iter("a")]
        numbers = [s.text for s in cell.iter("span")]
        assert dict(zip(graphs, numbers, strict=True)) == counted[key], key


def test_rules_are_those_of_the_shapes(server: Server) -> None:
    names = {row["s"].rpartition("#")[2] for row in select(server, """
        PREFIX sh: <http://www.w3.org/ns/shacl#>
        SELECT DISTINCT ?s { ?s a sh:NodeShape ; sh:message ?m }""")}  # fmt: skip
    told = {a.text for s in sections(read(server, "en")).values() for ul in s.iter("ul")
            for a in ul.iter("a")}  # fmt: skip
    assert told <= names
    # a rule that names no term of ours is about terms of others alone
    assert len(names - told) < len(names) / 8, names - told


def test_examples_are_turtle_and_stand_in_the_graph(
    server: Server, declared: dict[str, str]
) -> None:
    page = read(server, "en")
    head = page.get_element_by_id("prefixes-of-examples").text_content()
    everything = server.client.get(
        "/graph-store?default", headers={"accept": "application/n-triples"}
    )
    stated = {str(t.triple) for t in ox.parse(everything.content, format=ox.RdfFormat.N_TRIPLES)}
    rdf_type = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
    for key, section in sections(page).items():
        [block] = section.iter("pre")
        triples = list(ox.parse(f"{head}\n{block.text}".encode(), format=ox.RdfFormat.TURTLE))
        assert {str(quad.triple) for quad in triples} <= stated, key
        if declared[key] == "class":
            assert any(q.predicate.value == rdf_type and str(q.object) == f"<{ONT}{key}>"
                       for q in triples), key  # fmt: skip
        else:
            assert any(quad.predicate.value == ONT + key for quad in triples), key


def test_every_ready_query_runs_and_finds_something(
    server: Server, declared: dict[str, str]
) -> None:
    for key, section in sections(read(server, "en")).items():
        [link] = [a.get("href") for a in section.iter("a") if a.get("class") == "ask"]
        path, _, query = link.partition("?")
        answer = server.client.get(f"{path}.json?{query}")
        assert answer.status_code == 200, key
        rows = answer.json()["results"]["bindings"]
        family = "class" if declared[key] == "class" else "property"
        counts = part(section, words("en", "ontology")[f"uses_{family}"]).iter("span")
        assert len(rows) == min(100, sum(int(count.text) for count in counts)), key
        assert rows
    shown = server.client.get(link, headers={"accept": "text/html"})
    assert shown.status_code == 200
    assert "text/html" in shown.headers["content-type"]


def test_links_lead_somewhere(server: Server) -> None:
    page = read(server, "en").find(".//main")
    paths = {urlsplit(a.get("href")).path for a in page.iter("a") if a.get("href").startswith("/")}
    assert {
        "/def/technology",
        "/def/technology/ai",
        "/graph/source",
        "/shapes",
        "/ont.ttl",
    } <= paths
    for path in sorted(paths):
        answer = server.client.head(path, follow_redirects=True)
        assert answer.status_code == 200, path
    rules = html.fromstring(server.client.get("/shapes.html").text)
    for a in page.iter("a"):
        parts = urlsplit(a.get("href"))
        assert parts.path != "/shapes" or rules.get_element_by_id(parts.fragment) is not None
        assert urlsplit(a.get("href")).scheme in ("", "http", "https"), a.get("href")


def test_every_scheme_and_concept_is_listed(page: etree._Element, server: Server) -> None:
    iris = {row["c"] for row in select(server, """PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
        SELECT ?c { { ?c a skos:ConceptScheme } UNION { ?c skos:inScheme ?s } }""")}  # fmt: skip
    told = {BASE + a.get("href")[1:] for a in page.get_element_by_id("part-schemes").iter("a")
            if a.get("href").startswith("/def/")}  # fmt: skip
    assert told == {iri for iri in iris if iri.startswith(BASE)}


def test_every_reused_term_is_listed_with_its_use(page: etree._Element, server: Server) -> None:
    iris = {row["t"] for row in select(server, f"""{PREFIXES}
        PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
        SELECT DISTINCT ?t {{ GRAPH graph:background {{ ?t rdfs:label ?l }} }}""")}  # fmt: skip
    rows = [r for r in page.get_element_by_id("part-reused").iter("tr") if r.find("td") is not None]
    assert {r.find("td").find("a").get("href") for r in rows} == iris
    [plan] = [r for r in rows if r.find("td").find("a").get("href").endswith("prov#Plan")]
    assert "ontology" in said(plan)


# --------------------------------------------------------------------------------- the diagrams


def test_diagrams_have_words_for_those_who_do_not_see_them(page: etree._Element) -> None:
    drawn = list(page.iter("svg"))
    assert len(drawn) == 3
    for svg in drawn:
        title, told = (page.get_element_by_id(i) for i in svg.get("aria-labelledby").split())
        assert said(title)
        assert len(said(told)) > 40
        assert not svg.findall(".//style")
        links = [a.get("href") for a in svg.iter("a")]
        assert len(links) > 6
        assert "wide" in svg.getparent().get("class")  # scrolls where it is too wide


def test_diagrams_say_nothing_that_is_not_so(server: Server) -> None:
    """Each arrow is declared by domain and range, or its triples stand in the data."""
    query = (ROOT / "queries" / "ontology" / "arrows.rq").read_text()
    rdfs = "PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>"
    for row in select(server, query):
        start, property_, end = (f"<{row[name]}>" for name in ("from", "property", "to"))
        found = select(server, f"""{rdfs} SELECT ?x {{
            {{ {property_} rdfs:domain {start} ; rdfs:range {end} BIND(1 AS ?x) }} UNION
            {{ ?x {property_} ?y . ?x a {start} . ?y a {end} }} }} LIMIT 1""")  # fmt: skip
        assert found, row


def test_boxes_do_not_overlap_and_words_keep_clear_of_them(server: Server, language: str) -> None:
    for svg in read(server, language).iter("svg"):
        boxes = [
            tuple(int(rect.get(name)) for name in ("x", "y", "width", "height"))
            for rect in svg.iter("rect")
        ]
        edges = [(x, y, x + w, y + h) for x, y, w, h in boxes]
        assert len(set(edges)) == len(edges)
        width, height = int(svg.get("width")), int(svg.get("height"))
        for text in svg.iter("text"):
            if text.getparent().tag == "a":
                assert diagram.width_of(text.text) <= diagram.BOX_WIDTH, text.text
                continue
            x, y = int(text.get("x")), int(text.get("y"))
            left = x - (diagram.width_of(text.text) if text.get("text-anchor") == "end" else 0)
            right = left + diagram.width_of(text.text)
            assert left >= 0, text.text
            assert right <= width, text.text
            assert 10 <= y <= height, text.text
            for x0, y0, x1, y1 in edges:
                assert right <= x0 or left >= x1 or y <= y0 or y - 10 >= y1, text.text


def test_an_arrow_to_a_box_that_is_not_there_is_left_out() -> None:
    nodes = [diagram.Node("a", ("A",), 0, 0), diagram.Node("b", ("B",), 1, 0)]
    edges = [
        diagram.Edge("a", "b", "to"),
        diagram.Edge("a", "c", "no"),
        diagram.Edge("a", "b", "also"),
    ]
    drawing = diagram.draw(nodes, edges)
    assert [[word for *_, word in path.words] for path in drawing.paths] == [["to", "also"]]


# ---------------------------------------------------------------------------------- its sources


def test_both_languages_have_the_same_words() -> None:
    english, korean = words("en", "ontology"), words("ko", "ontology")
    assert english.keys() == korean.keys()
    for key, text in korean.items():
        assert HANGUL.search(text) or key in ("iri", "title"), key
        assert HANGUL.search(english[key]) is None, key


def test_every_query_of_the_page_is_named() -> None:
    folder = ROOT / "queries" / "ontology"
    assert {path.stem for path in folder.glob("*.rq")} == set(QUERIES)


# --------------------------------------------------------------------------------- the referee


def test_pylode_finds_no_empty_section_and_no_missing_definition(declared: dict[str, str]) -> None:
    assert pylode_faults(ROOT / "ontology" / "rokgraph.ttl", declared) == []


def test_pylode_sees_a_term_without_a_definition(declared: dict[str, str], tmp_path: Path) -> None:
    text = (ROOT / "ontology" / "rokgraph.ttl").read_text()
    broken = tmp_path / "broken.ttl"
    broken.write_text(
        re.sub(
            r"(rok:Sector a owl:Class ;.*?)skos:definition.*?;(?=\n)",
            r"\1",
            text,
            count=1,
            flags=re.DOTALL,
        )
    )
    assert pylode_faults(broken, declared) == ["Sector: no definition"]


def pylode_faults(path: Path, declared: dict[str, str]) -> list[str]:
    """What pyLODE's page lacks of our terms."""
    tool = Path(sys.executable).with_name("pylode")
    if not tool.exists():
        missing("pyLODE")
    ran = subprocess.run([tool, path], capture_output=True, check=True)
    page = html.fromstring(ran.stdout)
    faults = [
        f"{h.text_content()}: empty"
        for h in page.iter("h2", "h3")
        if not said(h.getparent()).removeprefix(said(h))
    ]
    told = {}
    for entity in page.find_class("entity"):
        rows = [row for row in entity.iter("tr") if row.find("th") is not None]
        cells = {said(row.find("th")): said(row.find("td")) for row in rows}
        if "IRI" in cells:  # the legend has none
            told[cells["IRI"].removeprefix(ONT)] = cells
    faults += [f"{key}: no section" for key in declared if key not in told]
    for key, cells in told.items():
        if not cells.get("Description"):
            faults.append(f"{key}: no definition")
        faults += [f"{key}: nothing in {name}" for name, cell in cells.items() if not cell]
    return faults
