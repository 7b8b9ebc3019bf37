"""Clients that the field uses, over real HTTP; `pytest -s` here prints the list with versions."""

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.metadata import version
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pandas as pd
import pyoxigraph as ox
import pytest
import SPARQLWrapper
from rdflib import Graph, Literal, Namespace, URIRef
from rdflib.plugins.stores.sparqlstore import SPARQLStore

from running import ROOT, Server, missing

NODE = Path(__file__).parent / "node"
ROK = Namespace("https://w3id.org/rokgraph/ont#")
TASKS = (
    "PREFIX rok: <https://w3id.org/rokgraph/ont#> SELECT ?t ?n { ?t a rok:Task ; rok:notation ?n }"
)
FORMS = {
    "SELECT": "SELECT * { ?s ?p ?o } LIMIT 3",
    "ASK": "ASK { ?s ?p ?o }",
    "CONSTRUCT": "CONSTRUCT WHERE { ?s a ?o } LIMIT 3",
    "DESCRIBE": "DESCRIBE <https://w3id.org/rokgraph/id/task/1-2>",
}
VERSIONS: dict[str, str] = {}


@pytest.fixture(scope="module", autouse=True)
def table() -> Iterator[None]:
    yield
    print("\n| client | version |\n| --- | --- |")
    for name, found in sorted(VERSIONS.items()):
        print(f"| {name} | {found} |")


def packaged(name: str) -> None:
    VERSIONS[name] = version(name)


def tool(name: str, *options: str) -> str:
    """The path of a program; its version is noted."""
    found = shutil.which(name)
    if found is None:
        missing(name)
    ran = subprocess.run([str(found), *options], capture_output=True, text=True, check=True)
    VERSIONS[name] = ran.stdout.split("\n")[0]
    return str(found)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("method", ["GET", "POST", "POST directly"])
@pytest.mark.filterwarnings("ignore")  # SPARQLWrapper warns of formats that do not fit the form
def test_sparqlwrapper(server: Server, form: str, method: str) -> None:
    packaged("sparqlwrapper")
    results = (None, SPARQLWrapper.JSON, SPARQLWrapper.XML, SPARQLWrapper.CSV, SPARQLWrapper.TSV)
    graphs = (None, SPARQLWrapper.TURTLE, SPARQLWrapper.RDFXML, SPARQLWrapper.JSONLD)
    for wanted in results if form in ("SELECT", "ASK") else graphs:
        client = SPARQLWrapper.SPARQLWrapper(server.url + "/sparql")
        client.setQuery(FORMS[form])
        client.setMethod(method.split(maxsplit=1)[0])
        if method == "POST directly":
            client.setRequestMethod(SPARQLWrapper.POSTDIRECTLY)
        if wanted:
            client.setReturnFormat(wanted)
        found: Any = client.query().convert()
        if form == "SELECT" and wanted == SPARQLWrapper.JSON:
            assert len(found["results"]["bindings"]) == 3
        if form == "ASK" and wanted == SPARQLWrapper.JSON:
            assert found["boolean"] is True
        if isinstance(found, Graph):
            assert len(found) >= 3
        assert found


def test_rdflib_sparqlstore(server: Server) -> None:
    packaged("rdflib")
    graph = Graph(SPARQLStore(server.url + "/sparql"))
    rows = list(graph.query("SELECT ?t { ?t a rok:Task }", initNs={"rok": ROK}))
    assert len(rows) == 18
    task = URIRef("https://w3id.org/rokgraph/id/task/1-2")
    query = "SELECT ?n { ?t rok:notation ?n }"
    bound = list(graph.query(query, initNs={"rok": ROK}, initBindings={"t": task}))
    assert bound == [(Literal("I-2"),)]
    assert (task, None, None) in graph
    assert len(list(graph.triples((task, ROK.notation, None)))) == 1


def test_rdflib_calls_us_by_service(server: Server) -> None:
    query = f"SELECT ?t {{ SERVICE <{server.url}/sparql> {{ ?t a <{ROK}Task> }} }}"
    assert len(list(Graph().query(query))) == 18


def test_pandas_reads_a_url(server: Server) -> None:
    packaged("pandas")
    parameters = urlencode({"query": TASKS, "format": "csv"})
    frame = pd.read_csv(f"{server.url}/sparql?{parameters}")
    assert list(frame.columns) == ["t", "n"]
    assert len(frame) == 18
    posted = httpx.post(
        server.url + "/sparql", data={"query": TASKS}, headers={"accept": "text/csv"}
    )
    assert len(pd.read_csv(StringIO(posted.text))) == 18


def test_pyoxigraph_parses(server: Server) -> None:
    packaged("pyoxigraph")
    answer = server.get(TASKS, accept="application/sparql-results+xml")
    rows = ox.parse_query_results(answer.content, format=ox.QueryResultsFormat.XML)
    assert isinstance(rows, ox.QuerySolutions)
    assert len(list(rows)) == 18
    answer = server.get(FORMS["DESCRIBE"], accept="application/n-triples")
    assert list(ox.parse(answer.content, format=ox.RdfFormat.N_TRIPLES))


@pytest.mark.parametrize("options", [["-G"], [], ["-G", "--compressed"]])
def test_curl(server: Server, options: list[str]) -> None:
    curl = tool("curl", "--version")
    command = [curl, "-sS", "--fail", *options, "-H", "Accept: text/csv",
               "--data-urlencode", f"query={TASKS}", server.url + "/sparql"]  # fmt: skip
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert len(ran.stdout.splitlines()) == 19


@pytest.fixture(scope="module")
def peer() -> Iterator[str]:
    """An Oxigraph server with a few triples of its own about our tasks."""
    packaged("oxigraph")
    binary = Path(sys.executable).parent / "oxigraph"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    process = subprocess.Popen(
        [str(binary), "serve", "--bind", address],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    url = f"http://{address}"
    for _ in range(200):
        try:
            httpx.get(url + "/")
            break
        except httpx.TransportError:
            time.sleep(0.05)
    note = "<https://w3id.org/rokgraph/id/task/1-2> <http://example.org/note> 'ours' ."
    loaded = httpx.post(
        url + "/store?default", content=note, headers={"content-type": "text/turtle"}
    )
    assert loaded.is_success
    yield url
    process.terminate()
    process.wait(10)


def test_an_oxigraph_server_calls_us_by_service(server: Server, peer: str) -> None:
    query = f"""SELECT ?t ?n {{
        ?t <http://example.org/note> ?note .
        SERVICE <{server.url}/sparql> {{ ?t <{ROK}notation> ?n }}
    }}"""
    answer = httpx.post(peer + "/query", data={"query": query}, timeout=30)
    [row] = answer.json()["results"]["bindings"]
    assert row["n"]["value"] == "I-2"


def test_an_oxigraph_server_gives_the_same_rows(server: Server, peer: str) -> None:
    data = server.client.get("/graph-store?default", headers={"accept": "application/n-triples"})
    headers = {"content-type": "application/n-triples"}
    graph = "http://example.org/all"
    httpx.post(peer + f"/store?graph={graph}", content=data.content, headers=headers, timeout=60)
    for name in ("due-in-2024", "tasks-per-strategy", "planned-legislation-by-task"):
        query = (ROOT / "queries" / "questions" / f"{name}.rq").read_text()
        ours = server.client.get("/sparql", params={"query": query, "format": "csv"}).text
        theirs = httpx.post(
            peer + "/query",
            params={"default-graph-uri": graph},
            data={"query": query},
            headers={"accept": "text/csv"},
        ).text
        assert ours == theirs


@pytest.fixture(scope="module")
def comunica() -> list[str]:
    """The command that runs Comunica, installed by the lock file."""
    node = tool("node", "--version")
    npm = tool("npm", "--version")
    if not (NODE / "node_modules").is_dir():
        subprocess.run([npm, "ci", "--silent", "--no-audit", "--no-fund"], cwd=NODE, check=True)
    package = NODE / "node_modules" / "@comunica" / "query-sparql"
    VERSIONS["comunica"] = json.loads((package / "package.json").read_text())["version"]
    return [node, str(package / "bin" / "query.js")]


def comunica_rows(command: list[str], sources: list[str], query: str) -> list[dict[str, str]]:
    ran = subprocess.run(
        [*command, *sources, "-q", query, "-t", "application/sparql-results+json"],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    rows = json.loads(ran.stdout)["results"]["bindings"]
    return [{name: term["value"] for name, term in row.items()} for row in rows]


def test_comunica_alone(server: Server, comunica: list[str]) -> None:
    assert len(comunica_rows(comunica, [f"sparql@{server.url}/sparql"], TASKS)) == 18


def test_comunica_finds_out_what_we_are(server: Server, comunica: list[str]) -> None:
    assert len(comunica_rows(comunica, [f"{server.url}/sparql"], TASKS)) == 18


def test_comunica_joins_us_with_a_second_endpoint(
    server: Server, peer: str, comunica: list[str]
) -> None:
    sources = [f"sparql@{server.url}/sparql", f"sparql@{peer}/query"]
    query = f"SELECT ?t ?n {{ ?t <http://example.org/note> ?note . ?t <{ROK}notation> ?n }}"
    [row] = comunica_rows(comunica, sources, query)
    assert row["n"] == "I-2"
