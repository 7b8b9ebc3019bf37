"""The W3C's tests of SPARQL 1.0 and 1.1, asked through each other engine.

Rule: a test passes, or stands in `conformance/w3c_upstream.toml` with what came of it; never both.

What fails is the engine's doing, or would be this one's: `test_w3c.py` asks the same of our own.
The figures, and the lists anew: `python -m pytest tests/test_upstream_w3c.py -s`
"""

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pyoxigraph as ox
import pytest

from conformance import test_w3c, wire
from conformance.test_w3c import Case, as_default, chosen_by_query, iri_of, over_http, passes, quads
from elsewhere import ENGINES, Elsewhere
from running import ROOT

VERSIONS = ("1.0", "1.1")
LISTS = Path(__file__).parent / "conformance" / "w3c_upstream.toml"
KINDS = (("evaluation",), ("csv",), ("positive", "negative"))
Outcomes = dict[str, list[tuple[Case, str]]]

folder, suite = test_w3c.folder, test_w3c.suite


@pytest.fixture(scope="module")
def known() -> dict[str, dict[str, str]]:
    """What fails, by engine: the name of the test, what came of it."""
    loaded: dict[str, dict[str, str]] = tomllib.loads(LISTS.read_text())
    return loaded


@pytest.fixture(scope="module", params=ENGINES)
def outcomes(
    request: pytest.FixtureRequest,
    suite: dict[str, list[Case]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[str, Outcomes]]:
    """The engine, and what came of each test of each version through it."""
    path = tmp_path_factory.mktemp("data") / "all.nq"
    _write(path, [case for version in VERSIONS for case in suite[version]])
    elsewhere = Elsewhere(request.param)
    try:
        # each test names its graphs, and Virtuoso repeats those of a setting in as many headers
        options, _ = elsewhere.instead(["--data", str(path)])
        with wire.run(*options) as server:
            found = {
                version: [(case, over_http(case, server)) for case in suite[version]]
                for version in VERSIONS
            }
        yield request.param, found
    finally:
        elsewhere.close()


def _write(path: Path, every: list[Case]) -> None:
    """The data of all tests, as `test_w3c.py` serves them: each file a graph of its own."""
    default = {one for case in every for one in case.default}
    named = {one for case in every for one in (*case.named, *chosen_by_query(case))}
    with path.open("wb") as output:
        for files, name in ((default, as_default), (named, iri_of)):
            for file in sorted(files):
                ox.serialize(quads(file, ox.NamedNode(name(file))), output, ox.RdfFormat.N_QUADS)


def short(case: Case) -> str:
    """The last folder of a test and its name."""
    return "/".join(case.iri.replace("/manifest#", "#").rsplit("/", 1)[-1].split("#"))


def told(outcome: str) -> str:
    """What came of a test that fails, without the words of the engine."""
    return {"other": "another answer", "syntax": "refused", "parses": "taken"}.get(
        outcome, "refused"
    )


def test_each_test_passes_or_is_listed(
    outcomes: tuple[str, Outcomes], known: dict[str, dict[str, str]]
) -> None:
    engine, found = outcomes
    failed = {
        f"{version}/{short(case)}": told(outcome)
        for version, cases in found.items()
        for case, outcome in cases
        if not passes(case, outcome)
    }
    if failed != known[engine]:
        print(f"\n[{engine}]", *(f'"{name}" = "{what}"' for name, what in failed.items()), sep="\n")
    assert failed == known[engine]


def test_the_figures_are_those_of_the_reference(outcomes: tuple[str, Outcomes]) -> None:
    engine, found = outcomes
    page = (ROOT / "docs" / "reference" / "upstream.md").read_text()
    lines = []
    for version, cases in found.items():
        cells = []
        for kinds in KINDS:
            asked = [pair for pair in cases if pair[0].kind in kinds]
            cells.append(
                f"{sum(passes(*pair) for pair in asked)} of {len(asked)}" if asked else "none"
            )
        lines.append(f"| {engine} | {version} | {' | '.join(cells)} |")
    print("", *lines, sep="\n")
    assert [line for line in lines if line not in page] == []
