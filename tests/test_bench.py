"""The benchmark measures what it says: graphs, queries, the judge of answers, the load.

No speed is asserted here: machines differ, and `make bench` is for that.
"""

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pyoxigraph as ox
import pytest
from bench import graphs, limit, load, mix, peers, report
from bench.__main__ import main
from bench.answers import RESULTS, TRIPLES, Unreadable, difference, read
from bench.compare import compare
from bench.measure import measured
from bench.mix import Request
from bench.peers import Dataset, Endpoint, Peer
from bench.record import Measured, Plan, Server
from bench.wire import Client, Refused, target

from rokgraph.library import saved_queries, without_header
from rokgraph.report import check
from rokgraph.snapshot import load_given
from rokgraph.vocab import ONT
from running import ROOT, missing

KINDS = {query.name: query for query in saved_queries(ROOT, "bench")}
WANTED = {
    "point", "star", "chain", "optional", "union", "path", "group-by", "order-limit", "regex",
    "not-exists", "construct", "describe", "ask", "rows-10000", "rows-100000",
}  # fmt: skip


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> graphs.Graph:
    return graphs.made("5k", tmp_path_factory.mktemp("graphs"))


@pytest.fixture(scope="module")
def store(small: graphs.Graph) -> ox.Store:
    store = ox.Store()
    store.bulk_load(path=small.path, format=ox.RdfFormat.N_TRIPLES)
    return store


def requests_of(graph: graphs.Graph, several: int = 3) -> dict[str, list[Request]]:
    return mix.bench_requests(ROOT, graph.members, several)


# -- graphs ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["5k", "20k"])
def test_a_graph_has_as_many_triples_as_it_says(tmp_path: Path, name: str) -> None:
    graph = graphs.made(name, tmp_path)
    store = ox.Store()
    store.bulk_load(path=graph.path, format=ox.RdfFormat.N_TRIPLES)
    assert len(store) == graph.triples  # none twice
    assert 0 <= graph.triples - graphs.size_of(name) <= 0.01 * graphs.size_of(name)


def test_the_same_seed_gives_the_same_graph_and_another_one_another(tmp_path: Path) -> None:
    first, again = (graphs.made("5k", tmp_path / folder) for folder in ("a", "b"))
    assert first.path.read_bytes() == again.path.read_bytes()
    assert (first.sha256, first.members) == (again.sha256, again.members)
    assert graphs.made("5k", tmp_path / "c", seed=1).sha256 != first.sha256


def test_a_larger_graph_begins_with_the_smaller_one(small: graphs.Graph, tmp_path: Path) -> None:
    larger = graphs.made("20k", tmp_path)
    assert larger.path.read_bytes().startswith(small.path.read_bytes())


def test_a_graph_that_is_there_is_not_written_again(tmp_path: Path) -> None:
    first = graphs.made("5k", tmp_path)
    first.path.write_bytes(b"")
    assert graphs.made("5k", tmp_path) == first
    assert graphs.made("5k", tmp_path, seed=2).path.stat().st_size


def test_a_graph_keeps_every_rule_that_must_hold(small: graphs.Graph) -> None:
    found = check(load_given([small.path]), ROOT, [small.path])
    assert found.passed
    assert small.members.keys() >= {"Task", "Measure", "Action", "LegislativeProposal", "Outcome"}


def test_a_graph_says_nothing_that_the_real_one_does_not(store: ox.Store) -> None:
    real = load_given([ROOT / "data", ROOT / "ontology"]).store
    for place in ("?s ?term ?o", "?s a ?term"):
        query = f"SELECT DISTINCT ?term {{ {place} }}"
        ours, theirs = ({str(row["term"]) for row in one.query(query)} for one in (store, real))  # type: ignore[union-attr]
        assert ours - theirs == set()
        assert any(ONT in term for term in ours)


@pytest.mark.parametrize(("text", "size"), [("5k", 5_000), ("10M", 10_000_000), ("77", 77)])
def test_sizes(text: str, size: int) -> None:
    assert graphs.size_of(text) == size


# -- queries ---------------------------------------------------------------------------------------


def test_the_mix_has_every_kind() -> None:
    assert KINDS.keys() >= WANTED
    tags = Counter(query.tags[0] for query in KINDS.values())
    assert tags == {mix.SMALL: 13, mix.SCAN: 5, mix.ROWS: 2, mix.STREAM: 1}


@pytest.mark.parametrize("name", KINDS)
def test_a_query_of_the_mix_finds_something(store: ox.Store, name: str) -> None:
    query = KINDS[name]
    assert query.title.keys() == query.description.keys() == {"en", "ko"}
    answer = store.query(without_header(query.text))
    if isinstance(answer, ox.QueryBoolean):
        assert bool(answer)
        return
    if isinstance(answer, ox.QuerySolutions):
        assert [variable.value for variable in answer.variables] == query.expect["columns"]
    count = sum(1 for _ in answer)
    assert count
    assert count == query.expect.get("rows", count)


def test_values_vary_and_kinds_take_turns(small: graphs.Graph) -> None:
    requests = requests_of(small, 4)[mix.SMALL]
    assert [one.kind for one in requests[:13]] == [one.kind for one in requests[13:26]]
    assert len({one.text for one in requests if one.kind == "star"}) == 4
    assert requests == requests_of(small, 4)[mix.SMALL]
    assert {one.accept for one in requests} == {RESULTS, TRIPLES}


# -- the judge -------------------------------------------------------------------------------------


def rows(*rows: dict[str, object], names: tuple[str, ...] = ("x",)) -> bytes:
    content = {"head": {"vars": names}, "results": {"bindings": rows}}
    return json.dumps(content).encode()


def text(value: str, **more: str) -> dict[str, object]:
    return {"x": {"type": "literal", "value": value, **more}}


def number(value: str, kind: str, type_: str = "literal") -> dict[str, object]:
    datatype = f"http://www.w3.org/2001/XMLSchema#{kind}"
    return {"x": {"type": type_, "value": value, "datatype": datatype}}


def judged(expected: bytes, got: bytes, media_type: str = RESULTS, **how: bool) -> str:
    return difference(read(expected, media_type), read(got, media_type), **how)


def test_equal_answers_are_equal() -> None:
    first, second = rows(text("a"), text("b")), rows(text("b"), text("a"))
    assert judged(first, second) == ""
    assert judged(rows(number("1.0", "decimal")), rows(number("1", "integer"))) == ""
    assert judged(rows(number("7", "integer")), rows(number("7", "integer", "typed-literal"))) == ""
    assert judged(rows(number("true", "boolean")), rows(number("1", "integer"))) == ""
    assert judged(rows(text("a")), rows(number("a", "string"))) == ""
    language = {"xml:lang": "EN"}, {"xml:lang": "en"}
    assert judged(rows(text("a", **language[0])), rows(text("a", **language[1]))) == ""


@pytest.mark.parametrize(
    "got",
    [
        rows(text("a")),
        rows(text("a"), text("a"), text("b")),
        rows(text("a"), text("c")),
        rows(text("a"), text("b", **{"xml:lang": "en"})),
        rows(text("a"), {"x": {"type": "uri", "value": "b"}}),
        rows(text("a"), {}),
        rows(text("a"), text("b"), names=("x", "y")),
        rows(text("a"), number("b", "date")),
        b'{"head": {}, "boolean": true}',
    ],
)
def test_wrong_rows_are_wrong(got: bytes) -> None:
    assert judged(rows(text("a"), text("b")), got) != ""


def test_an_answer_that_was_cut_cannot_be_read() -> None:
    for body, kind in ((rows(text("a"))[:-9], RESULTS), (b"<a> <b", TRIPLES), (b"?", "text/html")):
        with pytest.raises(Unreadable):
            read(body, kind)


def test_booleans_and_joined_texts() -> None:
    yes, no = b'{"head": {}, "boolean": true}', b'{"head": {}, "boolean": false}'
    assert judged(yes, yes) == ""
    assert judged(yes, no) != ""
    first, second = rows(text("a; b", **{"xml:lang": "en"})), rows(text("b; a"))
    assert judged(first, second) != ""
    assert judged(first, second, joined=True) == ""
    assert judged(first, rows(text("b; c")), joined=True) != ""


def test_graphs_are_equal_up_to_the_names_of_blank_nodes() -> None:
    one = b"_:a <x:p> _:b .\n_:b <x:p> <x:o> ."
    same = b"_:q <x:p> <x:o> .\n_:r <x:p> _:q ."
    other = b"_:q <x:p> <x:o> .\n_:r <x:p> _:r ."
    assert judged(one, same, TRIPLES) == ""
    assert judged(one, other, TRIPLES) != ""


def test_a_description_may_hold_more_and_not_less() -> None:
    less = b'<x:a> <x:p> "b" .\n'
    more = less + b"<x:c> <x:p> <x:a> .\n"
    assert judged(less, more, TRIPLES, described=True) == ""
    assert judged(less, more, TRIPLES) != ""
    assert judged(more, less, TRIPLES, described=True) != ""


# -- a server that is wrong on purpose -------------------------------------------------------------


@contextlib.contextmanager
def planted(answer: Callable[[str], bytes], seen: list[str]) -> Iterator[int]:
    """A server that answers each query with what the function makes of its text; its port."""

    class Answers(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            query = parse_qs(urlsplit(self.path).query)["query"][0]
            seen.append(query)
            body = answer(query)
            self.send_response(200 if body else 503)
            self.send_header("Content-Type", f"{self.headers['Accept']}; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


def test_a_wrong_answer_is_found_and_its_kind_is_not_timed(
    small: graphs.Graph, store: ox.Store
) -> None:
    requests = requests_of(small)[mix.SMALL][:39]

    def answer(query: str) -> bytes:
        found = store.query(query)
        if isinstance(found, ox.QueryTriples):
            return found.serialize(format=ox.RdfFormat.N_TRIPLES) or b""
        body = found.serialize(format=ox.QueryResultsFormat.JSON) or b""
        content = json.loads(body)
        if "elementOf+" in query:
            content["results"]["bindings"].pop()
        if "NOT EXISTS" in query:
            return b""
        return json.dumps(content).encode()

    with planted(answer, []) as port, limit.running(small.path, union=False) as engine:
        server = Server("planted", at=Endpoint(os.getpid(), port, "/sparql?query=", 0.0))
        found = Measured(Dataset("5k", small.path, small.triples), [server])
        compare(found, Plan(requests, (), (), 1, 1), engine, lambda _: None)
    assert server.wrong.keys() == {"path", "not-exists"}
    assert server.wrong["path"].startswith("1 rows missing, 0 too many")
    assert server.wrong["not-exists"].startswith("status 503")
    assert not server.fit(requests)
    assert server.fit([one for one in requests if one.kind not in server.wrong])
    assert found.compared == len(server.lengths) == len(requests)


def test_who_does_not_answer_in_time_is_late(small: graphs.Graph) -> None:
    ending = threading.Event()

    def answer(_: str) -> bytes:
        ending.wait(20)
        return b""

    with planted(answer, []) as port, limit.running(small.path, union=False) as engine:
        server = Server("planted", at=Endpoint(os.getpid(), port, "/sparql?query=", 0.0))
        found = Measured(Dataset("5k", small.path, small.triples), [server])
        requests = requests_of(small)[mix.SMALL][:1]
        compare(found, Plan(requests, (), (), 1, 1, patience=0.2), engine, lambda _: None)
        ending.set()
    assert server.late
    assert server.wrong


def test_a_connection_that_was_closed_is_made_anew(small: graphs.Graph) -> None:
    seen: list[str] = []
    with planted(lambda _: b"yes", seen) as port, Client(port) as client:
        assert client.get(target("/?query=", "ASK {}"), RESULTS).body == b"yes"
        client.close()
        assert client.get(target("/?query=", "ASK { # &?+% 한\n}"), RESULTS).body == b"yes"
    assert seen == ["ASK {}", "ASK { # &?+% 한\n}"]
    with pytest.raises(Refused):
        client.get("/", RESULTS)


# -- load ------------------------------------------------------------------------------------------


@pytest.fixture
def wrk() -> None:
    try:
        load.version()
    except load.NoWrk:
        missing("the load generator wrk")


def pressed(tmp_path: Path, port: int, fresh: str | None) -> load.Slice:
    requests = [Request("a", f"ASK {{}} # {n}", RESULTS) for n in range(3)]
    load.write_requests(tmp_path / "requests", requests, "/sparql?query=")
    url = f"http://127.0.0.1:{port}"
    return load.press(url, tmp_path / "requests", (1, 1), fresh=fresh, start=1)


def test_new_queries_are_new_and_repeats_are_repeats(wrk: None, tmp_path: Path) -> None:
    seen: list[str] = []
    with planted(lambda _: b"yes", seen) as port:
        done = pressed(tmp_path, port, "r1")
        assert done.requests >= 10
        assert not done.fault
        assert len(set(seen)) == len(seen)
        assert all(ox.Store().query(text) is not None for text in seen[:3])
        assert [one.split("\n")[0][-1] for one in seen[:4]] == ["1", "2", "0", "1"]
        first = {*seen}
        seen.clear()
        pressed(tmp_path, port, "r2")
        assert not first & {*seen}
        seen.clear()
        pressed(tmp_path, port, None)
        assert {*seen} == {f"ASK {{}} # {n}" for n in range(3)}


def test_refused_and_short_answers_are_faults(wrk: None, tmp_path: Path) -> None:
    with planted(lambda text: b"yes" if "2" in text else b"", []) as port:
        assert "refused" in pressed(tmp_path, port, None).fault
    done = load.Slice(1000, 1.0, 90_000, 0.001, 0.001, "")
    assert load.short(done, [100], 0, 1) == "90000 bytes of 100000"
    assert load.short(done, [80, 100], 1, 1) == ""
    few = load.Slice(2, 1.0, 20, 0.001, 0.001, "")
    assert load.short(few, [10, 1000], 0, 32) == ""


# -- the whole -------------------------------------------------------------------------------------


def test_a_server_that_is_not_there_is_one_plain_line(small: graphs.Graph) -> None:
    def version() -> str:
        raise peers.Missing("nobody has it")

    peer = Peer("nobody", version, peers.PEERS[0].run)
    much = Peer("much", lambda: "1", peers.PEERS[0].run, most=10)
    said: list[str] = []
    dataset = Dataset("5k", small.path, small.triples)
    requests = requests_of(small)[mix.SMALL][:2]
    found = measured(dataset, [peer, much], Plan(requests, (), (), 1, 1), 8430, said.append)
    assert [server.absent for server in found.servers] == [
        "nobody has it",
        "left out above 10 triples",
    ]
    about = {"command": "x", "date": "y", "machine": {}, "rounds": 1, "seconds": 1}
    told = report.as_markdown([found], {**about, "wrk": "4", "engine": "e"})
    assert "- nobody is not here: nobody has it." in told.splitlines()


def test_a_port_that_is_taken_is_told(small: graphs.Graph, tmp_path: Path) -> None:
    dataset = Dataset("5k", small.path, small.triples)
    with planted(lambda _: b"yes", []) as port:
        ours = peers.PEERS[0].run(dataset, port, tmp_path)
        with pytest.raises(peers.NoStart, match="is taken"), ours:
            pass


def test_the_tables_go_between_the_marks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    report.write(page, "| new |\n")
    report.write(page, "| newer |\n")
    assert page.read_text() == f"before\n{report.BEGIN}\n\n| newer |\n\n{report.END}\nafter\n"
    page.write_text("nothing")
    with pytest.raises(ValueError, match="no place"):
        report.write(page, "")
    marks = (ROOT / "docs" / "reference" / "speed.md").read_text()
    assert marks.index(report.BEGIN) < marks.index(report.END)


def test_without_its_load_generator_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert main(["--quick"]) == 2
    assert capsys.readouterr().err == "wrk is not here; on Debian: apt-get install wrk\n"


def test_the_quick_form_runs_from_end_to_end(wrk: None, tmp_path: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("the benchmark reads /proc")
    port = next(n for n in range(8440, 20_000, 10) if all(map(peers.free, range(n, n + 10))))
    command = [sys.executable, "-m", "bench", "--quick", "--json", str(tmp_path / "json")]
    done = subprocess.run(
        [*command, "--port", str(port)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "| rokgraph " in done.stdout
    [found] = json.loads((tmp_path / "json").read_text())["datasets"]
    assert found["compared"] >= 40
    for server in found["servers"]:
        assert server["name"] in ("rokgraph", "oxigraph")
        assert server["wrong"] == {}
        assert all(min(slices["per_second"]) > 0 for slices in server["load"].values())
        assert server["memory_mb"] > 1
        assert server["p50_seconds"].keys() == found["kinds"].keys()
