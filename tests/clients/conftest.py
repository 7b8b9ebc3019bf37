"""The endpoint, its peers, and the table of clients at the end of a run.

Rule: a client is named by the first word of a test's name; its row says version and results.
"""

import contextlib
import importlib.metadata
import json
import shutil
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pyoxigraph as ox
import pytest

from conformance.wire import Running, run
from rokgraph.snapshot import load_built_in
from running import ROOT, missing

HERE = Path(__file__).parent
NODE = HERE / "node"
COMUNICA = NODE / "node_modules" / "@comunica" / "query-sparql"
_N_QUADS = {"content-type": "application/n-quads"}


# -- the table -------------------------------------------------------------------------------------


def _first_line(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[0].strip()


def _comunica() -> str:
    version = json.loads((COMUNICA / "package.json").read_text())["version"]
    return f"{version} on Node {_first_line('node', '--version')}"


CLIENTS: dict[str, tuple[str, Callable[[], str]]] = {
    "sparqlwrapper": ("SPARQLWrapper", lambda: importlib.metadata.version("sparqlwrapper")),
    "rdflib": ("rdflib", lambda: importlib.metadata.version("rdflib")),
    "pandas": ("pandas", lambda: importlib.metadata.version("pandas")),
    "pyoxigraph": ("pyoxigraph", lambda: importlib.metadata.version("pyoxigraph")),
    "curl": ("curl", lambda: _first_line("curl", "--version").split()[1]),
    "oxigraph": ("Oxigraph server", lambda: importlib.metadata.version("oxigraph")),
    "comunica": ("Comunica", _comunica),
}
_OUTCOMES: dict[str, Counter[str]] = {}


def _client(nodeid: str) -> str:
    return nodeid.rpartition("::")[2].removeprefix("test_").partition("_")[0]


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note what came of a test."""
    if "tests/clients/" in report.nodeid and (report.when == "call" or not report.passed):
        _OUTCOMES.setdefault(_client(report.nodeid), Counter())[report.outcome] += 1


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table."""
    if not _OUTCOMES:
        return
    terminalreporter.section("clients")
    terminalreporter.write_line("| client | version | tests |")
    terminalreporter.write_line("| --- | --- | --- |")
    for name, outcomes in sorted(_OUTCOMES.items()):
        title, read = CLIENTS[name]
        try:
            version = read()
        except (OSError, importlib.metadata.PackageNotFoundError):
            version = "not here"
        told = ", ".join(f"{number} {outcome}" for outcome, number in sorted(outcomes.items()))
        terminalreporter.write_line(f"| {title} | {version} | {told} |")


# -- the endpoint and its peers --------------------------------------------------------------------


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    """The URL of the built-in graph, served."""
    with run() as server:
        yield f"{server.url}/sparql"


@pytest.fixture(scope="session")
def calling(second: str) -> Iterator[Running]:
    """The built-in graph, served by somebody who lets queries call the second endpoint."""
    allowed = json.dumps([second])
    with run(ROKGRAPH_FEDERATION=allowed, ROKGRAPH_FEDERATION_PRIVATE="true") as server:
        yield server


@contextlib.contextmanager
def oxigraph(*options: str) -> Iterator[str]:
    """An Oxigraph server in memory, ready; its URL."""
    program = shutil.which("oxigraph", path=str(Path(sys.executable).parent))
    if program is None:
        missing("the Oxigraph server (package oxigraph)")
        raise AssertionError
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [program, "serve", "--bind", f"127.0.0.1:{port}", *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            with contextlib.suppress(httpx.TransportError):
                httpx.get(url)
                break
            time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait(10)


def _filled(url: str, quads: bytes) -> str:
    httpx.post(f"{url}/store", content=quads, headers=_N_QUADS, timeout=60).raise_for_status()
    return f"{url}/query"


@pytest.fixture(scope="session")
def mirror() -> Iterator[str]:
    """The endpoint of an Oxigraph server that holds what we hold."""
    quads = load_built_in(ROOT).store.dump(format=ox.RdfFormat.N_QUADS)
    assert quads is not None
    with oxigraph("--union-default-graph") as url:
        yield _filled(url, quads)


@pytest.fixture(scope="session")
def second(visits: str) -> Iterator[str]:
    """The endpoint of an Oxigraph server that holds a few triples about our tasks."""
    with oxigraph() as url:
        yield _filled(url, visits.encode())


@pytest.fixture(scope="session")
def visits() -> str:
    """How often two of our tasks, and one that we do not know, were visited: N-Triples."""
    return "".join(
        f"<https://w3id.org/rokgraph/id/task/{task}> <http://example.org/visits> "
        f'"{number}"^^<http://www.w3.org/2001/XMLSchema#integer> .\n'
        for task, number in (("1-1", 7), ("1-2", 3), ("9-9", 1))
    )


def comunica_command() -> Path:
    """Comunica's command for Node; installed if it is not there."""
    for tool in ("node", "npm"):
        if shutil.which(tool) is None:
            missing(tool)
    if not COMUNICA.exists():
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=NODE, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    return COMUNICA / "bin" / "query.js"


@pytest.fixture(scope="session")
def comunica() -> Callable[..., str]:
    """Run Comunica's command with these arguments."""
    program = comunica_command()

    def ask(*arguments: str) -> str:
        done = subprocess.run(
            ["node", str(program), *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return ask
