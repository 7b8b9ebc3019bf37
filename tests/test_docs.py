"""What the documents say is so: blocks run, settings, options and formats are all there."""

import re
import subprocess
from pathlib import Path

import pytest

from rokgraph.formats import DATASET_FORMATS, GRAPH_FORMATS, RESULT_FORMATS
from rokgraph.settings import Settings
from running import ROOT, Server
from test_cli import rokgraph

README = (ROOT / "README.md").read_text()


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def test_the_curl_of_the_readme_prints_what_it_shows(server: Server) -> None:
    [command] = [block for block in blocks(README, "sh") if "curl" in block]
    [shown] = blocks(README, "text")
    command = command.replace("http://localhost:8000", server.url)
    ran = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert ran.stdout.replace("\r\n", "\n") == shown


def test_the_commands_of_the_readme_run(tmp_path: Path) -> None:
    [block] = [block for block in blocks(README, "sh") if "rokgraph check" in block]
    for line in block.splitlines():
        words = line.partition("#")[0].split()[1:]
        if words[0] == "check":
            continue  # test_cli does
        words = [str(tmp_path) if word == "dist" else word for word in words]
        words = [str(ROOT / word) if word.startswith("queries/") else word for word in words]
        assert rokgraph(*words).returncode == 0, line


def test_the_two_commands_are_there() -> None:
    targets = (ROOT / "Makefile").read_text()
    for command in ("serve", "test"):
        assert f"make {command}" in README
        assert re.search(rf"^{command}:", targets, re.MULTILINE)


@pytest.mark.parametrize("name", Settings.model_fields)
def test_each_setting_is_documented(name: str) -> None:
    page = (ROOT / "docs" / "reference" / "settings.md").read_text()
    description = Settings.model_fields[name].description or ""
    assert f"| `{name}` |" in page
    assert f"`ROKGRAPH_{name.upper()}`" in page
    assert description in page


def test_each_option_of_serve_is_documented() -> None:
    page = (ROOT / "docs" / "reference" / "settings.md").read_text()
    options = set(re.findall(r"--[a-z-]+", rokgraph("serve", "--help").stdout)) - {"--help"}
    assert options
    for option in options:
        assert f"`{option}`" in page


def test_the_formats_are_those_that_serve() -> None:
    page = (ROOT / "docs" / "reference" / "http.md").read_text()
    tables = (*RESULT_FORMATS, *GRAPH_FORMATS, *DATASET_FORMATS)
    told = re.findall(r"\| `(\w+)` \| `([\w.+/-]+)` \|", page)
    assert told == [(e.name, e.media_type) for e in tables]
