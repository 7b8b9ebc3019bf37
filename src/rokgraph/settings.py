"""What can be set, with its default: by option, by `ROKGRAPH_*` in the environment.

Rule: the only reader of the environment; made once, never changed.
"""

import os
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AwareDatetime,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError
from pyoxigraph import NamedNode

from rokgraph.errors import SettingError

_PACKAGE = Path(__file__).parent
_MIB = 1024 * 1024
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_PUBLIC_RATE = 50.0
_WATCH = 2.0  # seconds; to read a link costs nothing


def _default_root() -> Path:
    packed = _PACKAGE / "_root"
    return packed if packed.is_dir() else _PACKAGE.parents[1]


class Settings(BaseSettings):
    """All settings; each field's description is its documentation."""

    model_config = SettingsConfigDict(env_prefix="ROKGRAPH_", frozen=True, extra="forbid")

    root: Path = Field(
        default_factory=_default_root,
        description="Folder that holds ontology, data, shapes and queries.",
    )
    data: tuple[Path, ...] = Field(
        default=(),
        description="Files or folders to serve instead of the built-in graph.",
    )
    store: Path | None = Field(
        default=None,
        description="Folder that `rokgraph build --store` filled, to be served from disk.",
    )
    in_memory: bool = Field(
        default=False, description="Whether a store is copied into memory before it is served."
    )
    watch: float | None = Field(
        default=None,
        ge=0,
        le=86_400,
        description="Seconds between two looks whether the data are others, to load them anew; "
        "0: only on SIGHUP. Unset: 2 with a store, else 0.",
    )
    upstream: str | None = Field(
        default=None,
        description="URL of a SPARQL 1.1 endpoint that answers the queries, instead of data here.",
    )
    upstream_user: str | None = Field(
        default=None, description="Name that the upstream is given, by HTTP Basic."
    )
    upstream_password: SecretStr | None = Field(
        default=None, description="Password that the upstream is given, by HTTP Basic."
    )
    upstream_graphs: tuple[str, ...] = Field(
        default=(),
        description="Graphs of the upstream that queries see, their union as the default graph; "
        "none: whatever it shows by itself.",
    )
    upstream_rows: int | None = Field(
        default=None,
        ge=1,
        description="Rows or triples past which the upstream cuts an answer without a word; "
        "unset: found out where it is Virtuoso.",
    )
    dataset_version: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
        description="What you call the state of the upstream's data, which must not change while "
        "this runs; unset: it may, so nothing is kept.",
    )
    default_graph: Literal["union", "own"] | None = Field(
        default=None,
        description="Default graph of queries: the union of all graphs, or the dataset's own. "
        "Unset: union for the built-in graph, own with data, and a store knows.",
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8000, ge=0, le=65535, description="TCP port to listen on.")
    base_url: str | None = Field(
        default=None, description="URL under which clients reach the service."
    )
    timeout: float = Field(
        default=30.0, gt=0, le=86_400, description="Deadline of a query, in seconds."
    )
    memory: int = Field(
        default=512 * _MIB,
        ge=32 * _MIB,
        description="Memory that one query may take beyond the data, in bytes.",
    )
    workers: int = Field(
        default_factory=lambda: max(2, os.cpu_count() or 2),
        ge=1,
        le=256,
        description="Processes for quick queries.",
    )
    slow_workers: int = Field(
        default=4,
        ge=1,
        le=256,
        description="Queries past their quick start that run at once;"
        " with those whose answer has begun by then at most twice as many.",
    )
    quick: float = Field(
        default=0.1, gt=0, description="Seconds after which a query counts as slow."
    )
    queue: int = Field(
        default=256, ge=1, description="Queries that may wait; past it the answer is 503."
    )
    max_query: int = Field(
        default=1024 * 1024, ge=1024, description="Longest request body, in bytes."
    )

    cache: int = Field(
        default=64 * _MIB, ge=0, description="Memory for finished answers, in bytes; 0 for none."
    )
    release_text: Path | None = Field(
        default=None,
        description="Your own copy of the text that is cited, whose passages pages then show; "
        "another text stops the start.",
    )
    dumps: Path | None = Field(
        default=None,
        description="Folder in which dumps are kept; unset: they are made anew at each start.",
    )
    contact: str | None = Field(
        default=None,
        description="Whom to tell of faults and of weaknesses: a mailto:, tel: or https: address.",
    )
    security_expires: AwareDatetime | None = Field(
        default=None,
        description="When security.txt runs out, with time zone; unset: there is none.",
    )
    federation: tuple[str, ...] = Field(
        default=(),
        description="IRIs of endpoints that queries may call by SERVICE; none: federation is off.",
    )
    federation_private: bool = Field(
        default=False,
        description="Whether those endpoints may be at addresses that are not public.",
    )
    rate: float | None = Field(
        default=None,
        ge=0,
        description="Requests a second that one client may make; 0 for no limit. "
        "Unset: no limit when listening on loopback, else 50.",
    )
    trusted_proxies: tuple[str, ...] = Field(
        default=(),
        description="Addresses of proxies whose forwarding headers are believed.",
    )
    connections: int = Field(default=900, ge=1, description="Connections at once; past it 503.")

    @field_validator("base_url")
    @classmethod
    def _absolute(cls, value: str | None) -> str | None:
        return None if value is None else _web_address(value).rstrip("/")

    @field_validator("upstream")
    @classmethod
    def _askable(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(_web_address(value))
        if not parts.hostname or parts.fragment or "@" in parts.netloc:
            raise ValueError("it must name a host, and have no user and no fragment")
        return value

    @field_validator("upstream_graphs")
    @classmethod
    def _names(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        for value in values:
            _iri(value)
        return values

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        """Refuse what would be given twice, or to nobody."""
        if self.store is not None and (self.data or self.upstream):
            raise ValueError("with a store there are no other data, and no upstream")
        if self.in_memory and self.store is None:
            raise ValueError("in_memory is for a store; other data are in memory anyway")
        if self.upstream is None:
            if self.dataset_version is not None:
                raise ValueError("dataset_version is that of an upstream; data here has its digest")
        elif self.data or self.federation or self.default_graph:
            raise ValueError("with an upstream there is no data, default_graph or federation here")
        return self

    @field_validator("contact")
    @classmethod
    def _reachable(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if not value.startswith(("mailto:", "tel:", "https://")):
            raise ValueError("it must begin with mailto:, tel: or https://")
        return _iri(value)

    @property
    def client_rate(self) -> float:
        """Requests a second that one client may make; 0 for no limit."""
        if self.rate is not None:
            return self.rate
        return 0.0 if self.host in _LOOPBACK else _PUBLIC_RATE

    @property
    def watch_seconds(self) -> float:
        """Seconds between two looks whether the data are others; 0 for none."""
        if self.watch is not None:
            return self.watch
        return _WATCH if self.store is not None else 0.0

    @property
    def foreign(self) -> bool:
        """Whether what is served is not the graph that stands under `root`."""
        return bool(self.data or self.upstream or self.store)

    @property
    def union_default_graph(self) -> bool:
        """Whether queries see the union of all graphs as their default graph."""
        return (self.default_graph or ("own" if self.data else "union")) == "union"


def _iri(value: str) -> str:
    """The value, if it is an absolute IRI. Raises ValueError."""
    try:
        return NamedNode(value).value
    except ValueError:
        raise ValueError("it must be an IRI") from None


def _web_address(value: str) -> str:
    if not value.startswith(("http://", "https://")):
        raise ValueError("it must begin with http:// or https://")
    return _iri(value)


def make_settings(**given: object) -> Settings:
    """Settings from what is given (None means not given), the environment and the defaults.

    Raises SettingError with a sentence for each value that cannot be used.
    """
    try:
        return Settings(**{key: value for key, value in given.items() if value is not None})  # type: ignore[arg-type]
    except SettingsError as error:
        raise SettingError(f"{error}: {error.__cause__}; lists are written in JSON") from None
    except ValidationError as error:
        raise SettingError(
            "; ".join(
                f"setting {'.'.join(map(str, fault['loc']))}: {fault['msg']}"
                f" (given: {fault['input']!r})"
                for fault in error.errors()
            )
        ) from None
