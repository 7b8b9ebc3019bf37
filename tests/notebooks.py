"""The notebooks as a person runs them: all cells in order, in a kernel of their own.

`python tests/notebooks.py` writes their outputs anew, with servers of its own.
"""

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

from clients.conftest import comunica_command, oxigraph
from running import ROOT, run_server

FOLDER = ROOT / "docs" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
_SECONDS = 120


def load(path: Path) -> Any:
    """The notebook of a file, held to its format."""
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    nbformat.validate(notebook)
    return notebook


def run(path: Path, environment: Mapping[str, str]) -> Any:
    """The notebook with the outputs of a run; an exception in a cell is one here."""
    notebook = load(path)
    NotebookClient(
        notebook,
        timeout=_SECONDS,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": str(FOLDER)}},
    ).execute(env={**os.environ, **environment})
    notebook.metadata = load(path).metadata  # the kernel notes its version there
    return notebook


@contextlib.contextmanager
def endpoints(ours: str) -> Iterator[dict[str, str]]:
    """Where the notebooks find what they need, as their environment."""
    comunica = comunica_command()
    with oxigraph() as second:
        yield {
            "ROKGRAPH_URL": ours,
            "SECOND_URL": second,
            "COMUNICA": f"node {comunica}",
        }


def main() -> None:
    """Run all and write what they gave."""
    with run_server() as server, endpoints(server.url) as environment:
        for path in NOTEBOOKS:
            nbformat.write(run(path, environment), path)  # type: ignore[no-untyped-call]
            print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
