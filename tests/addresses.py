"""Every kind of page, by address: what the tests of pages walk.

Rule: the one list; a page that is not on it is not tested, so a test compares it with the routes.
"""

from dataclasses import dataclass
from functools import cache
from urllib.parse import urlencode

from rokgraph.library import saved_queries
from rokgraph.snapshot import load_built_in
from rokgraph.vocab import BASE
from rokgraph.web.signposting import local
from running import ROOT

LANGUAGES = ("en", "ko")
_TASK = f"{BASE}id/task/1-1"
_QUERY = """PREFIX rok: <https://w3id.org/rokgraph/ont#>
SELECT ?task ?number WHERE { ?task a rok:Task ; rok:ordinal ?number } ORDER BY ?task"""
_WRONG = "SELECT ?task WHERE {\n  ?task a rok:Task ;;; }"
# One member of each class that is a document of its own: a node that is a part of one is not.
_MEMBERS = """
SELECT ?class (MIN(STR(?one)) AS ?iri) WHERE {
  ?one a ?class
  FILTER(STRSTARTS(STR(?one), "https://w3id.org/rokgraph/") && !CONTAINS(STR(?one), "#"))
} GROUP BY ?class ORDER BY ?iri ?class"""
_NOT_PAGES = {"ont", "shapes", "prefixes"}  # first segments with pages of their own kind


@dataclass(frozen=True, slots=True)
class Address:
    """A page: what the tests call it, its path and query, the status it answers with."""

    name: str
    path: str
    status: int = 200

    def url(self, language: str | None = None) -> str:
        """The path, with the language named if there is one."""
        if language is None:
            return self.path
        return f"{self.path}{'&' if '?' in self.path else '?'}lang={language}"

    @property
    def edits(self) -> bool:
        """Whether it has the query editor: the one page that may be heavy, whatever it answers."""
        return self.path.partition("?")[0] == "/sparql"

    def __str__(self) -> str:
        """As in the id of a test."""
        return self.name


def _asked(path: str, **given: str) -> str:
    return f"{path}?{urlencode(given)}"


FIXED = (
    Address("overview", "/"),
    Address("tasks", "/tasks"),
    Address("laws", "/laws"),
    Address("trace", "/trace"),
    Address("timeline", "/timeline"),
    Address("figures", "/figures"),
    Address("picture", "/picture"),
    Address("neighbourhood", _asked("/neighbourhood", of=_TASK)),
    Address("about", "/about"),
    Address("validation", "/validation"),
    Address("patterns", "/patterns"),
    Address("problems", "/problems"),
    Address("questions", "/queries/"),
    Address("data", "/data/"),
    Address("catalogue", "/catalogue"),
    Address("ontology", "/ont"),
    Address("search-form", "/search"),
    Address("search", _asked("/search", q="artificial intelligence")),
    Address("search-korean", _asked("/search", q="인공지능")),
    Address("editor", "/sparql"),
    Address("result", _asked("/sparql", query=_QUERY)),
    Address("syntax-error", _asked("/sparql", query=_WRONG), 400),
    Address("error", "/id/task/nothing-like-it", 404),
)


@cache
def questions() -> tuple[Address, ...]:
    """A question of each view, and one that takes parameters."""
    saved = saved_queries(ROOT, "questions")
    first = {query.view: query.name for query in reversed(saved)}
    chosen = {f"question-{view}": name for view, name in first.items()}
    chosen["question-asked"] = [query.name for query in saved if query.parameters][-1]
    return tuple(Address(name, f"/queries/{of}") for name, of in sorted(chosen.items()))


@cache
def entities() -> tuple[Address, ...]:
    """A thing of each class, once."""
    store = load_built_in(ROOT).store
    found: dict[str, Address] = {}
    for row in store.query(_MEMBERS, use_default_graph_as_union=True):  # type: ignore[union-attr]
        iri = row["iri"].value
        key = iri.removeprefix(BASE)
        if key.partition("/")[0] not in _NOT_PAGES and iri not in found:
            name = "thing-" + key.removeprefix("id/").replace("/", "-")
            found[iri] = Address(name, "/doc" + local(iri))
    return tuple(found.values())


def every() -> tuple[Address, ...]:
    """All of them."""
    return (*FIXED, *questions(), *entities())
