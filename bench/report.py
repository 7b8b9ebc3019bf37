"""What was measured, as tables for people and as JSON for programs.

Rule: medians; a ratio is taken within a round, then its median; nothing is measured here.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from bench.aims import AIMS, REFERENCE
from bench.answers import DIFFERENCES
from bench.record import CONNECTIONS, FRESH, SORTS, Measured, Server, ratio

BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"
NOTHING = "-"
_MANY = 25  # kinds of queries past which there is no table of them
_ROUND = 10  # milliseconds from which they have no decimals


def as_json(found: Sequence[Measured], about: Mapping[str, Any]) -> dict[str, Any]:
    """All of it, round by round."""
    return {**about, "differences": DIFFERENCES, "datasets": [_dataset(one) for one in found]}


def _dataset(found: Measured) -> dict[str, Any]:
    reference = found.named(REFERENCE)
    return {
        "name": found.dataset.name,
        "triples": found.dataset.triples,
        "compared": found.compared,
        "kinds": found.kinds,
        "engine": {
            "calls_per_second": found.engine_mix,
            "p50_seconds": {kind: median(times) for kind, times in found.engine.items()},
        },
        "servers": [_server(one, reference) for one in found.servers],
    }


def _server(server: Server, reference: Server | None) -> dict[str, Any]:
    load = {
        f"{name} {connections}": {
            "per_second": server.rates((name, connections)),
            "p50_seconds": [one.p50 for one in server.slices.get((name, connections), [])],
            "p99_seconds": [one.p99 for one in server.slices.get((name, connections), [])],
            "processor_seconds": server.processor.get((name, connections), []),
            "ratio": ratio(server, reference, (name, connections)),
        }
        for name, connections in SORTS
    }
    return {
        "name": server.name,
        "version": server.version,
        "absent": server.absent,
        "wrong": server.wrong,
        "faults": server.faults,
        "start_seconds": server.start if server.at else None,
        "memory_mb": server.memory,
        "http_process_mb": server.front,
        "stream_extra_mb": server.stream,
        "load": load,
        "p50_seconds": {kind: median(times) for kind, times in server.times.items() if times},
    }


# -- for people ------------------------------------------------------------------------------------


def as_markdown(found: Sequence[Measured], about: Mapping[str, Any]) -> str:
    """The tables, with what they mean."""
    machine = ", ".join(f"{name} {value}" for name, value in about["machine"].items())
    told = (
        f"`{about['command']}`, {about['date']}.",
        f"Machine: {machine}.",
        f"Rounds: {about['rounds']}, slices of {about['seconds']} s.",
        f"Versions: wrk {about['wrk']}, {about['engine']} in-process.",
    )
    parts = ["\n".join(told), *(part for one in found for part in _told(one))]
    return "\n\n".join(parts) + "\n"


def _told(found: Measured) -> Iterable[str]:
    yield f"### {found.dataset.name}: {found.dataset.triples:,} triples"
    wrong = sum(len(server.wrong) for server in found.servers)
    yield (
        f"Compared first: {found.compared} queries of {len(found.kinds)} kinds on each server; "
        f"wrong answers to {wrong} kinds."
    )
    yield _load_table(found)
    yield from _notes(found)
    if len(found.kinds) <= _MANY:
        yield "Median of each query at one connection, in milliseconds:"
        yield _times_table(found)
    values = [(aim, aim.measure(found)) for aim in AIMS]
    aims = [(aim.words, aim.told(value)) for aim, value in values if value is not None]
    if aims:
        yield _table(("aim", "reached"), aims)


def _load_table(found: Measured) -> str:
    reference = found.named(REFERENCE)
    head = ["server", "new, 1", "new, 32", "repeats, 1", "repeats, 32", "new, large too, 32"]
    head += ["repeats, large too, 32"]
    head += ["processor, ms", "start, s", "memory, MB", "streaming, MB"]
    rows = [
        [
            f"{server.name} {server.version}",
            *(_rate(server, reference, sort) for sort in SORTS),
            _milliseconds(server.processor.get((FRESH, CONNECTIONS[-1]), [])),
            f"{server.start:.1f}",
            f"{server.memory:.0f}",
            NOTHING if server.stream is None else f"{server.stream:.0f}",
        ]
        for server in found.servers
        if server.at is not None
    ]
    calls = f"{median(found.engine_mix):,.0f}/s" if found.engine_mix else NOTHING
    rows.append(["the engine in-process, one thread", calls, *[NOTHING] * 9])
    return _table(head, rows)


def _rate(server: Server, reference: Server | None, sort: tuple[str, int]) -> str:
    found, share = server.rates(sort), ratio(server, reference, sort)
    if not found:
        return NOTHING if server.slices else "wrong"
    told = f"{median(found):,.0f}/s"
    return told if share is None else f"**{share:.2f}** ({told})"


def _times_table(found: Measured) -> str:
    head = ["query", "rows", "in-process", *(server.name for server in found.here)]
    rows = [
        [
            kind,
            f"{size:,}",
            _milliseconds(found.engine.get(kind, [])),
            *(
                "wrong" if kind in server.wrong else _milliseconds(server.times.get(kind, []))
                for server in found.here
            ),
        ]
        for kind, size in found.kinds.items()
    ]
    return _table(head, rows)


def _milliseconds(times: Sequence[float]) -> str:
    if not times:
        return NOTHING
    value = median(times) * 1000
    return f"{value:.2f}" if value < _ROUND else f"{value:,.0f}"


def _notes(found: Measured) -> Iterable[str]:
    lines = []
    for server in found.servers:
        if server.absent:
            lines.append(f"- {server.name} is not here: {server.absent}.")
        if server.wrong:
            lines.append(f"- {server.name} answers wrongly: {', '.join(server.wrong)}.")
        if server.faults:
            lines.append(
                f"- {server.name}, while it was timed: {'; '.join(dict.fromkeys(server.faults))}."
            )
    if lines:
        yield "\n".join(lines)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write(page: Path, text: str) -> None:
    """Put the tables between the marks of a page.

    Raises ValueError for a page without them.
    """
    content = page.read_text(encoding="utf-8")
    if BEGIN not in content or END not in content:
        raise ValueError(f"{page} has no place for the tables: {BEGIN} … {END}")
    kept = re.compile(f"{re.escape(BEGIN)}.*{re.escape(END)}", re.DOTALL)
    page.write_text(kept.sub(lambda _: f"{BEGIN}\n\n{text}\n{END}", content), encoding="utf-8")
