"""A server with a short deadline for whatever comes at random, and the figures at the end."""

import os
from collections.abc import Iterator

import pytest

from conformance.wire import run
from fuzz.asking import DEADLINE, Fuzzed

_FUZZED = pytest.StashKey[Fuzzed]()


@pytest.fixture(scope="session")
def fuzzed(request: pytest.FixtureRequest) -> Iterator[Fuzzed]:
    """The server, and what came of the requests so far."""
    with run("--timeout", str(DEADLINE)) as server:
        found = request.config.stash[_FUZZED] = Fuzzed(server)
        yield found


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print how many requests there were and what came of them."""
    found = config.stash.get(_FUZZED, None)
    if found is not None:
        terminalreporter.section("fuzzing")
        for line in found.report():
            terminalreporter.write_line(line)


def pytest_report_header() -> str:
    """Say how many examples are tried."""
    return f"fuzzing: {os.environ.get('ROKGRAPH_FUZZ_EXAMPLES', 'the usual number of')} examples"
