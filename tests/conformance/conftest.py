"""The table of clauses at the end of a run, and the servers that most tests ask.

Rule: a row for each test that stands in this folder and was asked for, whatever came of it.

Run it: `python -m pytest tests/conformance -q`
"""

import contextlib
import inspect
import os
import re
import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path

import pytest

from conformance import wire
from conformance.wire import Running, run
from elsewhere import ENGINES, Elsewhere
from running import ROOT, missing

HERE = Path(__file__).parent
_LINK = re.compile(r"\s*https?://\S+")


@dataclass
class Row:
    """One row: a test with all its cases, or one entry of a manifest."""

    place: tuple[str, int, str]
    clause: str
    test: str
    cases: int = 0
    outcomes: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    note: str = ""

    @property
    def result(self) -> str:
        """What came of it."""
        bad = self.outcomes["failed"] + self.outcomes["error"]
        run_ = sum(self.outcomes.values())
        several = f" ({self.cases} cases)" if self.cases > 1 else ""
        note = f": {self.note}" if self.note else ""
        if bad:
            return f"FAILED ({bad} of {self.cases}){note}"
        if run_ < self.cases:
            return f"not run ({self.cases - run_} of {self.cases}){note}"
        if self.outcomes["xfailed"]:
            return f"KNOWN FAULT ({self.outcomes['xfailed']} of {self.cases}){note}"
        if self.outcomes["skipped"]:
            return f"skipped{several}{note}"
        return f"passed{several}{note}"


_ROWS: dict[str, Row] = {}
_ROW_OF: dict[str, str] = {}


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Make the rows before anything runs; put last what waits for slow clients."""
    if wire.BEHIND is not None:
        expect_differences(wire.BEHIND.engine, items)
    items.sort(key=lambda item: item.get_closest_marker("late") is not None)
    for item in items:
        if HERE not in item.path.parents or not isinstance(item, pytest.Function):
            continue
        entry = item.get_closest_marker("entry")
        clause = _LINK.sub("", inspect.getdoc(item.function) or item.function.__name__)
        clause = " ".join(clause.split()).rstrip(".:;")
        key = f"{item.path.name}::{item.originalname}"
        name = f"{item.path.stem.removeprefix('test_')}: {item.originalname.removeprefix('test_')}"
        if entry is not None:
            key += f"::{entry.args[0]}"
            clause, name = f"{clause}: {entry.args[0]}", f"{name}[{entry.args[0]}]"
        place = (item.path.name, item.location[1] or 0, name)
        note = entry.kwargs["note"] if entry else ""
        row = _ROWS.setdefault(key, Row(place, clause, name, note=note))
        row.cases += 1
        _ROW_OF[item.nodeid] = key


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note what came of a test: its call, or whatever kept it from one."""
    key = _ROW_OF.get(report.nodeid)
    if key is None or (report.when != "call" and report.passed):
        return
    row = _ROWS[key]
    known = getattr(report, "wasxfail", None)
    if known is not None and report.skipped:
        row.outcomes["xfailed"] += 1
        row.note = known if known in row.note or not row.note else f"{row.note}; {known}"
        return
    row.outcomes["error" if report.failed and report.when != "call" else report.outcome] += 1
    if report.skipped and isinstance(report.longrepr, tuple):
        row.note = row.note or report.longrepr[2].removeprefix("Skipped: ")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table; where tests failed only what did not pass, lest it hide them."""
    failed = terminalreporter.stats.get("failed") or terminalreporter.stats.get("error")
    rows = [row for row in _ROWS.values() if not (failed and row.result.startswith("passed"))]
    if not rows:
        return
    terminalreporter.section("clauses")
    terminalreporter.write_line("| clause or feature | test | result |")
    terminalreporter.write_line("| --- | --- | --- |")
    for row in sorted(rows, key=attrgetter("place")):
        clause = row.clause.replace("|", "\\|")
        terminalreporter.write_line(f"| {clause} | {row.test} | {row.result} |")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the name of an engine."""
    told = "stand in front of endpoints of that engine, and expect what upstream.toml says of it"
    parser.addoption("--upstream", choices=sorted(ENGINES), help=told)


def pytest_configure(config: pytest.Config) -> None:
    """Know our markers, and the engine behind us."""
    engine = config.getoption("--upstream", None)
    wire.BEHIND = Elsewhere(engine) if engine else None
    config.addinivalue_line("markers", "entry(name, note): a row of its own in the table")
    config.addinivalue_line("markers", "late: waits for what began when its file did")


def pytest_unconfigure() -> None:
    """End what stands behind us."""
    if wire.BEHIND is not None:
        wire.BEHIND.close()


def expect_differences(engine: str, items: list[pytest.Item]) -> None:
    """Leave out what an engine behind us has no part in; expect what is known to differ.

    What is better there is a test that is known to fail here, and passes there.
    """
    known = tomllib.loads((HERE / "upstream.toml").read_text())
    items[:] = [item for item in items if item.path.stem in known["files"]]
    reasons: dict[str, str] = known["all"] | known[engine]
    for item in items:
        for name in (item.name, getattr(item, "originalname", "")):
            reason = reasons.get(f"{item.path.stem}::{name}")
            if reason or f"{item.path.stem}::{name}" in known["better"]:
                item.own_markers = [mark for mark in item.own_markers if mark.name != "xfail"]
            if reason:
                item.add_marker(pytest.mark.xfail(reason=reason, strict=True))


@pytest.fixture(scope="session")
def server() -> Iterator[Running]:
    """The built-in graph, served, with its log; for tests that do it no harm."""
    with run() as running:
        yield running


@pytest.fixture(scope="session")
def patient() -> Iterator[Running]:
    """The built-in graph, with workers that take their time: none is put last for being slow."""
    with run("--timeout", "120", ROKGRAPH_QUICK="100", ROKGRAPH_WORKERS="4") as running:
        yield running


@pytest.fixture(scope="session")
def based() -> Iterator[Running]:
    """The built-in graph under a base URL, which an option and a variable give differently."""
    url = "https://graph.example.org/kg/"
    with run("--base-url", url, ROKGRAPH_BASE_URL="https://variable.example") as running:
        yield running


@pytest.fixture(scope="session")
def behind() -> Iterator[Running]:
    """The built-in graph behind a trusted proxy, five questions a second for each client."""
    proxies = '["127.0.0.1"]'
    with run(ROKGRAPH_TRUSTED_PROXIES=proxies, ROKGRAPH_RATE="5") as running:
        yield running


@pytest.fixture
def serve() -> Iterator[Callable[..., Running]]:
    """Start servers with options and variables of the test's own; they end with the test."""
    with contextlib.ExitStack() as stack:
        yield lambda *options, **named: stack.enter_context(run(*options, **named))


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A triple in the default graph, one in each of two named graphs, and one in both of these."""
    path = tmp_path_factory.mktemp("data") / "small.trig"
    path.write_text(
        "@prefix : <http://example.org/> .\n"
        ':s :in "default" .\n'
        'GRAPH :one { :s :in "one" ; :shared 1 }\n'
        'GRAPH :two { :s :in "two" ; :shared 1 }\n'
    )
    with run("--data", str(path)) as running:
        yield running


@pytest.fixture(scope="session")
def w3c() -> Path:
    """The archive of the W3C's tests, beside the checkout."""
    folder = Path(os.environ.get("ROKGRAPH_SHARED", ROOT.parent / "shared"))
    archive = folder / "w3c" / "sparql-tests.tar.gz"
    if not archive.exists():
        missing("the archive of the W3C's tests")
    return archive
