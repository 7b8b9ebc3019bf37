"""What a request for a question gives: values for its parameters, a part of the rows, a format.

Rule: everything that is wrong is told at once, each by its name; what is not known is refused.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode

from rokgraph.errors import BadRequest, ParameterError
from rokgraph.parameters import LANGUAGES, Parameter, Term, term
from rokgraph.web.http import Scope
from rokgraph.web.problems import HttpProblem

MAX_LIMIT = 10_000
MAX_OFFSET = 1_000_000
_TOLD = 20  # faults of one request
# Names that no parameter of a question may have.
RESERVED = ("limit", "offset", "format", "snippet", "lang")


@dataclass(frozen=True, slots=True)
class Arguments:
    """What was given, checked.

    `given` are the values of parameters as they came, `terms` what they stand for; `limit` and
    `offset` count rows; `format` and `snippet` are short names.
    """

    given: Mapping[str, str] = field(default_factory=dict)
    terms: Mapping[str, Term] = field(default_factory=dict)
    limit: int | None = None
    offset: int = 0
    format: str | None = None
    snippet: str | None = None

    def url(self, path: str, **others: object) -> str:
        """The address of `path` with the same values of parameters, and others besides."""
        added = {name: str(value) for name, value in others.items() if value is not None}
        query = urlencode({**self.given, **added})
        return f"{path}?{query}" if query else path

    def links(self, path: str, total: int) -> dict[str, str]:
        """The pages around this one, by relation; none where the rows are not limited.

        See https://www.iana.org/assignments/link-relations/
        """
        if self.limit is None:
            return {}
        limit, offset = self.limit, self.offset
        last = offset % limit
        last += max(0, total - 1 - last) // limit * limit
        places = {"first": 0, "last": last if total > last else 0}
        if offset:
            places["prev"] = min(max(0, offset - limit), places["last"])
        if offset + limit < total:
            places["next"] = offset + limit
        named = {"format": self.format} if self.format else {}
        return {
            relation: self.url(path, limit=limit, offset=place or None, **named)
            for relation, place in places.items()
        }


async def read(
    scope: Scope,
    parameters: Mapping[str, Parameter],
    offered: tuple[tuple[str, ...], tuple[str, ...]],
    members: Callable[[str], Awaitable[tuple[str, ...]]],
    prefixes: Mapping[str, str],
) -> Arguments:
    """What a request gives. An empty value of a parameter that has no default is none.

    `offered` are the names of formats and of snippets; `members` gives the IRIs of the members of
    a class by its short form.

    Raises BadRequest for text that is not UTF-8, and HttpProblem (422) that lists every fault.
    """
    formats, snippets = offered
    pairs = _pairs(scope)
    faults: list[ParameterError] = []
    terms: dict[str, Term] = {}
    values: dict[str, str] = {}
    known = (*parameters, *(name for name in RESERVED if name != "snippet" or snippets))
    for name, value in pairs:
        if name not in known:
            reason = "is the value of a parameter that is not known"
            faults.append(ParameterError(name, value, reason, known))
        elif name in values:
            faults.append(ParameterError(name, value, "is a second value"))
        else:
            values[name] = value
    values = {name: value for name, value in values.items() if value or not _left(name, parameters)}
    for name, value in values.items():
        if name in parameters:
            wanted = parameters[name]
            try:
                allowed = await members(wanted.of) if wanted.of else ()
                terms[name] = term(wanted, value, allowed, prefixes)
            except ParameterError as fault:
                faults.append(fault)
    for name, choices in (("format", formats), ("snippet", snippets), ("lang", LANGUAGES)):
        if name in values and values[name] not in choices:
            faults.append(ParameterError(name, values[name], "is not on offer", choices))
    limit = _whole(values, "limit", 1, MAX_LIMIT, faults)
    offset = _whole(values, "offset", 0, MAX_OFFSET, faults)
    if faults:
        raise _unprocessable(faults)
    return Arguments(
        {name: value for name, value in values.items() if name in parameters},
        terms,
        limit,
        offset or 0,
        values.get("format"),
        values.get("snippet"),
    )


def known_only(scope: Scope, parameters: Mapping[str, Parameter]) -> Scope:
    """The request without what is no parameter: others add marks to the address of a page.

    Raises BadRequest for text that is not UTF-8.
    """
    pairs = [(name, value) for name, value in _pairs(scope) if name in (*parameters, *RESERVED)]
    return {**scope, "query_string": urlencode(pairs).encode("ascii")}


def _left(name: str, parameters: Mapping[str, Parameter]) -> bool:
    """Whether an empty value means that there is none, as forms send it."""
    return name in parameters and parameters[name].default is None


def _pairs(scope: Scope) -> list[tuple[str, str]]:
    try:
        text = scope["query_string"].decode("ascii")
        return parse_qsl(text, keep_blank_values=True, errors="strict")
    except ValueError:
        raise BadRequest("A parameter is not UTF-8, percent-encoded.") from None


def _whole(
    values: Mapping[str, str], name: str, low: int, high: int, faults: list[ParameterError]
) -> int | None:
    given = values.get(name)
    if given is None:
        return None
    short = given.isascii() and given.isdigit() and len(given) <= len(str(high))
    value = int(given) if short else -1
    if not low <= value <= high:
        bounds = (f"whole numbers from {low} to {high}",)
        faults.append(ParameterError(name, given, "is out of bounds", bounds))
    return value


def _unprocessable(faults: list[ParameterError]) -> HttpProblem:
    """The document that lists the faults.

    See https://www.rfc-editor.org/rfc/rfc9110#name-422-unprocessable-content
    """
    told = [
        {
            "parameter": fault.name,
            "value": fault.given[:100],
            "detail": str(fault),
            "allowed": list(fault.allowed[: fault.SHOWN]),
            "allowedCount": len(fault.allowed),
        }
        for fault in faults[:_TOLD]
    ]
    detail = " ".join(map(str, faults[:_TOLD]))
    title = "A parameter is wrong" if len(faults) == 1 else "Parameters are wrong"
    return HttpProblem(422, "parameters", title, detail, members={"errors": told})
