"""Which format an answer has: by Accept, by `?format=`, by the form of the query.

Rule: the names of the cases are those of Oxigraph's tests, where it has them.

See https://www.rfc-editor.org/rfc/rfc9110#name-proactive-negotiation
"""

from collections.abc import Iterator
from html.parser import HTMLParser

import httpx
import pyoxigraph as ox
import pytest

from conformance import wire
from conformance.wire import Running
from rokgraph import formats

SELECT = 'SELECT ?s ?p ?o { VALUES (?s ?p ?o) { (<http://a/> <http://b/> "c, d"@ko) } }'
ASK = "ASK {}"
CONSTRUCT = "CONSTRUCT { ?s a ?o } { ?s a ?o } LIMIT 3"
DESCRIBE = "DESCRIBE <https://w3id.org/rokgraph/id/task/1-2>"
JSON, XML = "application/sparql-results+json", "application/sparql-results+xml"
CSV, TSV = "text/csv", "text/tab-separated-values"
TURTLE, NTRIPLES, RDFXML = "text/turtle", "application/n-triples", "application/rdf+xml"
JSONLD, NQUADS, TRIG = "application/ld+json", "application/n-quads", "application/trig"
HTML = "text/html"
PAGE = ("accept-language", "cookie")  # what chooses the language of a page
FIREFOX = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
CHROME = (
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,"
    "*/*;q=0.8,application/signed-exchange;v=b3;q=0.7"
)
RESULTS = {entry.media_type: entry for entry in formats.RESULT_FORMATS}
GRAPHS = {entry.media_type: entry for entry in (*formats.GRAPH_FORMATS, *formats.DATASET_FORMATS)}


def media_type(answer: httpx.Response) -> str:
    """The media type of an answer that is 200."""
    assert answer.status_code == 200, answer.text
    return answer.headers["content-type"].partition(";")[0]


def reads(answer: httpx.Response, media: str) -> None:
    """Assert that the body is what the media type says."""
    if media == HTML:
        assert answer.text.startswith("<!doctype html>")
    elif media == CSV:
        assert answer.text.replace("\r\n", "\n").count("\n") >= 1 or answer.text in (
            "true",
            "false",
        )
    elif media in RESULTS:
        form = RESULTS[media].native
        assert isinstance(form, ox.QueryResultsFormat)
        found = ox.parse_query_results(answer.content, format=form)
        if isinstance(found, ox.QuerySolutions):
            [row] = found
            assert row["o"] == ox.Literal("c, d", language="ko")
    else:
        graph = GRAPHS[media].native
        assert isinstance(graph, ox.RdfFormat)
        assert len(list(ox.parse(answer.content, format=graph))) >= 3


# Oxigraph's cases of SELECT: name, Accept header, media type.
CASES = {
    "star": ("*/*", JSON),
    "substar": ("text/*", CSV),
    "application_substar": ("application/*", JSON),
    "good": (f"{JSON};charset=utf-8", JSON),
    "explicit_priority": ("text/foo;q=0.5 , text/json ; q = 0.7", JSON),
    "implicit_priority": ("text/json,text/foo", JSON),
    "implicit_and_explicit_priority": ("text/foo;q=0.9,text/csv", CSV),
    "specific_exclusion": (f"*/*;q=1, {JSON};q=0, text/csv;q=0.5", XML),
    "wildcard_exclusion": ("text/*, text/csv;q=0", TSV),
    "wildcard_exclusion_of_a_type": ("text/*;q=0, */*", JSON),
    "exclusion_of_all_but_one": (f"*/*;q=0, {TSV}", TSV),
    "exclusion_before_wildcard": (f"{JSON};q=0, */*", XML),
    "parameter_specificity": (f"text/csv;charset=utf-8;q=0, text/csv;q=1, {TSV};q=0.5", TSV),
    "parameter_specificity_reversed": (f"text/csv, text/csv;charset=utf-8;q=0, {TSV};q=0.5", TSV),
    "non_matching_parameter": ("text/csv;header=absent;q=0, text/csv;q=1", CSV),
    "non_matching_parameter_and_wildcard": ("text/csv;header=absent;q=0, text/*", CSV),
    "incompatible_charset": (f"text/csv;charset=iso-8859-1;q=0, text/csv;q=1, {JSON};q=0.5", CSV),
    "charset_of_others": (f"text/csv;charset=iso-8859-1, {TSV};q=0.5", TSV),
    "parameter_of_ours": ("text/csv;header=present", CSV),
    "specificity_over_order": ("*/*;q=0.1, text/*;q=0.2, text/csv;q=0.05", TSV),
    "specificity_over_quality": ("text/*;q=0.9, text/csv;q=0.1", TSV),
    "quality_of_three_digits": (f"{TSV};q=0.333, text/csv;q=0.334", CSV),
    "quality_with_capital_q": (f"{TSV};Q=0.1, text/csv;Q=0.2", CSV),
    "equals_in_our_order": (f"{TSV}, {XML}, {JSON}, text/csv", JSON),
    "registered_before_synonym": ("application/xml, text/csv", CSV),
    "case_insensitive": ("Application/SPARQL-Results+XML", XML),
    "space_around": (f"{XML}  ;  q=0.3  ,  text/csv ;q=0.2", XML),
    "several_headers_in_one": ("image/png, , text/csv,", CSV),
    "empty": ("", JSON),
    "only_commas": (", ,", JSON),
    "unreadable": ("json", JSON),
    "unreadable_beside_readable": ("json, text/csv", CSV),
    "java_star": ("text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", HTML),
    "turtle_wanted_most_but_solutions": (f"{TURTLE}, {XML};q=0.2", XML),
    "firefox": (FIREFOX, HTML),
    "chrome": (CHROME, HTML),
    "html_less_than_json": ("text/html;q=0.3, application/json", JSON),
    "html_more_than_json": ("text/html, application/json;q=0.9", HTML),
    "html_excluded": ("text/html;q=0, */*", JSON),
    "html_excluded_by_zero_with_digits": ("text/html;q=0.000, text/csv", CSV),
}


@pytest.mark.parametrize("name", CASES)
def test_get_query_accept(server: Running, name: str) -> None:
    """Accept of a SELECT: q-values, specificity, wildcards, q=0, parameters, browsers.

    https://www.rfc-editor.org/rfc/rfc9110#name-accept
    """
    accept, expected = CASES[name]
    answer = server.get(SELECT, accept=accept)
    assert media_type(answer) == expected
    reads(answer, expected)


@pytest.mark.parametrize("accept", ["application/foo", "*/*;q=0", f"{JSON};q=0", "text/csv;q=0.0"])
def test_get_query_accept_bad(server: Running, accept: str) -> None:
    """Nothing acceptable is 406, and the answer lists what is on offer.

    https://www.rfc-editor.org/rfc/rfc9110#name-406-not-acceptable
    """
    answer = server.get(SELECT, accept=accept)
    assert answer.status_code == 406
    assert answer.headers["vary"].startswith("Accept")
    assert all(media in answer.json()["detail"] for media in RESULTS)


def test_without_accept_the_default_is_sent(server: Running) -> None:
    """Without an Accept header each query form has its default format.

    https://www.rfc-editor.org/rfc/rfc9110#name-accept
    """
    for query, expected in ((SELECT, JSON), (ASK, JSON), (CONSTRUCT, TURTLE), (DESCRIBE, TURTLE)):
        answer = wire.reply(server.talk(wire.get(query)))
        assert answer.headers["content-type"].partition(";")[0] == expected


@pytest.mark.parametrize("query", [SELECT, ASK])
@pytest.mark.parametrize(
    ("given", "expected"),
    [(media, entry.media_type) for entry in RESULTS.values() for media in entry.media_types],
)
def test_every_results_format_by_every_name(
    server: Running, query: str, given: str, expected: str
) -> None:
    """SELECT and ASK have a results format: each by its media type and by the usual synonyms.

    https://www.w3.org/TR/sparql11-protocol/#conneg
    """
    answer = server.get(query, accept=given)
    assert media_type(answer) == expected
    reads(answer, expected)


@pytest.mark.parametrize("query", [CONSTRUCT, DESCRIBE])
@pytest.mark.parametrize(
    ("given", "expected"),
    [(media, entry.media_type) for entry in GRAPHS.values() for media in entry.media_types],
)
def test_every_graph_format_by_every_name(
    server: Running, query: str, given: str, expected: str
) -> None:
    """CONSTRUCT and DESCRIBE have an RDF format: each by media type and by the usual synonyms.

    https://www.w3.org/TR/sparql11-protocol/#conneg
    """
    answer = server.get(query, accept=given)
    assert media_type(answer) == expected
    reads(answer, expected)


@pytest.mark.parametrize(
    ("query", "accept", "offered"),
    [(SELECT, TURTLE, RESULTS), (ASK, RDFXML, RESULTS), (CONSTRUCT, CSV, GRAPHS),
     (DESCRIBE, JSON, GRAPHS)],
)  # fmt: skip
def test_a_format_of_the_other_query_form_is_406(
    server: Running, query: str, accept: str, offered: dict[str, formats.Format]
) -> None:
    """The form of the query says which formats there are: of the others none is sent, but 406
    with the list of those on offer.

    https://www.rfc-editor.org/rfc/rfc9110#name-406-not-acceptable
    """
    answer = server.get(query, accept=accept)
    assert answer.status_code == 406
    problem = answer.json()
    assert set(problem["offered"]) == set(offered)


@pytest.mark.parametrize(
    ("given", "expected"),
    [(name, entry.media_type) for entry in RESULTS.values()
     for name in (entry.name, entry.name.upper(), *entry.media_types)],
)  # fmt: skip
def test_format_parameter_of_a_select(server: Running, given: str, expected: str) -> None:
    """`?format=` with a short name or a media type wins over Accept.

    https://www.w3.org/TR/sparql11-protocol/#conneg
    """
    answer = server.client.get(
        "/sparql", params={"query": SELECT, "format": given}, headers={"accept": "image/png"}
    )
    assert media_type(answer) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [(name, entry.media_type) for entry in GRAPHS.values()
     for name in (entry.name, *entry.media_types, *(s[1:] for s in entry.suffixes))],
)  # fmt: skip
def test_format_parameter_of_a_construct(server: Running, given: str, expected: str) -> None:
    """`?format=` with a short name, a media type or a file's suffix wins over Accept.

    https://www.w3.org/TR/sparql11-protocol/#conneg
    """
    for way in ("GET", "form"):
        values = {"query": CONSTRUCT, "format": given}
        if way == "GET":
            answer = server.client.get("/sparql", params=values, headers={"accept": FIREFOX})
        else:
            answer = server.client.post("/sparql", data=values, headers={"accept": FIREFOX})
        assert media_type(answer) == expected


def test_format_html_is_a_page(server: Running) -> None:
    """`?format=html` asks for a page, whatever Accept says.

    https://www.w3.org/TR/sparql11-protocol/#conneg
    """
    answer = server.client.get("/sparql", params={"query": SELECT, "format": "html"})
    assert media_type(answer) == HTML


@pytest.mark.parametrize("given", ["", "doc", "image/png", "json,xml"])
def test_an_unknown_format_is_400_and_lists_those_known(server: Running, given: str) -> None:
    """A `?format=` that is not known is 400, and the answer lists those that are.

    https://www.w3.org/TR/sparql11-protocol/#query-failure
    """
    answer = server.client.get("/sparql", params={"query": SELECT, "format": given})
    assert answer.status_code == 400
    assert all(entry.name in answer.json()["detail"] for entry in formats.RESULT_FORMATS)


@pytest.mark.parametrize(
    ("parameters", "accept", "vary"),
    [
        ({"query": SELECT}, "*/*", {"accept", "accept-encoding"}),
        ({"query": SELECT}, CHROME, {"accept", "accept-encoding", *PAGE}),
        ({"query": SELECT, "format": "csv"}, "*/*", {"accept-encoding"}),
        ({"query": SELECT, "format": "html"}, "*/*", {"accept-encoding", *PAGE}),
        ({}, TURTLE, {"accept", "accept-encoding"}),
        ({}, CHROME, {"accept", "accept-encoding", *PAGE}),
        ({"format": "turtle"}, "*/*", {"accept-encoding"}),
        ({"query": SELECT}, "image/png", {"accept"}),
        ({"query": "ASK {"}, CHROME, {"accept", *PAGE}),
    ],
)
def test_vary_names_what_chose(
    server: Running, parameters: dict[str, str], accept: str, vary: set[str]
) -> None:
    """Vary names the request headers that chose the answer, and no others.

    https://www.rfc-editor.org/rfc/rfc9110#name-vary
    """
    answer = server.client.get("/sparql", params=parameters, headers={"accept": accept})
    found = {name.strip().lower() for name in answer.headers["vary"].split(",")}
    assert found == vary


@pytest.mark.parametrize(
    ("media", "charset"),
    [(CSV, True), (TSV, True), (TURTLE, True), (JSON, False), (XML, False), (NTRIPLES, False)],
)
def test_text_types_name_their_charset(server: Running, media: str, charset: bool) -> None:
    """Text types say that they are UTF-8; the others are by their registration.

    https://www.rfc-editor.org/rfc/rfc7231#section-3.1.1.2
    """
    answer = server.get(SELECT if media in RESULTS else CONSTRUCT, accept=media)
    assert answer.headers["content-type"] == (f"{media}; charset=utf-8" if charset else media)


# -- pages ---------------------------------------------------------------------------------


class Page(HTMLParser):
    """What a page consists of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, tag: str) -> Iterator[dict[str, str | None]]:
        """The attributes of each element of that name."""
        return (attributes for name, attributes in self.tags if name == tag)


@pytest.mark.parametrize("accept", [FIREFOX, CHROME])
def test_a_browser_without_a_query_gets_the_form(server: Running, accept: str) -> None:
    """Without a query a browser gets a form that asks this endpoint by GET.

    https://www.w3.org/TR/sparql11-service-description/#accessing
    """
    answer = server.client.get("/sparql", headers={"accept": accept})
    assert media_type(answer) == HTML
    page = Page(answer.text)
    [form] = [form for form in page.all("form") if form["action"] == "/sparql"]
    assert (form["action"], form.get("method", "get")) == ("/sparql", "get")
    assert [area["name"] for area in page.all("textarea")] == ["query"]


@pytest.mark.parametrize(
    ("query", "shows"),
    [
        ('SELECT ?word { VALUES ?word { "한글"@ko } }', "한글"),
        (
            "SELECT ?x { VALUES ?x { <http://example.org/thing> } }",
            'href="http://example.org/thing"',
        ),
        ("ASK {}", "Yes."),
        ("ASK { <a:b> <a:b> <a:b> }", "No."),
        ("CONSTRUCT { <http://example.org/s> <http://example.org/p> 1 } {}", "example.org/s"),
        ("SELECT * { ?s ?p ?o }", "too large"),
    ],
)
def test_a_browser_with_a_query_gets_a_page_with_the_answer(
    server: Running, query: str, shows: str
) -> None:
    """With a query a browser gets a page: the answer, the query, links to the other formats.

    https://www.rfc-editor.org/rfc/rfc9110#name-proactive-negotiation
    """
    answer = server.get(query, accept=CHROME)
    assert media_type(answer) == HTML
    assert shows in answer.text
    page = Page(answer.text)
    links = [link["href"] or "" for link in page.all("a") if "format=" in (link["href"] or "")]
    assert len(links) >= 4
    assert media_type(server.client.get(links[0])) in (JSON, TURTLE)


@pytest.mark.parametrize(
    "query",
    [
        'SELECT ?x { VALUES ?x { "<script>alert(1)</script>" } }',
        'SELECT ?x { VALUES ?x { <javascript:alert(1)> "\\"><img src=x onerror=alert(1)>" } }',
        "ASK { # </textarea><script>alert(1)</script>\n }",
        "ASK { <script>alert(1)</script>",
    ],
)
def test_a_page_escapes_what_it_shows(server: Running, query: str) -> None:
    """What comes from data or query is text in the page: no element, no handler, no script link.

    https://html.spec.whatwg.org/multipage/introduction.html#writing-secure-applications-with-html
    """
    page = Page(server.get(query, accept=CHROME).text)
    assert not any("src" not in script for script in page.all("script"))
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert not any((link.get("href") or "").startswith("javascript") for link in page.all("a"))


@pytest.mark.parametrize(
    ("path", "accept"),
    [
        ("/sparql", CHROME),
        ("/sparql?query=ASK{}", CHROME),
        ("/sparql?query=ASK{", CHROME),
        ("/sparql?query=SELECT(NOW()AS%3Fx){}", CHROME),
        ("/", CHROME),
        ("/nowhere", CHROME),
        ("/graph-store", CHROME),
    ],
)
def test_pages_carry_the_security_headers(server: Running, path: str, accept: str) -> None:
    """HTML has a policy without inline script, nosniff, no frames around it, a referrer policy.

    https://www.w3.org/TR/CSP3/
    """
    answer = server.client.get(path, headers={"accept": accept})
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = dict(
        part.strip().split(" ", 1)
        for part in answer.headers["content-security-policy"].split(";")
        if part.strip()
    )
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["base-uri"] == "'none'"
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert policy["script-src"] == "'self'"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"]
    page = Page(answer.text)
    # What is no script by its type is a block of data, which is never run.
    scripts = [found for found in page.all("script") if found.get("type") != "application/ld+json"]
    assert all(script.get("src") for script in scripts)
    assert not any("style" in attributes for _, attributes in page.tags)
    for attributes in (*page.all("link"), *scripts, *page.all("img")):
        source = attributes.get("href") or attributes.get("src") or ""
        assert source.startswith("/"), f"loaded from elsewhere: {source}"


def test_a_volatile_page_is_not_stored(server: Running) -> None:
    """A page with an answer of NOW is not stored either.

    https://www.rfc-editor.org/rfc/rfc9111#name-no-store-2
    """
    answer = server.get("SELECT (NOW() AS ?x) {}", accept=CHROME)
    assert answer.headers["cache-control"] == "no-store"
    assert "etag" not in answer.headers
