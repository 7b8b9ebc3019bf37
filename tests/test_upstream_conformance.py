"""The suite of conformance, asked through each other engine.

Rule: what differs stands in `conformance/upstream.toml` with its reason, and must differ.

Each run is one of pytest's own, for every server that the suite starts stands before an endpoint of
the engine then. With a table of clauses at its end, and without this module:
`python -m pytest tests/conformance --upstream virtuoso`
"""

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from bench.peers import PEERS, Missing

from elsewhere import ENGINES
from running import ROOT, missing

SUITE = Path(__file__).parent / "conformance"
KNOWN = tomllib.loads((SUITE / "upstream.toml").read_text())
PAGE = ROOT / "docs" / "reference" / "upstream.md"
LISTS = ("all", *ENGINES)
TOLD = {"all": "any", "better": "any, passes there"}
_COUNT = re.compile(r"(\d+) (passed|xfailed|failed|error|skipped)")


@pytest.mark.parametrize("engine", ENGINES)
def test_the_suite_behind_another_engine(
    engine: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Every test of these files passes through the engine, or differs as it is listed."""
    try:
        next(peer for peer in PEERS if peer.name == engine).version()
    except Missing:
        missing(ENGINES[engine])
    done = subprocess.run(
        [sys.executable, "-m", "pytest", str(SUITE), "--upstream", engine, "-q", "--tb=short",
         "-p", "no:cacheprovider", "--basetemp", str(tmp_path / "suite")],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=1800,
        env={name: text for name, text in os.environ.items() if not name.startswith("PYTEST_")},
    )  # fmt: skip
    last = done.stdout.strip().splitlines()[-1]
    counts = {kind: int(number) for number, kind in _COUNT.findall(last)}
    differ = counts.get("xfailed", 0)
    with capsys.disabled():
        print(f"\nbehind {engine}: {counts.get('passed', 0)} passed, {differ} differ as listed")
    assert done.returncode == 0, done.stdout[-4000:]
    assert counts.get("passed", 0) > 100
    assert not counts.get("skipped")


def test_every_file_of_the_suite_is_run_or_told_why_not() -> None:
    files = {path.stem for path in SUITE.glob("test_*.py")}
    assert set(KNOWN["files"]) | set(KNOWN["elsewhere"]) == files
    assert not set(KNOWN["files"]) & set(KNOWN["elsewhere"])
    assert all(KNOWN["elsewhere"].values())


def test_each_difference_is_a_test_and_has_a_reason_that_is_told() -> None:
    tests = {
        f"{path.stem}::{node.name}"
        for path in SUITE.glob("test_*.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef)
    }
    rows = set()
    for table in (*LISTS, "better"):
        for name, reason in KNOWN[table].items():
            test = name.partition("[")[0]
            assert test in tests
            assert reason
            rows.add(f"| {TOLD.get(table, table)} | `{test.partition('::')[2]}` | {reason} |")
    told = {line for line in PAGE.read_text().splitlines() if "| `test_" in line}
    assert told == rows
