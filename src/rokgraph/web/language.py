"""The language of a page and its words.

Rule: words stand in messages/, the same keys in every language; nothing here is a sentence.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

LANGUAGES = ("en", "ko")
_FOLDER = Path(__file__).parent / "messages"


@cache
def words(language: str, page: str) -> Mapping[str, str]:
    """The words of a page by key; `language` is one of `LANGUAGES`, `page` a table of its file."""
    found: dict[str, str] = tomllib.loads((_FOLDER / f"{language}.toml").read_text("utf-8"))[page]
    return found
