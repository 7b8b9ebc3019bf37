"""A saved question on its way to a query: found by its name, its parameters filled in.

Rule: moves texts only; who evaluates, and where, is not known here.
"""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

import pyoxigraph as ox

from rokgraph import parameters
from rokgraph.curies import full_iri
from rokgraph.errors import ParameterError, QueryError
from rokgraph.library import SavedQuery, saved_query
from rokgraph.query import Query


def question(questions: Sequence[SavedQuery], name: str) -> SavedQuery:
    """The question of that name.

    Raises QueryError, which tells the names that come near.
    """
    for saved in questions:
        if saved.name == name:
            return saved
    near = get_close_matches(name, [saved.name for saved in questions], cutoff=0.4)
    told = f" Near to it: {', '.join(near)}." if near else ""
    raise QueryError(f"There is no question {name[:100]!r}.{told}")


def classes(saved: SavedQuery) -> set[str | None]:
    """The classes, as CURIEs, whose members its parameters may be; None: anything's."""
    return {wanted.of for wanted in saved.parameters.values() if wanted.kind == "iri"}


def members_query(root: Path, of: str | None, prefixes: Mapping[str, str]) -> Query:
    """The query whose column `member` lists what is of the class `of`, a CURIE."""
    text = saved_query(root / "queries" / "pages" / "members.rq").text
    node = () if of is None else (("class", str(ox.NamedNode(full_iri(of, prefixes)))),)
    return Query(text, bindings=node)


def filled(
    saved: SavedQuery,
    given: Mapping[str, object],
    members: Mapping[str | None, tuple[str, ...]],
    prefixes: Mapping[str, str],
) -> Query:
    """The question with the given values in the place of its defaults.

    `members` maps each of `classes(saved)` to the IRIs of its members.

    Raises ParameterError for a parameter that it does not have, or a value that it does not take.
    """
    terms = {}
    for name, value in given.items():
        wanted = saved.parameters.get(name)
        if wanted is None:
            known = tuple(saved.parameters)
            raise ParameterError(name, str(value), f"is given, but {saved.name} has no such", known)
        allowed = members.get(wanted.of, ()) if wanted.kind == "iri" else ()
        terms[name] = parameters.term(wanted, str(value), allowed, prefixes)
    return Query(parameters.bound(saved.text, terms))
