"""Frames between processes: whatever comes how, the same arrives."""

import socket
import threading

from hypothesis import given
from hypothesis import strategies as st

from rokgraph import frames
from rokgraph.frames import Tag

FRAMES = st.lists(st.tuples(st.sampled_from([*Tag]), st.binary(max_size=40)), max_size=12)


def joined(found: list[tuple[Tag, bytes]]) -> list[tuple[Tag, bytes]]:
    """Frames with the pieces of data that follow each other as one, and without empty ones."""
    told: list[tuple[Tag, bytes]] = []
    for tag, payload in found:
        if tag is Tag.DATA and told and told[-1][0] is Tag.DATA:
            told[-1] = (tag, told[-1][1] + payload)
        elif tag is not Tag.DATA or payload:
            told.append((tag, payload))
    return told


@given(FRAMES, st.lists(st.integers(1, 60), min_size=1, max_size=20))
def test_frames_arrive_however_they_are_cut(sent: list[tuple[Tag, bytes]], cuts: list[int]) -> None:
    wire = b"".join(frames.pack(tag, payload) for tag, payload in sent)
    splitter = frames.Splitter()
    found: list[tuple[Tag, bytes]] = []
    at = number = 0
    while at < len(wire):
        step = cuts[number % len(cuts)]
        found += splitter.feed(wire[at : at + step])
        at, number = at + step, number + 1
    assert joined(found) == joined(sent)


def test_data_do_not_wait_for_the_end_of_their_frame() -> None:
    wire = frames.pack(Tag.DATA, b"abcdef") + frames.pack(Tag.END)
    splitter = frames.Splitter()
    assert splitter.feed(wire[:8]) == [(Tag.DATA, b"abc")]
    assert splitter.feed(wire[8:]) == [(Tag.DATA, b"def"), (Tag.END, b"")]


def test_a_writer_sends_a_small_answer_as_one_frame_and_a_large_one_as_it_comes() -> None:
    ours, theirs = socket.socketpair()
    found: list[tuple[Tag, bytes]] = []
    receiver = frames.Receiver(theirs)

    def read() -> None:
        while (frame := receiver.next()) is not None:
            found.append(frame)

    reader = threading.Thread(target=read)
    reader.start()
    writer = frames.AnswerWriter(ours)
    lines = [b"%d\n" % number * 1000 for number in range(600)]
    for wanted in ([b"one", b"two"], lines):
        stream = writer.open("solutions", "json")
        for line in wanted:
            assert stream.write(line) == len(line)
        writer.finish()
    ours.close()
    reader.join(10)
    theirs.close()
    whole, begin, *data, end = joined(found)
    assert whole[0] is Tag.WHOLE
    assert whole[1].partition(b"\n")[2] == b"onetwo"
    assert begin == (Tag.BEGIN, whole[1].partition(b"\n")[0])
    assert data == [(Tag.DATA, b"".join(lines))]
    assert end == (Tag.END, b"")
