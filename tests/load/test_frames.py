"""Frames: they survive the pipe however it cuts them, and add up to what one process saw."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.load.frames import (
    LARGEST_BYTES,
    Answered,
    BrokenStreamError,
    Ended,
    Frame,
    Go,
    Order,
    Ready,
    Sample,
    Stop,
    Tally,
    Unpacker,
    packed,
)
from pytest_sre.load.gathering import MOST_SAMPLES, Gathering
from pytest_sre.load.plan import LoadPlan, constant
from pytest_sre.slo.histogram import index_of

PLAN = LoadPlan(workload=constant(10, 5), mix={"buy": 1.0})
SAMPLE = Sample(at=1.0, journey="buy", request="GET /", kind="reset", text="connection cut")
WORDS = [
    Ready(),
    Frame(
        elapsed_s=1.0,
        tallies=[Tally(second=0, journey="buy", planned=3, done=2, intended={7: 2})],
        samples=[SAMPLE],
        answered=[Answered(machine="m1", region="iad", count=2)],
    ),
    Ended(reason="complete"),
]


@given(st.lists(st.integers(1, 40), max_size=30))
def test_words_are_read_however_the_pipe_cuts_them(cuts):
    stream = b"".join(map(packed, WORDS))
    unpacker, heard = Unpacker(), []

    for cut in [*cuts, len(stream)]:
        part, stream = stream[:cut], stream[cut:]
        heard += unpacker.words(part)

    assert heard == WORDS


def test_commands_are_read_as_they_were_given():
    order = Order(
        plan=PLAN,
        base_url="http://127.0.0.1:1",
        hosts=("127.0.0.1:1",),
        journey_files=("j.py",),
    )

    heard = [*Unpacker().commands(b"".join(map(packed, [order, Go(), Stop()])))]

    assert heard == [order, Go(), Stop()]


@pytest.mark.parametrize(
    "stream",
    [b"Traceback (most recent call last)", packed(Go()), b"\x00\x00\x00\x01\xc1"],
    ids=["text", "a command", "no msgpack"],
)
def test_what_is_no_word_is_told_and_not_waited_for(stream):
    with pytest.raises(BrokenStreamError, match="expected"):
        [*Unpacker().words(stream)]


def test_a_frame_that_is_too_large_is_refused_before_it_is_held():
    with pytest.raises(BrokenStreamError, match=f"at most {LARGEST_BYTES} bytes"):
        [*Unpacker().words((LARGEST_BYTES + 1).to_bytes(4, "big"))]


def test_four_workers_frames_add_up_to_those_of_one():
    chance = random.Random(3)
    seen = [(chance.randrange(5), chance.expovariate(10)) for _ in range(2_000)]

    def tally(second, latency_s):
        slot = {index_of(latency_s): 1}
        return Tally(second=second, journey="buy", started=1, done=1, intended=slot, sent=slot)

    def gathered(workers):
        gathering = Gathering(PLAN, "http://127.0.0.1:1", 0.0)
        for worker in range(workers):
            mine = [tally(*one) for one in seen[worker::workers]]
            for start in range(0, len(mine), 100):
                gathering.add(Frame(elapsed_s=1.0, tallies=mine[start : start + 100]))
        return gathering.result(5.0, "complete")

    one, four = gathered(1), gathered(4)

    assert four.runs() == one.runs()
    assert four.runs().done == 2_000
    assert [part.done for part in four.series] == [part.done for part in one.series]


def test_samples_and_machines_are_bounded_while_counts_are_whole():
    gathering = Gathering(PLAN, "http://127.0.0.1:1", 0.0)
    for number in range(2_000):
        sample = Sample(at=0, journey="buy", request=f"GET /{number}", kind="reset", text="cut")
        answered = Answered(machine=f"m{number}", region="iad", count=1)
        row = Tally(second=0, journey="buy", done=1)
        gathering.add(Frame(elapsed_s=0, tallies=[row], samples=[sample], answered=[answered]))

    result = gathering.result(5.0, "complete")

    assert len(result.samples) == MOST_SAMPLES
    assert len(result.answered) == 1_000
    assert result.runs().done == 2_000
