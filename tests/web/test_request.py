"""What a request says, byte by byte."""

from urllib.parse import unquote_to_bytes

from hypothesis import example, given
from hypothesis import strategies as st

from rokgraph.web.request import query_of

PIECES = [
    "%", "=", "a", "F", "0", "g", "+", "\t", "_", "%41", "%3D", "%0A", "%0d", "%4", "%%",
    "\n", "\r",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
@example("a%\n")
def test_a_query_is_percent_decoded_to_the_letter(text: str) -> None:
    """See https://url.spec.whatwg.org/#percent-decode."""
    wanted = unquote_to_bytes(text.replace("+", " ")).decode()
    assert query_of(b"query=" + text.encode()) == (wanted if wanted.strip() else None)
