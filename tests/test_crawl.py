"""IRIs of ours, dereferenced: every small class whole, thirty of each large one, in every form.

The long form is a command: `python bench/crawl.py`.
"""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyoxigraph as ox
import pytest

from rokgraph.snapshot import load_built_in
from rokgraph.vocab import BASE
from running import ROOT, Server

W3ID = ROOT / "docs" / "w3id" / ".htaccess"
RULE = re.compile(r"^RewriteRule (\S+) (\S+) \[(\S+)\]$", re.MULTILINE)


def crawl(url: str, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "bench" / "crawl.py"), "--url", url, *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def redirected(path: str) -> str | None:
    """Where the rules for w3id.org lead a path, below the address of the service."""
    for pattern, template, flags in RULE.findall(W3ID.read_text()):
        match = re.match(pattern, path)
        if template == "-" or match is None:
            continue
        target = str(template)
        assert flags in ("R=302,L", "R=307,L")
        for number, group in enumerate(match.groups(default=""), 1):
            target = target.replace(f"${number}", group)
        return target.removeprefix("%{ENV:ROKGRAPH}")
    return None


@pytest.fixture(scope="module")
def iris() -> set[str]:
    """Every IRI of ours in the data, without its fragment."""
    found = set()
    for quad in load_built_in(ROOT).store:
        for term in (quad.subject, quad.object, quad.graph_name):
            if isinstance(term, ox.NamedNode) and term.value.startswith(BASE):
                found.add(term.value.partition("#")[0])
    return found


def test_a_sample_answers_in_every_form(server: Server) -> None:
    done = crawl(server.url, "--sample", "30")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "\n0 failures" in done.stdout


def test_the_crawl_sees_what_does_not_answer(serve: Callable[..., Server], tmp_path: Path) -> None:
    path = tmp_path / "withdrawn.ttl"
    path.write_text(
        "@prefix owl: <http://www.w3.org/2002/07/owl#> . @base <https://w3id.org/rokgraph/> ."
        "<id/task/old> a owl:Thing ; owl:deprecated true . <nowhere/1> a owl:Thing ."
    )
    done = crawl(serve("--data", str(path)).url)
    assert done.returncode == 1
    assert "id/task/old: the page answers 410" in done.stdout
    assert "nowhere/1: the page answers 404" in done.stdout


def test_the_permanent_name_of_every_iri_leads_to_its_path(iris: set[str]) -> None:
    assert len(iris) > 3000
    for iri in iris:
        path = iri.removeprefix(BASE)
        assert redirected(path) == f"/{path}", iri


@pytest.mark.parametrize(
    "path", ["", "doc/id/task/1-2.ttl", "ont.ttl", "shapes.html", "prefixes.jsonld", "ont/2.0.0"]
)
def test_documents_and_the_home_page_have_permanent_names(path: str) -> None:
    assert redirected(path) == f"/{path}"


@pytest.mark.parametrize(
    "path", ["sparqls", "ids/task/1", "ont.exe", "graph/", "id/task", "x/id/a/b"]
)
def test_nothing_else_is_redirected(path: str) -> None:
    assert redirected(path) is None
