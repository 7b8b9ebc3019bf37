"""What pages call the named graphs in a word, and which of them hold what nobody stated.

Rule: a graph that is not known is called by its key.
"""

from rokgraph.vocab import GRAPH
from rokgraph.web.language import words

UNSTATED = frozenset({GRAPH + "inferred", GRAPH + "interpretation"})


def graph_name(graph: str, language: str, *, note: bool = False) -> str:
    """The word for a graph in a language; empty for none.

    `note`: what it holds is a note of ours on the text, which stands beside what the text states.
    """
    key = "note" if note and graph == GRAPH + "source" else graph.removeprefix(GRAPH)
    return words(language, "thing").get(f"graph_{key}", key)
