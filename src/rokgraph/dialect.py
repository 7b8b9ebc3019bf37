"""The small layer between SPARQL as it is recommended and SPARQL as the engine reads it.

Rule: looks at tokens, never at structure; what it changes means the same, or is not changed.

A token is found by the terminals of the grammar, the longest first, so a word inside a string, an
IRI, a comment or a name is never taken for a keyword. Where a text holds no token, it is read no
further: then nothing after that place is touched.
See https://www.w3.org/TR/sparql12-query/#sparqlGrammar
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, dropwhile, pairwise

from rokgraph.complaints import fault
from rokgraph.errors import QuerySyntaxError
from rokgraph.tokens import solid, tokens

_AGGREGATES = frozenset({"avg", "count", "group_concat", "max", "min", "sample", "sum"})
_AGGREGATE = re.compile(rf"(?i)\b(?:{'|'.join(sorted(_AGGREGATES))})\s*\(")
_REWRITABLE = re.compile(
    r"(?i)\bselect\s+(?:distinct\s*|reduced\s*)?\*|\bselect\*|\bgroup_concat\b"
)
_AFTER_DESCRIBED = frozenset({"where", "order", "group", "having", "limit", "offset", "values"})


def has_dataset_clause(text: str) -> bool:
    """Whether a query names its dataset with FROM or FROM NAMED.

    The engine ignores these clauses when told to take the union as default graph, so it must be
    known before. See https://www.w3.org/TR/sparql11-query/#specifyingDataset
    """
    return "from" in text.lower() and any(
        token.lastgroup == "word" and token[0].lower() == "from" for token in tokens(text)
    )


def lower_booleans(text: str) -> str:
    """The query with TRUE and FALSE in small letters, every other character in its place.

    Keywords match whatever their case, and the engine takes only small ones here.
    See https://www.w3.org/TR/sparql11-query/#sparqlGrammar, note 1
    """
    pieces: list[str] = []
    end = 0
    for token in tokens(text):
        if token.lastgroup == "word" and token[0].lower() in ("true", "false"):
            pieces += (text[end : token.start()], token[0].lower())
            end = token.end()
    return "".join((*pieces, text[end:]))


def misuse(text: str) -> QuerySyntaxError | None:
    """A fault that the engine lets pass: an aggregate within an aggregate.

    See https://www.w3.org/TR/sparql12-query/#sparqlGrammar, note 12
    """
    if text.count("(") <= 1 or not _may_nest(text):
        return None
    within: list[bool] = []  # for each bracket that is open: is it part of an aggregate?
    for before, token in pairwise(solid(text)):
        if token[0] in ("(", "<<("):
            outer = bool(within) and within[-1]
            begins = token[0] == "(" and before[0].lower() in _AGGREGATES
            if outer and begins:
                return fault(text, before.start(), "an aggregate in an aggregate")
            within.append(outer or begins)
        elif token[0] in ("{", "{|"):
            within.append(False)
        elif token[0] in (")", "}", "|}", ")>>") and within:
            within.pop()
    return None


def _may_nest(text: str) -> bool:
    """Whether between two aggregates the first may be open still; brackets in strings may count."""
    lowered = text.lower()
    if sum(map(lowered.count, _AGGREGATES)) <= 1:  # to look for them as words takes longer
        return False
    for one, other in pairwise(_AGGREGATE.finditer(text)):
        between = text[one.end() : other.start()]
        hidden = any(sign in between for sign in "\"'#<")
        if hidden or between.count(")") <= between.count("("):
            return True
    return False


def rewritable(text: str) -> bool:
    """Whether `rewritten` may have something to do."""
    return ("*" in text or "_" in text) and _REWRITABLE.search(text) is not None


def rewritten(text: str, names: Iterable[str]) -> str:
    """The same well-formed query so put that the engine answers it as recommended.

    `names` are the variables of its solutions. The columns of `SELECT *` come in the order of
    the text; the engine sorts them, the recommendation leaves it open, readers of CSV expect it.
    GROUP_CONCAT is a plain string; the engine gives it the language that its parts share.
    See https://www.w3.org/TR/sparql11-query/#selectClause and #aggGroupConcat
    """
    body = _from_form(text)
    edits = [*_columns(body, names), *_plain_strings(body)]
    for start, end, piece in sorted(edits, reverse=True):
        text = text[:start] + piece + text[end:]
    return text


_Edit = tuple[int, int, str]


def _columns(body: list[re.Match[str]], names: Iterable[str]) -> Iterator[_Edit]:
    star = next((token for token in body[:3] if token[0] == "*"), None)
    if star is None or body[0][0].lower() != "select":
        return
    wanted = dict.fromkeys(names)
    seen = (token[0][1:] for token in body if token.lastgroup == "variable")
    order = [*dict.fromkeys(name for name in chain(seen, wanted) if name in wanted)]
    if order != [*wanted]:
        yield star.start(), star.end(), f" {' '.join('?' + name for name in order)} "


def _plain_strings(body: list[re.Match[str]]) -> Iterator[_Edit]:
    within: list[bool] = []
    for before, token in pairwise(body):
        if token[0] == "(":
            within.append(before[0].lower() == "group_concat")
            if within[-1]:
                yield before.start(), before.start(), "STR("
        elif token[0] == ")" and within and within.pop():
            yield token.end(), token.end(), ")"


@dataclass(frozen=True, slots=True)
class Description:
    """What a DESCRIBE query asks to be described, as other queries that the engine can answer.

    `named` are the resources written after DESCRIBE, as written; `select` is the query whose
    solutions hold the others, None without variables; `graphs` are those of FROM, as written,
    None where the query names no dataset.
    """

    prologue: str
    named: tuple[str, ...]
    select: str | None
    graphs: tuple[str, ...] | None

    def listing(self, names: Iterable[str]) -> str:
        """A query whose solutions are these IRIs, made absolute."""
        return f"{self.prologue} SELECT ?iri {{ VALUES ?iri {{ {' '.join(names)} }} }}"


def description(text: str) -> Description | None:
    """What a well-formed DESCRIBE query asks; None for another query.

    See https://www.w3.org/TR/sparql11-query/#describe
    """
    if "describe" not in text.lower():
        return None
    found = iter(_from_form(text))
    form = next(found, None)
    if form is None or form[0].lower() != "describe":
        return None
    named: list[str] = []
    variables: list[str] = []
    graphs: list[str] | None = None
    rest = len(text)
    for token in found:
        word = token[0].lower()
        if word == "from" or word in _AFTER_DESCRIBED or word == "{":
            rest = min(rest, token.start())
        if word == "from":
            graphs = [] if graphs is None else graphs
            graph = next(found)
            if graph[0].lower() == "named":
                next(found)
            else:
                graphs.append(graph[0])
        elif rest < len(text):
            break
        elif token.lastgroup in ("iri", "name"):
            named.append(token[0])
        else:
            variables.append(token[0])
    prologue = text[: form.start()]
    return Description(
        prologue,
        tuple(named),
        f"{prologue}SELECT {' '.join(variables)} {text[rest:]}" if variables else None,
        None if graphs is None else tuple(graphs),
    )


def counted(text: str) -> str:
    """A query whose one solution has as `?total` how many solutions a SELECT query has.

    `text` is well-formed and names no dataset.
    See https://www.w3.org/TR/sparql11-query/#subqueries
    """
    form = _from_form(text)[0].start()
    return f"{text[:form]}SELECT (COUNT(*) AS ?total)\nWHERE {{ {{\n{text[form:].rstrip()}\n}} }}\n"


def sliced(text: str, limit: int | None, offset: int) -> str:
    """`limit` solutions of a SELECT query, all for None, after the first `offset`.

    `text` is well-formed and has no LIMIT, OFFSET or VALUES at its end.
    See https://www.w3.org/TR/sparql11-query/#modOffset
    """
    if limit is not None:
        text = f"{text.rstrip()}\nLIMIT {limit:d}\n"
    return f"{text.rstrip()}\nOFFSET {offset:d}\n" if offset else text


def _from_form(text: str) -> list[re.Match[str]]:
    """The tokens from the query form on: past BASE, PREFIX and VERSION."""
    prologue = ("base", "prefix", "version")
    return [
        *dropwhile(
            lambda token: token.lastgroup != "word" or token[0].lower() in prologue, solid(text)
        )
    ]
