"""`python -m bench`, or `make bench`: how quick the service is, beside its peers.

Rule: reads the command line, says on standard error how far it is, prints tables.
"""
# ruff: noqa: T201 - it prints

import argparse
import json
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pyoxigraph as ox

from bench import graphs, load, machine, report
from bench.aims import REFERENCE, US
from bench.measure import measured
from bench.mix import ROWS, SCAN, SMALL, STREAM, bench_requests, question_requests
from bench.peers import BUILD, PEERS, ROOT, Dataset
from bench.record import Measured, Plan, Say
from rokgraph.snapshot import load_built_in

FOLDER = BUILD / "bench" / "graphs"
PAGE = ROOT / "docs" / "reference" / "speed.md"
STRATEGY = "strategy"
SEVERAL = 20  # of each kind of query


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is asked for; 1 if rokgraph answered wrongly, 2 if nothing can be measured."""
    given = _parser().parse_args(arguments)
    if given.quick:
        given.sizes, given.peers = ["5k"], [US, REFERENCE]
        given.rounds = given.seconds = 1
    try:
        wrk = load.version()
    except load.NoWrk as error:
        print(error, file=sys.stderr)
        return 2
    begun = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - begun:7.1f} s  {text}", file=sys.stderr, flush=True)

    about = {
        "date": time.strftime("%Y-%m-%d"),
        "command": " ".join(
            ["python -m bench", *(sys.argv[1:] if arguments is None else arguments)]
        ),
        "machine": machine.described(),
        "engine": f"pyoxigraph {ox.__version__}",
        "wrk": wrk,
        "rounds": given.rounds,
        "seconds": given.seconds,
    }
    found = [_measured(name, given, say) for name in given.sizes]
    text = report.as_markdown(found, about)
    print(text)
    if given.json is not None:
        given.json.write_text(json.dumps(report.as_json(found, about), indent=1) + "\n")
    if given.write:
        report.write(PAGE, text)
    ours = [one for each in found for one in each.servers if one.name == US]
    return int(any(one.wrong or one.faults for one in ours))


def _measured(name: str, given: argparse.Namespace, say: Say) -> Measured:
    several = 3 if given.quick else SEVERAL
    if name == STRATEGY:
        dataset = _strategy(FOLDER)
        plan = Plan(question_requests(ROOT), (), (), given.rounds, given.seconds)
    else:
        say(f"{name}: writing the graph, unless it is there")
        graph = graphs.made(name, FOLDER)
        dataset = Dataset(name, graph.path, graph.triples)
        found = bench_requests(ROOT, graph.members, several)
        alone = [*found[SCAN], *found[ROWS]]
        plan = Plan(found[SMALL], alone, found[STREAM], given.rounds, given.seconds)
    peers = [peer for peer in PEERS if peer.name in given.peers]
    return measured(dataset, peers, plan, given.port, say)


def _strategy(folder: Path) -> Dataset:
    """The graph of the strategy itself, as a file for the others."""
    folder.mkdir(parents=True, exist_ok=True)
    snapshot, path = load_built_in(ROOT), folder / f"{STRATEGY}.nq"
    snapshot.store.dump(path, format=ox.RdfFormat.N_QUADS)
    return Dataset(STRATEGY, path, snapshot.summary.size, union=True, built_in=True)


def _parser() -> argparse.ArgumentParser:
    names = [peer.name for peer in PEERS]
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument(
        "--sizes", nargs="+", type=_size, default=["5k", STRATEGY], metavar="SIZE",
        help=f"5k, 100k, 1M, 10M, any other such; {STRATEGY} for the real graph and its questions",
    )  # fmt: skip
    parser.add_argument(
        "--peers", nargs="+", choices=names, default=names, metavar="PEER", help=", ".join(names)
    )
    parser.add_argument("--seconds", type=int, default=2, help="of one slice of load")
    parser.add_argument("--rounds", type=int, default=5, help="in which all servers take turns")
    parser.add_argument("--port", type=int, default=8400, help="the first of ten")
    parser.add_argument(
        "--quick", action="store_true", help="5k, rokgraph and oxigraph, one short round"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all of it there")
    parser.add_argument(
        "--write", action="store_true", help=f"put the tables into {PAGE.relative_to(ROOT)}"
    )
    return parser


def _size(text: str) -> str:
    if text != STRATEGY:
        graphs.size_of(text)
    return text


if __name__ == "__main__":
    # so that what was started is stopped, whoever ends this
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
