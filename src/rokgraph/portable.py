"""A well-formed query, so put that another engine answers it as this one would.

Rule: looks at tokens, never at structure; what it changes means the same.

Other engines know no values that variables have from the start, and resolve relative IRIs against
addresses of their own. Whether a query calls yet another endpoint is seen here too, since no engine
but ours can be kept from doing it. See https://www.w3.org/TR/sparql11-query/#sparqlGrammar
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from urllib.parse import urljoin

from rokgraph.dialect import has_dataset_clause, lower_booleans
from rokgraph.query import Query
from rokgraph.tokens import solid, tokens

_BOOLEAN = re.compile(r"(?i)\b(?:true|false)\b")
_SCHEME = re.compile(r"<[A-Za-z][A-Za-z0-9+.-]*:")
# https://www.w3.org/TR/sparql11-query/#codepointEscape
_ESCAPED = re.compile(r"\\u([0-9A-Fa-f]{4})|\\U([0-9A-Fa-f]{8})")
_LAST = 0x10FFFF
# Behind these words braces hold a list, a template, what is taken away, or what is asked of each
# solution, with its values.
_NO_GROUPS = frozenset({"values", "construct", "minus", "exists"})


def calls_elsewhere(text: str) -> bool:
    """Whether a query has, or may have to some reader of it, a SERVICE clause.

    Engines differ in when they resolve the escapes of code points, so both texts are looked at; one
    that holds the word and cannot be read to its end counts as calling.
    """
    resolved = _ESCAPED.sub(_character, text)
    if "service" not in resolved.lower() and "service" not in text.lower():
        return False
    return any(map(_has_service, {text, resolved}))


def _character(escape: re.Match[str]) -> str:
    code = int(escape[1] or escape[2], 16)
    return chr(code) if code <= _LAST else escape[0]


def _has_service(text: str) -> bool:
    end = 0
    for token in tokens(text):
        if token.lastgroup == "word" and token[0].lower() == "service":
            return True
        end = token.end()
    return end < len(text)


def most_rows(text: str) -> int | None:
    """The LIMIT of a query as a whole, None where it has none."""
    if "limit" not in text.lower():
        return None
    depth, before, found = 0, "", None
    for token in solid(text):
        depth += (token[0] == "{") - (token[0] == "}")
        if not depth and before == "limit" and token.lastgroup == "number":
            found = int(token[0])
        before = token[0].lower()
    return found


def names_dataset(query: Query) -> bool:
    """Whether a query says which graphs it asks, in its text or beside it."""
    given = query.default_graphs is not None or query.named_graphs is not None
    return given or has_dataset_clause(query.text)


def portable(query: Query) -> str:
    """The text to ask another engine: with the base, values and signs that it means."""
    text = query.text
    if query.bindings:
        text = _with_values(text, dict(query.bindings))
    if any(found[0] not in ("true", "false") for found in _BOOLEAN.finditer(text)):
        text = lower_booleans(text)
    if "group_concat" in text.lower():
        text = _with_separators(text)
    if query.default_graphs is not None or query.named_graphs is not None:
        text = _without_dataset(text)
    return text if query.base_iri is None else _based(text, query.base_iri)


def _based(text: str, base: str) -> str:
    """The query with one absolute base, where it needs one: some engines take but one."""
    listed = list(solid(text))
    told = [at for at, token in enumerate(listed[1:], 1) if listed[at - 1][0].lower() == "base"]
    if len(told) > 1:
        return _absolute(text, base)
    if told:
        token = listed[told[0]]
        return f"{text[: token.start()]}<{_joined(base, token)}>{text[token.end() :]}"
    relative = any(_is_relative(token) for token in listed)
    # on the line that the engine counts as first
    return f"BASE <{base}> {text}" if relative else text


def _absolute(text: str, base: str) -> str:
    """The query with every IRI made absolute and the last of its bases, which IRI() takes.

    See https://www.w3.org/TR/sparql11-query/#relIRIs
    """
    pieces: list[str] = []
    end = 0
    declares: re.Match[str] | None = None
    for token in solid(text):
        if declares is not None:
            base = _joined(base, token)
            pieces.append(text[end : declares.start()])
            end = token.end()
        elif _is_relative(token):
            pieces += (text[end : token.start()], f"<{_joined(base, token)}>")
            end = token.end()
        declares = token if token[0].lower() == "base" else None
    return "".join((f"BASE <{base}> ", *pieces, text[end:]))


def _is_relative(token: re.Match[str]) -> bool:
    return token.lastgroup == "iri" and not _SCHEME.match(token[0])


def _joined(base: str, token: re.Match[str]) -> str:
    joined = urljoin(base, token[0][1:-1])
    # which leaves out an empty fragment, though it is one
    return f"{joined}#" if token[0].endswith("#>") and not joined.endswith("#") else joined


def for_virtuoso(text: str) -> str:
    """The query so put that Virtuoso 7 understands it as it is meant."""
    lowered = text.lower()
    if "isiri" in lowered or "isuri" in lowered:
        text = _strict_iris(text)
    return _chosen_tests(text) if "exists" in lowered and "bind" in lowered else text


def _chosen_tests(text: str) -> str:
    """The query with each EXISTS of a BIND as an IF, without which it is no operand of || or &&.

    See https://www.w3.org/TR/sparql11-query/#func-filter-exists
    """
    pieces: list[str] = []
    end, before = 0, ""
    within: list[str] = []  # each bracket that is open: what it belongs to
    start = 0  # of the word or two that say EXISTS
    for token in solid(text):
        word = token[0].lower()
        if word == "(":
            inherited = within[-1] if within and within[-1] == "bind" else ""
            within.append("bind" if before == "bind" else inherited)
        elif word == "not" or (word == "exists" and before != "not"):
            start = token.start()
        elif word == "{":
            tests = before == "exists" and bool(within) and within[-1] == "bind"
            within.append("test" if tests else "")
            if tests:
                pieces += (text[end:start], "IF(")
                end = start
        elif word in (")", "}") and within and within.pop() == "test":
            pieces += (text[end : token.end()], ", true, false)")
            end = token.end()
        before = word
    return "".join((*pieces, text[end:]))


def _strict_iris(text: str) -> str:
    """The query with ISIRI of a variable so put that no engine takes a blank node for an IRI.

    Virtuoso does. See https://www.w3.org/TR/sparql11-query/#func-isIRI
    """
    pieces: list[str] = []
    end = 0
    listed = list(solid(text))
    for at, token in enumerate(listed[:-3]):
        name, after = listed[at + 2], listed[at + 3]
        tests = token.lastgroup == "word" and token[0].lower() in ("isiri", "isuri")
        if tests and name.lastgroup == "variable" and after[0] == ")":
            tested = f"({text[token.start() : after.end()]} && !ISBLANK({name[0]}))"
            pieces += (text[end : token.start()], tested)
            end = after.end()
    return "".join((*pieces, text[end:]))


def _with_separators(text: str) -> str:
    """The query with the space that GROUP_CONCAT puts between values said, where nothing is said.

    Virtuoso has no default. See https://www.w3.org/TR/sparql11-query/#aggGroupConcat
    """
    pieces: list[str] = []
    end, before = 0, ""
    within: list[bool] = []  # for each bracket that is open: does it wait for a separator?
    for token in solid(text):
        word = token[0].lower()
        if word == "(":
            within.append(before == "group_concat")
        elif word == "separator" and within:
            within[-1] = False
        elif word == ")" and within and within.pop():
            pieces.append(f'{text[end : token.start()]}; SEPARATOR=" "')
            end = token.start()
        before = word
    return "".join((*pieces, text[end:]))


def _without_dataset(text: str) -> str:
    """The query without its FROM clauses: the parameters beside it win, and some engines add them.

    See https://www.w3.org/TR/sparql11-protocol/#dataset
    """
    pieces: list[str] = []
    end, clause = 0, False
    for token in solid(text):
        if token.lastgroup == "word" and token[0].lower() == "from":
            pieces.append(text[end : token.start()])
            clause = True
        elif clause and token.lastgroup in ("iri", "name"):
            end, clause = token.end(), False
    return "".join((*pieces, text[end:]))


def _with_values(text: str, values: Mapping[str, str]) -> str:
    """The query with VALUES at the beginning of each of its groups that uses one of those names.

    A group sees what is bound before it only where it is joined, and a FILTER in a branch of a
    UNION is not. See https://www.w3.org/TR/sparql11-query/#sparqlAlgebra
    """
    pieces: list[str] = []
    end = 0
    for group in sorted(_groups(solid(text)), key=attrgetter("start")):
        # the outermost one binds what is selected
        used = [name for name in values if group.outermost or name in group.names]
        pieces.append(text[end : group.start])
        pieces += (f" VALUES ?{name} {{ {values[name]} }}" for name in used)
        end = group.start
    return "".join((*pieces, text[end:]))


@dataclass(slots=True)
class _Group:
    """A group: where its inside begins, the names of variables that stand in it and in no other.

    `hidden`: it is no group of the query itself, but a subquery's, one that is taken away, or a
    list of values.
    """

    start: int
    outermost: bool
    hidden: bool
    names: set[str] = field(default_factory=set)


def _groups(found: Iterable[re.Match[str]]) -> Iterator[_Group]:
    """The groups of a query that are not hidden, each when it ends."""
    listed = list(found)
    within: list[_Group] = []
    opening = ""  # the word that said what the next brace opens
    for token, after in zip(listed, [*listed[1:], None], strict=True):
        word = token[0].lower()
        if word == "{":
            subquery = after is not None and after[0].lower() == "select"
            other = subquery or opening in _NO_GROUPS or any(each.hidden for each in within)
            within.append(_Group(token.end(), not within, other))
            opening = ""
        elif word == "}":
            group = within.pop()
            if not group.hidden:
                yield group
        elif token.lastgroup == "word":
            opening = word
        elif token.lastgroup == "variable" and within:
            within[-1].names.add(token[0][1:])
