"""The command `rokgraph`: check, infer, format, build, export, query, describe, cite, serve, mcp.

Rule: prints and exits; 0 all is well, 1 the shapes or checks say no, 2 something given is wrong.
Rooms are imported by the command that needs them: `serve` must start fast.
"""

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rokgraph.errors import RokgraphError, SettingError
from rokgraph.settings import Settings, make_settings

if TYPE_CHECKING:
    from rokgraph.snapshot import Snapshot

OK, VIOLATED, WRONG = 0, 1, 2
_OPTIONS = (
    "host", "port", "base_url", "timeout", "default_graph", "release_text", "upstream",
    "dataset_version", "store", "in_memory",
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    given = _parser().parse_args(arguments)
    try:
        code: int = given.run(given)
    except RokgraphError as error:
        print(f"rokgraph: {error}", file=sys.stderr)
        return WRONG
    except BrokenPipeError:
        sys.stderr.close()
        return OK
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rokgraph", description="The Digital Strategy of Korea as a knowledge graph."
    )
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    parser.set_defaults(run=_version)
    commands = parser.add_subparsers(metavar="COMMAND")

    check = _command(commands, "check", _check, "parse, validate and check the dataset")
    check.add_argument(
        "--format", choices=("text", "json", "ttl"), default="text", help="form of the report"
    )
    check.add_argument(
        "--fair", action="store_true", help="judge the ontology as FOOPS! and OOPS! do, offline"
    )

    _command(commands, "infer", _infer, "write the generated graphs anew", data=False)

    _command(commands, "format", _format, "bring the data files into their one form", data=False)

    build = _command(commands, "build", _build, "write dumps and exports of the whole dataset")
    build.add_argument(
        "--output", type=Path, default=Path("dist"), metavar="DIR", help="folder (default: dist)"
    )
    build.add_argument(
        "--store",
        type=Path,
        dest="place",
        metavar="DIR",
        help="build a store on disk there instead, for `serve --store`",
    )

    _add_export(commands)

    query = _command(commands, "query", _query, "answer the SPARQL query of a file")
    query.add_argument("file", metavar="FILE|-", help="a file, or - for standard input")
    query.add_argument("--format", help="table (default), or json, csv, turtle, a media type, …")
    _add_store(query)

    describe = _command(commands, "describe", _describe, "print what is said about an IRI")
    describe.add_argument("iri", metavar="IRI", help="an IRI, or a short form such as task:1-2")
    _add_store(describe)

    cite = _command(commands, "cite", _cite, "print the passages that support a node")
    cite.add_argument("iri", metavar="IRI", help="an IRI, or a short form such as task:1-2")
    cite.add_argument(
        "--source", type=Path, required=True, metavar="FILE", help="your copy of the release"
    )

    serve = _command(commands, "serve", _serve, "serve the dataset by HTTP")
    _add_store(serve)
    serve.add_argument(
        "--in-memory", action="store_true", default=None, help="copy the store into memory"
    )
    serve.add_argument("--upstream", metavar="URL", help="an endpoint that answers the queries")
    serve.add_argument("--dataset-version", metavar="NAME", help="what its state is called")
    serve.add_argument("--default-graph", choices=("union", "own"))
    serve.add_argument("--host", metavar="H")
    serve.add_argument("--port", type=int, metavar="N")
    serve.add_argument("--base-url", metavar="URL")
    serve.add_argument("--timeout", type=float, metavar="SECONDS")
    serve.add_argument(
        "--release-text", type=Path, metavar="FILE", help="your copy of the release, to be shown"
    )

    mcp = _command(commands, "mcp", _mcp, "serve assistants by the Model Context Protocol")
    mcp.add_argument("--http", action="store_true", help="by HTTP, not standard input and output")
    mcp.add_argument("--host", metavar="H")
    mcp.add_argument("--port", type=int, metavar="N")
    mcp.add_argument("--timeout", type=float, metavar="SECONDS")
    return parser


def _add_store(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--store", type=Path, metavar="DIR", help="a store that `build --store` made"
    )


def _add_export(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    export = commands.add_parser("export", help="write tables or StratML for other programs")
    forms = export.add_subparsers(metavar="FORM", required=True)
    tables = _command(forms, "csv", _export_csv, "write a CSV file per class and the policy table")
    tables.add_argument(
        "--output", type=Path, required=True, metavar="DIR", help="folder to write into"
    )
    plan = _command(forms, "stratml", _export_stratml, "write the plan as StratML Part 2")
    plan.add_argument(
        "--output", type=Path, metavar="FILE", help="file to write (default: standard output)"
    )


def _command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    run: object,
    text: str,
    *,
    data: bool = True,
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=text, description=text.capitalize() + ".")
    command.set_defaults(run=run)
    if data:
        command.add_argument(
            "--data",
            type=Path,
            action="append",
            metavar="PATH",
            help="file or folder to use instead of the built-in graph; may be repeated",
        )
    return command


def _version(_: argparse.Namespace) -> int:
    from rokgraph import __version__

    print(f"rokgraph {__version__}")
    return OK


def _settings(given: argparse.Namespace) -> Settings:
    values = {name: getattr(given, name, None) for name in _OPTIONS}
    data = getattr(given, "data", None)
    return make_settings(**values, data=tuple(data) if data else None)


def _snapshot(given: argparse.Namespace) -> "Snapshot":
    from rokgraph.snapshot import load_built_in, load_given

    settings = _settings(given)
    if settings.store is not None:
        from rokgraph.store import Held, open_snapshot

        folder = Held(settings.store).folder  # as long as this process lives
        union = None if settings.default_graph is None else settings.union_default_graph
        return open_snapshot(folder, settings.root, union=union, in_memory=settings.in_memory)
    if settings.data:
        return load_given(settings.data, union=settings.union_default_graph)
    return load_built_in(settings.root, union=settings.union_default_graph)


def _check(given: argparse.Namespace) -> int:
    from rokgraph.report import check, print_check, print_fair

    snapshot, root = _snapshot(given), _settings(given).root
    if given.fair:
        from rokgraph.fair import assess, elsewhere

        assessed = assess(snapshot, root)
        print_fair(assessed, elsewhere(root), given.format)
        return OK if all(test.passed for test in assessed) else VIOLATED
    report = check(snapshot, root, given.data or ())
    print_check(report, given.format)
    return OK if report.passed else VIOLATED


def _infer(given: argparse.Namespace) -> int:
    from rokgraph import alignments, examples, inference, provenance

    root = _settings(given).root
    # What is inferred may follow from the graphs before it; provenance tells of all of them.
    steps = (alignments, examples, inference, provenance)
    changed = [path for step in steps for path in step.write(root)]
    for path in changed:
        print(path)
    print(f"{len(changed)} files changed")
    return OK


def _format(given: argparse.Namespace) -> int:
    from rokgraph.snapshot import load_built_in
    from rokgraph.turtle import in_stable_form

    root = _settings(given).root
    prefixes = load_built_in(root).summary.prefixes
    for path in sorted((root / "data").rglob("*.ttl")):
        content = in_stable_form(path, prefixes)
        if content != path.read_bytes():
            path.write_bytes(content)
            print(path)
    return OK


def _build(given: argparse.Namespace) -> int:
    if given.place is not None:
        return _build_store(given)
    from rich.console import Console
    from rich.progress import Progress

    from rokgraph.dumps import dumps, write_dumps

    snapshot = _snapshot(given)
    try:
        with Progress(console=Console(stderr=True), transient=True) as progress:
            root = _settings(given).root
            task = progress.add_task("writing dumps", total=len(dumps(root)))
            for path in write_dumps(snapshot, root, given.output):
                print(path)
                progress.advance(task)
    except OSError as error:
        raise SettingError(f"cannot write: {error}") from None
    print(f"dataset sha256:{snapshot.summary.digest}, {snapshot.summary.size} quads")
    return OK


def _build_store(given: argparse.Namespace) -> int:
    from rokgraph.building import build
    from rokgraph.progress import shown

    with shown() as progress:
        built = build(given.place, _settings(given), progress)
    summary = built.build.summary
    print(built.build.folder)
    print(f"dataset {summary.name}, of {built.build.digest_of}")
    print(
        f"{summary.size} triples in {len(summary.graphs)} graphs, {built.bytes} bytes; "
        + ", ".join(f"{part} {seconds:.1f} s" for part, seconds in built.seconds.items())
    )
    return OK


def _export_csv(given: argparse.Namespace) -> int:
    from rokgraph.exports import write_csv

    try:
        for path in write_csv(_snapshot(given), _settings(given).root, given.output):
            print(path)
    except OSError as error:
        raise SettingError(f"cannot write: {error}") from None
    return OK


def _export_stratml(given: argparse.Namespace) -> int:
    from rokgraph.stratml import to_stratml

    content = to_stratml(_snapshot(given), _settings(given).root)
    if given.output is None:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return OK
    try:
        given.output.write_bytes(content)
    except OSError as error:
        raise SettingError(f"cannot write: {error}") from None
    print(given.output)
    return OK


def _query(given: argparse.Namespace) -> int:
    from rokgraph.report import print_answer

    if given.file == "-":
        text = sys.stdin.read()
    else:
        try:
            text = Path(given.file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingError(f"cannot read the query: {error}") from None
    print_answer(_snapshot(given), text, given.format)
    return OK


def _describe(given: argparse.Namespace) -> int:
    from rokgraph.report import print_description

    print_description(_snapshot(given), given.iri)
    return OK


def _cite(given: argparse.Namespace) -> int:
    from rokgraph.citing import passages
    from rokgraph.curies import full_iri

    snapshot = _snapshot(given)
    iri = full_iri(given.iri, snapshot.summary.prefixes)
    found = list(passages(snapshot, _settings(given).root, iri, given.source))
    for passage in found:
        print(f"[{passage.start}, {passage.end}) {passage.role}:\n{passage.text}\n")
    if not found:
        print(f"nothing in the graph cites a passage for {iri}", file=sys.stderr)
        return VIOLATED
    return OK


def _serve(given: argparse.Namespace) -> int:
    from rokgraph.engine import Engine

    settings = _settings(given)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})  # until somebody can follow it
    engine = Engine(settings)  # loads in its own process while this one imports
    stop = engine.stop
    try:
        from rokgraph.web.server import run
        from rokgraph.web.succession import Succession

        summary = engine.prepare()
        app = Succession(engine)
        stop = app.stop
        print(
            f"{summary.size} triples in {len(summary.graphs)} graphs, {summary.name}\n"
            f"SPARQL endpoint: {settings.base_url or _address(settings)}/sparql",
            flush=True,
        )
        run(app, settings)
    finally:
        stop()
    return OK


def _mcp(given: argparse.Namespace) -> int:
    from rokgraph.engine import Engine

    settings = _settings(given)
    try:
        from rokgraph.mcp.server import PATH, serve_http, serve_stdio
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("mcp", "mcp_types"):
            raise
        raise SettingError("mcp is not installed: pip install 'rokgraph[mcp]'") from None
    engine = Engine(settings)
    try:
        engine.prepare()
        if given.http or given.host or given.port is not None:
            print(f"Model Context Protocol: {_address(settings)}{PATH}", flush=True)
            serve_http(engine, settings)
        else:
            serve_stdio(engine, settings)
    except KeyboardInterrupt:
        pass
    finally:
        engine.stop()
    return OK


def _address(settings: Settings) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{settings.port}"


if __name__ == "__main__":
    raise SystemExit(main())
