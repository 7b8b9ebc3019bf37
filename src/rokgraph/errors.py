"""Everything that can go wrong and whose business it is.

Rule: an error that a person may see is in this tree; anything else is a bug of ours.

RokgraphError
├── SourceError               a file is wrong: path, line, column
├── SettingError              an option or a variable of the environment is wrong
├── QueryError                the asker can mend it
│   ├── BadRequest            what is wrong with the request and where
│   ├── QuerySyntaxError      line, column, what was expected
│   ├── ParameterError        a saved query does not take that value: name, reason, allowed
│   ├── QueryTooComplex       nested deeper than the engine's stack allows
│   └── NotAcceptable         lists what is on offer
├── StoreDamaged              a store on disk does not hold any more what was written
├── UpstreamFault             the endpoint behind this one did not do its part: what it said
│   └── AnswerCut             it cuts answers at so many rows, and would have cut this one
└── Busy                      ours to mend; says when to come back
    ├── UpstreamBusy          the endpoint behind this one has too much to do
    ├── QueryTimeout          the deadline, and how to narrow the query
    │   └── UpstreamTimeout   the endpoint behind this one ran past it
    ├── QueryTooLarge         the memory limit, and how to narrow the query
    ├── TooManyQueries        the queue is full
    └── EngineUnavailable     no worker could be had
"""

from pathlib import Path


class RokgraphError(Exception):
    """Base of all errors that a person may see; `str()` of it is the sentence to show."""


class SourceError(RokgraphError):
    """A file cannot be read or parsed.

    Attributes: `path`, `line` and `column` (1-based, 0 where unknown), `reason`, and `text`, the
    offending line.
    """

    def __init__(
        self, path: Path, reason: str, *, line: int = 0, column: int = 0, text: str = ""
    ) -> None:
        """Tell where in which file what is wrong."""
        self.path, self.line, self.column = path, line, column
        self.reason, self.text = reason, text
        place = f"{path}:{line}:{column}" if line else str(path)
        super().__init__(f"{place}: {reason}" + (f"\n    {text}" if text else ""))


class SettingError(RokgraphError):
    """A setting has a value that cannot be used; the sentence names it."""


class QueryError(RokgraphError):
    """The asker can mend it."""


class BadRequest(QueryError):
    """The request breaks the SPARQL 1.1 Protocol; the sentence says what and where.

    See https://www.w3.org/TR/sparql11-protocol/#query-bindings-http
    """


class QuerySyntaxError(QueryError):
    """The query does not parse. `line` and `column` are 1-based, 0 where unknown.

    See https://www.w3.org/TR/sparql11-query/#sparqlGrammar
    """

    def __init__(self, reason: str, *, line: int = 0, column: int = 0) -> None:
        """Tell where in the query what is wrong."""
        self.reason, self.line, self.column = reason, line, column
        place = f"line {line}, column {column}: " if line else ""
        super().__init__(f"The query does not parse: {place}{reason}")


class QueryTooComplex(QueryError):
    """The query is nested deeper than the engine's stack allows."""

    def __init__(self) -> None:
        """Say what to do."""
        super().__init__(
            "The query is too complex for the engine: it nests too deeply, or asks for a term of "
            "unbounded size. Split it, or take out the nesting."
        )


class NotAcceptable(QueryError):
    """None of the formats on offer for this query form is acceptable; `offered` lists them.

    See https://www.rfc-editor.org/rfc/rfc9110#section-15.5.7
    """

    def __init__(self, form: str, offered: tuple[str, ...]) -> None:
        """Name the query form and the media types it can be answered in."""
        self.form, self.offered = form, offered
        super().__init__(f"{form} is answered in: {', '.join(offered)}.")


class ParameterError(QueryError):
    """A saved query does not take that value for one of its parameters.

    Attributes: `name` of the parameter, `given`, `reason` (what is wrong, as a predicate),
    `allowed`, the values that it takes as far as they can be listed.
    """

    def __init__(self, name: str, given: str, reason: str, allowed: tuple[str, ...] = ()) -> None:
        """Name the parameter, what is wrong with its value and what it takes."""
        self.name, self.given, self.reason, self.allowed = name, given, reason, allowed
        shown = "; ".join(allowed[: self.SHOWN])
        more = f"; the first {self.SHOWN} of {len(allowed)}" if len(allowed) > self.SHOWN else ""
        told = f" It takes: {shown}{more}." if allowed else ""
        super().__init__(f"The parameter {name!r}: {given[:100]!r} {reason}.{told}")

    SHOWN = 20


class StoreDamaged(RokgraphError):
    """A store on disk does not hold any more what was written; `told` is what the engine says."""

    def __init__(self, told: str) -> None:
        """Say what its operator is to do."""
        self.told = told
        super().__init__(f"The store is damaged and must be built again: {told}")


class UpstreamFault(RokgraphError):
    """The endpoint behind this one did not do its part. `told` says what it did, as a predicate."""

    def __init__(self, told: str) -> None:
        """Tell it plainly."""
        self.told = told
        super().__init__(f"The endpoint behind this one {told}")


class AnswerCut(UpstreamFault):
    """The endpoint behind this one gives so many `rows` (or triples) and leaves out the others."""

    def __init__(self, rows: int) -> None:
        """Name the limit and how to stay below it."""
        super().__init__(
            f"cuts every answer at {rows} rows or triples, and this one has as many: it is not "
            "shown, since nobody could tell what is missing. Ask for less, in an order, with "
            "LIMIT and OFFSET."
        )
        self.rows = rows


class Busy(RokgraphError):
    """Ours to mend. `retry_after` is in seconds."""

    retry_after = 1


class QueryTimeout(Busy):
    """The query ran past its deadline (seconds) and was killed."""

    def __init__(self, seconds: float) -> None:
        """Name the limit that was hit and how to stay below it."""
        self.seconds = seconds
        self.retry_after = max(1, round(seconds))
        super().__init__(
            f"The query ran longer than {seconds:g} s and was stopped. Narrow it: name a graph or "
            "a class, bind a subject, or ask for less with LIMIT; a cross product of patterns "
            "that share no variable never ends."
        )


class UpstreamTimeout(QueryTimeout):
    """The endpoint behind this one did not answer within the deadline (seconds), its or ours."""


class UpstreamBusy(Busy):
    """The endpoint behind this one has too much to do, and says for how many seconds."""

    def __init__(self, seconds: int) -> None:
        """Say when to come back."""
        self.seconds = self.retry_after = seconds
        super().__init__("The endpoint behind this one has too much to do. Please try again later.")


class QueryTooLarge(Busy):
    """The query needed more memory than a query may have and was stopped."""

    def __init__(self) -> None:
        """Name the limit that was hit and how to stay below it."""
        super().__init__(
            "The query needed more memory than one query may have and was stopped. Narrow it: "
            "sort, group or join fewer rows, and build shorter strings."
        )


class TooManyQueries(Busy):
    """The queue in front of the workers is full."""

    def __init__(self) -> None:
        """Say when to come back."""
        super().__init__("Too many queries are waiting. Please try again in a moment.")


class EngineUnavailable(Busy):
    """No worker could be had to answer, for instance while the engine starts again."""

    def __init__(self) -> None:
        """Say when to come back."""
        super().__init__("The query engine is starting again. Please try again in a moment.")


def to_plain(error: RokgraphError) -> dict[str, object]:
    """An error as plain JSON values, for another process."""
    values: dict[str, object] = {"error": type(error).__name__, "message": str(error)}
    for name in _PLAIN.get(type(error).__name__, ()):
        value = getattr(error, name)
        values[name] = str(value) if isinstance(value, Path) else value
    return values


def from_plain(values: dict[str, object]) -> RokgraphError:
    """The error that `to_plain` made plain."""
    name = str(values["error"])
    given = {key: values[key] for key in _PLAIN.get(name, ())}
    if name == "QuerySyntaxError":
        return QuerySyntaxError(**given)  # type: ignore[arg-type]
    if name == "NotAcceptable":
        return NotAcceptable(str(given["form"]), tuple(given["offered"]))  # type: ignore[arg-type]
    if name == "SourceError":
        return SourceError(Path(str(given.pop("path"))), **given)  # type: ignore[arg-type]
    if name == "QueryTooLarge":
        return QueryTooLarge()
    if name == "StoreDamaged":
        return StoreDamaged(**given)  # type: ignore[arg-type]
    if name in _UPSTREAM:
        return _UPSTREAM[name](**given)  # type: ignore[arg-type]
    return QueryError(str(values["message"]))


_PLAIN = {
    "QuerySyntaxError": ("reason", "line", "column"),
    "NotAcceptable": ("form", "offered"),
    "SourceError": ("path", "reason", "line", "column", "text"),
    "StoreDamaged": ("told",),
    "UpstreamFault": ("told",),
    "AnswerCut": ("rows",),
    "UpstreamBusy": ("seconds",),
    "UpstreamTimeout": ("seconds",),
}
_UPSTREAM: dict[str, type[UpstreamFault | UpstreamBusy | UpstreamTimeout]] = {
    each.__name__: each for each in (UpstreamFault, AnswerCut, UpstreamBusy, UpstreamTimeout)
}
