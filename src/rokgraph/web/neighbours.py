"""What is next to a thing: rows of neighbourhood.rq in, branches of a picture and links out.

Rule: the rows decide what is shown and whether it is stated; here they are put together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from rokgraph.curies import short_iri
from rokgraph.web.branches import Branch, Leaf
from rokgraph.web.graph_names import UNSTATED, graph_name
from rokgraph.web.language import LANGUAGES

PATH = "/neighbourhood"
_Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Limits:
    """How many branches a picture has, and how many leaves each; 0 for all."""

    branches: int = 0
    leaves: int = 0


ASIDE, PAGE = Limits(5, 3), Limits(0, 7)


def address(of: str, prefixes: Mapping[str, str], by: str = "") -> str:
    """The page of the neighbourhood of a thing, by one property only if there is one."""
    given = {"of": short_iri(of, prefixes)} | ({"by": short_iri(by, prefixes)} if by else {})
    return f"{PATH}?{urlencode(given, safe=':')}"


def told(row: _Row, stem: str, language: str) -> tuple[str, str]:
    """The name of `stem` in a row and its language: the reader's, else the other one, else none."""
    for one in (language, *LANGUAGES):
        if name := row.get(stem + one.title(), ""):
            return name, one
    return row.get(stem, "").rpartition("/")[2].rpartition("#")[2], ""


def merged(rows: Sequence[_Row]) -> list[_Row]:
    """One row for each link: of several classes or strategies of a neighbour the first."""
    found: dict[tuple[str, ...], _Row] = {}
    for row in rows:
        found.setdefault((row["direction"], row["property"], row["neighbour"]), row)
    return [*found.values()]


def branches(
    rows: Sequence[_Row], language: str, limits: Limits, more: str, prefixes: Mapping[str, str]
) -> list[Branch]:
    """The branches of a picture; `more` is what a link to the rest of one is called."""
    links: dict[tuple[str, str], list[_Row]] = {}
    for row in merged(rows):
        links.setdefault((row["direction"], row["property"]), []).append(row)
    found = [_branch(group, language, limits.leaves, more, prefixes) for group in links.values()]
    return found[: limits.branches or None]


def basis(row: _Row, language: str) -> str:
    """What a link rests on, in a word."""
    return graph_name(row.get("graph", ""), language, note=row["note"] == "true")


def dashed(row: _Row) -> bool:
    """Whether a link is not what the text, the law or a scheme says, but follows or is ours."""
    return row["note"] == "true" or row.get("graph") in UNSTATED


def _branch(
    rows: Sequence[_Row], language: str, most: int, more: str, prefixes: Mapping[str, str]
) -> Branch:
    first = rows[0]
    cut = bool(most) and len(rows) > most
    leaves = [_leaf(row, language, prefixes) for row in rows[: most if cut else None]]
    if cut:
        rest = address(first["of"], prefixes, first["property"])
        leaves.append(Leaf(more, language, rest, inferred=leaves[-1].inferred, dot=False))
    return Branch(called(first, language), first["direction"] == "from", leaves)


def called(row: _Row, language: str) -> str:
    """How a link is called as seen from the thing: by the name of its inverse where there is one.

    An arrow stands before it where there is none and the link leads to the thing.
    """
    if row["direction"] == "to":
        return told(row, "property", language)[0]
    return told(row, "back", language)[0] or f"← {told(row, 'property', language)[0]}"


def _leaf(row: _Row, language: str, prefixes: Mapping[str, str]) -> Leaf:
    name, named_in = told(row, "neighbour", language)
    number = row.get("strategy", "")
    return Leaf(
        name,
        named_in,
        address(row["neighbour"], prefixes),
        basis(row, language),
        inferred=dashed(row),
        hue=int(number) if number.isdigit() else 0,
    )
