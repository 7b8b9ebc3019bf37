"""Texts found by their pairs of neighbouring letters, in SQLite's full-text index.

Rule: numbers of texts out; which of them meets a query how well is for others to say.

Pairs find words of two syllables, which SQLite's own trigrams would not, and most that are
misspelt. See https://www.sqlite.org/fts5.html#the_trigram_tokenizer
"""

import logging
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping

_LOG = logging.getLogger(__name__)
_RAREST = 10  # pairs of a query that are looked up for what resembles it
_HOLDING = 1500  # texts with the query in them
_ALIKE = 80  # texts that only resemble it


class Pairs:
    """An index in memory, made once."""

    def __init__(self, texts: Mapping[int, str]) -> None:
        """Take texts without spaces, by number; where there are too many, the first are found."""
        self._all = list(texts)
        self._often = Counter(pair for text in texts.values() for pair in set(_pairs_of(text)))
        self._connection = _full_text(texts)

    def found(self, text: str) -> Iterable[int]:
        """The texts that hold this one of letters and digits, then those that resemble it."""
        if self._connection is None:
            return self._all
        if len(text) == 1:
            return self._ask(f'^ "{text}" *', f"LIMIT {_HOLDING}")
        pairs = _pairs_of(text)
        known = sorted({pair for pair in pairs if pair in self._often}, key=self._often.__getitem__)
        found: dict[int, None] = {}
        if all(pair in self._often for pair in pairs):
            phrase = " + ".join(f'"{pair}"' for pair in pairs)
            found = dict.fromkeys(self._ask(phrase, f"LIMIT {_HOLDING}"))
        if known and len(pairs) > 1:
            some = " OR ".join(f'"{pair}"' for pair in known[:_RAREST])
            found |= dict.fromkeys(self._ask(some, f"ORDER BY rank LIMIT {_ALIKE}"))
        return found

    def _ask(self, expression: str, rest: str) -> list[int]:
        assert self._connection is not None  # noqa: S101 - asked only where there is one
        # `rest` is ours; letters and digits that a client gave stand in the expression, bound
        sql = f"SELECT rowid FROM pairs WHERE pairs MATCH ? {rest}"  # noqa: S608
        return [row[0] for row in self._connection.execute(sql, (expression,))]


def _pairs_of(text: str) -> list[str]:
    """The pairs of neighbouring letters; a text of one letter is its own."""
    return [text[at : at + 2] for at in range(len(text) - 1)] or [text]


def _full_text(texts: Mapping[int, str]) -> sqlite3.Connection | None:
    """The index; None where SQLite was built without FTS5."""
    connection = sqlite3.connect(":memory:", check_same_thread=False)  # made in a thread
    try:
        connection.execute(
            "CREATE VIRTUAL TABLE pairs USING"
            " fts5(letters, content='', tokenize='unicode61 remove_diacritics 0')"
        )
    except sqlite3.OperationalError as error:
        _LOG.warning("SQLite has no FTS5 (%s): every search compares with all names.", error)
        return None
    connection.executemany(
        "INSERT INTO pairs (rowid, letters) VALUES (?, ?)",
        ((number, " ".join(_pairs_of(text))) for number, text in texts.items()),
    )
    return connection
