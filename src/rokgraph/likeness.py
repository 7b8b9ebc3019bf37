"""How alike two texts are: how a query meets a name.

Rule: texts in, numbers out; letter case, spaces and signs do not count.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import NamedTuple

from rapidfuzz import fuzz, process

_WORD = re.compile(r"[^\W_]+")
_HANGUL = re.compile(r"[가-힣]{3,8}")
_LONGEST = 300  # letters of a text that are looked at
_PREFIX, _ALL_WORDS, _WORD_STARTS, _WITHIN, _FUZZY = 80.0, 70.0, 66.0, 60.0, 55.0
ABBREVIATED = 58.0  # what an abbreviation is worth
SHARE = 5.0  # on top, for the share of the text that the query is
_SIMILAR = 70.0  # of 100: below this texts do not resemble each other
# Where the query is no start, word or part of a text, these ways to resemble it count less.
_PARTIAL, _OTHER_WORDS = 0.9, 0.85
_A_LITTLE_LIKE, _NEAREST = 40.0, 30  # of 100; how many texts are near at most
_SHORTEST_KOREAN, _SHORTEST = 3, 4  # letters of a query that may be misspelt


class Folded(NamedTuple):
    """A text to be compared: its words, parted by a space, and the same without spaces."""

    words: str
    compact: str


def folded(text: str) -> Folded:
    """A text to be compared.

    NFKC, so that full-width letters and Roman numerals are plain ones; letter case is left out.
    A text without letters and digits stands for itself.
    """
    plain = unicodedata.normalize("NFKC", text[:_LONGEST]).casefold()
    words = _WORD.findall(unicodedata.normalize("NFC", plain))
    return Folded(" ".join(words), "".join(words) or plain.strip())


def worth_of(asked: Folded, text: Folded) -> float:
    """What a match of a name that is not exact is worth; 0 for none."""
    if asked.compact == text.compact:
        return 0.0  # told already
    share = SHARE * min(1.0, len(asked.compact) / len(text.compact))
    if text.compact.startswith(asked.compact):
        return _PREFIX + share
    wanted, words = asked.words.split(), text.words.split()
    if wanted and set(wanted) <= set(words):
        return _ALL_WORDS + share
    if wanted and all(any(word.startswith(start) for word in words) for start in wanted):
        return _WORD_STARTS + share / 2
    if asked.compact in text.compact:
        return _WITHIN + share
    similar = _similarity(asked, text)
    return _FUZZY * similar / 100 if similar >= _SIMILAR else 0.0


def nearest(compact: str, texts: Mapping[int, str]) -> list[int]:
    """Numbers of texts that are a little like a query, the likest first; both without spaces."""
    found = process.extract(
        compact, texts, scorer=fuzz.ratio, limit=_NEAREST, score_cutoff=_A_LITTLE_LIKE
    )
    return [number for _, _, number in found]


def _similarity(asked: Folded, text: Folded) -> float:
    """How alike two texts are, from 0 to 100."""
    short = _SHORTEST_KOREAN if is_syllable(asked.compact[-1]) else _SHORTEST
    if len(asked.compact) < short:
        return 0.0
    best = max(
        fuzz.ratio(asked.compact, text.compact),
        fuzz.token_sort_ratio(asked.words, text.words),
    )
    if len(asked.compact) > short and len(text.compact) > len(asked.compact):
        best = max(best, _PARTIAL * fuzz.partial_ratio(asked.compact, text.compact))
    if " " in text.words:
        best = max(best, _OTHER_WORDS * fuzz.token_set_ratio(asked.words, text.words))
    return best


def is_abbreviation(short: str, long: str) -> bool:
    """Whether the syllables of `short` stand in `long`, in order: 기재부 of 기획재정부."""
    if not _HANGUL.fullmatch(short):
        return False
    letters = iter(long)
    return len(short) < len(long) and all(letter in letters for letter in short)


def is_syllable(letter: str) -> bool:
    """Whether a letter is a Korean syllable."""
    return "가" <= letter <= "힣"
