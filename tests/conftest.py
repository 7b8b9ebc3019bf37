"""A server of the built-in graph, servers of a test's own, and the text of the release."""

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from running import ROOT, Server, missing, run_server


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """The built-in graph, served; for tests that do it no harm."""
    with run_server() as running:
        yield running


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Start servers with options of the test's own; they end with the test."""
    with contextlib.ExitStack() as stack:
        yield lambda *options: stack.enter_context(run_server(*options))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with the release and what was read off it, beside the checkout."""
    folder = Path(os.environ.get("ROKGRAPH_SHARED", ROOT.parent / "shared"))
    if not (folder / "source" / "press-release.txt").exists():
        missing("the text of the release")
    return folder
