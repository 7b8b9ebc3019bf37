"""Search over real HTTP: the page, the JSON, what is refused, what may be kept."""

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree as ET

import httpx
import pytest

from rokgraph.web.language import words
from running import Server

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


OURS = ['<script src="/static/page.js" defer>']


def scripts_of(page: str) -> list[str]:
    """The tags that begin a script."""
    return re.findall(r"<script[^>]*>", page)


def search(server: Server, q: str, **parameters: str | list[str]) -> httpx.Response:
    return server.client.get("/search", params={"q": q, **parameters})


def test_a_program_gets_json(server: Server) -> None:
    answer = search(server, "기재부")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    document = answer.json()
    assert {key: document[key] for key in ("query", "total", "limit", "offset")} == {
        "query": "기재부", "total": 1, "limit": 20, "offset": 0,
    }  # fmt: skip
    first = document["results"][0]
    assert first["iri"] == "https://w3id.org/rokgraph/id/organisation/moef"
    assert first["curie"] == "organisation:moef"
    assert first["label"] == {"en": "Ministry of Economy and Finance", "ko": "기획재정부"}
    assert first["match"] == {"field": "label", "text": "기획재정부", "lang": "ko"}
    assert first["url"] == "/id/organisation/moef"
    assert 0 < first["score"] <= 100
    kinds = {kind["curie"]: kind["label"] for kind in first["types"]}
    assert kinds["org:Organization"] == {"en": "Organization", "ko": "조직"}


def test_a_browser_gets_a_page_without_scripts(server: Server) -> None:
    answer = server.client.get("/search", params={"q": "AI"}, headers={"accept": BROWSER})
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert scripts_of(answer.text) == OURS
    assert " style=" not in answer.text
    assert 'href="/def/technology/ai"' in answer.text
    assert "인공지능" in answer.text
    assert 'role="search"' in answer.text
    assert 'rel="search"' in answer.text


def test_the_page_is_in_the_language_of_the_reader(server: Server) -> None:
    for language, other in (("en", "ko"), ("ko", "en")):
        answer = search(server, "AI", format="html", lang=language)
        assert answer.headers["content-language"] == language
        assert f'<html lang="{language}">' in answer.text
        assert words(language, "search")["where"] in answer.text
        assert words(other, "search")["where"] not in answer.text
        # the language of the page restricts nothing
        assert words(language, "search")["found"].format(query="AI") in answer.text
        total = search(server, "AI").json()["total"]
        assert f"{words(language, 'search')['found'].format(query='AI')} {total}<" in answer.text


def test_what_was_met_is_marked(server: Server) -> None:
    page = search(server, "semicond", format="html").text
    assert "<mark>semicond</mark>" in page
    assert "<mark>" not in search(server, "기재부", format="html").text


def test_where_nothing_is_found_near_names_are_offered(server: Server) -> None:
    typed = "인공지능법률안이"
    assert search(server, typed).json()["total"] == 0
    page = search(server, typed, format="html", lang="ko").text
    assert words("ko", "search")["nothing"].format(query=typed) in page
    near = page.partition(words("ko", "search")["near"])[2]
    assert 'href="/id/proposal/ai-framework-act"' in near
    assert 'href="/tasks"' in near
    # nothing at all is near: no empty list
    far = search(server, "qqqqqqqqqqqqqq", format="html", lang="en").text
    assert words("en", "search")["near"] not in far
    assert 'href="/tasks"' in far


def test_a_search_that_restricts_too_much_offers_to_look_everywhere(server: Server) -> None:
    page = search(server, "quantum", format="html", type="rok:Strategy", language="ko").text
    assert 'href="/search?q=quantum"' in page
    assert search(server, "quantum").json()["total"] > 0


def test_the_pages_lead_on(server: Server) -> None:
    page = search(server, "AI", format="html", limit="5").text
    following = re.search(r'rel="next" href="([^"]+)"', page)
    assert following is not None
    second = server.client.get(following[1].replace("&amp;", "&"), headers={"accept": BROWSER}).text
    assert 'rel="prev"' in second
    assert second != page


def test_the_parts_of_the_results_make_the_whole(server: Server) -> None:
    whole = search(server, "AI", limit="60").json()["results"]
    parts = [search(server, "AI", limit="20", offset=str(at)).json() for at in (0, 20, 40)]
    assert [one for part in parts for one in part["results"]] == whole


def test_every_thing_fits_on_the_page(server: Server) -> None:
    # things without a Korean name, without any, terms, graphs
    for typed in ("timing", "passage:p", "rok:", "graph:", "p1", "2", "a"):
        page = search(server, typed, format="html", limit="100")
        assert page.status_code == 200
        assert 'role="status"' in page.text


def test_an_empty_form(server: Server) -> None:
    page = server.client.get("/search", headers={"accept": BROWSER})
    assert page.status_code == 200
    assert 'role="status"' not in page.text


def test_classes_restrict_and_may_repeat(server: Server) -> None:
    one = search(server, "디지털포용법", type="rok:LegislativeProposal").json()
    assert [found["curie"] for found in one["results"]][:1] == ["proposal:digital-inclusion-act"]
    both = search(server, "디지털포용법", type=["LegislativeProposal", "eli:LegalResource"]).json()
    found = {entry["curie"] for entry in both["results"]}
    assert {"proposal:digital-inclusion-act", "act:kr-20672"} <= found


def test_a_language_restricts(server: Server) -> None:
    for found in search(server, "metaverse", language="en").json()["results"]:
        assert found["match"]["lang"] in ("en", "")
    assert (
        search(server, "metaverse", language="ko").json()["total"]
        < search(server, "metaverse").json()["total"]
    )


@pytest.mark.parametrize(
    ("query", "status", "word"),
    [
        ("", 422, "'q'"),
        ("q=" + "x" * 201, 422, "200"),
        ("q=a&q=b", 422, "twice"),
        ("q=a&limit=0", 422, "limit"),
        ("q=a&limit=101", 422, "limit"),
        ("q=a&limit=-1", 422, "limit"),
        ("q=a&limit=%D9%A1", 422, "limit"),
        ("q=a&limit=" + "9" * 5000, 422, "limit"),
        ("q=a&offset=1001", 422, "offset"),
        ("q=a&offset=x", 422, "offset"),
        ("q=a&language=fr", 422, "language"),
        ("q=a&lang=fr", 422, "lang"),
        ("q=a&type=rok:Nothing", 422, "rok:Task"),
        ("q=a&" + "&".join(["type=rok:Task"] * 11), 422, "type"),
        ("q=a&format=xml", 422, "format"),
        ("q=a&langs=en", 422, "langs"),
        ("q=%FF", 400, "UTF-8"),
        ("q=%ED%A0%80", 400, "UTF-8"),
    ],
)
def test_what_cannot_be_taken_is_refused(
    server: Server, query: str, status: int, word: str
) -> None:
    answer = server.client.get(f"/search?{query}")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document["status"] == status
    assert word in document["detail"]
    assert len(document["detail"]) < 1000


@pytest.mark.parametrize(
    "typed",
    [
        "", " ", '"', '""', "*", "NEAR(a b)", "a NEAR b", "AND", "OR", "NOT", "letters:a", ":", "(",
        "((((", ")", "^", "-", "+", "a\x00b", "\x00", "\r\n", "\x1b[31m", "'; DROP TABLE pairs; --",
        "%", "_", "\\", "<script>alert(1)</script>", "\u202e", "🙂", "\ufeff",
        "e\u0301" * 100, "각" * 200,
        "{{7*7}}", "77", "../../etc/passwd", "a" * 200,
    ],
)  # fmt: skip
def test_any_text_is_answered(server: Server, typed: str) -> None:
    answer = search(server, typed)
    assert answer.status_code == 200
    assert answer.json()["query"] == typed
    page = search(server, typed, format="html")
    assert page.status_code == 200
    assert scripts_of(page.text) == OURS
    assert "49" not in re.findall(r'value="([^"]*)"', page.text)
    assert "set-cookie" not in answer.headers


def test_it_still_finds_after_all_that(server: Server) -> None:
    assert search(server, "I-2").json()["results"][0]["curie"] == "task:1-2"


def test_not_acceptable(server: Server) -> None:
    answer = server.client.get("/search", params={"q": "a"}, headers={"accept": "image/png"})
    assert answer.status_code == 406
    assert "application/json" in answer.json()["detail"]


def test_methods(server: Server) -> None:
    assert server.client.post("/search", data={"q": "a"}).status_code == 405
    assert server.client.delete("/search?q=a").headers["allow"] == "GET, HEAD, OPTIONS"
    options = server.client.options("/search")
    assert options.status_code == 204
    assert options.headers["access-control-allow-methods"] == "GET, HEAD, OPTIONS"


def test_head_is_get_without_the_body(server: Server) -> None:
    path = f"/search?q={quote('인공지능')}"
    get, head = server.client.get(path), server.client.head(path)
    assert head.status_code == 200
    assert head.content == b""
    for name in ("etag", "content-type", "vary"):
        assert head.headers[name] == get.headers[name]


def test_tags_depend_on_what_is_asked(server: Server) -> None:
    paths = (
        "q=AI",
        "q=ai",
        "q=AI&language=en",
        "q=AI&offset=1",
        "q=AI&type=rok:Task",
        "q=AI&format=html",
    )
    tags = [server.client.get(f"/search?{path}").headers["etag"] for path in paths]
    assert len(set(tags)) == len(paths)
    digest = server.client.get("/healthz").json()["dataset"]
    assert all(tag.startswith(f'"{digest[:16]}-') for tag in tags)
    again = server.client.get(f"/search?{paths[0]}", headers={"if-none-match": tags[0]})
    assert again.status_code == 304
    assert again.content == b""
    other = server.client.get(f"/search?{paths[0]}", headers={"if-none-match": tags[1]})
    assert other.status_code == 200


def test_answers_may_be_kept_and_read_by_all(server: Server) -> None:
    answer = search(server, "AI")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cache-control"] == "public, max-age=60"
    assert answer.headers["vary"] == "Accept, Accept-Encoding"
    assert search(server, "AI", format="json").headers["vary"] == "Accept-Encoding"
    refused = search(server, "x" * 300)
    assert refused.headers["access-control-allow-origin"] == "*"
    assert refused.headers["cache-control"] == "no-store"


def test_browsers_learn_of_the_search(server: Server) -> None:
    answer = server.client.get("/opensearch.xml")
    assert answer.headers["content-type"].startswith("application/opensearchdescription+xml")
    space = "{http://a9.com/-/spec/opensearch/1.1/}"
    root = ET.fromstring(answer.content)
    assert root.tag == f"{space}OpenSearchDescription"
    assert len(root.findtext(f"{space}ShortName") or "") <= 16
    templates = {one.get("type"): one.get("template") or "" for one in root.iter(f"{space}Url")}
    for media in ("text/html", "application/json"):
        url = templates[media].replace("{searchTerms}", quote("디지털포용법"))
        assert url.startswith(server.url)
        found = server.client.get(url)
        assert found.headers["content-type"].startswith(media)
        assert "디지털포용법" in found.text
    assert server.client.head("/opensearch.xml").status_code == 200
    assert server.client.post("/opensearch.xml").status_code == 405


def test_data_of_others_has_nothing_of_ours(serve: Callable[..., Server], tmp_path: Path) -> None:
    file = tmp_path / "other.ttl"
    file.write_text('<http://x.test/a> <http://www.w3.org/2000/01/rdf-schema#label> "AI" .')
    other = serve("--data", str(file))
    assert search(other, "AI").json()["results"] == []
    assert search(other, "AI", format="html").status_code == 200
    assert other.client.get("/reconcile").json()["defaultTypes"] == []


def test_without_an_index_it_says_when_to_come_back(serve: Callable[..., Server]) -> None:
    hurried = serve("--timeout", "0.001")
    for path in ("/search?q=AI", "/reconcile", "/reconcile/suggest/property?prefix=a"):
        answer = hurried.client.get(path)
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) >= 1
    assert hurried.client.get("/opensearch.xml").status_code == 200
