"""The language of a page and its words.

Rule: words stand in messages/, one file for a page, both languages side by side; nothing here is
a sentence.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from urllib.parse import parse_qsl

LANGUAGES = ("en", "ko")
PARAMETER = "lang"  # the name in an address and of the cookie
_FOLDER = Path(__file__).parent / "messages"


@cache
def words(language: str, page: str) -> Mapping[str, str]:
    """The words of a page by key; `language` is one of `LANGUAGES`, `page` the name of its file.

    None for a page that has no words of its own.
    """
    path = _FOLDER / f"{page}.toml"
    if not path.exists():
        return {}
    return {key: told[language] for key, told in tomllib.loads(path.read_text("utf-8")).items()}


def asked(query_string: bytes) -> str | None:
    """The language that an address names, None if it names none that is known."""
    pairs = parse_qsl(query_string.decode("latin-1"), keep_blank_values=True)
    return next((value for name, value in pairs if name == PARAMETER and value in LANGUAGES), None)


def chosen(query_string: bytes, headers: Mapping[str, str]) -> str:
    """The language of the address, else of the cookie, else as accepted, else English.

    See https://www.rfc-editor.org/rfc/rfc9110#name-accept-language
    """
    return (
        asked(query_string)
        or _remembered(headers.get("cookie", ""))
        or _accepted(headers.get("accept-language", ""))
        or LANGUAGES[0]
    )


def _remembered(cookie: str) -> str | None:
    try:
        morsel = SimpleCookie(cookie).get(PARAMETER)
    except CookieError:
        return None
    return morsel.value if morsel is not None and morsel.value in LANGUAGES else None


def _accepted(header: str) -> str | None:
    """The language of ours with the highest quality, of equals the first named."""
    best: tuple[float, str | None] = (0.0, None)
    for part in header.split(",")[:50]:
        tag, _, parameters = part.strip().lower().partition(";")
        language = tag.strip().partition("-")[0]
        try:
            quality = float(parameters.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
        if language in LANGUAGES and 1 >= quality > best[0]:
            best = quality, language
    return best[1]
