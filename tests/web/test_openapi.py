"""The OpenAPI document is true: what it allows is answered as it says, what it forbids refused."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rokgraph.formats import DATASET_FORMATS, GRAPH_FORMATS, RESULT_FORMATS
from rokgraph.library import saved_queries
from rokgraph.web.arguments import MAX_LIMIT, MAX_OFFSET, RESERVED
from rokgraph.web.renderings import OFFERED, SNIPPETS
from running import ROOT, Server

HERE = Path(__file__).parent
QUESTIONS = saved_queries(ROOT, "questions")


@pytest.fixture(scope="module")
def document(server: Server) -> dict[str, Any]:
    answer = server.client.get("/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    found: dict[str, Any] = answer.json()
    return found


def parameters(document: dict[str, Any], path: str) -> dict[str, Any]:
    return {each["name"]: each for each in document["paths"][path]["get"]["parameters"]}


def test_each_question_has_its_path_with_its_parameters(document: dict[str, Any]) -> None:
    for saved in QUESTIONS:
        found = parameters(document, f"/queries/{saved.name}")
        assert [*found] == [*saved.parameters, *RESERVED]
        assert document["paths"][f"/queries/{saved.name}"]["get"]["summary"] == saved.title["en"]


def test_the_members_of_a_class_are_listed(document: dict[str, Any]) -> None:
    task = parameters(document, "/queries/laws-that-touch-a-task")["task"]
    assert task["example"] == "task:1-2"
    assert len(task["schema"]["enum"]) == 18
    assert "task:5-4" in task["schema"]["enum"]


def test_formats_and_limits_are_those_that_serve(document: dict[str, Any]) -> None:
    paths = document["paths"]
    rows = [entry.name for entry in RESULT_FORMATS]
    graphs = [entry.name for entry in (*GRAPH_FORMATS, *DATASET_FORMATS)]
    assert parameters(document, "/sparql")["format"]["schema"]["enum"] == [*rows, *graphs, "html"]
    assert parameters(document, "/graph-store")["format"]["schema"]["enum"] == graphs
    told = paths["/sparql"]["get"]["responses"]["200"]["content"]
    tables = (*RESULT_FORMATS, *GRAPH_FORMATS, *DATASET_FORMATS)
    assert told.keys() == {entry.media_type for entry in tables} | {"text/html"}
    question = paths["/queries/due-in-2024"]["get"]
    types = {media[0] for media in OFFERED.values()}
    assert question["responses"]["200"]["content"].keys() == types | {"text/plain"}
    found = parameters(document, "/queries/due-in-2024")
    assert found["limit"]["schema"]["maximum"] == MAX_LIMIT
    assert found["offset"]["schema"]["maximum"] == MAX_OFFSET
    assert found["format"]["schema"]["enum"] == [*OFFERED]
    assert found["snippet"]["schema"]["enum"] == [*SNIPPETS]


def test_each_example_is_answered(server: Server, document: dict[str, Any]) -> None:
    for path, operations in document["paths"].items():
        told = operations.get("get", {}).get("parameters", ())
        values = {each["name"]: each["example"] for each in told if "example" in each}
        place = path.format(**values)
        asked = {each["name"]: values.get(each["name"]) for each in told if each["in"] == "query"}
        given = {name: value for name, value in asked.items() if value is not None}
        assert server.client.get(place, params=given).status_code == 200, (path, given)


def test_the_address_of_the_server_is_that_of_the_request(server: Server) -> None:
    answer = server.client.get("/openapi.json", headers={"host": "graph.example"})
    assert answer.json()["servers"] == [{"url": "http://graph.example"}]


def test_schemathesis_finds_nothing(server: Server, tmp_path: Path) -> None:
    plain = [saved.name for saved in QUESTIONS if not saved.parameters]
    left_out = "|".join(plain[2:])  # one is like the other
    command = [
        sys.executable, "-m", "schemathesis.cli", "--config-file", str(HERE / "schemathesis.toml"),
        "run", f"{server.url}/openapi.json", "--max-examples", "5", "--no-color",
        "--generation-deterministic", "--exclude-path-regex", f"^/queries/({left_out})$",
    ]  # fmt: skip
    hooks = {"PYTHONPATH": str(HERE), "SCHEMATHESIS_HOOKS": "schemathesis_hooks"}
    environment = {**os.environ, **hooks}
    ran = subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
        timeout=500,
    )
    assert ran.returncode == 0, ran.stdout[-6000:] + ran.stderr[-2000:]
