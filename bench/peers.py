"""The servers that are compared, each started as its makers say, on a port of this machine.

Rule: each gets the same file and room to answer in full; what is not installed is one plain line.
"""

import importlib.metadata
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import httpx

from bench import virtuoso
from bench.answers import RESULTS
from bench.wire import Client, Refused, target

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build"
PATIENCE = 900.0  # seconds in which a server must have loaded
FIRST = "ASK { ?s ?p ?o }"
_RDFLIB_ENDPOINT = BUILD / "rdflib-endpoint" / "bin"


class Missing(Exception):
    """A server that is not installed; the message says how it would be."""


class NoStart(Exception):
    """A server that ended, or did not answer in time."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """What is served: a file of N-Triples or N-Quads, whether queries see the union of graphs.

    `built_in` says that it is what rokgraph serves of itself.
    """

    name: str
    path: Path
    triples: int
    union: bool = False
    built_in: bool = False


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server that answers: its process, its port, the target of a query up to the text.

    `start` is in seconds, from nothing to the first answer, loading included.
    """

    pid: int
    port: int
    prefix: str
    start: float


Running = AbstractContextManager[Endpoint]


@dataclass(frozen=True, slots=True)
class Peer:
    """A server: its name, its version (raises Missing), how it is started, how much it can take."""

    name: str
    version: Callable[[], str]
    run: Callable[[Dataset, int, Path], Running]
    most: int = 20_000_000  # triples


def free(port: int) -> bool:
    """Whether nobody listens on a port of this machine."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


@contextmanager
def _process(
    command: Sequence[str | Path],
    port: int,
    prefix: str,
    log: Path,
    load: Callable[[], None] | None = None,
) -> Iterator[Endpoint]:
    """A server's process until its work is done; `load` is called once it answers at all."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("ROKGRAPH_")}
    if not free(port):
        raise NoStart(f"port {port} is taken")
    begun = time.perf_counter()
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as file:
        process = subprocess.Popen(
            list(map(str, command)), stdout=file, stderr=subprocess.STDOUT, env=kept
        )
    try:
        _wait(process, port, prefix, log)
        if load is not None:
            try:
                load()
            except (httpx.HTTPError, subprocess.CalledProcessError) as error:
                raise NoStart(f"it did not load: {error}") from None
            _wait(process, port, prefix, log)
        yield Endpoint(process.pid, port, prefix, time.perf_counter() - begun)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: "subprocess.Popen[bytes]", port: int, prefix: str, log: Path) -> None:
    """Until the server answers a query. Raises NoStart."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if process.poll() is not None:
            raise NoStart(f"it ended: {log.read_text(errors='replace')[-300:].strip()}")
        try:
            with Client(port) as client:
                if client.get(target(prefix, FIRST), RESULTS).status == HTTPStatus.OK:
                    return
        except Refused:
            time.sleep(0.01)
    raise NoStart(f"no answer in {PATIENCE:g} s")


# -- rokgraph --------------------------------------------------------------------------------------


def _rokgraph(dataset: Dataset, port: int, folder: Path) -> Running:
    """The checkout's own command; a longer deadline, so that scans of millions are seen to end."""
    command = [sys.executable, "-m", "rokgraph", "serve", "--port", str(port), "--timeout", "600"]
    given = [] if dataset.built_in else ["--data", str(dataset.path)]
    return _process([*command, *given], port, "/sparql?query=", folder / "rokgraph.log")


# -- Oxigraph --------------------------------------------------------------------------------------


def _oxigraph_program() -> str:
    program = shutil.which("oxigraph", path=str(Path(sys.executable).parent))
    if program is None:
        raise Missing("pip install oxigraph")
    return program


def _oxigraph_version() -> str:
    _oxigraph_program()
    return importlib.metadata.version("oxigraph")


def _oxigraph(dataset: Dataset, port: int, folder: Path) -> Running:
    """In memory, filled by its own protocol."""
    union = ["--union-default-graph"] if dataset.union else []
    command = [_oxigraph_program(), "serve", "--bind", f"127.0.0.1:{port}", *union]
    kind = "application/n-quads" if dataset.path.suffix == ".nq" else "application/n-triples"
    where = "/store" if dataset.path.suffix == ".nq" else "/store?default"

    def load() -> None:
        with dataset.path.open("rb") as file:
            answer = httpx.post(
                f"http://127.0.0.1:{port}{where}",
                content=iter(lambda: file.read(1 << 20), b""),
                headers={"content-type": kind},
                timeout=PATIENCE,
                trust_env=False,
            )
        answer.raise_for_status()

    return _process(command, port, "/query?query=", folder / "oxigraph.log", load)


# -- rdflib-endpoint -------------------------------------------------------------------------------


def _rdflib_endpoint_version() -> str:
    python = _RDFLIB_ENDPOINT / "python"
    if not python.exists():
        raise Missing("make build/rdflib-endpoint/done")
    code = "import importlib.metadata as m; print(m.version('rdflib-endpoint'))"
    told = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    return f"{told.stdout.strip()} on the Oxigraph store"


def _rdflib_endpoint(dataset: Dataset, port: int, folder: Path) -> Running:
    """On the store that is quickest; its default graph is the union of all."""
    program = str(_RDFLIB_ENDPOINT / "rdflib-endpoint")
    command = [program, "serve", "--host", "127.0.0.1", "--port", str(port), "--store", "Oxigraph"]
    log = folder / "rdflib-endpoint.log"
    return _process([*command, str(dataset.path)], port, "/?query=", log)


# -- Virtuoso --------------------------------------------------------------------------------------


def _virtuoso_version() -> str:
    found = virtuoso.version()
    if found is None:
        raise Missing("on Debian: apt-get install virtuoso-opensource-7")
    return found


def _virtuoso(dataset: Dataset, port: int, folder: Path) -> Running:
    """On a database of its own, loaded in bulk, without its usual limits."""
    setting = virtuoso.Setting(folder / "virtuoso", port, port + 1, dataset.path)
    command = virtuoso.prepare(setting, dataset.triples)
    graph = "" if dataset.union else f"default-graph-uri={virtuoso.GRAPH}&"
    prefix = f"/sparql?{graph}query="
    log = folder / "virtuoso.log"
    return _process(command, port, prefix, log, lambda: virtuoso.load(setting))


# -- Fuseki ----------------------------------------------------------------------------------------


def _fuseki_command() -> list[str]:
    program = shutil.which("fuseki-server")
    if program is not None:
        return [program]
    jar = Path(os.environ.get("FUSEKI_HOME", "/usr/share/fuseki")) / "fuseki-server.jar"
    if not jar.exists() or shutil.which("java") is None:
        raise Missing("no fuseki-server on the path, no fuseki-server.jar in FUSEKI_HOME")
    return ["java", "-jar", str(jar)]


def _fuseki_version() -> str:
    told = subprocess.run(
        [*_fuseki_command(), "--version"], capture_output=True, text=True, check=False
    )
    return " ".join((told.stdout + told.stderr).split()[-1:]) or "unknown"


def _fuseki(dataset: Dataset, port: int, folder: Path) -> Running:
    """In memory; the union of graphs by its setting of that name."""
    union = ["--set", "arq:unionDefaultGraph=true"] if dataset.union else []
    given = ["--localhost", "--port", str(port), *union, "--file", str(dataset.path), "/bench"]
    return _process(
        [*_fuseki_command(), *given], port, "/bench/sparql?query=", folder / "fuseki.log"
    )


PEERS = (
    Peer("rokgraph", lambda: importlib.metadata.version("rokgraph"), _rokgraph),
    Peer("oxigraph", _oxigraph_version, _oxigraph),
    Peer("virtuoso", _virtuoso_version, _virtuoso),
    Peer("fuseki", _fuseki_version, _fuseki),
    Peer("rdflib-endpoint", _rdflib_endpoint_version, _rdflib_endpoint, most=200_000),
)
