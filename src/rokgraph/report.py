"""What the command line shows: the outcome of a check, an answer, a description.

Rule: turns what other rooms found into text; finds nothing itself but counts.
"""

import io
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pyoxigraph as ox
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from rokgraph import formats, sources
from rokgraph.curies import full_iri, short_iri
from rokgraph.errors import SettingError
from rokgraph.evaluation import ask, evaluate
from rokgraph.fair import Assessed, Elsewhere
from rokgraph.library import SavedQuery, saved_queries, saved_query
from rokgraph.query import Query
from rokgraph.snapshot import Snapshot
from rokgraph.validation import Result, ValidationReport, report_on
from rokgraph.vocab import GRAPH

_SHOWN_FAULTS = 3
_WIDTH = 160  # of a table that no terminal shows


@dataclass(frozen=True, slots=True)
class Checked:
    """The outcome of a check: the validation report, rows of checks that must be empty, counts.

    `files` maps each focus node of a result to the files that say something of it.
    """

    digest: str
    validation: ValidationReport
    faults: tuple[tuple[str, str], ...]
    graphs: dict[str, int]
    classes: dict[str, int]
    files: dict[str, tuple[str, ...]]

    @property
    def passed(self) -> bool:
        """No violation and no fault."""
        return self.validation.conforms and not self.faults


def check(snapshot: Snapshot, root: Path, given: Sequence[Path] = ()) -> Checked:
    """Validate by the shapes of `root` and run its checks; a progress bar where it takes long.

    `given` are the paths that the snapshot was loaded from, none for the built-in graph.

    The checks of our own data apply to it only; other data is validated by the shapes alone.
    """
    console = Console(stderr=True)
    checks = [] if given else saved_queries(root, "checks")
    found = sources.given(given) if given else sources.built_in(root)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("checking", total=len(checks) + 2)
        report = report_on(snapshot, root)
        progress.advance(task)
        faults: list[tuple[str, str]] = []
        for saved in checks:
            faults += ((saved.name, row) for row in _rows(snapshot, saved))
            progress.advance(task)
        counts = _class_counts(snapshot, root)
        progress.advance(task)
    return Checked(
        digest=snapshot.summary.digest,
        validation=report,
        faults=tuple(faults),
        graphs=dict(snapshot.summary.graphs),
        classes=counts,
        files=_files({result.focus for result in report.results}, found),
    )


def print_check(checked: Checked, form: str) -> None:
    """Print the outcome as text, JSON, or Turtle (the SHACL validation report)."""
    if form == "ttl":
        sys.stdout.write(checked.validation.graph.decode())
    elif form == "json":
        values = {
            "passed": checked.passed,
            "dataset": f"sha256:{checked.digest}",
            "graphs": checked.graphs,
            "classes": checked.classes,
            "results": [
                asdict(result) | {"files": checked.files.get(result.focus, ())}
                for result in checked.validation.results
            ],
            "faults": [{"check": name, "row": row} for name, row in checked.faults],
        }
        print(json.dumps(values, ensure_ascii=False, indent=2))
    else:
        _print_text(checked)


def _print_text(checked: Checked) -> None:
    console = Console(soft_wrap=True, highlight=False)
    for title, counts in (("graph", checked.graphs), ("class", checked.classes)):
        table = Table(title, "count", box=None)
        table.columns[1].justify = "right"
        for name, count in counts.items():
            table.add_row(name.removeprefix(GRAPH) or "(default)", str(count))
        console.print(table)
    lesser: dict[tuple[str, str], list[Result]] = {}
    for result in checked.validation.results:
        if result.severity == "violation":
            console.print(_told(result, checked.files.get(result.focus, ())), markup=False)
        else:
            lesser.setdefault((result.severity, result.rule), []).append(result)
    for (severity, _), results in lesser.items():
        message = results[0].message
        console.print(f"{severity}, {len(results)} times: {message}", markup=False)
    for name, row in checked.faults:
        console.print(f"check {name}: {row}", markup=False)
    by_severity = {
        severity: sum(r.severity == severity for r in checked.validation.results)
        for severity in ("violation", "warning", "info")
    }
    told = ", ".join(f"{count} {name}s" for name, count in by_severity.items())
    console.print(f"{told}, {len(checked.faults)} faults; sha256:{checked.digest}", markup=False)


def _told(result: Result, files: Sequence[str]) -> str:
    place = f" {result.path}" if result.path else ""
    value = f" {result.value}" if result.value else ""
    where = f" ({', '.join(files)})" if files else ""
    told = f"{result.severity} {result.rule}: {result.focus}{place}{value}{where}"
    return f"{told}: {result.message}"


def print_fair(assessed: Sequence[Assessed], others: Sequence[Elsewhere], form: str) -> None:
    """Print how the ontology does in the tests of FOOPS! and OOPS!: a table, or JSON.

    Raises SettingError for Turtle, which has no words for it.
    """
    met, points = sum(test.met for test in assessed), sum(test.points for test in assessed)
    if form == "ttl":
        raise SettingError("the FAIR tests are told as text or json")
    if form == "json":
        tests = [asdict(test) | {"passed": test.passed} for test in assessed]
        told = {
            "met": met,
            "points": points,
            "tests": tests,
            "notOffline": list(map(asdict, others)),
        }
        print(json.dumps(told, ensure_ascii=False, indent=2))
        return
    width = None if sys.stdout.isatty() else _WIDTH
    console = Console(soft_wrap=True, highlight=False, width=width)
    table = Table("id", "what", "result", "score", box=None)
    table.columns[3].justify = "right"
    for test in assessed:
        table.add_row(test.name, test.title["en"], _outcome(test), f"{test.met}/{test.points}")
    for other in others:
        table.add_row(other.name, other.title["en"], f"not offline: {other.by}", "-")
    console.print(table)
    console.print(f"{met} of {points} points; {len(others)} tests are not offline and not counted")


def _outcome(test: Assessed) -> str:
    if not test.faults:
        return "ok"
    shown = ", ".join(test.faults[:_SHOWN_FAULTS])
    more = len(test.faults) - _SHOWN_FAULTS
    told = f"{shown} and {more} more" if more > 0 else shown
    return f"accepted: {told}" if test.accepted else f"fault: {told}"


def _files(nodes: set[str], found: Sequence[sources.Source]) -> dict[str, tuple[str, ...]]:
    """The files in which each of the nodes is a subject; inferred files last."""
    files: dict[str, list[str]] = {}
    for source in found if nodes else ():
        store = sources.load([source])
        for subject in {quad.subject for quad in store}:
            if isinstance(subject, ox.NamedNode) and subject.value in nodes:
                path = os.path.relpath(source.path)
                files.setdefault(subject.value, []).append(path)
    return {node: tuple(sorted(paths, key=_generated)) for node, paths in files.items()}


def _generated(path: str) -> tuple[bool, str]:
    return Path(path).parent.name == "inferred", path


def print_answer(snapshot: Snapshot, text: str, form: str | None) -> None:
    """Answer a query: a table on a terminal and where none is asked for, else in that format.

    Raises QueryError for a query that cannot be answered, SettingError for an unknown format.
    """
    if form in (None, "table"):
        _print_table(snapshot, text)
        return
    assert form is not None  # noqa: S101 - as said above
    result, graph = formats.result_format(form), formats.graph_format(form)
    if result is None and graph is None:
        raise SettingError(f"unknown format {form!r}")
    query = Query(
        text,
        result_format=result.name if result else None,
        graph_format=graph.name if graph else None,
    )
    evaluate(snapshot, query, lambda *_: sys.stdout.buffer)
    sys.stdout.buffer.flush()


def _print_table(snapshot: Snapshot, text: str) -> None:
    answer = ask(snapshot, Query(text))
    if isinstance(answer, ox.QueryTriples):
        evaluate(snapshot, Query(text), lambda *_: sys.stdout.buffer)
    elif isinstance(answer, ox.QueryBoolean):
        print(str(bool(answer)).lower())
    else:
        names = [variable.value for variable in answer.variables]
        table = Table(*names)
        for row in answer:
            cells = (row[name] for name in names)
            table.add_row(*(_shown(cell, snapshot.summary.prefixes) for cell in cells))
        Console(soft_wrap=not sys.stdout.isatty()).print(table)


def _shown(term: object, prefixes: dict[str, str]) -> str:
    if isinstance(term, ox.NamedNode):
        return short_iri(term.value, prefixes)
    return "" if term is None else str(getattr(term, "value", term))


def print_description(snapshot: Snapshot, iri: str) -> None:
    """Print what the dataset says about an IRI, as Turtle.

    Raises SettingError if it says nothing.
    """
    node = full_iri(iri, snapshot.summary.prefixes)
    stream = io.BytesIO()
    evaluate(snapshot, Query(f"DESCRIBE <{node}>"), lambda *_: stream)
    if not stream.getvalue():
        raise SettingError(f"nothing is known of {node}")
    sys.stdout.write(stream.getvalue().decode())


def _rows(snapshot: Snapshot, saved: SavedQuery) -> list[str]:
    rows = snapshot.store.query(saved.text)
    assert isinstance(rows, ox.QuerySolutions)  # noqa: S101 - tests hold every check to it
    prefixes = snapshot.summary.prefixes
    return [" ".join(_shown(term, prefixes) for term in row) for row in rows]


def _class_counts(snapshot: Snapshot, root: Path) -> dict[str, int]:
    saved = saved_query(root / "queries" / "pages" / "class-counts.rq")
    rows = snapshot.store.query(saved.text, use_default_graph_as_union=True)
    assert isinstance(rows, ox.QuerySolutions)  # noqa: S101 - a SELECT
    prefixes = snapshot.summary.prefixes
    return {short_iri(row["class"].value, prefixes): int(row["count"].value) for row in rows}
