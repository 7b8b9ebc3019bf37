"""The documents agree with the dataset and with each other."""

import re
import tomllib
from pathlib import Path

import pyoxigraph as ox
import pytest
import yaml

from rokgraph.evaluation import ask
from rokgraph.query import Query
from rokgraph.snapshot import Snapshot, load_built_in
from running import ROOT

PAGES = [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
BLOCK = re.compile(r"^```sparql\n(.*?)^```", re.MULTILINE | re.DOTALL)
QUERIES = [
    (path.relative_to(ROOT), number, block)
    for path in PAGES
    for number, block in enumerate(BLOCK.findall(path.read_text()))
]


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    return load_built_in(ROOT)


@pytest.mark.parametrize(("path", "number", "block"), QUERIES)
def test_a_query_of_a_page_runs_and_finds_something(
    snapshot: Snapshot, path: Path, number: int, block: str
) -> None:
    answer = ask(snapshot, Query(block))
    found = [True] if isinstance(answer, ox.QueryBoolean) else list(answer)
    assert found


def test_there_are_queries() -> None:
    assert len(QUERIES) >= 5


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_terms_and_links_of_a_page_exist(snapshot: Snapshot, path: Path) -> None:
    text = path.read_text()
    for name in set(re.findall(r"\brok:(\w+)\b(?!-)", text)):
        term = ox.NamedNode(f"https://w3id.org/rokgraph/ont#{name}")
        assert next(snapshot.store.quads_for_pattern(term, None, None), None), name
    for link in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
        if "://" not in link:
            assert (path.parent / link).exists(), link


def test_each_graph_has_its_line_in_the_model(snapshot: Snapshot) -> None:
    model = (ROOT / "docs" / "reference" / "model.md").read_text()
    for iri in snapshot.summary.graphs:
        assert f"`{iri.rpartition('/')[2]}`" in model or iri.rpartition("/")[2] in model


def test_versions_agree() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    changes = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"]
    assert changes[0] == project == cited
