"""Our IRIs over real HTTP: what they lead to, in every form, known, unknown and withdrawn."""

import re
from collections.abc import Callable
from pathlib import Path

import httpx
import pyoxigraph as ox
import pytest

from rokgraph.formats import GRAPH_FORMATS
from rokgraph.vocab import BASE
from running import Server

TASK = "id/task/1-2"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
SUFFIXES = {entry.suffixes[0]: entry for entry in GRAPH_FORMATS}
LINK = re.compile(r'<([^>]*)>; rel="([^"]*)"(?:; type="([^"]*)")?')
WITHDRAWN = """
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix dcterms: <http://purl.org/dc/terms/> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@base <https://w3id.org/rokgraph/id/task/> .
<old> a owl:Thing ; rdfs:label "Old" ; owl:deprecated true ; dcterms:isReplacedBy <new> .
<gone> rdfs:label "Gone" ; owl:deprecated true .
<new> rdfs:label "New", "새것"@ko .
<v1.ttl> rdfs:label "A key that ends like a file" .
<v1> rdfs:label "Another" ; rdfs:seeAlso [ rdfs:label "Inside" ] .
<여름> rdfs:label "Summer" .
<script> rdfs:label "<script>alert(1)</script>" ; rdfs:seeAlso <javascript:alert(1)> .
"""


@pytest.fixture
def small(serve: Callable[..., Server], tmp_path: Path) -> Server:
    path = tmp_path / "small.ttl"
    path.write_text(WITHDRAWN)
    return serve("--data", str(path))


def get(server: Server, path: str, accept: str = "*/*") -> httpx.Response:
    return server.client.get(path, headers={"accept": accept})


def links(answer: httpx.Response) -> dict[str, list[tuple[str, str]]]:
    """Address and type of each link, by relation."""
    found: dict[str, list[tuple[str, str]]] = {}
    for address, relations, kind in LINK.findall(answer.headers["link"]):
        for relation in relations.split():
            found.setdefault(relation, []).append((address, kind))
    return found


def canonical(content: bytes, form: ox.RdfFormat) -> set[str]:
    """The triples with the names that RDFC-1.0 gives to blank nodes."""
    dataset = ox.Dataset(ox.parse(content, format=form))
    dataset.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
    return {str(quad) for quad in dataset}


@pytest.mark.parametrize(
    "path", [TASK, "def/technology", "def/technology/ai", "graph/source", "dataset"]
)
def test_what_is_no_document_leads_to_one(server: Server, path: str) -> None:
    answer = get(server, "/" + path)
    assert (answer.status_code, answer.headers["location"]) == (303, "/doc/" + path)
    assert get(server, "/doc/" + path).status_code == 200


def test_suffix_and_parameters_survive_the_way_to_the_document(server: Server) -> None:
    assert get(server, f"/{TASK}.ttl").headers["location"] == f"/doc/{TASK}.ttl"
    asked = get(server, f"/{TASK}?format=jsonld").headers["location"]
    assert get(server, asked).headers["content-type"] == "application/ld+json"


@pytest.mark.parametrize("path", ["ont", "shapes", "prefixes", "ont/1.0.0"])
def test_a_document_answers_itself(server: Server, path: str) -> None:
    answer = get(server, "/" + path)
    assert answer.status_code == 200
    subjects = {
        str(triple.subject) for triple in ox.parse(answer.content, format=ox.RdfFormat.TURTLE)
    }
    assert f"<{BASE}{path.partition('/')[0]}>" in subjects or path == "shapes"
    assert len(subjects) > 100


def test_the_ontology_and_the_prefixes_are_two_documents(server: Server) -> None:
    for path, other in (("/ont", "prefixes"), ("/prefixes", "ont")):
        triples = [*ox.parse(get(server, path).content, format=ox.RdfFormat.TURTLE)]
        assert not [t for t in triples if str(t.subject).startswith(f"<{BASE}{other}")]


@pytest.mark.parametrize("path", [f"doc/{TASK}", "doc/graph/source", "ont", "shapes", "prefixes"])
def test_all_forms_hold_the_same_triples(server: Server, path: str) -> None:
    [first, *others] = [
        canonical(get(server, f"/{path}{suffix}").content, entry.native)  # type: ignore[arg-type]
        for suffix, entry in SUFFIXES.items()
    ]
    assert len(first) > 10
    assert all(other == first for other in others)


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("", "text/turtle"),
        ("*/*", "text/turtle"),
        (BROWSER, "text/html"),
        ("text/html", "text/html"),
        ("application/json", "application/ld+json"),
        ("application/rdf+xml, text/turtle;q=0.9", "application/rdf+xml"),
        ("text/html;q=0.5, application/n-triples", "application/n-triples"),
        ("text/html;q=0.5, application/sparql-results+json", "text/html"),
        ("image/png, text/html;q=0.1", "text/html"),
    ],
)
def test_accept_chooses_the_form(server: Server, accept: str, media_type: str) -> None:
    answer = get(server, f"/doc/{TASK}", accept)
    assert answer.headers["content-type"].partition(";")[0] == media_type
    told = "Accept, Accept-Encoding"
    page = media_type == "text/html"
    assert answer.headers["vary"] == (f"{told}, Accept-Language, Cookie" if page else told)


@pytest.mark.parametrize("suffix", [".html", *SUFFIXES])
def test_a_suffix_chooses_without_negotiation(server: Server, suffix: str) -> None:
    answer = get(server, f"/doc/{TASK}{suffix}", "image/png")
    wanted = SUFFIXES[suffix].media_type if suffix in SUFFIXES else "text/html"
    assert answer.headers["content-type"].partition(";")[0] == wanted
    told = "Accept-Encoding, Accept-Language, Cookie" if suffix == ".html" else "Accept-Encoding"
    assert answer.headers["vary"] == told


def test_what_cannot_be_had_is_refused(server: Server) -> None:
    unacceptable = get(server, f"/doc/{TASK}", "image/png")
    assert unacceptable.status_code == 406
    assert "text/turtle" in unacceptable.json()["detail"]
    for named in ("csv", "trig", "doc", "html&format=html"):
        assert get(server, f"/doc/{TASK}?format={named}").status_code == 400
    refused = server.client.post("/" + TASK)
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
    assert server.client.options("/" + TASK).status_code == 204


@pytest.mark.parametrize("suffix", [".html", ".ttl"])
def test_head_and_conditions(server: Server, suffix: str) -> None:
    path = f"/doc/{TASK}{suffix}"
    got = get(server, path)
    head = server.client.head(path)
    assert head.content == b""
    assert (
        head.headers["content-length"] == str(len(got.content)) or "content-encoding" in got.headers
    )
    again = server.client.get(path, headers={"if-none-match": got.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_rdf_names_things_by_their_iris_whatever_the_server(serve: Callable[..., Server]) -> None:
    elsewhere = serve("--base-url", "https://example.org/graph")
    text = get(elsewhere, f"/doc/{TASK}.nt").text
    assert f"<{BASE}{TASK}>" in text
    assert "example.org" not in text
    assert ("https://example.org/graph/doc/id/task/1-2.ttl", "text/turtle") in links(
        get(elsewhere, f"/doc/{TASK}.html")
    )["alternate"]


def test_the_page_shows_what_the_rdf_says(server: Server) -> None:
    page = get(server, f"/doc/{TASK}.html").text
    heading = (
        '<h1>Sufficient digital resources<small lang="ko">충분한 디지털 자원 확보</small></h1>'
    )
    assert heading in page
    assert f">{BASE}{TASK}</code>" in page
    assert "version 2026.1" in page
    # in the order of the shapes: what it is, law, who, source
    headings = [">What it is<", ">Law<", ">Who<", ">Source<", ">What points here<"]
    places = [page.find(heading) for heading in headings]
    assert -1 not in places
    assert places == sorted(places)
    triples = ox.parse(get(server, f"/doc/{TASK}.ttl").content, format=ox.RdfFormat.TURTLE)
    task = ox.NamedNode(BASE + TASK)
    for triple in triples:
        if task in (triple.subject, triple.object):
            other = triple.object if triple.subject == task else triple.subject
            if isinstance(other, ox.NamedNode) and other.value.startswith(BASE):
                assert f'href="/{other.value.removeprefix(BASE)}"' in page
            elif isinstance(other, ox.Literal):
                assert f">{other.value}<" in page or f">{other.value} " in page


def test_the_page_says_where_a_fact_comes_from(server: Server) -> None:
    page = get(server, "/doc/id/budget/ai-semiconductor.html").text
    assert '<a class="span" href="/id/passage/p3067-3148">characters 3067\u20133148</a>' in page
    assert "English press release of the Ministry of Science and ICT" in page
    for graph in ("source", "inferred", "interpretation"):
        assert f'href="/graph/{graph}"' in page
    assert f'href="{BASE}' not in page.partition("<main")[2]


def test_terms_of_others_have_their_names(server: Server) -> None:
    page = get(server, "/doc/id/passage/p3067-3148.html").text
    assert "Source text" in page  # sh:name of oa:hasSource
    place = get(server, "/doc/id/place/busan.html").text
    assert 'href="http://www.wikidata.org/entity/' in place


def test_signposts_of_a_page(server: Server) -> None:
    answer = get(server, f"/doc/{TASK}", BROWSER)
    found = links(answer)
    assert found["cite-as"] == [(BASE + TASK, "")]
    forms = {(f"{server.url}/doc/{TASK}{s}", e.media_type) for s, e in SUFFIXES.items()}
    assert forms == {*found["alternate"]} == {*found["describedby"]} == {*found["item"]}
    assert ("https://schema.org/AboutPage", "") in found["type"]
    assert found["license"] == [("https://creativecommons.org/licenses/by/4.0/", "")]
    assert found["author"] == [(BASE + "id/agent/rokgraph", "")]
    assert found["collection"] == [(f"{server.url}/doc/dataset", "text/html")]
    for address, kind in found["item"]:
        assert server.client.get(address).headers["content-type"].startswith(kind)
    elements = re.findall(r'<link rel="([^"]*)" href="([^"]*)"', answer.text)
    told = {(r, a.removeprefix(server.url)) for r, hits in found.items() for a, _ in hits}
    in_page = {
        (one, a) for r, a in elements for one in r.split() if one not in ("stylesheet", "icon")
    }
    assert in_page == told


def test_signposts_of_rdf_and_of_a_graph(server: Server) -> None:
    found = links(get(server, f"/doc/{TASK}.ttl"))
    assert found["describes"] == found["collection"] == [(f"{server.url}/doc/{TASK}", "text/html")]
    assert (f"{server.url}/doc/{TASK}.html", "text/html") in found["alternate"]
    graph = links(get(server, "/doc/graph/source.html"))
    assert ("https://schema.org/Dataset", "") in graph["type"]
    [contents] = [address for address, _ in graph["item"] if "graph-store" in address]
    assert server.client.get(contents).status_code == 200


def test_a_hash_term_has_its_place_in_the_page(server: Server) -> None:
    page = get(server, "/ont.html").text
    assert 'id="Task"' in page
    assert re.search('<section [^>]*id="page-Task">', get(server, "/shapes.html").text)
    assert re.search('<section [^>]*id="rok">', get(server, "/prefixes.html").text)
    # with the hash percent-encoded, one term is described by itself
    assert '<h1>Task<small lang="ko">' in get(server, "/doc/ont%23Task.html").text


@pytest.mark.parametrize("path", ["/id/task/9-9", "/doc/id/task/9-9", "/doc/id/task/9-9.ttl"])
def test_what_is_not_known_offers_search(server: Server, path: str) -> None:
    answer = get(server, path)
    assert (answer.status_code, answer.json()["search"]) == (404, "/search?q=9%209")
    page = get(server, path, BROWSER)
    assert page.status_code == 404
    assert 'href="/search?q=9%209"' in page.text


@pytest.mark.parametrize(
    "path",
    ["/id/", "/doc/", "/doc", "/id/a%20b", "/ont/9.9.9", "/mappings/x", "/id/%FF", "/def/<>"],
)
def test_paths_that_name_nothing(server: Server, path: str) -> None:
    answer = get(server, path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/id/task/old", "/doc/id/task/old", "/doc/id/task/old.ttl"])
def test_what_is_withdrawn_leads_to_what_replaces_it(small: Server, path: str) -> None:
    answer = get(small, path)
    new = BASE + "id/task/new"
    assert (answer.status_code, answer.json()["replacedBy"]) == (410, [new])
    assert links(answer) == {"successor-version": [(new, "")]}
    page = get(small, path, BROWSER)
    assert page.status_code == 410
    assert 'href="/id/task/new"' in page.text


def test_what_is_withdrawn_for_nothing(small: Server) -> None:
    answer = get(small, "/id/task/gone")
    assert (answer.status_code, answer.json()["replacedBy"]) == (410, [])
    assert "link" not in answer.headers


def test_a_known_iri_wins_over_a_suffix(small: Server) -> None:
    known = get(small, "/doc/id/task/v1.ttl", "application/n-triples").text
    assert "A key that ends like a file" in known
    assert "A key that ends like a file" in get(small, "/doc/id/task/v1.ttl.ttl").text
    assert "Another" in get(small, "/doc/id/task/v1.nt").text


def test_other_data_is_answered_for_too(small: Server) -> None:
    page = get(small, "/doc/id/task/new.html").text
    assert '<h1>New<small lang="ko">새것</small></h1>' in page
    assert "새것" in page
    # names that are not ASCII, in the path and in headers
    summer = get(small, "/id/task/여름")
    assert summer.status_code == 303
    assert get(small, summer.headers["location"]).status_code == 200
    # blank nodes are described, and shown as what they are
    assert "Inside" in get(small, "/doc/id/task/v1.nt").text
    assert "Inside" in get(small, "/doc/id/task/v1.html").text


def test_nothing_in_the_data_becomes_markup(small: Server) -> None:
    page = get(small, "/doc/id/task/script.html").text
    assert re.findall("<script[^>]*>", page) == ['<script src="/static/page.js" defer>']
    assert 'href="javascript:' not in page
