"""The small layer between SPARQL as it is recommended and SPARQL as the engine reads it.

Rule: looks at tokens, never at structure; what it changes means the same, or is not changed.

A token is found by the terminals of the grammar, the longest first, so a word inside a string, an
IRI, a comment or a name is never taken for a keyword. Where a text holds no token, it is read no
further: then nothing after that place is touched.
See https://www.w3.org/TR/sparql12-query/#sparqlGrammar
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, dropwhile, pairwise

from rokgraph.errors import QuerySyntaxError

# Productions PN_CHARS_BASE and PN_CHARS of the grammar, as they stand in a class of characters.
_LETTER = (
    r"A-Za-z\u00C0-\u00D6\u00D8-\u00F6\u00F8-\u02FF\u0370-\u037D\u037F-\u1FFF\u200C-\u200D"
    r"\u2070-\u218F\u2C00-\u2FEF\u3001-\uD7FF\uF900-\uFDCF\uFDF0-\uFFFD\U00010000-\U000EFFFF"
)
_CHAR = _LETTER + r"_0-9\u00B7\u0300-\u036F\u203F-\u2040\-"
# What may be a prefix is looked at no further than this, else dotted words would be read again
# from each dot on; where more follows, there is no token.
_PREFIX = 100
_ESCAPE = r"%[0-9A-Fa-f]{2}|\\[_~.\-!$&'()*+,;=/?\#@%]"

_TOKEN = re.compile(
    rf"""(?xs)
      (?P<space>[\x20\t\r\n]+ | \#[^\r\n]*)
    | (?P<string>\"{{3}}(?:[^"\\]|\\.|"(?!""))*\"{{3}} | '{{3}}(?:[^'\\]|\\.|'(?!''))*'{{3}}
        | "(?:[^"\\\r\n]|\\.)*" | '(?:[^'\\\r\n]|\\.)*')
    | (?P<iri><(?:[^<>"{{}}|^`\\\x00-\x20]|\\u[0-9A-Fa-f]{{4}}|\\U[0-9A-Fa-f]{{8}})*>)
    | (?P<variable>[?$][{_LETTER}_0-9][{_LETTER}_0-9\u00B7\u0300-\u036F\u203F-\u2040]*)
    | (?P<blank>_:[{_LETTER}_0-9](?:[{_CHAR}]|\.+(?=[{_CHAR}]))*)
    | (?P<name>(?:[{_LETTER}](?:[{_CHAR}]|\.+(?=[{_CHAR}])){{0,{_PREFIX}}})?:
        (?:(?:[{_LETTER}_0-9:]|{_ESCAPE})
           (?:[{_CHAR}:]|{_ESCAPE}|\.+(?=[{_CHAR}:]|{_ESCAPE}))*)?)
    | (?P<language>@[A-Za-z]+(?:-[A-Za-z0-9]+)*(?:--[A-Za-z]+)?)
    | (?P<number>(?:[0-9]+\.[0-9]*|\.?[0-9]+)[eE][+-]?[0-9]+ | [0-9]*\.[0-9]+ | [0-9]+)
    | (?P<word>(?![{_LETTER}](?:[{_CHAR}]|\.+(?=[{_CHAR}])){{{_PREFIX}}})[A-Za-z][A-Za-z0-9_]*)
    | (?P<sign><<\( | \)>> | << | >> | \{{\| | \|\}} | \^\^ | && | \|\| | [!<>]=
        | [-+*/|^!=<>?(){{}}\[\];,.~])
    """
)

_AGGREGATES = frozenset({"avg", "count", "group_concat", "max", "min", "sample", "sum"})
_AGGREGATE = re.compile(rf"(?i)\b(?:{'|'.join(sorted(_AGGREGATES))})\s*\(")
_REWRITABLE = re.compile(
    r"(?i)\bselect\s+(?:distinct\s*|reduced\s*)?\*|\bselect\*|\bgroup_concat\b"
)
_AFTER_DESCRIBED = frozenset({"where", "order", "group", "having", "limit", "offset", "values"})

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


def tokens(text: str) -> Iterator[re.Match[str]]:
    """The tokens of a query with the space between them, as far as there are any.

    `lastgroup` of a match says its kind: space, string, iri, variable, blank, name, language,
    number, word, sign.
    """
    end = 0
    for token in _TOKEN.finditer(text):
        if token.start() != end:
            return
        yield token
        end = token.end()


def _solid(text: str) -> Iterator[re.Match[str]]:
    return (token for token in tokens(text) if token.lastgroup != "space")


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
    for before, token in pairwise(_solid(text)):
        if token[0] in ("(", "<<("):
            outer = bool(within) and within[-1]
            begins = token[0] == "(" and before[0].lower() in _AGGREGATES
            if outer and begins:
                return _fault(text, before.start(), "an aggregate in an aggregate")
            within.append(outer or begins)
        elif token[0] in ("{", "{|"):
            within.append(False)
        elif token[0] in (")", "}", "|}", ")>>") and within:
            within.pop()
    return None


def _may_nest(text: str) -> bool:
    """Whether between two aggregates the first may be open still; brackets in strings may count."""
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


def _from_form(text: str) -> list[re.Match[str]]:
    """The tokens from the query form on: past BASE, PREFIX and VERSION."""
    prologue = ("base", "prefix", "version")
    return [
        *dropwhile(
            lambda token: token.lastgroup != "word" or token[0].lower() in prologue, _solid(text)
        )
    ]


# -- faults --------------------------------------------------------------------------------


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
    for token in _solid(text):
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
                return _fault(text, token.start(), reason)
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
        return _fault(text, parts[-1][1], "the string that begins here does not end")
    if found.lower() in _UPDATES and "CONSTRUCT" in match[3]:
        return _fault(text, offset, "this is an update, and only queries are answered")
    what = f"'{_shown(found)}' cannot stand here" if found else "the query ends too early"
    cut = complain(wide[:at])
    if cut is None:
        return _fault(text, offset, f"{what}; the query is complete before it")
    ends = _COMPLAINT.match(cut)
    if not ends or _offset(wide, int(ends[1]), int(ends[2])) < at:
        return _fault(text, offset, what)
    said = [item for item in _items(ends[3]) + _items(match[3]) if _is_sentence(item)]
    if said:
        return _fault(text, offset, "; ".join(dict.fromkeys(said)))
    if found in _signs(ends[3]) or "<unreported>" in match[3]:
        return _fault(text, offset, f"{what}: {_BEYOND_TOKENS}")
    return _fault(text, offset, f"{what}; {_expected(ends[3], match[3])}")


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


def _fault(text: str, offset: int, reason: str) -> QuerySyntaxError:
    line = text.count("\n", 0, offset) + 1
    return QuerySyntaxError(reason, line=line, column=offset - text.rfind("\n", 0, offset))


def _offset(text: str, line: int, column: int) -> int:
    begin = 0
    for _ in range(line - 1):
        begin = text.find("\n", begin) + 1
    return begin + column - 1


def _shown(token: str) -> str:
    return token if len(token) <= _SHOWN else token[: _SHOWN - 1] + "…"
