"""The tokens of a query, as far as there are any.

Rule: the terminals of the grammar, the longest first; what they mean together is not seen here.

A word inside a string, an IRI, a comment or a name is never taken for a keyword. Where a text
holds no token, it is read no further.
See https://www.w3.org/TR/sparql12-query/#sparqlGrammar
"""

import re
from collections.abc import Iterator

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


def solid(text: str) -> Iterator[re.Match[str]]:
    """The tokens of a query without the space between them."""
    return (token for token in tokens(text) if token.lastgroup != "space")
