"""What operators see and set: health, readiness, metrics, logs, settings, limits.

Rule: the server is run as an operator runs it, by command and environment.
"""

import json
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from conformance import wire
from conformance.wire import Running

FIELDS = {
    "time", "query", "outcome", "status", "form", "format", "cache", "ms", "bytes", "rows",
}  # fmt: skip
SECRET = "s3cret-word-of-a-query"


# -- health, readiness, metrics ------------------------------------------------------------


def test_healthz(server: Running) -> None:
    """/healthz says that the process runs, and on which dataset.

    https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/
    """
    answer = server.client.get("/healthz")
    assert answer.status_code == 200
    health = answer.json()
    assert health["status"] == "ok"
    assert re.fullmatch("[0-9a-f]{64}", health["dataset"])
    assert health["triples"] == server.metric("rokgraph_triples") > 10_000


def test_readyz(serve: Callable[..., Running]) -> None:
    """/readyz is 200 while queries can be answered, else 503 with Retry-After; the engine comes
    back when its processes are killed.

    https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/
    """
    server = serve()
    assert server.client.get("/readyz").json() == {"status": "ready"}
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
    for child in children.read_text().split():
        os.kill(int(child), signal.SIGKILL)
    seen = set()
    for _ in range(400):
        answer = server.client.get("/readyz")
        seen.add(answer.status_code)
        if answer.status_code == 503:
            assert int(answer.headers["retry-after"]) >= 1
            assert server.client.get("/healthz").status_code == 200
        elif 503 in seen:
            break
        time.sleep(0.02)
    assert seen == {200, 503}
    assert server.get("ASK {}").json()["boolean"] is True


def test_health_answers_while_all_workers_are_busy(serve: Callable[..., Running]) -> None:
    """Probes wait for no query.

    https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/
    """
    server = serve(ROKGRAPH_WORKERS="1", ROKGRAPH_SLOW_WORKERS="1", ROKGRAPH_QUICK="100")
    assert server.client.get("/search", params={"q": "AI"}).status_code == 200
    until = time.monotonic() + 10
    while server.metric("rokgraph_busy_workers"):  # with questions of its own
        assert time.monotonic() < until
    with server.connect() as one, server.connect() as two:
        one.sendall(wire.get(wire.slow(60, 1)))
        two.sendall(wire.get(wire.slow(60, 2)))
        time.sleep(0.2)
        for path in ("/healthz", "/readyz", "/metrics"):
            answer = server.client.get(path)
            assert answer.status_code == 200
            assert answer.elapsed.total_seconds() < 1
        assert server.metric("rokgraph_queue") == 1
        assert server.metric("rokgraph_busy_workers") == 1


def test_metrics_are_in_the_form_of_prometheus(server: Running) -> None:
    """/metrics is the text form, version 0.0.4, with help and type for each metric.

    https://prometheus.io/docs/instrumenting/exposition_formats/
    """
    server.get("ASK {}")
    answer = server.client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    assert {
        "rokgraph_queries", "rokgraph_query_seconds", "rokgraph_sent_bytes", "rokgraph_queue",
        "rokgraph_workers", "rokgraph_busy_workers", "rokgraph_cache_bytes",
        "rokgraph_cache_hits", "rokgraph_cache_misses", "rokgraph_triples", "rokgraph_kills",
    } <= set(families)  # fmt: skip
    assert all(family.documentation for family in families.values())
    causes = {sample.labels["cause"] for sample in families["rokgraph_kills"].samples}
    assert {"deadline", "left", "memory"} <= causes


def test_metrics_count_queries_by_outcome_and_form(serve: Callable[..., Running]) -> None:
    """Each query counts once, under its outcome and its form, with its time and its bytes.

    https://prometheus.io/docs/practices/instrumentation/
    """
    server = serve()
    for query in ("ASK {}", "SELECT * {}", "SELECT * {}", "CONSTRUCT WHERE {}", "ASK {"):
        server.get(query)
    server.post(wire.slow(60), timeout="0.1")
    server.client.get("/sparql?query=")
    found = {
        (sample.labels["outcome"], sample.labels["form"]): sample.value
        for family in text_string_to_metric_families(server.client.get("/metrics").text)
        for sample in family.samples
        if sample.name == "rokgraph_queries_total"
    }
    assert found == {
        ("ok", "boolean"): 1,
        ("ok", "solutions"): 2,
        ("ok", "graph"): 1,
        ("syntax", "none"): 1,
        ("timeout", "none"): 1,
        ("request", "none"): 1,
    }
    assert server.metric("rokgraph_query_seconds_count") == 7
    assert server.metric("rokgraph_sent_bytes_total") > 0


# -- logs ----------------------------------------------------------------------------------


def test_each_query_is_one_line_of_json_with_its_id(server: Running) -> None:
    """Each query is one line of JSON; its id is the one that the answer carries.

    https://www.rfc-editor.org/rfc/rfc8259
    """
    answers = {
        server.get("SELECT * { ?s a ?o } LIMIT 7", accept="text/tab-separated-values"): 200,
        server.get("ASK {"): 400,
        server.client.put("/sparql"): 405,
        server.client.get("/graph-store?default"): 200,
    }
    for answer, status in answers.items():
        entry = server.entry(answer.headers["rokgraph-query"])
        assert set(entry) == FIELDS
        assert entry["status"] == answer.status_code == status
        assert entry["outcome"] == "ok" or status != 200
        assert entry["bytes"] == len(answer.content)
        ids = [line for line in server.lines() if f'"{entry["query"]}"' in line]
        assert len(ids) == 1
    first = server.entry(next(iter(answers)).headers["rokgraph-query"])
    assert (first["form"], first["format"], first["rows"]) == ("solutions", "tsv", 7)


def test_the_log_holds_no_query_and_no_address(serve: Callable[..., Running]) -> None:
    """No text of a query and no address of a client is logged or counted.

    https://gdpr-info.eu/art-5-gdpr/
    """
    server = serve(ROKGRAPH_TRUSTED_PROXIES='["127.0.0.1"]')
    headers = {"x-forwarded-for": "203.0.113.77", "user-agent": SECRET, "referer": SECRET}
    for query in (f"ASK {{}} # {SECRET}", f"ASK {{ {SECRET}", f'SELECT ("{SECRET}" AS ?x) {{}}'):
        server.client.get("/sparql", params={"query": query}, headers=headers)
        server.client.get("/sparql", params={"query": query, "format": SECRET}, headers=headers)
    server.client.get(f"/{SECRET}", headers=headers)
    text = server.log.read_text() + server.client.get("/metrics").text
    assert SECRET not in text
    assert "203.0.113.77" not in text
    assert "127.0.0.1" not in text


def test_every_line_is_json_whatever_clients_do(serve: Callable[..., Running]) -> None:
    """Garbage, cut answers, clients that leave: each line of the log is still JSON.

    https://www.rfc-editor.org/rfc/rfc8259
    """
    server = serve()
    server.talk(b"NONSENSE\r\n\r\n")
    server.talk(
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", seconds=1
    )
    cut = wire.get("SELECT * { ?a ?b ?c . ?d ?e ?f }")
    server.talk(cut.replace(b"query=", b"timeout=0.3&query="))
    with server.connect() as connection:
        connection.sendall(cut)
        connection.recv(1)
    server.client.get("/sparql?query=ASK{}&default-graph-uri=http://[bad")
    server.client.get("/sparql", params={"query": "ASK {}"}, headers={"accept": "text/html"})
    answer = server.get("ASK {}")
    server.entry(answer.headers["rokgraph-query"])
    assert [json.loads(line) for line in server.lines()]
    outcomes = {json.loads(line).get("outcome") for line in server.lines()}
    assert {"ok", "timeout", "left", "request"} <= outcomes


def test_server_timing(server: Running) -> None:
    """A whole answer says how long it took.

    https://www.w3.org/TR/server-timing/
    """
    answer = server.get("ASK {}")
    assert re.fullmatch(r"total;dur=\d+\.\d", answer.headers["server-timing"])


# -- settings ------------------------------------------------------------------------------


def test_settings_by_environment(serve: Callable[..., Running], tmp_path: Path) -> None:
    """Settings come from the environment; what they set holds.

    https://12factor.net/config
    """
    path = tmp_path / "data.ttl"
    path.write_text("<a:s> <a:p> 1 .")
    server = serve(
        ROKGRAPH_DATA=json.dumps([str(path)]),
        ROKGRAPH_TIMEOUT="0.5",
        ROKGRAPH_MAX_QUERY="1024",
        ROKGRAPH_BASE_URL="https://graph.example.org",
    )
    assert server.client.get("/healthz").json()["triples"] == 1
    endless = " ".join(f"?s{n} (<a:p>|!<a:p>)* ?o{n} ." for n in range(30))
    answer = server.post(f"SELECT (COUNT(*) AS ?n) {{ {endless} }}")
    assert answer.status_code == 503
    assert answer.json()["limit"] == 0.5
    assert server.post("#" * 1025).status_code == 413
    answer = server.get("SELECT ?x { VALUES ?x { <a> } }")
    assert "https://graph.example.org/a" in answer.text


def test_an_option_wins_over_the_environment(based: Running) -> None:
    """An option of the command wins over the environment.

    https://clig.dev/#configuration
    """
    answer = based.get("SELECT ?x { VALUES ?x { <a> } }")
    assert "https://graph.example.org/kg/a" in answer.text


def starts(
    *options: str, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """What comes of a start that fails."""
    return subprocess.run(
        wire.command("serve", *options),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env=wire.variables(**environment or {}),
    )


@pytest.mark.parametrize(
    ("options", "environment", "says"),
    [
        (["--port", "70000"], {}, "port"),
        (["--timeout", "0"], {}, "timeout"),
        (["--base-url", "ftp://example.org"], {}, "base_url"),
        (["--data", "/nowhere.ttl"], {}, "/nowhere.ttl"),
        ([], {"ROKGRAPH_MEMORY": "1"}, "memory"),
        ([], {"ROKGRAPH_CACHE": "lots"}, "cache"),
        ([], {"ROKGRAPH_ROOT": "/nowhere"}, "/nowhere"),
        ([], {"ROKGRAPH_TRUSTED_PROXIES": "127.0.0.1"}, "trusted_proxies"),
    ],
)  # fmt: skip
def test_a_wrong_setting_stops_the_start_with_a_sentence(
    options: list[str], environment: dict[str, str], says: str
) -> None:
    """A setting that cannot be used stops the start: one sentence that names it, exit code 2.

    https://clig.dev/#errors
    """
    ended = starts(*options, environment=environment)
    assert ended.returncode == 2
    assert says in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_base_url_that_is_no_iri_stops_the_start() -> None:
    """A base URL that is no IRI stops the start: every query would fail with it.

    https://clig.dev/#errors
    """
    ended = starts("--base-url", "http://a b")
    assert ended.returncode == 2
    assert "base_url" in ended.stderr


def test_a_fault_in_the_data_stops_the_start_with_its_place(tmp_path: Path) -> None:
    """A file that does not parse stops the start: file, line and column are told.

    https://clig.dev/#errors
    """
    path = tmp_path / "bad.ttl"
    path.write_text("<a:s> <a:p> 1 .\n<a:s> <a:p> .\n")
    ended = starts("--data", str(path))
    assert ended.returncode == 2
    assert f"{path}:2:" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_port_that_is_taken_stops_the_start_with_a_sentence() -> None:
    """A port that somebody else listens on stops the start, and is told.

    https://clig.dev/#errors
    """
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        ended = starts("--port", str(other.getsockname()[1]))
    assert ended.returncode != 0
    assert "address already in use" in ended.stderr
    assert "Traceback" not in ended.stderr


# -- how often one client may ask ----------------------------------------------------------


def from_(server: Running, address: str) -> httpx.Response:
    """A question that comes from behind a proxy."""
    return server.client.get("/sparql?query=ASK{}", headers={"x-forwarded-for": address})


def test_past_the_rate_is_429_with_retry_after(behind: Running) -> None:
    """With ROKGRAPH_RATE=5 a client that asks faster gets 429, says when to come back, and is
    answered then; probes are not counted.

    https://www.rfc-editor.org/rfc/rfc6585#section-4
    """
    begun = time.monotonic()
    answers = [from_(behind, "192.0.2.1") for _ in range(60)]
    seconds = time.monotonic() - begun
    refused = [answer for answer in answers if answer.status_code == 429]
    assert 20 <= len(answers) - len(refused) <= 20 + 5 * seconds + 1
    assert answers[0].status_code == 200
    last = refused[-1]
    assert last.headers["content-type"] == "application/problem+json"
    assert last.headers["cache-control"] == "no-store"
    headers = {"x-forwarded-for": "192.0.2.1"}
    for path in ("/healthz", "/readyz", "/metrics"):
        assert behind.client.get(path, headers=headers).status_code == 200
    wait = int(last.headers["retry-after"])
    assert wait == 1
    time.sleep(wait)
    assert from_(behind, "192.0.2.1").status_code == 200


def test_the_rate_is_that_of_the_client_behind_a_trusted_proxy(behind: Running) -> None:
    """Behind a trusted proxy each client has a rate of its own; an address that a client claims
    itself does not count.

    https://www.rfc-editor.org/rfc/rfc7239#section-8.1
    """
    assert 429 in {from_(behind, "192.0.2.2").status_code for _ in range(60)}
    assert from_(behind, "192.0.2.3").status_code == 200
    claimed = {from_(behind, f"198.51.100.{n}, 192.0.2.4").status_code for n in range(60)}
    assert claimed == {200, 429}


def test_without_trusted_proxies_no_header_gives_another_address(
    serve: Callable[..., Running],
) -> None:
    """Without trusted proxies forwarding headers give nobody a new rate.

    https://www.rfc-editor.org/rfc/rfc7239#section-8.1
    """
    server = serve(ROKGRAPH_RATE="1")
    statuses = [from_(server, f"192.0.2.{number}").status_code for number in range(9)]
    assert statuses[-1] == 429


def test_on_loopback_there_is_no_rate(server: Running) -> None:
    """Where only this machine can ask, there is no rate unless it is set.

    https://www.rfc-editor.org/rfc/rfc6585#section-4
    """
    assert {server.client.get("/sparql?query=ASK{}").status_code for _ in range(60)} == {200}
