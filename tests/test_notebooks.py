"""The notebooks run from top to bottom, and what is committed is what a run gives."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from notebooks import NOTEBOOKS, endpoints, load, run
from running import Server


@pytest.fixture(scope="module")
def environment(server: Server) -> Iterator[dict[str, str]]:
    with endpoints(server.url) as variables:
        yield variables


def test_the_notebooks_are_there() -> None:
    assert [path.stem for path in NOTEBOOKS] == ["a-researchers-afternoon", "federation"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: str(path.stem))
def test_every_cell_runs_and_gives_what_is_committed(
    path: Path, environment: dict[str, str]
) -> None:
    ran, committed = run(path, environment), load(path)
    assert len(ran.cells) == len(committed.cells)
    for number, (new, old) in enumerate(zip(ran.cells, committed.cells, strict=True)):
        told = f"cell {number} of {path.name}: run `python tests/notebooks.py`"
        assert shown(new) == shown(old), told


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: str(path.stem))
def test_each_notebook_asserts_its_results(path: Path) -> None:
    code = [cell.source for cell in load(path).cells if cell.cell_type == "code"]
    assert sum("assert " in source for source in code) >= len(code) // 2
    for address in environment_defaults(code):
        assert address.startswith("http://localhost:")


def shown(cell: Any) -> Any:
    """What a reader sees: the source and the outputs."""
    return cell.source, cell.get("execution_count"), cell.get("outputs")


def environment_defaults(code: list[str]) -> list[str]:
    return [
        line.split('"')[3] for source in code for line in source.splitlines() if '_URL", "' in line
    ]
