"""The engine's complaint of a query, told so that its author can mend it.

Rule: finds the place and the words; whether a query is wrong, the engine alone decides.
"""

import re
from collections.abc import Callable, Mapping

from rokgraph.errors import QuerySyntaxError
from rokgraph.tokens import solid, tokens

_COMPLAINT = re.compile(r"^error at (\d+):(\d+): expected (?:one of )?(.*)$", re.DOTALL)
_EXPECTED = re.compile(
    r"""(?xs) "(?:\\.|[^"\\])*" | \[(?:'(?:\\u\{\w+\}|\\.|[^'])'|[^'\]])*\] | [^,"\[\]]+"""
)
_BEYOND_TOKENS = (
    "it breaks a rule of scope; a variable can be bound once only, and the label of a blank node "
    "belongs to one group of triples"
)
_QUOTES = {"'", '"', "'''", '"""'}
_TERM = {"$", "?", "<", ":", "true", "false", "_:", "[", "<<", "<<(", "+", "-", ".", "("} | _QUOTES
_OPERATORS = {"!=", "&&", "*", "+", "-", "/", "<", "<=", "=", ">", ">=", "||"}
# Name of a group of signs, the signs it stands for, and those that tell it.
_GROUPS: tuple[tuple[str, set[str], set[str]], ...] = (
    ("an expression", _TERM | {"!"}, {"!", "true", "("}),
    ("an operator", _OPERATORS, {"!=", "<="}),
    ("a property", {"!", "$", "(", ":", "<", "?", "^", "a"}, {"^", "a"}),
    ("a term", _TERM, {"true", "<"}),
    ("a variable", {"$", "?"}, set()),
    ("a prefixed name", {":"}, {"<", ":"}),
    ("an IRI", {"<"}, set()),
    ("a prefix such as ex:", {":"}, set()),
    ("a string", _QUOTES, set()),
)
_UPDATES = frozenset(
    {"add", "clear", "copy", "create", "delete", "drop", "insert", "load", "move", "with"}
)
_LISTED = 12
_SHOWN = 40
_APART = frozenset("(){}[];,")
_GAP = 24  # longer than any keyword of the grammar
_PLACED = 64 * 1024  # characters of a query in which a fault is placed to the token


def syntax_error(
    message: str, text: str, prefixes: Mapping[str, str], complain: Callable[[str], str | None]
) -> QuerySyntaxError:
    """The engine's complaint of a query, told so that its author can mend it.

    `prefixes` are those usual here; `complain` gives the engine's complaint of another text, None
    if it parses.
    """
    match = _COMPLAINT.match(message)
    if not match:
        return QuerySyntaxError(message)
    line, column = int(match[1]), int(match[2])
    undeclared = _undeclared(text, _offset(text, line, column), prefixes)
    if undeclared is not None:
        return undeclared
    placed = _placed(text, complain) if len(text) <= _PLACED else None
    return placed or QuerySyntaxError(_expected(match[3], ""), line=line, column=column)


def _undeclared(text: str, until: int, prefixes: Mapping[str, str]) -> QuerySyntaxError | None:
    """The first prefix that is used before `until` and was not declared."""
    declared: set[str] = set()
    before = ""
    for token in solid(text):
        if token.start() >= until:
            break
        if token.lastgroup == "name":
            prefix = token[0].partition(":")[0]
            if before.lower() == "prefix":
                declared.add(prefix)
            elif prefix not in declared:
                reason = f"the prefix {prefix}: is not declared"
                if prefix in prefixes:
                    reason += f"; usually PREFIX {prefix}: <{prefixes[prefix]}>"
                return fault(text, token.start(), reason)
        before = token[0]
    return None


def _placed(text: str, complain: Callable[[str], str | None]) -> QuerySyntaxError | None:
    """The fault at the token that is wrong; None if it cannot be told which.

    The engine tries a keyword on as many characters as it is long and tells the furthest it got,
    which is past the fault and hides what else it tried. In the same query with wide gaps between
    the tokens that place is still at the wrong token, and in the query cut off before this token
    everything that was tried fails at one place, the end.
    """
    wide, parts = _widened(text)
    match = _COMPLAINT.match(complain(wide) or "")
    if not match:
        return None
    place = _offset(wide, int(match[1]), int(match[2]))
    at, offset, found = len(wide), len(text.rstrip()), ""
    if place < at:
        at, offset, found = max((part for part in parts if part[0] <= place), default=(0, 0, ""))
    elif parts and parts[-1][2][0] in _QUOTES and parts[-1][2][-1:] != parts[-1][2][0]:
        return fault(text, parts[-1][1], "the string that begins here does not end")
    if found.lower() in _UPDATES and "CONSTRUCT" in match[3]:
        return fault(text, offset, "this is an update, and only queries are answered")
    what = f"'{_shown(found)}' cannot stand here" if found else "the query ends too early"
    cut = complain(wide[:at])
    if cut is None:
        return fault(text, offset, f"{what}; the query is complete before it")
    ends = _COMPLAINT.match(cut)
    if not ends or _offset(wide, int(ends[1]), int(ends[2])) < at:
        return fault(text, offset, what)
    said = [item for item in _items(ends[3]) + _items(match[3]) if _is_sentence(item)]
    if said:
        return fault(text, offset, "; ".join(dict.fromkeys(said)))
    if found in _signs(ends[3]) or "<unreported>" in match[3]:
        return fault(text, offset, f"{what}: {_BEYOND_TOKENS}")
    return fault(text, offset, f"{what}; {_expected(ends[3], match[3])}")


def _widened(text: str) -> tuple[str, list[tuple[int, int, str]]]:
    """The query with a wide gap wherever there may be one.

    With it, for each token, where it begins in there, where in `text`, and the token; what cannot
    be read as tokens counts as one.
    """
    pieces: list[str] = []
    parts: list[tuple[int, int, str]] = []
    length = end = 0
    gap = " " * _GAP
    for token in tokens(text):
        end = token.end()
        apart = gap if token[0] in _APART else ""
        piece = gap if token.lastgroup == "space" else f"{apart}{token[0]}{apart}"
        if token.lastgroup != "space":
            parts.append((length + len(apart), token.start(), token[0]))
        pieces.append(piece)
        length += len(piece)
    if end < len(text):
        parts.append((length, end, text[end:]))
    return "".join((*pieces, text[end:], gap)), parts


def _items(listing: str) -> list[str]:
    """The items of what the engine expected."""
    return [item for found in _EXPECTED.findall(listing) if (item := found.strip())]


def _is_sentence(item: str) -> bool:
    return " " in item and item[0] not in '"['


def _signs(listing: str) -> set[str]:
    return {
        item[1:-1].replace('\\"', '"').replace("\\\\", "\\")
        for item in _items(listing)
        if item[0] == '"'
    }


def _expected(listing: str, keywords: str) -> str:
    """What may stand at the end of a query that is cut off, in words, and a keyword if one may."""
    signs = _signs(listing)
    named: list[str] = []
    for name, any_of, all_of in _GROUPS:
        if all_of <= signs and any_of & signs:
            named.append(name)
            signs -= any_of
    if "['0'..='9']" in _items(listing) and named[:1] not in (["an expression"], ["a term"]):
        named.append("a number")
    named += (f"'{sign}'" for sign in sorted(signs))
    words = [item for item in _items(keywords or listing) if item.isidentifier()]
    if words and named[:1] != ["an expression"]:
        named.append(f"a keyword such as {words[0]}")
    if not named:
        return "expected something else"
    more = f" or {len(named) - _LISTED} more" if len(named) > _LISTED else ""
    return f"expected {'one of ' if named[1:] else ''}{', '.join(named[:_LISTED])}{more}"


def fault(text: str, offset: int, reason: str) -> QuerySyntaxError:
    """The fault at that character of a query, by line and column."""
    line = text.count("\n", 0, offset) + 1
    return QuerySyntaxError(reason, line=line, column=offset - text.rfind("\n", 0, offset))


def _offset(text: str, line: int, column: int) -> int:
    begin = 0
    for _ in range(line - 1):
        begin = text.find("\n", begin) + 1
    return begin + column - 1


def _shown(token: str) -> str:
    return token if len(token) <= _SHOWN else token[: _SHOWN - 1] + "…"
