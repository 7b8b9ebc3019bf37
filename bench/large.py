"""What a large graph costs on this machine: to build its store, to start, to hold, to ask.

Rule: the same graph from a store on disk, from that store in memory and from its file in memory,
one after the other within each round; what is printed is all that is written.

Run it: `python bench/large.py --triples 1000000`; `--write` puts the tables into the document.
Linux only.
"""
# ruff: noqa: E402, T201 - its own folder comes first when it is run by name; it prints

import argparse
import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[1]
sys.path[0] = str(ROOT)

from bench import graphs, machine, report
from bench.mix import SCAN, SMALL, Request, bench_requests
from bench.record import Say
from bench.wire import Client, Refused, target

FOLDER = ROOT / "build" / "bench" / "graphs"
PAGE = ROOT / "docs" / "reference" / "large-graphs.md"
PATIENCE = 3600.0  # seconds in which a server must have loaded
MILLION = 1_000_000
_MB = 1_000_000.0
_MIB = 1024.0 * 1024.0  # the unit of /proc
_PREFIX = "/sparql?query="
_ASK = "ASK { ?s ?p ?o }"


@dataclass
class Way:
    """One way to serve the graph: its name, its options, and what was measured of it."""

    name: str
    options: tuple[str, ...]
    port: int
    start: float = 0.0
    swap: float = 0.0
    rest: "Memory | None" = None
    later: "Memory | None" = None
    times: dict[str, list[float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory in MB, what processes share counted once: of the front, the zygote, all workers."""

    front: float
    zygote: float
    workers: float
    processes: int

    @property
    def all(self) -> float:
        """All of it."""
        return self.front + self.zygote + self.workers


@dataclass(frozen=True, slots=True)
class Build:
    """A store that was built: seconds of each part and in all, peak memory, bytes on disk."""

    parts: str
    seconds: float
    peak: float
    bytes: int


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure each size; 0 if everything could be measured."""
    given = _parser().parse_args(arguments)
    begun = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - begun:7.1f} s  {text}", file=sys.stderr, flush=True)

    about = machine.described()
    command = " ".join(
        ["python bench/large.py", *(sys.argv[1:] if arguments is None else arguments)]
    )
    day, load = time.strftime("%Y-%m-%d"), about["load"]
    told = ", ".join((about["processor"], about["memory"], about["system"]))
    texts = [f"Measured on {day} by `{command}` on {told}, load {load}."]
    for triples in given.triples:
        with tempfile.TemporaryDirectory(
            dir=FOLDER.parent if FOLDER.parent.is_dir() else None
        ) as at:
            texts.append(_measured(triples, Path(at), given, say))
    text = "\n\n".join(texts) + "\n"
    print(text)
    if given.write:
        report.write(PAGE, text)
    return 0


def _measured(triples: int, folder: Path, given: argparse.Namespace, say: Say) -> str:
    name = _size(triples)
    say(f"{name}: writing the graph, unless it is there")
    graph = graphs.made(name, FOLDER)
    say(f"{name}: building the store")
    place = folder / "store"
    build = _build(graph.path, place)
    found = bench_requests(ROOT, graph.members, given.rounds)
    asked = [request for tag in (SMALL, SCAN) for request in found[tag]]
    store, file = ("--store", str(place)), ("--data", str(graph.path))
    ways = [
        Way("disk", store, given.port),
        Way("store in memory", (*store, "--in-memory"), given.port + 1),
        Way("file in memory", file, given.port + 2),
    ][: given.ways]
    with contextlib.ExitStack() as stack:
        servers = []
        for way in ways:
            say(f"{name}: starting, {way.name}")
            servers.append(stack.enter_context(_served(way, folder)))
            way.rest = _memory(servers[-1])
        for number in range(given.rounds):
            say(f"{name}: asking, round {number + 1} of {given.rounds}")
            _round(asked, ways, number)
        for way, server in zip(ways, servers, strict=True):
            machine.settle(server)
            way.later = _memory(server)
            say(f"{name}: loading anew, {way.name}")
            way.swap = _swap(way, server)
    return _table(graph, build, ways)


def _build(data: Path, place: Path) -> Build:
    command = [
        sys.executable,
        "-m",
        "rokgraph",
        "build",
        "--store",
        str(place),
        "--data",
        str(data),
    ]
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    told = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begun
    if status:
        raise SystemExit(f"the build failed: {told}")
    last = told.splitlines()[-1]
    size = re.search(r"(\d+) bytes", last)
    parts = last.partition("; ")[2]
    return Build(parts, seconds, usage.ru_maxrss * 1024 / _MB, int(size[1]) if size else 0)


@contextlib.contextmanager
def _served(way: Way, folder: Path) -> Iterator[int]:
    """A server until its work is done; its process id."""
    port = str(way.port)
    command = [sys.executable, "-m", "rokgraph", "serve", "--port", port, "--timeout", "3000"]
    kept = {name: text for name, text in os.environ.items() if not name.startswith("ROKGRAPH_")}
    settings = dict.fromkeys(("ROKGRAPH_WORKERS", "ROKGRAPH_SLOW_WORKERS"), "1")
    settings |= {"ROKGRAPH_CACHE": "0", "ROKGRAPH_WATCH": "0"}
    log = folder / f"{way.port}.log"
    begun = time.perf_counter()
    with log.open("wb") as file:
        process = subprocess.Popen(
            [*command, *way.options], stdout=file, stderr=file, env=kept | settings
        )
    try:
        _await(way.port, process, log)
        way.start = time.perf_counter() - begun
        machine.settle(process.pid)
        yield process.pid
    finally:
        process.terminate()
        process.wait(60)


def _await(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(Refused), Client(port) as client:
            if client.get(target(_PREFIX, _ASK), "text/csv, */*").status:
                return
        time.sleep(0.02)
    raise SystemExit(f"no answer: {log.read_text(errors='replace')[-500:]}")


def _round(asked: Sequence[Request], ways: Sequence[Way], number: int) -> None:
    """Each query once, of every way, another one first each time; never the same text."""
    for place, request in enumerate(asked):
        turn = (number + place) % len(ways)
        for way in (*ways[turn:], *ways[:turn]):
            path = target(_PREFIX, f"{request.text}\n#{number} {place}")
            with Client(way.port, PATIENCE) as client:
                client.get("/healthz", "*/*")  # the connection is there
                reply = client.get(path, request.accept)
            if reply.status != 200:  # noqa: PLR2004 - all is well
                raise SystemExit(f"{way.name}, {request.kind}: status {reply.status}")
            way.times.setdefault(request.kind, []).append(reply.seconds)


def _memory(pid: int) -> Memory:
    """The memory of a server and its processes as they are now."""
    zygotes = [each for each in machine.children(pid) if _runs(each, b"rokgraph.worker")]
    workers = [each for zygote in zygotes for each in machine.children(zygote)]
    return Memory(
        machine.own(pid),
        sum(map(machine.own, zygotes)),
        sum(map(machine.own, workers)),
        len(workers),
    )


def _runs(pid: int, module: bytes) -> bool:
    with contextlib.suppress(OSError):
        return module in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


def _swap(way: Way, pid: int) -> float:
    """Seconds from the signal until the data that were loaded anew are in place."""
    begun = time.perf_counter()
    os.kill(pid, signal.SIGHUP)
    with Client(way.port) as client:
        while b'rokgraph_loads_total{outcome="ok"} 1.0' not in client.get("/metrics", "*/*").body:
            time.sleep(0.02)
    return time.perf_counter() - begun


# -- what is told ----------------------------------------------------------------------------------


def _table(graph: graphs.Graph, build: Build, ways: Sequence[Way]) -> str:
    millions = graph.triples / MILLION
    disk = build.bytes / _MB
    told = (
        f"A file of {graph.path.stat().st_size / _MB:,.0f} MB.",
        (
            f"The build takes {build.seconds:,.0f} s ({build.parts}) and at most {build.peak:,.0f}"
            f" MB of memory; the store has {disk:,.0f} MB, {build.bytes / graph.triples:.0f} bytes"
            f" a triple."
        ),
        f"Per million triples: {build.seconds / millions:.1f} s, {disk / millions:.0f} MB on disk.",
    )
    lines = [
        f"### {graph.triples:,} triples",
        "",
        *told,
        "",
        "| | " + " | ".join(way.name for way in ways) + " |",
        "| --- |" + " ---: |" * len(ways),
        _row("start to first answer, s", [f"{way.start:,.1f}" for way in ways]),
        _row("the same per million triples", [f"{way.start / millions:,.2f}" for way in ways]),
        _row("new data in place after SIGHUP, s", [f"{way.swap:,.1f}" for way in ways]),
    ]
    for when, label in (("rest", "at rest"), ("later", "after the queries")):
        found: list[Memory] = [getattr(way, when) for way in ways]
        lines += [
            _row(f"memory {label}, MB", [f"{each.all:,.0f}" for each in found]),
            _row("of which the zygote", [f"{each.zygote:,.0f}" for each in found]),
            _row(
                "of which workers (how many)",
                [f"{each.workers:,.0f} ({each.processes})" for each in found],
            ),
        ]
    held = [way.later.all if way.later else 0.0 for way in ways]
    lines.append(
        _row("bytes a triple, all of it", [f"{each * _MIB / graph.triples:,.0f}" for each in held])
    )
    for kind in ways[0].times:
        texts = [_milliseconds(median(way.times[kind])) for way in ways]
        lines.append(_row(f"`{kind}`, ms", texts))
    return "\n".join(lines)


def _row(name: str, cells: Sequence[str]) -> str:
    return f"| {name} | " + " | ".join(cells) + " |"


def _milliseconds(seconds: float) -> str:
    found = seconds * 1000
    return f"{found:,.0f}" if found >= 10 else f"{found:.1f}"  # noqa: PLR2004 - two digits


def _size(triples: int) -> str:
    for unit, scale in (("M", MILLION), ("k", 1000)):
        if triples % scale == 0:
            return f"{triples // scale}{unit}"
    return str(triples)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python bench/large.py", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--triples", type=int, nargs="+", default=[MILLION], metavar="N")
    parser.add_argument("--rounds", type=int, default=5, help="in which all ways take turns")
    parser.add_argument(
        "--ways", type=int, default=3, metavar="N",
        help="the first of: from disk, from a copy in memory, from the file in memory; all run at"
        " once, and each that is in memory needs its own (large-graphs.md)",
    )  # fmt: skip
    parser.add_argument("--port", type=int, default=8460, help="the first of three")
    parser.add_argument(
        "--write", action="store_true", help=f"put the tables into {PAGE.relative_to(ROOT)}"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
