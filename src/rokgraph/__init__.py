"""The Digital Strategy of Korea as a cited, validated knowledge graph, and its endpoint.

`rokgraph.load()` is the way in for people who program.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rokgraph.api import Dataset, load
    from rokgraph.results import Rows, Triples

    __version__: str

__all__ = ["Dataset", "Rows", "Triples", "__version__", "load"]


def __getattr__(name: str) -> Any:
    """What the package offers, looked up when it is asked for: workers start without it."""
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415

        return version("rokgraph")
    if name in __all__:
        from importlib import import_module  # noqa: PLC0415

        return getattr(import_module("rokgraph.api"), name)
    raise AttributeError(name)
