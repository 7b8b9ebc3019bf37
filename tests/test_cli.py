"""The command line as a person uses it: what it prints, how it exits."""

import gzip
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pyoxigraph as ox
import pytest

from rokgraph.snapshot import load_built_in
from rokgraph.turtle import in_stable_form
from running import ROOT

ROK = "https://w3id.org/rokgraph/ont#"


def rokgraph(*arguments: object, given: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    command = [sys.executable, "-m", "rokgraph", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, input=given, check=False)


@pytest.fixture(scope="module")
def checked() -> subprocess.CompletedProcess[str]:
    return rokgraph("check", "--format", "json")


def test_check_finds_no_violation_and_counts(checked: subprocess.CompletedProcess[str]) -> None:
    assert checked.returncode == 0, checked.stderr
    report = json.loads(checked.stdout)
    assert report["passed"] is True
    assert report["faults"] == []
    assert not [row for row in report["results"] if row["severity"] == "violation"]
    assert report["classes"]["rok:Task"] == 18
    assert report["classes"]["rok:Action"] == 159
    assert report["graphs"]["https://w3id.org/rokgraph/graph/source"] > 10_000


def test_a_violation_stops_with_rule_node_and_file(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.ttl"
    wrong.write_text(
        f'<https://w3id.org/rokgraph/id/budget/x> a <{ROK}Budget> ; <{ROK}amount> "-1" .'
    )
    answer = rokgraph("check", "--data", wrong)
    assert answer.returncode == 1
    line = next(line for line in answer.stdout.splitlines() if "violation B-01" in line)
    assert "https://w3id.org/rokgraph/id/budget/x" in line
    assert "wrong.ttl" in line


def test_a_violation_report_in_turtle(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.ttl"
    wrong.write_text(f"<https://w3id.org/rokgraph/id/task/x> a <{ROK}Task> .")
    answer = rokgraph("check", "--data", wrong, "--format", "ttl")
    assert answer.returncode == 1
    found = {quad.object for quad in ox.parse(answer.stdout, format=ox.RdfFormat.TURTLE)}
    assert ox.NamedNode("http://www.w3.org/ns/shacl#ValidationReport") in found


def test_a_bad_file_stops_with_its_place_and_code_2(tmp_path: Path) -> None:
    bad = tmp_path / "bad.ttl"
    bad.write_text("<http://a> <http://b> .\n")
    for command in (("check",), ("build",), ("query", "-"), ("serve", "--port", "1")):
        answer = rokgraph(*command, "--data", bad)
        assert answer.returncode == 2, command
        assert f"{bad}:1:" in answer.stderr
        assert "<http://a> <http://b> ." in answer.stderr
        assert "Traceback" not in answer.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("serve", "--timeout", "-1"), "timeout"),
        (("serve", "--base-url", "ftp://x"), "base_url"),
        (("query", "nowhere.rq"), "nowhere.rq"),
        (("query", "-", "--format", "doc"), "doc"),
        (("describe", "https://w3id.org/rokgraph/id/nothing"), "nothing is known"),
        (("describe", "no such"), "neither an IRI"),
        (("check", "--data", "nowhere.ttl"), "nowhere.ttl"),
    ],
)
def test_what_is_wrong_is_told_in_a_sentence(arguments: tuple[str, ...], says: str) -> None:
    answer = rokgraph(*arguments)
    assert answer.returncode == 2
    assert says in answer.stderr
    assert "Traceback" not in answer.stderr


def test_build_writes_the_same_dataset_in_every_format(tmp_path: Path) -> None:
    answer = rokgraph("build", "--output", tmp_path)
    assert answer.returncode == 0, answer.stderr
    lines = (tmp_path / "SHA256SUMS").read_text().splitlines()
    sums = {line.split("  ")[1]: line.split("  ")[0] for line in lines}
    files = (path for path in tmp_path.rglob("*") if path.is_file())
    names = {path.relative_to(tmp_path).as_posix() for path in files} - {"SHA256SUMS"}
    assert names == set(sums)
    assert {"csv/tasks.csv", "context.jsonld", "rokgraph.stratml.xml"} < names
    for name in names:
        content = (tmp_path / name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == sums[name]
        if name.endswith(".gz"):
            assert gzip.decompress(content) == (tmp_path / name.removesuffix(".gz")).read_bytes()
    by_format = {
        name: ox.Dataset(ox.parse(path=tmp_path / f"rokgraph.{name}"))
        for name in ("nq", "trig", "jsonld", "ttl")
    }
    for dataset in by_format.values():
        dataset.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
    assert by_format["nq"] == by_format["trig"] == by_format["jsonld"]
    assert len(by_format["ttl"]) == len({quad.triple for quad in by_format["nq"]})
    assert hashlib.sha256((tmp_path / "rokgraph.nq").read_bytes()).hexdigest() in answer.stdout


def test_query_prints_a_table_or_any_format() -> None:
    query = f"PREFIX rok: <{ROK}> SELECT ?n {{ ?s rok:announcedTaskCount ?n }}"
    table = rokgraph("query", "-", given=query)
    assert "19" in table.stdout
    assert rokgraph("query", "-", "--format", "csv", given=query).stdout.split() == ["n", "19"]
    as_json = json.loads(rokgraph("query", "-", "--format", "json", given=query).stdout)
    assert as_json["results"]["bindings"][0]["n"]["value"] == "19"
    broken = rokgraph("query", "-", given="SELECT * {")
    assert broken.returncode == 2
    assert "line 1, column" in broken.stderr


def test_describe_takes_short_forms() -> None:
    answer = rokgraph("describe", "task:1-2")
    assert answer.returncode == 0
    triples = list(ox.parse(answer.stdout, format=ox.RdfFormat.TURTLE))
    assert ox.Literal("Sufficient digital resources", language="en") in {
        quad.object for quad in triples
    }


def test_cite_prints_passages_from_the_readers_copy(shared: Path, tmp_path: Path) -> None:
    copy = shared / "source" / "press-release.txt"
    answer = rokgraph("cite", "budget:ai-semiconductor", "--source", copy)
    assert answer.returncode == 0, answer.stderr
    assert "1.02 trillion won" in answer.stdout
    assert "[3067, 3148)" in answer.stdout
    other = tmp_path / "other.txt"
    other.write_text(copy.read_text() + " ")
    refused = rokgraph("cite", "budget:ai-semiconductor", "--source", other)
    assert refused.returncode == 2
    assert "not the text that is cited" in refused.stderr


def test_every_command_has_help() -> None:
    commands = (
        *("check", "infer", "format", "build", "export"),
        *("query", "describe", "cite", "serve"),
    )
    overview = rokgraph("--help").stdout
    for command in commands:
        assert command in overview
        assert rokgraph(command, "--help").returncode == 0
    assert rokgraph("--version").stdout.startswith("rokgraph ")


def test_the_data_files_are_in_their_one_form() -> None:
    prefixes = load_built_in(ROOT).summary.prefixes
    for path in sorted((ROOT / "data").rglob("*.ttl")):
        assert path.read_bytes() == in_stable_form(path, prefixes), f"{path}: run `make format`"
