"""Chromium as it is installed, and what the tests put into pages.

Rule: the browser of the system, never one that is fetched; nothing it asks for leaves the machine.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from browser.paths import PATHS
from running import ROOT, Server, missing

HERE = Path(__file__).parent
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# No name is looked up: a page that asks another host fails here, whatever the network is.
_ARGUMENTS = ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--disable-gpu"]
_PATIENCE = 120_000  # milliseconds; a busy machine is slow
_LOCALES = {"en": "en-GB", "ko": "ko-KR"}


# As long as Playwright runs, its thread has a running event loop, which other tests could not
# bear; hence one browser for a module, not for all.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, started."""
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        missing("Chromium")
    root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=[*root, *_ARGUMENTS])
        yield running
        running.close()


@pytest.fixture(scope="module")
def reader(browser: Browser, server: Server) -> Iterator[Callable[..., BrowserContext]]:
    """Make a reader who prefers a language: a context of the browser; closed after the module."""
    with ExitStack() as stack:

        def make(language: str, *, scripts: bool = True) -> BrowserContext:
            context = browser.new_context(
                base_url=server.url,
                locale=_LOCALES[language],
                java_script_enabled=scripts,
                viewport={"width": 1280, "height": 900},
            )
            context.set_default_timeout(_PATIENCE)
            return stack.enter_context(context)

        yield make


@pytest.fixture(scope="session")
def axe() -> str:
    """axe-core, from npm by the lock file; as the text of a script."""
    folder = ROOT / "build" / "axe"
    script = folder / "node_modules" / "axe-core" / "axe.min.js"
    lock = "package-lock.json"
    if not script.exists() or (folder / lock).read_text() != (HERE / lock).read_text():
        if shutil.which("npm") is None:
            missing("npm")
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", lock, ".npmrc"):
            shutil.copy(HERE / name, folder)
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    return script.read_text(encoding="utf-8")


@pytest.fixture
def pictured() -> Callable[[str], Path | None]:
    """Where a picture of that name is to be kept, None if nobody wants pictures."""
    folder = os.environ.get("ROKGRAPH_SCREENSHOTS")

    def place(name: str) -> Path | None:
        if not folder:
            return None
        Path(folder).mkdir(parents=True, exist_ok=True)
        return Path(folder) / f"{re.sub(r'[^a-z0-9-]+', '-', name.lower())}.png"

    return place


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the paths that analysts took."""
    if not PATHS:
        return
    terminalreporter.section("analysts' errands, from the front page")
    terminalreporter.write_line("| errand | clicks | path |")
    terminalreporter.write_line("| --- | --- | --- |")
    for errand, steps in sorted(PATHS):
        terminalreporter.write_line(f"| {errand} | {len(steps)} | {' / '.join(steps)} |")
