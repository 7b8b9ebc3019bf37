"""SPARQL at random: queries by the grammar over terms of our data, and queries that are broken.

Rule: writes text, asks nobody. What it writes is bounded, so that most of it ends soon.
"""

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyoxigraph as ox
from hypothesis import strategies as st

from rokgraph.snapshot import load_built_in
from running import ROOT

_DEPTH = 3
_VARIABLES = ("?a", "?b", "?c", "?d", "$e", "?가")
_ODD = (
    '""', '"\\u0000"', '"a\\uFFFEb"', "'''it's\n\"so\"'''", '"(a+)+$"', '"[[:alpha:]"', '"\\\\"',
    '"x"@en', '"x"@ko-Kore-KR', '"x"@en--ltr', "true", "false", "0", "-1", "1e400", "-0.0", "1.",
    "99999999999999999999999999", '"NaN"^^xsd:double', '"nonsense"^^xsd:integer',
    '"2024-02-30"^^xsd:date', '"2024-01-01T00:00:00+14:01"^^xsd:dateTime', '"P1Y"^^xsd:duration',
    '"0000"^^xsd:gYear', '"<a>"^^rdf:XMLLiteral', '"x"^^<http://example.org/ nothing>', '"💥"',
)  # fmt: skip
_PREFIXES = """PREFIX rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#>
PREFIX xsd: <http://www.w3.org/2001/XMLSchema#>
PREFIX : <http://example.org/>
"""
# name, fewest arguments, most
_FUNCTIONS = (
    ("STR", 1, 1), ("LANG", 1, 1), ("LANGMATCHES", 2, 2), ("DATATYPE", 1, 1), ("IRI", 1, 1),
    ("BNODE", 0, 1), ("RAND", 0, 0), ("ABS", 1, 1), ("CEIL", 1, 1), ("FLOOR", 1, 1),
    ("ROUND", 1, 1), ("CONCAT", 0, 4), ("STRLEN", 1, 1), ("UCASE", 1, 1), ("LCASE", 1, 1),
    ("ENCODE_FOR_URI", 1, 1), ("CONTAINS", 2, 2), ("STRSTARTS", 2, 2), ("STRENDS", 2, 2),
    ("STRBEFORE", 2, 2), ("STRAFTER", 2, 2), ("YEAR", 1, 1), ("MONTH", 1, 1), ("DAY", 1, 1),
    ("HOURS", 1, 1), ("SECONDS", 1, 1), ("TIMEZONE", 1, 1), ("TZ", 1, 1), ("NOW", 0, 0),
    ("UUID", 0, 0), ("STRUUID", 0, 0), ("MD5", 1, 1), ("SHA1", 1, 1), ("SHA256", 1, 1),
    ("SHA384", 1, 1), ("SHA512", 1, 1), ("COALESCE", 0, 3), ("IF", 3, 3), ("STRLANG", 2, 2),
    ("STRDT", 2, 2), ("sameTerm", 2, 2), ("isIRI", 1, 1), ("isBlank", 1, 1), ("isLiteral", 1, 1),
    ("isNumeric", 1, 1), ("REGEX", 2, 3), ("REPLACE", 3, 4), ("SUBSTR", 2, 3),
    ("xsd:integer", 1, 1), ("xsd:double", 1, 1), ("xsd:dateTime", 1, 1), ("xsd:boolean", 1, 1),
    ("<http://example.org/unknown>", 0, 2), ("TRIPLE", 3, 3), ("SUBJECT", 1, 1),
)  # fmt: skip
_AGGREGATES = ("COUNT", "SUM", "MIN", "MAX", "AVG", "SAMPLE", "GROUP_CONCAT")
_OPERATORS = ("=", "!=", "<", ">", "<=", ">=", "+", "-", "*", "/", "&&", "||")
_TOKEN = re.compile(r'"[^"\n]*"|<[^>\s]*>|[?$]\w+|#[^\n]*|[\w:.-]+|\s+|\S')

_DOUBLED = 'BIND("abcdefgh" AS ?z0) ' + " ".join(
    f"BIND(CONCAT(?z{number}, ?z{number}) AS ?z{number + 1})" for number in range(34)
)

Draw = Callable[[st.SearchStrategy[Any]], Any]


@dataclass(frozen=True)
class Terms:
    """Terms of our data as they are written in a query."""

    properties: tuple[str, ...]
    subjects: tuple[str, ...]
    objects: tuple[str, ...]
    graphs: tuple[str, ...]


@functools.cache
def terms() -> Terms:
    """A hundred or so of each, the same every time."""
    store = load_built_in(ROOT).store
    quads = sorted(store, key=str)[:: max(1, len(store) // 400)]

    def written(found: set[Any]) -> tuple[str, ...]:
        return tuple(sorted(str(term) for term in found if not isinstance(term, ox.BlankNode)))

    return Terms(
        written({quad.predicate for quad in store}),
        written({quad.subject for quad in quads}),
        written({quad.object for quad in quads}),
        written(set(store.named_graphs())),
    )


@functools.cache
def questions() -> tuple[str, ...]:
    """The saved questions."""
    return tuple(path.read_text() for path in sorted((ROOT / "queries/questions").glob("*.rq")))


class _Writer:
    """Writes a query: every choice is drawn."""

    def __init__(self, draw: Draw) -> None:
        self._draw = draw
        self._terms = terms()

    def _one(self, *options: str) -> str:
        return str(self._draw(st.sampled_from(options)))

    def _number(self, least: int, most: int) -> int:
        return int(self._draw(st.integers(least, most)))

    def _rarely(self) -> bool:
        return self._number(0, 5) == 0

    def query(self) -> str:
        head = _PREFIXES
        if self._rarely():
            head += self._one("BASE <http://example.org/>\n", "PREFIX : <#>\n", "# 주석\n")
        form = self._one("SELECT", "SELECT", "SELECT", "ASK", "CONSTRUCT", "DESCRIBE")
        return f"{head}{getattr(self, f'_{form.lower()}_query')()}"

    def _select_query(self) -> str:
        return self._select(0)

    def _ask_query(self) -> str:
        return f"ASK {self._dataset()}{self._group(0)}"

    def _construct_query(self) -> str:
        if self._rarely():
            return f"CONSTRUCT WHERE {{ {self._triples(paths=False)} }} {self._modifiers()}"
        template = " ".join(self._triples(paths=False) for _ in range(self._number(0, 2)))
        where = f"{self._dataset()}WHERE {self._group(0)}"
        return f"CONSTRUCT {{ {template} }} {where} {self._modifiers()}"

    def _describe_query(self) -> str:
        if self._number(0, 1):
            return f"DESCRIBE {self._one(*self._terms.subjects)} {self._dataset()}"
        what = self._one("*", "?a", "?a ?b", f"{self._one(*self._terms.subjects)} ?c")
        return f"DESCRIBE {what} {self._dataset()}WHERE {self._group(1)} LIMIT 3"

    def _dataset(self) -> str:
        if not self._rarely():
            return ""
        graphs = (*self._terms.graphs, "<http://example.org/none>", "<relative>")
        return "".join(
            f"{self._one('FROM', 'FROM NAMED')} {self._one(*graphs)} "
            for _ in range(self._number(1, 2))
        )

    def _select(self, depth: int) -> str:
        shape = self._one("*", "variables", "expressions", "group")
        word = self._one("SELECT", "SELECT DISTINCT", "SELECT REDUCED")
        group = ""
        if shape == "*":
            what = "*"
        elif shape == "variables":
            what = " ".join(self._one(*_VARIABLES) for _ in range(self._number(1, 3)))
        elif shape == "expressions":
            what = " ".join(
                f"({self._expression(1)} AS ?x{number})" for number in range(self._number(1, 2))
            )
        else:
            by = self._one(*_VARIABLES)
            what = f"{by} ({self._aggregate()} AS ?x0)"
            group = f" GROUP BY {by}"
            if self._rarely():
                group += f" HAVING ({self._aggregate()} > 1)"
        dataset = "" if depth else self._dataset()
        where = self._group(depth)
        values = f" {self._values()}" if self._rarely() else ""
        return f"{word} {what} {dataset}WHERE {where}{group} {self._modifiers()}{values}"

    def _modifiers(self) -> str:
        text = ""
        if self._rarely():
            order = self._one("?a", "DESC(?b)", f"ASC({self._expression(2)})")
            text += f"ORDER BY {order} "
        if self._number(0, 3):
            text += f"LIMIT {self._one('0', '1', '10', '100', '1000')} "
        if self._rarely():
            text += f"OFFSET {self._one('0', '5', '100000')}"
        return text

    def _aggregate(self) -> str:
        name = self._one(*_AGGREGATES)
        distinct = self._one("", "", "DISTINCT ")
        if name == "COUNT" and self._number(0, 1):
            return f"COUNT({distinct}*)"
        separator = "; SEPARATOR=', '" if name == "GROUP_CONCAT" and self._number(0, 1) else ""
        return f"{name}({distinct}{self._expression(2)}{separator})"

    def _group(self, depth: int) -> str:
        parts = [self._triples()] if self._number(0, 4) else []
        more = self._number(0, _DEPTH - depth) if depth < _DEPTH else 0
        parts += [self._part(depth + 1) for _ in range(more)]
        return "{ " + " ".join(parts) + " }"

    def _part(self, depth: int) -> str:
        kind = self._one(
            "triples", "OPTIONAL", "UNION", "MINUS", "FILTER", "FILTER", "BIND", "VALUES", "GRAPH",
            "SERVICE", "select", "group", "EXISTS", "heavy",
        )  # fmt: skip
        match kind:
            case "heavy" if self._rarely():
                return self._one("?h ?i ?j . ?k ?l ?m .", "?h !(:) ?i . ?j (!(:))* ?k .", _DOUBLED)
            case "UNION":
                return f"{self._group(depth)} UNION {self._group(depth)}"
            case "FILTER":
                return f"FILTER({self._expression(1)})"
            case "BIND":
                return f"BIND({self._expression(1)} AS ?y{self._number(0, 9)})"
            case "VALUES":
                return self._values()
            case "GRAPH":
                name = self._one("?g", *self._terms.graphs, "<http://example.org/none>")
                return f"GRAPH {name} {self._group(depth)}"
            case "SERVICE":
                word = self._one("SERVICE", "SERVICE SILENT", "service")
                return f"{word} {self._one('<http://127.0.0.1:9/>', '?a')} {self._group(depth)}"
            case "select":
                return f"{{ {self._select(depth)} }}"
            case "group":
                return self._group(depth)
            case "EXISTS":
                return f"FILTER {self._one('EXISTS', 'NOT EXISTS')} {self._group(depth)}"
            case "OPTIONAL" | "MINUS":
                return f"{kind} {self._group(depth)}"
            case _:
                return self._triples()

    def _values(self) -> str:
        if self._number(0, 1):
            terms_ = " ".join(self._value() for _ in range(self._number(0, 3)))
            return f"VALUES {self._one(*_VARIABLES)} {{ {terms_} }}"
        rows = " ".join(f"({self._value()} {self._value()})" for _ in range(self._number(0, 3)))
        return f"VALUES (?a ?b) {{ {rows} }}"

    def _value(self) -> str:
        return self._one("UNDEF", self._constant())

    def _constant(self) -> str:
        if self._rarely():
            return self._one(*_ODD)
        return self._one(*self._terms.subjects, *self._terms.objects)

    def _triples(self, *, paths: bool = True) -> str:
        written = []
        for _ in range(self._number(1, 2)):
            subject = self._one(*_VARIABLES, self._one(*self._terms.subjects), "[]", "_:b")
            verb = self._path(0) if paths and self._rarely() else self._verb()
            object_ = self._one(*_VARIABLES, self._constant())
            if self._rarely():
                object_ = self._one(
                    "[ ?a ?b ]", "(?a ?b)", "()", f"{object_}, ?d", "<<(?a ?b ?c)>>"
                )
            written.append(f"{subject} {verb} {object_} .")
        return " ".join(written)

    def _verb(self) -> str:
        return self._one("?p", "a", *self._terms.properties)

    def _path(self, depth: int) -> str:
        step = self._one("a", *self._terms.properties)
        if depth == 2:
            return step
        match self._one("step", "^", "/", "|", "*", "+", "?", "!", "!()"):
            case "^":
                return f"^{step}"
            case "/":
                return f"({self._path(depth + 1)}/{self._path(depth + 1)})"
            case "|":
                return f"({self._path(depth + 1)}|{self._path(depth + 1)})"
            case "*":
                return f"({self._path(depth + 1)})*"
            case "+":
                return f"({self._path(depth + 1)})+"
            case "?":
                return f"({self._path(depth + 1)})?"
            case "!":
                return f"!{step}"
            case "!()":
                return f"!({step}|^{step})"
            case _:
                return step

    def _expression(self, depth: int) -> str:
        kind = self._one("leaf", "leaf", "function", "operator", "!", "IN", "BOUND", "aggregate")
        if depth > _DEPTH or kind == "leaf":
            return self._one(*_VARIABLES, self._constant())
        match kind:
            case "function":
                name, least, most = self._draw(st.sampled_from(_FUNCTIONS))
                arguments = [self._expression(depth + 1) for _ in range(self._number(least, most))]
                return f"{name}({', '.join(arguments)})"
            case "operator":
                left, right = self._expression(depth + 1), self._expression(depth + 1)
                return f"({left} {self._one(*_OPERATORS)} {right})"
            case "!":
                return f"{self._one('!', '-', '+')}({self._expression(depth + 1)})"
            case "IN":
                listed = ", ".join(self._expression(depth + 1) for _ in range(self._number(0, 3)))
                return f"({self._expression(depth + 1)} {self._one('IN', 'NOT IN')} ({listed}))"
            case "aggregate" if self._rarely():
                return self._aggregate()
            case _:
                return f"BOUND({self._one(*_VARIABLES)})"


@st.composite
def queries(draw: Draw) -> str:
    """A query by the grammar; a rule of scope may be broken all the same."""
    return _Writer(draw).query()


@st.composite
def mutants(draw: Draw) -> bytes:
    """A saved question, or a query by the grammar, with a few faults put in."""
    text = draw(st.one_of(st.sampled_from(questions()), queries()))
    tokens = _TOKEN.findall(text)
    for _ in range(draw(st.integers(1, 4))):
        tokens = _mutated(draw, tokens)
    data = "".join(tokens).encode("utf-8", "surrogatepass")
    if draw(st.integers(0, 7)) == 0:
        at = draw(st.integers(0, len(data)))
        data = data[:at] + draw(st.binary(min_size=1, max_size=8)) + data[at:]
    return data


def _mutated(draw: Draw, tokens: list[str]) -> list[str]:
    """The tokens with one fault more."""
    if not tokens:
        return ["SELECT"]
    at, other = (draw(st.integers(0, len(tokens) - 1)) for _ in range(2))
    low, high = min(at, other), max(at, other)
    kind = draw(
        st.sampled_from(
            ("delete", "double", "swap", "replace", "insert", "cut", "case", "nest", "copy")
        )
    )
    match kind:
        case "delete":
            return tokens[:at] + tokens[at + 1 :]
        case "double":
            return tokens[: at + 1] + tokens[at:]
        case "swap":
            swapped = tokens.copy()
            swapped[at], swapped[other] = tokens[other], tokens[at]
            return swapped
        case "replace":
            return [*tokens[:at], tokens[other], *tokens[at + 1 :]]
        case "insert":
            return [*tokens[:at], draw(st.text(min_size=1, max_size=8)), *tokens[at:]]
        case "cut":
            return tokens[:at]
        case "case":
            return [*tokens[:at], tokens[at].swapcase(), *tokens[at + 1 :]]
        case "copy":  # at most doubles it, and there are few
            return tokens[:high] + tokens[low:]
        case _:
            begin, end = draw(st.sampled_from((("(", ")"), ("{ ", " }"), ("!(", ")"), ("[", "]"))))
            depth = draw(st.sampled_from((2, 20, 200, 2_000, 20_000, 100_000)))
            return [*tokens[:at], begin * depth, tokens[at], end * depth, *tokens[at + 1 :]]
