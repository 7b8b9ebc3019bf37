"""Dumps over HTTP: whole, in parts, under conditions, and nothing but dumps."""

import base64
import hashlib
import json
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from conformance import wire
from conformance.wire import run
from downloading import made
from rokgraph.web.language import LANGUAGES, words
from running import Server

NAME = "/data/2026.1/rokgraph.trig.gz"
CSV = "/data/2026.1/csv/tasks.csv"


@pytest.fixture(scope="module")
def index(server: Server) -> dict[str, Any]:
    return made(server)


@pytest.fixture(scope="module")
def content(server: Server, index: dict[str, Any]) -> bytes:
    return server.client.get(NAME).content


def test_every_file_is_as_the_index_says(server: Server, index: dict[str, Any]) -> None:
    assert index["version"] == "2026.1"
    health = server.client.get("/healthz").json()
    assert index["dataset"] == f"sha256:{health['dataset']}"
    sums = server.client.get("/data/2026.1/SHA256SUMS").text
    assert len(index["files"]) > 30
    for entry in index["files"]:
        answer = server.client.get(entry["url"])
        assert answer.status_code == 200
        digest = hashlib.sha256(answer.content).hexdigest()
        assert digest == entry["sha256"]
        assert len(answer.content) == entry["bytes"] == int(answer.headers["content-length"])
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["accept-ranges"] == "bytes"
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "content-encoding" not in answer.headers
        told = answer.headers["repr-digest"].removeprefix("sha-256=:").removesuffix(":")
        assert base64.b64decode(told).hex() == digest
        zipped = entry["path"].endswith(".gz")
        media_type = "application/gzip" if zipped else entry["mediaType"]
        assert answer.headers["content-type"].partition(";")[0] == media_type
        if entry["path"] != "SHA256SUMS":
            assert f"{digest}  {entry['path']}\n" in sums
    [nquads] = [entry for entry in index["files"] if entry["path"] == "rokgraph.nq"]
    assert nquads["sha256"] == health["dataset"]


def test_the_index_is_a_page_for_people(server: Server, index: dict[str, Any]) -> None:
    answer = server.client.get("/data/", headers={"accept": "text/html"})
    assert answer.headers["content-type"].startswith("text/html")
    assert "content-security-policy" in answer.headers
    assert "accept" in answer.headers["vary"].lower()
    for entry in index["files"]:
        assert f'href="/data/2026.1/{entry["path"]}"' in answer.text
        assert entry["sha256"] in answer.text
        assert f'<data value="{entry["bytes"]}"' in answer.text
    refused = server.client.get("/data/", headers={"accept": "text/turtle"})
    assert refused.status_code == 406


def test_the_page_tells_what_it_is_in_both_languages(server: Server, index: dict[str, Any]) -> None:
    for language in LANGUAGES:
        page = server.client.get(f"/data/?lang={language}", headers={"accept": "text/html"}).text
        told = words(language, "downloads")
        for key in ("title", "licence", "graphs", "endpoint", "group_report", "group_tables"):
            assert told[key] in page, key
        for text in ("https://creativecommons.org/licenses/by/4.0/", "2026.1", index["dataset"]):
            assert text in page
        assert f"{server.url}/sparql</code>" in page
        assert "/catalogue.ttl" in page
        assert 'href="/graph/source"' in page
    assert server.client.get("/data/?format=json").json() == index


def test_the_sizes_of_the_page_are_rows_too(server: Server, index: dict[str, Any]) -> None:
    accept = {"accept": "application/sparql-results+json"}
    rows = server.client.get("/data/", headers=accept).json()["results"]["bindings"]
    assert [(row["path"]["value"], int(row["bytes"]["value"])) for row in rows] == [
        (entry["path"], entry["bytes"]) for entry in index["files"]
    ]


def test_latest_leads_to_the_version(server: Server, index: dict[str, Any]) -> None:
    for name in ("", "rokgraph.nq.gz", "csv/tasks.csv"):
        answer = server.client.get(f"/data/latest/{name}")
        assert answer.status_code == 307
        assert answer.headers["location"] == f"{server.url}/data/2026.1/{name}"
        assert "immutable" not in answer.headers["cache-control"]
        assert server.client.get(answer.headers["location"]).status_code == 200
    assert server.client.get("/data").headers["location"] == f"{server.url}/data/"


def test_head_is_get_without_the_body(server: Server, content: bytes) -> None:
    answer = server.client.head(NAME)
    assert answer.status_code == 200
    assert int(answer.headers["content-length"]) == len(content)
    assert answer.content == b""
    # https://www.rfc-editor.org/rfc/rfc9110#name-range: ranges are for GET alone
    assert server.client.head(NAME, headers={"range": "bytes=0-9"}).status_code == 200


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=10-99", 10, 99),
        ("BYTES=5-", 5, None),
        ("bytes=-7", -7, None),
        ("bytes=100-999999999999", 100, None),
        ("bytes=-999999999999", 0, None),
    ],
)
def test_a_range_is_its_bytes(
    server: Server, content: bytes, asked: str, first: int, last: int | None
) -> None:
    answer = server.client.get(NAME, headers={"range": asked})
    expected = content[first:] if last is None else content[first : last + 1]
    assert answer.status_code == 206
    assert answer.content == expected
    begin = first if first >= 0 else len(content) + first
    end = begin + len(expected) - 1
    assert answer.headers["content-range"] == f"bytes {begin}-{end}/{len(content)}"
    assert int(answer.headers["content-length"]) == len(expected)
    assert answer.headers["etag"] == server.client.head(NAME).headers["etag"]


@pytest.mark.parametrize("asked", ["bytes={size}-", "bytes=999999999-", "bytes=-0"])
def test_a_range_beyond_the_end_is_416(server: Server, content: bytes, asked: str) -> None:
    answer = server.client.get(NAME, headers={"range": asked.format(size=len(content))})
    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{len(content)}"
    assert answer.json()["status"] == 416


@pytest.mark.parametrize(
    "asked", ["bytes=9-2", "bytes=-", "bytes=a-b", "lines=1-2", "bytes=0-1,4-5", "bytes=1", "0-1"]
)
def test_what_is_no_one_range_gets_the_whole(server: Server, content: bytes, asked: str) -> None:
    answer = server.client.get(NAME, headers={"range": asked})
    assert answer.status_code == 200
    assert answer.content == content


def test_a_range_is_sent_only_of_what_the_client_has_begun(server: Server, content: bytes) -> None:
    tag = server.client.head(NAME).headers["etag"]
    for condition, status in (
        (tag, 206),
        ('"another"', 200),
        (f"W/{tag}", 200),
        ("Mon, 23 Nov 2026 00:00:00 GMT", 200),
    ):
        headers = {"range": "bytes=0-3", "if-range": condition}
        answer = server.client.get(NAME, headers=headers)
        assert answer.status_code == status, condition
        assert answer.content == (content[:4] if status == 206 else content)


def test_a_client_that_has_it_is_told_so(server: Server, content: bytes) -> None:
    tag = server.client.head(NAME).headers["etag"]
    assert not tag.startswith("W/")
    for condition in (tag, f'"x", {tag}', "*"):
        answer = server.client.get(NAME, headers={"if-none-match": condition})
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == tag
    assert server.client.get(NAME, headers={"if-none-match": '"x"'}).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/data/../pyproject.toml",
        "/data/2026.1/../../etc/passwd",
        "/data/2026.1/..%2f..%2f..%2fetc%2fpasswd",
        "/data/2026.1/%2e%2e/%2e%2e/etc/passwd",
        "/data/2026.1//etc/passwd",
        "/data/2026.1/csv/../rokgraph.nq",
        "/data/2026.1/csv/..%5c..%5cetc",
        "/data/2026.1/rokgraph.nq%00.csv",
        "/data/2026.1/rokgraph.nq/",
        "/data/2026.1/csv",
        "/data/2026.1/csv/",
        "/data/latest/../../etc/passwd",
        "/data/latest//example.org",
        "/data/1999.1/rokgraph.nq",
        "/data/2026.1/nothing",
        "/data//",
    ],
)
def test_nothing_else_is_ever_served(server: Server, index: dict[str, Any], path: str) -> None:
    """On the wire: a client of HTTP would tidy the path."""
    port = int(server.url.rpartition(":")[2])
    head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(head.encode())
        answer = wire.read_all(connection)
    assert answer.split(b" ")[1] == b"404", answer[:200]
    assert b"root:" not in answer


def test_the_dumps_are_for_reading(server: Server, index: dict[str, Any]) -> None:
    assert server.client.put(NAME, content=b"x").status_code == 405
    answer = server.client.options(NAME, headers={"origin": "http://x", "range": "bytes=0-1"})
    assert answer.status_code == 204
    assert "Range" in answer.headers["access-control-allow-headers"]


def test_the_context_has_a_short_address(server: Server, index: dict[str, Any]) -> None:
    answer = server.client.get("/data/context.jsonld")
    assert answer.headers["content-type"] == "application/ld+json"
    assert "immutable" not in answer.headers["cache-control"]
    assert "rok" in answer.json()["@context"]
    assert answer.content == server.client.get("/data/2026.1/context.jsonld").content


def test_curl_goes_on_where_it_stopped(server: Server, content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "part"
    file.write_bytes(content[:1000])
    command = ["curl", "--silent", "--fail", "--continue-at", "-", "--output", str(file)]
    subprocess.run([*command, f"{server.url}{NAME}"], check=True)
    assert file.read_bytes() == content


def test_while_they_are_made_a_client_is_asked_to_come_back_and_then_they_are_kept(
    tmp_path: Path,
) -> None:
    kept = tmp_path / "kept"
    with run(ROKGRAPH_DUMPS=str(kept)) as server:
        early = server.client.get(CSV)
        if early.status_code != 200:  # a quick machine may have made them already
            assert early.status_code == 503
            assert int(early.headers["retry-after"]) > 0
            assert early.headers["cache-control"] == "no-store"
        first = made(server)
    [folder] = kept.iterdir()
    before = (folder / "SHA256SUMS").stat().st_mtime_ns
    with run(ROKGRAPH_DUMPS=str(kept)) as server:
        assert made(server)["files"][0]["sha256"] == first["files"][0]["sha256"]
    assert [folder] == list(kept.iterdir())
    assert (folder / "SHA256SUMS").stat().st_mtime_ns == before


def test_dumps_that_cannot_be_made_are_told_of(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with run(ROKGRAPH_DUMPS=str(blocked)) as server:
        for _ in range(100):
            answer = server.client.get("/data/")
            if answer.headers["retry-after"] == "300":
                break
        assert answer.status_code == 503
        assert "could not be made" in answer.json()["detail"]
        told = [json.loads(line).get("message", "") for line in server.lines()]
        assert any(line.startswith("the dumps cannot be made: ") for line in told)
        assert server.client.get("/sparql?query=ASK{}").status_code == 200


def test_a_server_that_ends_leaves_no_files(tmp_path: Path) -> None:
    for ready in (False, True):
        with run(TMPDIR=str(tmp_path)) as server:
            if ready:
                made(server)
                assert list(tmp_path.glob("rokgraph-*"))
        assert not list(tmp_path.glob("rokgraph-*"))
