"""The words of the pages: in both languages, each used, none missing, no number among them.

A template uses a word as `t.key` or `t["key"]` (its own page's) or `common.key` (all pages'); a
module of the web as a string that is the key. A key that is put together, such as `"step_" ~ n`,
counts for all keys of that form; one by the name that something else has, such as `t[row.role]`,
for the strings that templates and queries hold.
"""

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import jinja2
import pytest
from jinja2 import nodes

from rokgraph.web.language import LANGUAGES
from running import ROOT

WEB = ROOT / "src" / "rokgraph" / "web"
TEMPLATES = WEB / "templates"
FILES = sorted((WEB / "messages").glob("*.toml"))
PAGES = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
HANGUL = re.compile("[가-힣]")

_PARTS = (nodes.Extends, nodes.Include, nodes.Import, nodes.FromImport)
_ANY = r"[\w-]+"
# What templates call the words of all pages, and their own.
COMMON: tuple[str, ...] = ("common",)
OWN: tuple[str, ...] = ("t", "w")

# Words that are the same in Korean: names of languages, formats, works and people.
PROPER = {
    "IRI", "CSV", "SPARQL", "English", "JSON", "Turtle", "RDF", "TSV", "XML", "APA", "BibTeX",
    "curl", "Python", "R", "JavaScript", "iCalendar", "DCAT", "VoID", "SHACL", "PDF", "SVG",
    "Excel", "N-Triples", "JSON-LD", "RDF/XML", "URL", "API",
}  # fmt: skip
# English in which Hangul stands: a language is called by its own name.
OWN_NAME = {("common", "ko"), ("ontology", "other_language")}
# Keys by names that neither templates nor queries hold, and whose names they are.
ELSEWHERE = {
    ("ontology", "Functional"): "characteristics are named after the classes of OWL",
    ("ontology", "InverseFunctional"): "as above",
    ("ontology", "Transitive"): "as above",
    ("ontology", "Symmetric"): "as above",
    ("ontology", "Asymmetric"): "as above",
    ("ontology", "Irreflexive"): "as above",
}
# Digits that are no count of what is in the graph, and why they stand there.
DIGITS = {
    "SPARQL 1.1": "a version of a standard",
    "DCAT 3": "a version of a standard",
    "HTTP/1.0": "a version of a standard",
    "HTTP/1.1": "a version of a standard",
    "UTF-8": "the name of an encoding",
    "SHA-256": "the name of a digest",
    "RFC 9457": "the name of a standard",
    "ISO 8601": "the name of a standard",
}


@cache
def told(path: Path) -> dict[str, dict[str, str]]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True)


@cache
def _parsed(name: str) -> nodes.Template:
    return _environment().parse((TEMPLATES / name).read_text(encoding="utf-8"))


def _names() -> list[str]:
    paths = (
        path for path in TEMPLATES.rglob("*") if path.suffix in (".html", ".svg", ".xml", ".j2")
    )
    return sorted(str(path.relative_to(TEMPLATES)) for path in paths)


def _together(name: str) -> set[str]:
    """The template and those that it is made of: the page's own words reach into all of them."""
    found, waiting = set[str](), [name]
    while waiting:
        one = waiting.pop()
        if one in found:
            continue
        found.add(one)
        for node in _parsed(one).find_all(_PARTS):
            of = node.template  # type: ignore[attr-defined]
            if isinstance(of, nodes.Const):
                waiting += [of.value] if isinstance(of.value, str) else list(of.value)
    return found


def _form(node: nodes.Node) -> str:
    """The keys that an expression may be, as a regular expression: what it says, else anything."""
    if isinstance(node, nodes.Const):
        return re.escape(str(node.value))
    if isinstance(node, nodes.Concat):
        return "".join(map(_form, node.nodes))
    if isinstance(node, nodes.Add):
        return _form(node.left) + _form(node.right)
    if isinstance(node, nodes.Mod) and isinstance(node.left, nodes.Const):
        return re.sub("%[ds]", r"[\\w-]+", str(node.left.value))
    if isinstance(node, nodes.CondExpr):
        other = _form(node.expr2) if node.expr2 else ""
        return f"(?:{_form(node.expr1)}|{other})"
    return _ANY


def _used(template: str, holders: tuple[str, ...]) -> Iterator[str]:
    """The keys of `OWN` or `COMMON` that a template names, each as a regular expression."""
    for node in _parsed(template).find_all((nodes.Getattr, nodes.Getitem)):
        if isinstance(node.node, nodes.Name) and node.node.name in holders:  # type: ignore[attr-defined]
            yield re.escape(node.attr) if isinstance(node, nodes.Getattr) else _form(node.arg)  # type: ignore[attr-defined]


def _texts(template: str) -> Iterator[str]:
    """The strings in a template, as in `for key in ("a", "b")`."""
    for node in _parsed(template).find_all(nodes.Const):
        if isinstance(node.value, str):
            yield re.escape(node.value)


@cache
def _modules() -> dict[Path, frozenset[str]]:
    """The strings in each module of the web, those put together with anything in their gaps."""
    found: dict[Path, frozenset[str]] = {}
    for path in WEB.rglob("*.py"):
        here = set[str]()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                here.add(re.escape(node.value))
            elif isinstance(node, ast.JoinedStr):
                parts = (
                    re.escape(str(part.value)) if isinstance(part, ast.Constant) else _ANY
                    for part in node.values
                )
                here.add("".join(parts))
        found[path] = frozenset(here)
    return found


@cache
def _answers() -> frozenset[str]:
    """The strings that queries answer with, such as a role or a severity."""
    texts = (path.read_text(encoding="utf-8") for path in (ROOT / "queries").rglob("*.rq"))
    return frozenset(re.escape(word) for text in texts for word in re.findall(r'"([\w-]+)"', text))


def _uses(page: str) -> set[str]:
    """Every use of the words of a page, or of the common ones, as regular expressions."""
    if page == "common":
        templates, holders = set(_names()), COMMON
    else:
        own = [name for name in _names() if Path(name).name.partition(".")[0] == page]
        templates, holders = set().union(*map(_together, own)), OWN
    uses = {use for template in templates for use in _used(template, holders)}
    if _ANY in uses:  # a key by the name that something else has
        uses |= {text for template in templates for text in _texts(template)} | _answers()
    for strings in _modules().values():
        if page == "common" or re.escape(page) in strings:
            uses |= strings
    return uses - {_ANY}


def test_there_are_words() -> None:
    assert len(FILES) > 2
    assert {path.stem for path in FILES} >= {"common", "about"}


@PAGES
def test_each_word_is_told_in_every_language(path: Path) -> None:
    for key, texts in told(path).items():
        assert re.fullmatch(r"[a-zA-Z][\w-]*", key), key
        assert list(texts) == list(LANGUAGES), key
        assert all(text == text.strip() and text for text in texts.values()), key


@PAGES
def test_korean_is_korean_and_english_is_english(path: Path) -> None:
    for key, texts in told(path).items():
        words = set(re.findall(r"[A-Za-z][A-Za-z/-]*", texts["ko"]))
        assert HANGUL.search(texts["ko"]) or words <= PROPER, (key, texts["ko"])
        assert not HANGUL.search(texts["en"]) or (path.stem, key) in OWN_NAME, (key, texts["en"])


@PAGES
def test_both_languages_leave_the_same_places_open(path: Path) -> None:
    for key, texts in told(path).items():
        english, korean = (set(re.findall(r"{(\w*)}", text)) for text in texts.values())
        assert english == korean, key


@PAGES
def test_each_word_is_used(path: Path) -> None:
    uses = [re.compile(use) for use in _uses(path.stem)]
    unused = {key for key in told(path) if not any(use.fullmatch(key) for use in uses)}
    assert {key for key in unused if (path.stem, key) not in ELSEWHERE} == set()


@pytest.mark.parametrize("template", _names())
def test_no_word_of_a_template_is_missing(template: str) -> None:
    page = Path(template).name.partition(".")[0]
    own = {path.stem: told(path) for path in FILES}
    for name in _together(template):
        for use in _used(name, COMMON):
            assert any(re.fullmatch(use, key) for key in own["common"]), (name, use)
    for use in _used(template, OWN) if page in own else ():
        assert any(re.fullmatch(use, key) for key in own[page]), use


@pytest.mark.parametrize("template", _names())
def test_no_word_is_taken_for_a_method(template: str) -> None:
    """In a template `words.copy` is the method of a mapping; `words["copy"]` is the word."""
    for node in _parsed(template).find_all(nodes.Getattr):
        if isinstance(node.node, nodes.Name) and node.node.name in (*COMMON, *OWN):
            assert not hasattr(dict, node.attr), node.attr


@PAGES
def test_no_number_stands_among_the_words(path: Path) -> None:
    """What is counted comes from a query, so that it is right tomorrow too."""
    for key, texts in told(path).items():
        for text in texts.values():
            for name in DIGITS:
                text = text.replace(name, "")  # noqa: PLW2901
            assert not re.search(r"\d", text), (key, text)
