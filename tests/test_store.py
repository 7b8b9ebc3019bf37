"""Stores on disk: built beside the one in use, served as if they were in memory."""

import fcntl
import gzip
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pyoxigraph as ox
import pytest

from conformance.wire import command, variables
from rokgraph import store
from rokgraph.building import build
from rokgraph.errors import SettingError, SourceError
from rokgraph.library import saved_queries
from rokgraph.settings import make_settings
from rokgraph.snapshot import Snapshot, load_built_in, load_given
from rokgraph.store import Build, Held, build_at, current, open_snapshot
from running import ROOT, Server, run_server
from test_cli import rokgraph

if not Path("/proc/self/fd").exists():
    pytest.skip("a store is served from disk on Linux only", allow_module_level=True)

GRAPHS = 12
SUBJECTS = 1500
FOREVER = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l }"
FRESH = "SELECT (RAND() AS ?x) {}"
BOMB = (
    'SELECT (STRLEN(?x34) AS ?n) { BIND("abcdefgh" AS ?x0) '
    + " ".join(f"BIND(CONCAT(?x{n}, ?x{n}) AS ?x{n + 1})" for n in range(34))
    + " }"
)
# By each order in which statements are kept, in one graph, in all, and in none.
QUERIES = (
    "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }",
    "SELECT (COUNT(*) AS ?n) { GRAPH ?g { ?s ?p ?o } }",
    "SELECT ?g (COUNT(DISTINCT ?o) AS ?n) { GRAPH ?g { ?s ?p ?o } } GROUP BY ?g ORDER BY ?g",
    "SELECT ?s { GRAPH <http://e/graph/7> { ?s <http://e/kind> <http://e/kind/3> } } ORDER BY ?s",
    "SELECT ?s ?g { GRAPH ?g { ?s ?p <http://e/kind/3> } } ORDER BY ?g ?s",
    "SELECT ?p ?o { GRAPH ?g { <http://e/graph/5/777> ?p ?o } } ORDER BY ?p ?o",
    "SELECT ?s ?o { ?s <http://e/text> ?o } ORDER BY ?s",
    "SELECT ?a ?b { GRAPH ?g { ?a <http://e/next>/<http://e/next> ?b } } ORDER BY ?a LIMIT 500",
    'SELECT ?o { GRAPH ?g { ?s <http://e/text> ?o FILTER(REGEX(?o, "7 of 3$")) } } ORDER BY ?o',
    "ASK { <http://e/none> ?p ?o }",
    "CONSTRUCT { ?s <http://e/in> ?g } WHERE { GRAPH ?g { ?s <http://e/number> 42 } }",
    "DESCRIBE <http://e/graph/5/777>",
)


def lines(graph: int) -> Iterator[str]:
    """A graph's statements; those of different graphs lie in different tables of the engine."""
    name = f"http://e/graph/{graph}"
    for n in range(SUBJECTS):
        subject, following = f"<{name}/{n}>", f"<{name}/{(n + 1) % SUBJECTS}>"
        for value in (
            f"<http://e/kind> <http://e/kind/{n % 7}>",
            f"<http://e/next> {following}",
            f'<http://e/text> "text {n} of {graph}, long enough to stand by itself"@en',
            f'<http://e/number> "{n}"^^<http://www.w3.org/2001/XMLSchema#integer>',
        ):
            yield f"{subject} {value} <{name}> .\n"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for graph in range(GRAPHS):
        (folder / f"{graph}.nq").write_text("".join(lines(graph)))
    (folder / "own.nt").write_text("<http://e/s> <http://e/p> <http://e/o> .\n")
    return folder


class Silent:
    """Nobody who would be told how far a build is."""

    def begin(self, what: str, total: int = 0) -> None:
        pass

    def advance(self, count: int) -> None:
        pass


def built(place: Path, *paths: Path, **given: object) -> Build:
    return build(place, make_settings(data=paths, **given), Silent()).build


@pytest.fixture(scope="module")
def place(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A place with a store of many tables; for tests that do it no harm."""
    folder = tmp_path_factory.mktemp("place")
    made = built(folder, data)
    assert sum(name.endswith(".sst") for name in made.sizes) > 30
    return folder


@pytest.fixture
def own(place: Path, tmp_path: Path) -> Path:
    """The same place, to be harmed."""
    shutil.copytree(place, tmp_path / "own", symlinks=True)
    return tmp_path / "own"


@pytest.fixture(scope="module")
def stored(place: Path) -> Iterator[Server]:
    options = ("--store", str(place), "--default-graph", "union", "--timeout", "3")
    with run_server(*options) as running:
        yield running


def ask(server: Server, query: str) -> httpx.Response:
    answer = server.get(query, accept="application/sparql-results+json, application/n-triples")
    assert answer.status_code == 200, answer.text
    return answer


def sorted_body(answer: httpx.Response) -> list[bytes]:
    return sorted(answer.content.splitlines())


# ------------------------------------------------------------------------------------ answers


@pytest.mark.parametrize("options", [(), ("--in-memory",)], ids=["disk", "memory"])
def test_a_store_answers_as_the_files_do(
    data: Path, place: Path, serve: Callable[..., Server], options: tuple[str, ...]
) -> None:
    called = ("--base-url", "http://e")  # the address is part of the tags
    files = serve("--data", str(data), *called)
    disk = serve("--store", str(place), *called, *options)
    for query in QUERIES:
        one, other = ask(files, query), ask(disk, query)
        assert sorted_body(one) == sorted_body(other), query
        for name in ("content-type", "rokgraph-dataset", "etag"):
            assert one.headers[name] == other.headers[name], query


def test_the_questions_are_answered_alike_from_disk(
    server: Server, tmp_path: Path, serve: Callable[..., Server]
) -> None:
    assert rokgraph("build", "--store", tmp_path).returncode == 0
    disk = serve("--store", str(tmp_path))
    for question in saved_queries(ROOT, "questions"):
        assert ask(server, question.text).json() == ask(disk, question.text).json(), question.name
    dataset = "rokgraph-dataset"
    assert ask(server, "ASK {}").headers[dataset] == ask(disk, "ASK {}").headers[dataset]


def test_the_command_line_asks_a_store(place: Path) -> None:
    query = "SELECT (COUNT(*) AS ?n) { GRAPH ?g { ?s ?p ?o } }"
    answer = rokgraph("query", "-", "--store", place, "--format", "csv", given=query)
    assert answer.stdout.split() == ["n", str(GRAPHS * SUBJECTS * 4)]


@pytest.mark.parametrize("graph", ["union", "own"])
def test_the_default_graph_may_be_chosen(
    place: Path, serve: Callable[..., Server], graph: str
) -> None:
    server = serve("--store", str(place), "--default-graph", graph)
    [row] = ask(server, QUERIES[0]).json()["results"]["bindings"]
    assert int(row["n"]["value"]) == (GRAPHS * SUBJECTS * 4 + 1 if graph == "union" else 1)


# ---------------------------------------------------------------------------------- guarantees


def test_every_table_is_open_before_a_worker_is_sealed(place: Path) -> None:
    """A table that is not would be waited for: no descriptor is left to open it with."""
    folder = current(place)
    at_start = ox.Store.read_only(str(folder / "files"))
    assert store.Opener(at_start, folder / "files", ROOT).closed()  # the engine does not itself
    assert build_at(folder).openers
    snapshot = open_snapshot(folder, ROOT)
    assert store.Opener(snapshot.store, folder / "files", ROOT).closed() == set()


def test_a_store_that_would_not_be_open_is_not_served(own: Path) -> None:
    path = current(own) / "summary.json"
    values = json.loads(path.read_text())
    path.write_text(json.dumps({**values, "openers": []}))
    refused(own, "could not be opened ahead")


@pytest.mark.parametrize("spelling", ["SERVICE", "SERVICE SILENT"])
def test_service_reaches_nothing_from_a_store(stored: Server, spelling: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        query = f"SELECT * {{ {spelling} <http://127.0.0.1:{port}/> {{ ?s ?p ?o }} }}"
        answer = stored.post(query)
        listener.settimeout(0.3)
        with pytest.raises(TimeoutError):
            listener.accept()
    assert answer.status_code == (200 if "SILENT" in spelling else 400)


def test_the_deadline_ends_a_query_of_a_store(stored: Server) -> None:
    begun = time.monotonic()
    answer = stored.post(FOREVER)
    assert answer.status_code == 503
    assert answer.json()["title"] == "The query ran too long"
    assert 2.5 < time.monotonic() - begun < 6
    assert stored.get(FRESH).status_code == 200


@pytest.mark.parametrize(
    ("query", "title"),
    [
        (BOMB, "The query needs too much memory"),
        ("ASK { FILTER(" + "(" * 400_000 + "1" + ")" * 400_000 + ") }", "The query is too complex"),
    ],
    ids=["memory", "stack"],
)
def test_a_hostile_query_ends_alone(stored: Server, query: str, title: str) -> None:
    assert stored.post(query).json()["title"] == title
    assert stored.get(FRESH).status_code == 200


def test_killed_processes_come_back_with_the_same_store(
    serve: Callable[..., Server], own: Path
) -> None:
    server = serve("--store", str(own))
    before = ask(server, QUERIES[1])
    zygotes = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
    for pid in map(int, zygotes.read_text().split()):
        os.kill(pid, signal.SIGKILL)
    after = ask(server, f"{QUERIES[1]} # anew")
    assert after.json() == before.json()
    assert after.headers["rokgraph-dataset"] == before.headers["rokgraph-dataset"]


def test_serving_writes_nothing(serve: Callable[..., Server], own: Path) -> None:
    def files() -> dict[str, tuple[int, int]]:
        found = sorted(own.rglob("*"))
        return {str(path): (path.lstat().st_size, path.lstat().st_mtime_ns) for path in found}

    before = files()
    server = serve("--store", str(own))
    for query in QUERIES:
        ask(server, query)
    assert files() == before


# ------------------------------------------------------------------------------------ building


@pytest.mark.parametrize("form", ["ttl", "nt", "nq", "trig", "rdf", "jsonld", "ttl.gz", "nq.gz"])
def test_each_format_is_summed_up_as_in_memory(tmp_path: Path, form: str) -> None:
    triples = '@prefix e: <http://e/> . e:s e:p e:o, "x _: y"@en ; e:q 1, [ e:r "\\u00e9" ] .'
    quads = ox.Dataset(ox.parse(triples, format=ox.RdfFormat.TURTLE))
    native = ox.RdfFormat.from_extension(form.removesuffix(".gz"))
    assert native is not None
    content = ox.serialize((quad.triple for quad in quads), format=native) or b""
    path = tmp_path / f"data.{form}"
    path.write_bytes(gzip.compress(content) if form.endswith("gz") else content)
    one, other = built(tmp_path / "place", path).summary, load_given([path]).summary
    assert one.load
    assert other.load  # there is a blank node, with another name each time
    assert {**one.as_json(), "load": ""} == {**other.as_json(), "load": ""}


@pytest.mark.parametrize("text", ["plain", "with _: in it"])
def test_without_blank_nodes_the_tags_stay(tmp_path: Path, text: str) -> None:
    path = tmp_path / "data.nt"
    path.write_text(f'<http://e/s> <http://e/p> "{text}" .\n')
    assert built(tmp_path / "place", path).summary == load_given([path]).summary


def test_a_blank_node_is_seen_where_two_blocks_meet(tmp_path: Path) -> None:
    path = tmp_path / "data.nt"
    line = '<http://e/s> <http://e/p> "{}" .\n'
    filling = 2**20 - 1 - len(line) + 2  # so that `_` is the last character of a block
    path.write_text(line.format("x" * filling) + "_:b <http://e/p> <http://e/o> .\n")
    assert path.read_bytes()[2**20 - 1 : 2**20 + 1] == b"_:"
    assert built(tmp_path / "place", path).summary.load


def test_the_built_in_graph_keeps_its_canonical_digest(tmp_path: Path) -> None:
    made = build(tmp_path, make_settings(), Silent()).build
    assert made.summary == load_built_in(ROOT).summary
    assert "RDFC-1.0" in made.digest_of


def test_the_command_tells_what_it_has_built(data: Path, tmp_path: Path) -> None:
    answer = rokgraph("build", "--store", tmp_path, "--data", data)
    assert answer.returncode == 0, answer.stderr
    folder, dataset, counts = answer.stdout.splitlines()
    assert Path(folder).resolve() == current(tmp_path)
    assert "of the sorted SHA-256 of the files" in dataset
    assert counts.startswith(f"{GRAPHS * SUBJECTS * 4 + 1} triples in {GRAPHS + 1} graphs, ")
    assert "loading 3.nq" in answer.stderr
    assert "\x1b" not in answer.stderr  # no terminal, no bars


def test_a_file_that_does_not_parse_leaves_nothing(own: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.nt"
    bad.write_text("<http://e/s> <http://e/p> .\n")
    before, here = current(own), {path.name for path in own.iterdir()}
    answer = rokgraph("build", "--store", own, "--data", bad)
    assert answer.returncode == 2
    assert f"{bad}:1:" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert current(own) == before
    assert {path.name for path in own.iterdir()} == here


def test_two_builds_at_once_are_refused(own: Path, data: Path) -> None:
    lock = os.open(own, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        with pytest.raises(SettingError, match="another build"):
            built(own, data)
    finally:
        os.close(lock)


def test_a_place_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingError, match="cannot build"):
        built(tmp_path / "file")


def test_the_next_build_removes_what_nobody_uses(own: Path, data: Path) -> None:
    (own / "mine").mkdir()
    (own / "making-left").mkdir()
    (own / ".current-left").symlink_to("nowhere")
    first = current(own)
    held = Held(own)
    second = built(own, data / "own.nt").folder
    assert {path.name for path in own.iterdir()} == {"current", "mine", first.name, second.name}
    third = built(own, data / "own.nt").folder  # the first is held, the second is current
    assert {path.name for path in own.iterdir()} == {
        "current", "mine", first.name, second.name, third.name,
    }  # fmt: skip
    assert open_snapshot(held.folder, ROOT).summary.size == GRAPHS * SUBJECTS * 4 + 1
    held.release()
    fourth = built(own, data / "own.nt").folder
    assert {path.name for path in own.iterdir()} == {"current", "mine", third.name, fourth.name}
    assert current(own) == fourth


def test_a_build_that_is_killed_changes_nothing(
    own: Path, data: Path, tmp_path: Path, serve: Callable[..., Server]
) -> None:
    many = tmp_path / "many.nt"
    with many.open("w") as file:
        for n in range(400_000):
            file.write(f'<http://e/{n}> <http://e/p> "{n * 7919}" .\n')
    server, before = serve("--store", str(own), "--timeout", "3"), current(own)
    for moment in ("files", "files/CURRENT", "files/bulk-*.sst"):
        process = subprocess.Popen(
            command("build", "--store", str(own), "--data", str(many)),
            stderr=subprocess.DEVNULL,
            env=variables(),
        )
        until = time.monotonic() + 60
        while not any(own.glob(f"making-*/{moment}")):
            assert process.poll() is None, f"it was done before {moment}"
            assert time.monotonic() < until
            time.sleep(0.001)
        process.kill()
        assert process.wait(10) == -signal.SIGKILL
        assert len([*own.glob("making-*")]) == 1  # and none of the one before
        assert current(own) == before
        assert ask(server, f"{QUERIES[1]} # {moment}").is_success
    made = built(own, many)
    assert current(own) == made.folder != before
    assert made.summary.size == 400_000
    assert not [*own.glob("making-*")]


# ------------------------------------------------------------------------------------- damage


def refused(place: Path, reason: str) -> None:
    """The start stops with one sentence that says the reason."""
    answer = rokgraph("serve", "--store", place, "--port", "1")
    assert answer.returncode == 2, answer.stderr
    assert len(answer.stderr.splitlines()) == 1
    assert answer.stderr.startswith("rokgraph: ")
    assert reason in answer.stderr


def test_a_place_without_a_store_is_told(tmp_path: Path) -> None:
    refused(tmp_path, "no store here")
    (tmp_path / "current").symlink_to("gone")
    refused(tmp_path, "no store here")


def table(place: Path) -> Path:
    """The largest table of a store."""
    tables = (current(place) / "files").glob("*.sst")
    return max(tables, key=lambda path: path.stat().st_size)


def test_a_table_that_is_gone_or_cut_is_told(own: Path) -> None:
    found = table(own)
    os.truncate(found, 1000)
    refused(own, f"{found.name}: has 1000 bytes instead of ")
    found.unlink()
    refused(own, f"{found.name}: is missing")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "damaged"),
        ("{}", "damaged"),
        ("[1]", "damaged"),
        ('{"summary": {}, "openers": []}', "damaged"),
    ],
)
def test_a_summary_that_says_nothing_is_told(own: Path, text: str, reason: str) -> None:
    (current(own) / "summary.json").write_text(text)
    refused(own, reason)


def test_a_store_of_another_engine_is_told(own: Path) -> None:
    path = current(own) / "summary.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "engine": "pyoxigraph 9.9"}))
    refused(own, "made for pyoxigraph 9.9")


def harm(path: Path, start: float) -> None:
    """Change bytes in a file from a part of its length on; it stays as long as it is."""
    content = bytearray(path.read_bytes())
    at = int(len(content) * start)
    content[at : at + 64] = bytes(byte ^ 0x5A for byte in content[at : at + 64])
    path.write_bytes(content)


def test_bytes_that_changed_in_what_the_engine_reads_first_are_told(own: Path) -> None:
    for path in (current(own) / "files").glob("*.sst"):
        content = path.read_bytes()
        path.write_bytes(content[:-64] + b"\0" * 64)
    refused(own, "damaged")


def test_bytes_that_changed_later_are_told_to_whoever_needs_them(
    own: Path, serve: Callable[..., Server]
) -> None:
    server = serve("--store", str(own), "--timeout", "3")
    for path in (current(own) / "files").glob("*.sst"):
        harm(path, 0.4)
    answer = server.get("SELECT * { GRAPH ?g { ?s <http://e/text> ?o } }")
    assert answer.status_code == 500
    assert answer.json()["title"] == "The store is damaged"
    assert str(own) not in answer.text
    assert server.get(FRESH).status_code == 200


# ------------------------------------------------------------------------------------ memory


def test_what_does_not_fit_into_memory_is_refused_with_figures(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_free_memory", lambda: 200_000_000)
    with pytest.raises(SourceError, match=r"72,001 triples need about 0\.3 GB .* 0\.2 GB are free"):
        open_snapshot(current(place), ROOT, in_memory=True)
    assert isinstance(open_snapshot(current(place), ROOT), Snapshot)


def test_what_fits_is_copied_and_needs_no_table(own: Path) -> None:
    snapshot = open_snapshot(current(own), ROOT, in_memory=True)
    shutil.rmtree(current(own) / "files")
    assert len(snapshot.store) == GRAPHS * SUBJECTS * 4 + 1


@pytest.mark.parametrize(
    "options", [("--store", "x", "--data", "y"), ("--in-memory",), ("--store", "x", "--upstream", "http://e/")]
)  # fmt: skip
def test_what_cannot_go_together_is_refused(options: tuple[str, ...]) -> None:
    answer = rokgraph("serve", *options)
    assert answer.returncode == 2
    assert len(answer.stderr.splitlines()) == 1
