"""The Digital Strategy of Korea as a cited, validated knowledge graph, and its endpoint."""


def __getattr__(name: str) -> str:
    """`__version__`, looked up when it is asked for: workers start without it."""
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415

        return version("rokgraph")
    raise AttributeError(name)
