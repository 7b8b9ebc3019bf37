"""The saved queries: what an analyst may ask, what a page shows, what must return nothing.

Rule: a query is a file; its header says everything that is to be known about it.
"""

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from rokgraph.errors import SourceError
from rokgraph.parameters import Parameter, parameter

_MARK = "#+"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # in C where the package has it


@dataclass(frozen=True, slots=True)
class SavedQuery:
    """One `.rq` file. `title` and `description` map a language tag to text.

    `figure` names the columns that its view draws: `label` and `value` of bars, or `pairs` of
    both, with a `unit`; `label` and `when` of a timeline.
    """

    name: str
    path: Path
    text: str
    title: dict[str, str]
    description: dict[str, str]
    tags: tuple[str, ...] = ()
    view: str = "table"
    figure: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, Parameter] = field(default_factory=dict)
    expect: dict[str, Any] = field(default_factory=dict)


def without_header(text: str) -> str:
    """The text of a query without the lines of its header."""
    return "".join(line for line in text.splitlines(True) if not line.startswith(_MARK))


def saved_queries(root: Path, folder: str) -> list[SavedQuery]:
    """The queries of `queries/<folder>`, by file name.

    Raises SourceError for a header that is not YAML or lacks a title.
    """
    return [saved_query(path) for path in sorted((root / "queries" / folder).glob("*.rq"))]


def saved_query(path: Path) -> SavedQuery:
    """The query of one file.

    Raises SourceError for a file that cannot be read, a header that is not YAML or lacks a title.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(path, str(error)) from None
    return _read(path, text)


@lru_cache(maxsize=1024)  # fifteen rooms ask for the same files: a second of a start
def _read(path: Path, text: str) -> SavedQuery:
    header = "\n".join(
        line.removeprefix(_MARK).removeprefix(" ")
        for line in text.splitlines()
        if line.startswith(_MARK)
    )
    try:
        values = yaml.load(header, _LOADER) or {}  # noqa: S506 - safe, either of them
        return SavedQuery(
            name=path.stem,
            path=path,
            text=text,
            title=_texts("title", values["title"]),
            description=_texts("description", values.get("description") or {}),
            tags=tuple(values.get("tags") or ()),
            view=values.get("view", "table"),
            figure=dict(values.get("figure") or {}),
            parameters={
                name: parameter(name, given)
                for name, given in (values.get("parameters") or {}).items()
            },
            expect=dict(values.get("expect") or {}),
        )
    except yaml.YAMLError as error:
        raise SourceError(path, f"the header is not YAML: {error}") from None
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise SourceError(path, f"the header lacks or mistakes {error}") from None


def _texts(key: str, given: Any) -> dict[str, str]:
    """Texts by language. A comma in a text without quotes ends it: YAML then reads on elsewhere.

    Raises ValueError for what is no text.
    """
    found = dict(given)
    if not all(isinstance(text, str) and text for text in found.values()):
        raise ValueError(f"{key!r}: {found}")
    return found
