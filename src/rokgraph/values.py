"""RDF terms as values of Python.

Rule: a literal becomes a number, a truth value or a day only if it is written as its datatype
writes it; any other stays the text that it is.
"""

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Self, TypeAlias

import pyoxigraph as ox

_XSD = "http://www.w3.org/2001/XMLSchema#"


class Iri(str):
    """An IRI; equal to the same text."""

    __slots__ = ()


class Blank(str):
    """The name of a blank node, which means nothing outside the answer that it came in."""

    __slots__ = ()


class Text(str):
    """A text in a language; equal to the same text. `language` is its tag, in lower case."""

    __slots__ = ("language",)

    language: str

    def __new__(cls, text: str, language: str) -> Self:
        """The text and its language tag."""
        made = super().__new__(cls, text)
        made.language = language
        return made

    def __getnewargs__(self) -> tuple[str, str]:  # type: ignore[override]
        """What `copy` and `pickle` make it from."""
        return str(self), self.language


Value: TypeAlias = (
    str | int | float | Decimal | bool | date | datetime | timedelta | tuple["Value", ...] | None
)
Term: TypeAlias = ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple


def _days(text: str) -> timedelta:
    found = re.fullmatch(_DURATION, text)
    assert found is not None  # noqa: S101 - the table asked before
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups()[1:])
    span = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    return -span if found[1] else span


_DURATION = r"(-?)P(?=.)(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?"
_ZONE = r"(?:Z|[+-]\d\d:\d\d)?"
_INTEGER = r"[+-]?\d+"
_FLOAT = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|[+-]?INF|NaN"

# How a datatype writes its values, and what reads them.
# See https://www.w3.org/TR/xmlschema11-2/#built-in-datatypes
_READ: dict[str, tuple[str, Callable[[str], Value]]] = {
    **dict.fromkeys(
        (
            "integer", "long", "int", "short", "byte", "nonNegativeInteger", "positiveInteger",
            "nonPositiveInteger", "negativeInteger", "unsignedLong", "unsignedInt",
            "unsignedShort", "unsignedByte",
        ),
        (_INTEGER, int),
    ),
    "decimal": (r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)", Decimal),
    "double": (_FLOAT, float),
    "float": (_FLOAT, float),
    "boolean": (r"true|false|0|1", lambda text: text in ("true", "1")),
    "date": (r"\d{4}-\d\d-\d\d", date.fromisoformat),
    "dateTime": (rf"\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{{1,6}})?{_ZONE}",
                 datetime.fromisoformat),
    "gYear": (r"-?\d{4,}", int),
    "dayTimeDuration": (_DURATION, _days),
}  # fmt: skip
_READERS = {
    _XSD + name: (re.compile(pattern, re.ASCII), read) for name, (pattern, read) in _READ.items()
}


def python_value(term: Term | None) -> Value:
    """The term as a value of Python; None for a variable without a value.

    An IRI is an `Iri`, a text in a language a `Text`, a blank node a `Blank`: all are `str`.
    Numbers, truth values, days, moments, years (as `int`) and durations in days and seconds are
    what they are in Python. Every other literal is its text; a triple term is a tuple of three.
    """
    if isinstance(term, ox.NamedNode):
        return Iri(term.value)
    if isinstance(term, ox.BlankNode):
        return Blank(term.value)
    if isinstance(term, ox.Triple):
        return tuple(python_value(part) for part in (term.subject, term.predicate, term.object))
    if term is None:
        return None
    if term.language is not None:
        return Text(term.value, term.language)
    pattern, read = _READERS.get(term.datatype.value, (None, str))
    if pattern is None or not pattern.fullmatch(term.value):
        return term.value
    try:
        return read(term.value)
    except (ValueError, OverflowError):  # the 30th of February, or a year past Python's
        return term.value
