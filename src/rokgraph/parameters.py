"""The parameters of a saved query: what may be given, and how it gets into the text.

Rule: a value becomes a term or is refused; what stands in a query is written by the engine.

The text of a query holds the default of a parameter as `VALUES ?name { term }`, `UNDEF` where
there is none, so that it can be run as it is; a given value takes the place of that term.
See https://www.w3.org/TR/sparql11-query/#inline-data
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeAlias

import pyoxigraph as ox

from rokgraph.curies import full_iri, short_iri
from rokgraph.errors import ParameterError, SettingError
from rokgraph.tokens import solid
from rokgraph.vocab import XSD_DECIMAL, XSD_GYEAR, XSD_INTEGER

Term: TypeAlias = ox.NamedNode | ox.Literal

KINDS = ("iri", "year", "language", "string", "number", "choice")
LANGUAGES = ("en", "ko")
LONGEST = 200  # characters of a string
_YEAR = re.compile(r"[0-9]{4}")
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_DECIMAL = re.compile(r"[+-]?[0-9]{1,18}(?:\.[0-9]{1,18})?")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter, as the header of the query says it.

    `kind` is one of `KINDS`. `of` is the class whose members an `iri` may be, as a CURIE, or
    several classes apart by spaces, None for any IRI; `choices` are the values of a `choice`;
    `low` and `high` bound a `number`, and `integer` says that it is whole. `default` is the value
    that stands in the text, None where none stands there. `description` maps a language tag to
    text.
    """

    name: str
    kind: str
    of: str | None = None
    choices: tuple[str, ...] = ()
    low: Decimal | None = None
    high: Decimal | None = None
    integer: bool = False
    default: str | None = None
    description: dict[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        """The parameter as plain JSON values, without what it does not have."""
        told = {
            "name": self.name,
            "type": self.kind,
            "of": self.of,
            "choices": list(self.choices) or (list(LANGUAGES) if self.kind == "language" else None),
            "minimum": None if self.low is None else float(self.low),
            "maximum": None if self.high is None else float(self.high),
            "integer": self.integer or None,
            "default": self.default,
            "description": self.description or None,
        }
        return {key: value for key, value in told.items() if value is not None}


def parameter(name: str, given: Mapping[str, Any]) -> Parameter:
    """The parameter that a header describes.

    Raises ValueError for a type that is not known or a key that its type does not have.
    """
    kind = str(given.get("type"))
    known = {"type", "default", "optional", "description"}
    known |= {"iri": {"of"}, "choice": {"of"}, "number": {"integer", "min", "max"}}.get(kind, set())
    if kind not in KINDS or not given.keys() <= known:
        raise ValueError(f"parameter {name!r}: {dict(given)}")
    of = given.get("of")
    low, high = (Decimal(str(given[key])) if key in given else None for key in ("min", "max"))
    return Parameter(
        name,
        kind,
        of=str(of) if kind == "iri" and of else None,
        choices=tuple(map(str, of or ())) if kind == "choice" else (),
        low=low,
        high=high,
        integer=bool(given.get("integer")),
        default=str(given["default"]) if "default" in given else None,
        description=dict(given.get("description") or {}),
    )


def term(
    wanted: Parameter, given: str, members: tuple[str, ...], prefixes: Mapping[str, str]
) -> Term:
    """The term that a given value stands for.

    `members` are the IRIs that an `iri` may be, `prefixes` the table that its CURIE may use.

    Raises ParameterError, which lists what is allowed.
    """
    if wanted.kind == "iri":
        return (
            _member(wanted, given, members, prefixes)
            if wanted.of
            else _any(wanted, given, prefixes)
        )
    if wanted.kind == "number":
        return _number(wanted, given)
    if wanted.kind == "year":
        if _YEAR.fullmatch(given) is None:
            raise ParameterError(wanted.name, given, "is no year of four digits, such as 2024")
        return ox.Literal(given, datatype=XSD_GYEAR)
    if wanted.kind == "string":
        if len(given) > LONGEST:
            raise ParameterError(wanted.name, given, f"is longer than {LONGEST} characters")
        return ox.Literal(given)
    allowed = LANGUAGES if wanted.kind == "language" else wanted.choices
    if given not in allowed:
        raise ParameterError(wanted.name, given, "is none of the values", allowed)
    return ox.Literal(given)


def _member(
    wanted: Parameter, given: str, members: tuple[str, ...], prefixes: Mapping[str, str]
) -> ox.NamedNode:
    """The member that an IRI, a CURIE or a key names."""
    prefix, colon, rest = given.partition(":")
    long = prefixes[prefix] + rest if colon and prefix in prefixes else given
    found = [long] if long in members else [iri for iri in members if key_of(iri) == given]
    if len(found) == 1:
        return ox.NamedNode(found[0])
    short = tuple(short_iri(iri, prefixes) for iri in found or members)
    kind = f"of the class {wanted.of}" if wanted.of else "known"
    reason = "names more than one thing" if found else f"is nothing {kind}"
    raise ParameterError(wanted.name, given, reason, short)


def _any(wanted: Parameter, given: str, prefixes: Mapping[str, str]) -> ox.NamedNode:
    """The IRI that is given in full or in its short form."""
    try:
        return ox.NamedNode(full_iri(given, prefixes))
    except SettingError:
        reason = "is neither an IRI nor a known short form, such as task:1-2"
        raise ParameterError(wanted.name, given, reason) from None


def _number(wanted: Parameter, given: str) -> ox.Literal:
    form, noun = (_INTEGER, "integer") if wanted.integer else (_DECIMAL, "decimal number")
    bounds = [
        f"{word} {bound}"
        for word, bound in (("at least", wanted.low), ("at most", wanted.high))
        if bound is not None
    ]
    if form.fullmatch(given) is None:
        raise ParameterError(wanted.name, given, f"is no {noun}", tuple(bounds))
    value = Decimal(given)
    low = wanted.low is not None and value < wanted.low
    if low or (wanted.high is not None and value > wanted.high):
        raise ParameterError(wanted.name, given, "is out of bounds", tuple(bounds))
    return ox.Literal(given, datatype=XSD_INTEGER if wanted.integer else XSD_DECIMAL)


def key_of(iri: str) -> str:
    """The last part of an IRI."""
    return re.split(r"[/#]", iri)[-1]


def places(text: str) -> dict[str, tuple[int, int]]:
    """Where in a query `VALUES ?name { … }` holds the default of each name: between the braces.

    Of a name with several such blocks, the first.
    """
    found: dict[str, tuple[int, int]] = {}
    body = [*solid(text)]
    for at, (word, name, brace) in enumerate(zip(body, body[1:], body[2:], strict=False)):
        opens = word.lastgroup == "word" and word[0].lower() == "values" and brace[0] == "{"
        if opens and name.lastgroup == "variable":
            close = next((token for token in body[at + 3 :] if token[0] == "}"), None)
            if close is not None:
                found.setdefault(name[0][1:], (brace.end(), close.start()))
    return found


def bound(text: str, terms: Mapping[str, Term]) -> str:
    """The query with these terms where the defaults of the names stand.

    Raises KeyError for a name that has no place in the text.
    """
    where = places(text)
    for name in sorted(terms, key=lambda name: where[name], reverse=True):
        start, end = where[name]
        text = f"{text[:start]} {terms[name]} {text[end:]}"
    return text
