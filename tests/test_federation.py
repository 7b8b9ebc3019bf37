"""Calling other endpoints: off by default, and by a list where it is on."""

import http.server
import threading
from collections.abc import Callable, Iterator

import pytest

from rokgraph.errors import QueryError
from rokgraph.federation import check
from running import Server

ALLOWED = frozenset({"https://sparql.example.org/query"})


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * { SERVICE <https://elsewhere.example.org/> { ?s ?p ?o } }",
        "SELECT * { SERVICE ?where { ?s ?p ?o } }",
        "SELECT * { VALUES ?e { <https://sparql.example.org/query> } SERVICE ?e { ?s ?p ?o } }",
        "PREFIX x: <https://elsewhere.example.org/> SELECT * { service silent x:y { ?s ?p ?o } }",
        "SELECT * { { SELECT * { OPTIONAL { SERVICE <http://localhost/> { ?s ?p ?o } } } } }",
        "SELECT * { FILTER EXISTS { SERVICE <http://169.254.169.254/> { ?s ?p ?o } } }",
        "BASE <http://127.0.0.1/> SELECT * { SERVICE <sparql> { ?s ?p ?o } }",
        "nonsense SERVICE",
    ],
)
def test_what_is_not_on_the_list_is_refused(query: str) -> None:
    with pytest.raises(QueryError):
        check(query, ALLOWED, private=True)


def test_what_is_on_the_list_passes_unless_its_address_is_private() -> None:
    here = frozenset({"http://127.0.0.1:1/sparql"})
    query = "SELECT * { SERVICE <http://127.0.0.1:1/sparql> { ?s ?p ?o } }"
    check(query, here, private=True)
    with pytest.raises(QueryError, match="not public"):
        check(query, here, private=False)


class Redirecting(http.server.BaseHTTPRequestHandler):
    target = ""
    asked = 0

    def do_GET(self) -> None:  # the engine asks by GET or POST as it likes
        type(self).asked += 1
        self.send_response(302)
        self.send_header("location", self.target)
        self.end_headers()

    do_POST = do_GET  # noqa: N815 - the library's name

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def redirecting() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Redirecting) as listener:
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listener.server_address[1]}/"
        listener.shutdown()


def test_a_listed_endpoint_is_called_others_are_not(
    serve: Callable[..., Server], server: Server, monkeypatch: pytest.MonkeyPatch, redirecting: str
) -> None:
    listed = server.url + "/sparql"
    monkeypatch.setenv("ROKGRAPH_FEDERATION", f'["{listed}", "{redirecting}"]')
    monkeypatch.setenv("ROKGRAPH_FEDERATION_PRIVATE", "true")
    calling = serve()
    query = "SELECT ?n {{ SERVICE <{}> {{ SELECT (COUNT(*) AS ?n) {{ ?s a ?c }} }} }}"
    answer = calling.get(query.format(listed))
    assert answer.headers["cache-control"] == "no-store"
    [row] = answer.json()["results"]["bindings"]
    assert int(row["n"]["value"]) > 1000
    refused = calling.get(query.format("http://127.0.0.1:9/"))
    assert refused.status_code == 400
    assert "not on the list" in refused.json()["detail"]
    Redirecting.target = listed
    followed = calling.get(query.format(redirecting))
    assert Redirecting.asked >= 1
    assert followed.status_code == 400
