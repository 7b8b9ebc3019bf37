"""What is to be known of an endpoint elsewhere before it is asked for others.

Rule: asks by the queries of `queries/upstream`, once; what it does not tell in time stays unknown.
"""

import hashlib
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from rokgraph.errors import RokgraphError, SettingError, UpstreamTimeout
from rokgraph.library import saved_queries
from rokgraph.query import Kind, Query
from rokgraph.remote import VIRTUOSO
from rokgraph.snapshot import Summary
from rokgraph.upstream import Upstream

_ANYTHING = "ASK {}"


def surveyed(given: Mapping[str, Any], root: Path) -> Upstream:
    """The endpoint that the settings name, with all that is known of it.

    Raises SettingError if it cannot be asked, SourceError for a query of ours that is wrong.
    """
    texts = {saved.name: saved.text for saved in saved_queries(root, "upstream")}
    upstream = Upstream(given, texts["describe"])
    try:
        upstream.engine = upstream.reply(Query(_ANYTHING), Kind.BOOLEAN).engine
        upstream.results(Query(_ANYTHING), Kind.BOOLEAN)
    except RokgraphError as error:
        raise SettingError(f"setting upstream: {error}") from None
    survey = _Survey(upstream, texts, time.monotonic() + float(given["timeout"]))
    upstream.summary = survey.summary(given["version"])
    if upstream.rows is None and upstream.engine == VIRTUOSO:
        upstream.rows = survey.limit()
    upstream.close()
    return upstream


class _Survey:
    """The questions; past `until`, by the monotonic clock, none is asked any more."""

    def __init__(self, upstream: Upstream, texts: Mapping[str, str], until: float) -> None:
        self._upstream, self._texts, self._until = upstream, texts, until

    def summary(self, version: str | None) -> Summary:
        """What there is, under the name that its operator gives it."""
        declared = self._table("prefixes")
        stated = self._column("version", "version")
        cited = self._column("texts", "sha256")
        union = bool(self._upstream.graphs) or self._is("union", unknown=True)
        graphs = self._counts()
        if not union and (own := self._column("own", "triples")):
            graphs = {"": int(own[0])} | graphs
        steady = version is not None and not self._is("blank", unknown=True)
        return Summary(
            digest=_digest(version, graphs),
            graphs=graphs,
            prefixes={row["prefix"]: row["namespace"] for row in declared},
            union=union,
            load="" if steady else uuid4().hex,
            version=version or next(iter(stated), ""),
            texts=(*cited,),
            called=f"version:{version}" if version else "unstated",
            lasting=version is not None,
        )

    def limit(self) -> int | None:
        """At how many rows it cuts, where it says so of an answer that is cut."""
        try:
            return self._upstream.reply(Query(self._texts["many"]), Kind.SOLUTIONS).rows
        except RokgraphError:
            return None

    def _counts(self) -> dict[str, int]:
        counts = {row["graph"]: int(row["triples"]) for row in self._table("graphs")}
        if self._upstream.graphs:
            return {graph: counts.get(graph, 0) for graph in sorted(self._upstream.graphs)}
        return dict(sorted(counts.items()))

    def _is(self, name: str, *, unknown: bool) -> bool:
        """What it says, `unknown` if it says nothing."""
        try:
            return bool(self._asked(name, Kind.BOOLEAN))
        except (RokgraphError, SyntaxError):
            return unknown

    def _table(self, name: str) -> list[dict[str, str]]:
        """The rows of a query, as text; none if it says nothing."""
        try:
            found = self._asked(name, Kind.SOLUTIONS)
            names = [variable.value for variable in found.variables]
            return [
                {name: row[name].value for name in names if row[name] is not None} for row in found
            ]
        except (RokgraphError, SyntaxError):
            return []

    def _column(self, query: str, name: str) -> list[str]:
        return [row[name] for row in self._table(query) if name in row]

    def _asked(self, name: str, kind: Kind) -> Any:
        if time.monotonic() > self._until:
            raise UpstreamTimeout(0)
        return self._upstream.results(Query(self._texts[name]), kind)


def _digest(version: str | None, graphs: Mapping[str, int]) -> str:
    """What a state of the data elsewhere is told by: its name, and how much there is of it."""
    return hashlib.sha256(json.dumps([version, graphs], sort_keys=True).encode()).hexdigest()
