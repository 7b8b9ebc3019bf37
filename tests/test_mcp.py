"""The server for assistants, asked by the real client over standard input and output and HTTP."""

import asyncio
import hashlib
import json
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any

import httpx
import pytest
from mcp import Client, MCPError
from mcp.client.stdio import StdioServerParameters, stdio_client

from rokgraph.snapshot import load_built_in
from running import ROOT

TOOLS = ["list_questions", "run_question", "search", "describe", "cite", "sparql"]
SECONDS = 2.0
RUNAWAY = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"
OPTIONS = ("--timeout", str(SECONDS))

Connect = Callable[[], AbstractAsyncContextManager[Client]]


@pytest.fixture(scope="module")
def digest() -> str:
    return f"sha256:{load_built_in(ROOT).summary.digest}"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "rokgraph", "mcp", "--http", "--port", str(port), *OPTIONS]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        told = process.stdout.readline()
        assert told == f"Model Context Protocol: http://127.0.0.1:{port}/mcp\n"
        for _ in range(200):
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.terminate()
        assert process.wait(20) == 0
        process.stdout.close()  # type: ignore[union-attr]


@asynccontextmanager
async def by_stdio(environment: dict[str, str] | None = None) -> AsyncIterator[Client]:
    given = StdioServerParameters(
        command=sys.executable, args=["-m", "rokgraph", "mcp", *OPTIONS], env=environment
    )
    async with Client(stdio_client(given)) as client:
        yield client


@pytest.fixture(params=["stdio", "http"])
def connect(request: pytest.FixtureRequest) -> Connect:
    if request.param == "stdio":
        return by_stdio
    url = request.getfixturevalue("url")

    @asynccontextmanager
    async def by_http() -> AsyncIterator[Client]:
        async with Client(url) as client:
            yield client

    return by_http


def run(connect: Connect, work: Callable[[Client], Awaitable[None]]) -> None:
    async def all_of_it() -> None:
        async with connect() as client:
            await work(client)

    asyncio.run(all_of_it())


async def ask(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    answer = await client.call_tool(tool, arguments)
    assert not answer.is_error, answer.content
    content: dict[str, Any] = answer.structured_content or {}
    assert json.loads(answer.content[0].text) == content  # type: ignore[union-attr]
    return content


async def fail(client: Client, tool: str, **arguments: Any) -> str:
    answer = await client.call_tool(tool, arguments)
    assert answer.is_error
    return str(answer.content[0].text)  # type: ignore[union-attr]


def bases(answer: dict[str, Any]) -> set[str]:
    return {origin["basis"] for origin in answer["graphs"]}


def test_it_says_what_it_is(connect: Connect) -> None:
    async def work(client: Client) -> None:
        assert client.server_info is not None
        assert client.server_info.name == "rokgraph"
        assert "stated" in (client.instructions or "")
        tools = (await client.list_tools()).tools
        assert [tool.name for tool in tools] == TOOLS
        for tool in tools:
            assert tool.annotations is not None
            assert tool.annotations.read_only_hint is True
            assert tool.annotations.destructive_hint is False
            assert tool.annotations.open_world_hint is False
            assert tool.description
            assert tool.output_schema is not None
            assert {"dataset", "version"} <= tool.output_schema["properties"].keys()

    run(connect, work)


def test_each_tool_answers(connect: Connect, digest: str) -> None:
    async def work(client: Client) -> None:
        listed = await ask(client, "list_questions", language="ko")
        assert len(listed["questions"]) == len(list((ROOT / "queries/questions").glob("*.rq")))
        days = await ask(client, "run_question", name="days-from-announcement-to-law")
        assert [row[4] for row in days["rows"]] == [517, 846, 846]
        assert days["rows"][0][0] == {"text": "Metaverse Special Act", "language": "en"}
        assert days["rows"][0][1] == {"value": "2022-09-28", "datatype": "xsd:date"}
        assert {"stated", "later", "confirmed by others"} <= bases(days)
        found = await ask(client, "search", text="인공지능기본법", limit=1)
        assert found["hits"][0]["curie"] == "proposal:ai-framework-act"
        assert found["total"] > 1
        told = await ask(client, "describe", node="task:1-2")
        assert told["iri"] == "https://w3id.org/rokgraph/id/task/1-2"
        assert told["facts"][0]["origin"] == {"graph": "graph:source", "basis": "stated"}
        cited = await ask(client, "cite", node="budget:ai-semiconductor")
        assert [(span["start"], span["end"]) for span in cited["spans"]] == [(3067, 3148)]
        answer = await ask(client, "sparql", query="ASK { ?s ?p 5 }")
        assert answer["boolean"] is True
        for each in (listed, days, found, told, cited, answer):
            assert (each["dataset"], each["version"]) == (digest, "2026.1")

    run(connect, work)


def test_each_error_is_a_sentence(connect: Connect) -> None:
    async def work(client: Client) -> None:
        assert "line 2, column 9" in await fail(client, "sparql", query="SELECT *\n{ ?s ?p }")
        assert "due-in-2024" in await fail(client, "run_question", name="due-in-2042")
        wrong = {"year": "soon"}
        told = await fail(client, "run_question", name="due-in-2024", parameters=wrong)
        assert "no year" in told
        assert "known" in await fail(client, "describe", node="no such thing")
        assert "Nothing is known" in await fail(client, "describe", node="urn:nobody")
        assert "Nothing is cited" in await fail(client, "cite", node="urn:nobody")
        assert "limit" in await fail(client, "sparql", query="ASK {}", limit=0)
        assert "LIMIT" in await fail(client, "sparql", query="SELECT * { ?s ?p ?o }")
        assert "query" in await fail(client, "sparql")
        assert "tool" in await fail(client, "write")

    run(connect, work)


@pytest.mark.parametrize(
    "query",
    [
        "INSERT DATA { <urn:a> <urn:b> <urn:c> }",
        "DROP ALL",
        "LOAD <file:///etc/passwd>",
        "SELECT * { SERVICE <http://127.0.0.1:9/> { ?s ?p ?o } }",
    ],
)
def test_nothing_is_written_and_nobody_called(url: str, query: str) -> None:
    async def work(client: Client) -> None:
        assert await fail(client, "sparql", query=query)

    run(lambda: Client(url), work)


def test_no_file_is_read(url: str) -> None:
    async def work(client: Client) -> None:
        query = "SELECT * FROM <file:///etc/passwd> { ?s ?p ?o }"
        assert (await ask(client, "sparql", query=query))["rows"] == []
        for uri in ("file:///etc/passwd", "rokgraph://questions/../../pyproject.toml"):
            with pytest.raises(MCPError):
                await client.read_resource(uri)

    run(lambda: Client(url), work)


def test_federation_stays_off_whatever_the_settings() -> None:
    async def work(client: Client) -> None:
        told = await fail(client, "sparql", query="SELECT * { SERVICE <http://a.example/> {} }")
        assert "Federation" in told

    allowed = {"ROKGRAPH_FEDERATION": '["http://a.example/"]'}
    run(lambda: by_stdio(allowed), work)


def test_a_runaway_query_is_stopped_and_the_server_survives(connect: Connect) -> None:
    async def work(client: Client) -> None:
        begun = time.monotonic()
        runaways = [asyncio.create_task(fail(client, "sparql", query=RUNAWAY)) for _ in range(2)]
        await asyncio.sleep(0.5)
        asked = time.monotonic()
        assert (await ask(client, "sparql", query="ASK {}"))["boolean"] is True
        assert time.monotonic() - asked < SECONDS / 2
        for told in await asyncio.gather(*runaways):
            assert "longer than 2 s" in told
        assert time.monotonic() - begun < SECONDS * 3
        assert (await ask(client, "sparql", query="ASK {}"))["boolean"] is True

    run(connect, work)


def test_the_resources(connect: Connect) -> None:
    async def work(client: Client) -> None:
        listed = {str(found.uri): found for found in (await client.list_resources()).resources}
        files = {
            "rokgraph://model": ROOT / "docs" / "reference" / "model.md",
            "rokgraph://ontology": ROOT / "ontology" / "rokgraph.ttl",
        } | {
            f"rokgraph://questions/{path.stem}": path
            for path in (ROOT / "queries" / "questions").glob("*.rq")
        }
        assert listed.keys() == files.keys()
        assert listed["rokgraph://ontology"].mime_type == "text/turtle"
        for uri, path in files.items():
            [content] = (await client.read_resource(uri)).contents
            assert content.text == path.read_text(encoding="utf-8")  # type: ignore[union-attr]

    run(connect, work)


def test_what_answers_rest_on(url: str) -> None:
    async def work(client: Client) -> None:
        stated = await ask(client, "run_question", name="saas-companies-target")
        assert "stated" in bases(stated)
        assert not bases(stated) & {"later", "reading"}
        reading = (
            "PREFIX rok: <https://w3id.org/rokgraph/ont#>"
            "ASK { <https://w3id.org/rokgraph/id/proposal/ai-framework-act>"
            " rok:concernsTechnology ?t }"
        )
        answer = await ask(client, "sparql", query=reading)
        assert answer["graphs"] == [{"graph": "graph:interpretation", "basis": "reading"}]
        triples = await ask(
            client, "sparql", query=reading.replace("ASK", "CONSTRUCT { ?t a rok:X }")
        )
        assert triples["turtle"]
        assert bases(triples) == {"reading"}
        law = await ask(client, "describe", node="act:kr-20676", limit=1000)
        assert {fact["origin"]["basis"] for fact in law["facts"]} >= {"later", "inferred"}
        grounds = (await ask(client, "cite", node="outcome:ai-framework-act"))["grounds"]
        assert {ground["origin"]["basis"] for ground in grounds} == {"later"}
        proposal = (await ask(client, "cite", node="proposal:ai-framework-act"))["grounds"]
        assert {ground["kind"] for ground in proposal} == {"reading", "attestation"}

    run(lambda: Client(url), work)


def test_every_graph_has_a_basis(url: str) -> None:
    async def work(client: Client) -> None:
        query = "SELECT DISTINCT ?g { GRAPH ?g { ?s ?p ?o } }"
        graphs = (await ask(client, "sparql", query=query))["rows"]
        named = (ROOT / "queries" / "assistants" / "graphs.rq").read_text()
        for [cell] in graphs:
            assert f'({cell["iri"]} "' in named

    run(lambda: Client(url), work)


def test_parameters_and_limits(url: str) -> None:
    async def work(client: Client) -> None:
        later = await ask(client, "run_question", name="due-in-2024", parameters={"year": 2025})
        assert later["total"] == len(later["rows"]) == 4
        assert later["truncated"] is False
        cut = await ask(
            client, "run_question", name="due-in-2024", parameters={"year": "2025"}, limit=3
        )
        assert cut["rows"] == later["rows"][:3]
        assert (cut["total"], cut["truncated"]) == (4, True)
        values = 'SELECT * { VALUES (?a ?b ?c) { (0 false "x") (1.5 true UNDEF) } }'
        answer = await ask(client, "sparql", query=values)
        assert answer["rows"] == [[0, False, "x"], [1.5, True, None]]

    run(lambda: Client(url), work)


@pytest.mark.parametrize("node", ["task:1-2", "id/task/1-2", "task/1-2", "Task I-2"])
def test_a_node_has_many_names(url: str, node: str) -> None:
    async def work(client: Client) -> None:
        assert (await ask(client, "describe", node=node, limit=1))["curie"] == "task:1-2"

    run(lambda: Client(url), work)


def test_the_spans_are_those_of_the_release(url: str, shared: Any) -> None:
    content = (shared / "source" / "press-release.txt").read_bytes()

    async def work(client: Client) -> None:
        [span] = (await ask(client, "cite", node="budget:ai-semiconductor"))["spans"]
        words = content.decode()[span["start"] : span["end"]]
        assert hashlib.sha256(words.encode()).hexdigest() == span["sha256"]
        assert hashlib.sha256(content).hexdigest() == span["source_sha256"]

    run(lambda: Client(url), work)


def test_a_page_of_another_site_cannot_use_it(url: str) -> None:
    ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    plain = {"accept": "application/json, text/event-stream"}
    assert httpx.post(url, json=ping, headers=plain).status_code == 200
    elsewhere = httpx.post(url, json=ping, headers={**plain, "origin": "http://evil.example"})
    assert elsewhere.status_code == 403
    rebound = httpx.post(url, json=ping, headers={**plain, "host": "evil.example"})
    assert rebound.status_code == 421


def test_it_ends_when_the_client_hangs_up() -> None:
    command = [sys.executable, "-m", "rokgraph", "mcp"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    ping = '{"jsonrpc": "2.0", "id": 1, "method": "ping"}\n'
    out, _ = process.communicate(ping, timeout=30)
    assert process.returncode == 0
    assert [json.loads(line)["id"] for line in out.splitlines()] == [1]


def test_a_missing_package_is_told() -> None:
    code = "import sys; sys.modules['mcp'] = None; from rokgraph.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", code, "mcp"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert ran.stderr == "rokgraph: mcp is not installed: pip install 'rokgraph[mcp]'\n"
