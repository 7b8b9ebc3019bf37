"""Files that programs look for at known addresses."""

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from urllib.robotparser import RobotFileParser
from xml.etree import ElementTree as ET

import httpx
import pytest

from conformance.wire import run
from rokgraph.web import discovery
from running import ROOT, Server

SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


def test_robots_may_read_pages_but_need_not_ask_queries(server: Server) -> None:
    answer = server.client.get("/robots.txt")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    robots = RobotFileParser()
    robots.parse(answer.text.splitlines())
    for path in ("/", "/catalogue", "/doc/id/task/1-2", "/data/2026.1/rokgraph.nq.gz"):
        assert robots.can_fetch("Googlebot", server.url + path), path
    assert not robots.can_fetch("Googlebot", f"{server.url}/sparql?query=ASK{{}}")
    assert robots.site_maps() == [f"{server.url}/sitemap.xml"]


def test_the_site_map_lists_documents_that_are_there(server: Server) -> None:
    answer = server.client.get("/sitemap.xml")
    assert answer.headers["content-type"].startswith("application/xml")
    document = ET.fromstring(answer.content)
    assert document.tag == f"{SITEMAP}urlset"
    urls = [element.text or "" for element in document.iter(f"{SITEMAP}loc")]
    assert len(urls) == len(set(urls)) > 500
    assert all(url.startswith(f"{server.url}/") for url in urls)
    paths = [urlsplit(url).path for url in urls]
    questions = [f"/queries/{path.stem}" for path in (ROOT / "queries/questions").glob("*.rq")]
    assert set(questions) <= set(paths)
    for kind, number in {"task": 18, "measure": 30, "action": 100, "act": 5, "proposal": 7}.items():
        found = [path for path in paths if path.startswith(f"/doc/id/{kind}/")]
        assert len(found) >= number, kind
    assert not [path for path in paths if "/id/attestation/" in path or "/id/passage/" in path]
    # no date is invented
    assert not list(document.iter(f"{SITEMAP}lastmod"))
    for path in [*paths[:6], *questions[:3], *paths[-400::40]]:
        page = server.client.get(path, headers={"accept": "text/html"})
        assert page.status_code in (200, 503), path  # 503: the dumps are being made
        assert page.headers["content-type"].startswith("text/html"), path


def test_a_large_site_map_is_split() -> None:
    urls = [f"http://example.org/{number}" for number in range(5)]
    written = discovery._written("urlset", "url", urls)
    assert [element.text for element in ET.fromstring(written).iter(f"{SITEMAP}loc")] == urls
    assert discovery._parts(4, 4) == 1
    assert discovery._parts(5, 4) == 2
    assert discovery._parts(8, 4) == 2


@pytest.mark.parametrize("path", ["/sitemap/1.xml", "/sitemap/0.xml", "/sitemap/x", "/sitemap"])
def test_there_is_no_part_of_a_site_map_that_is_whole(server: Server, path: str) -> None:
    assert server.client.get(path).status_code == 404


def test_llms_txt_tells_how_to_ask_and_its_examples_run(server: Server) -> None:
    answer = server.client.get("/llms.txt")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    text = answer.text
    # https://llmstxt.org/: a title, then a summary as a quotation
    assert re.match(r"# rokgraph\n\n> \S", text)
    examples = re.findall(r"```sparql\n(.*?)```", text, re.DOTALL)
    assert len(examples) == 3
    for example in examples:
        assert server.get(example).json()["results"]["bindings"]
    links = re.findall(r"\]\((\S+?)\)", text)
    assert len(links) > 30
    for link in links[:12]:
        assert httpx.get(link).status_code in (200, 503), link
    assert f"{server.url}/sparql" in text


def test_without_a_contact_there_is_no_security_txt(server: Server) -> None:
    answer = server.client.get("/.well-known/security.txt")
    assert answer.status_code == 404
    assert answer.json()["detail"] == "This server names no security contact."


def security(contact: str, expires: str) -> httpx.Response:
    settings = {"ROKGRAPH_CONTACT": contact, "ROKGRAPH_SECURITY_EXPIRES": expires}
    with run(**settings) as server:
        return server.client.get("/.well-known/security.txt")


def test_security_txt_has_the_fields_that_it_must_have() -> None:
    soon = (datetime.now(UTC) + timedelta(days=90)).replace(microsecond=0)
    answer = security("mailto:someone@example.org", soon.isoformat())
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    fields = dict(line.split(": ", 1) for line in answer.text.splitlines())
    assert fields["Contact"] == "mailto:someone@example.org"
    assert datetime.fromisoformat(fields["Expires"]) == soon
    assert fields["Canonical"].endswith("/.well-known/security.txt")


def test_a_contact_that_ran_out_is_none() -> None:
    answer = security("https://example.org/contact", "2020-01-01T00:00:00Z")
    assert answer.status_code == 404
    assert "ran out on 2020-01-01" in answer.json()["detail"]


@pytest.mark.parametrize("path", discovery.PATHS)
def test_they_are_for_reading_and_cached(server: Server, path: str) -> None:
    assert server.client.post(path).status_code == 405
    answer = server.client.get(path)
    if answer.status_code == 200:
        again = server.client.get(path, headers={"if-none-match": answer.headers["etag"]})
        assert again.status_code == 304
