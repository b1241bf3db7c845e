"""When undoing is over: never before the fence, never without proof, and always at some time."""

from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.chaos.undoing.deciding import (
    Again,
    Attempt,
    Over,
    deadlines_of,
    decide,
    pause_after_s,
)

SECONDS = st.floats(0, 100)


def play(deadlines, now: float, outcomes):
    """Undo with a clock of one's own; give the attempts, and how it ended."""
    attempts: list[Attempt] = []
    failures = 0
    last = None
    while isinstance(step := decide(deadlines, last, failures, now), Again):
        assert step.at >= now
        now = step.at
        takes_s, is_proven, asked_s = next(outcomes)
        last = Attempt(now, is_proven, asked_s)
        attempts.append(last)
        now += takes_s
        failures = 0 if is_proven else failures + 1
        assert len(attempts) < 10_000
    return attempts, step


def forever(drawn):
    yield from drawn
    while True:
        yield drawn[-1]


@given(
    made_s=st.none() | st.floats(-100, 100),
    in_flight_s=st.floats(0, 20),
    timeout_s=st.floats(0, 60),
    outcomes=st.lists(st.tuples(st.floats(0.01, 10), st.booleans(), SECONDS), min_size=1),
)
def test_it_is_undone_only_by_an_attempt_after_the_fence_that_was_proven(
    made_s, in_flight_s, timeout_s, outcomes
):
    deadlines = deadlines_of(
        made_s=made_s, now=1000.0, in_flight_s=in_flight_s, timeout_s=timeout_s
    )
    attempts, over = play(deadlines, 1000.0, forever(outcomes))

    assert attempts[0].began_at == 1000.0
    assert deadlines.fenced_until <= 1000.0 + in_flight_s
    if made_s is None or made_s <= 0:
        assert deadlines.fenced_until == 1000.0 + in_flight_s
    last = attempts[-1]
    assert over == Over(last.is_proven and last.began_at >= deadlines.fenced_until)
    # What fails is tried until its time is over, and not much longer.
    if not over.is_clean:
        assert attempts[-1].began_at + 10 >= deadlines.give_up_at
    assert last.began_at <= deadlines.give_up_at + 10


@given(st.floats(0, 20), st.floats(0, 60))
def test_what_is_undone_at_once_takes_two_attempts_or_one(in_flight_s, timeout_s):
    deadlines = deadlines_of(made_s=None, now=0.0, in_flight_s=in_flight_s, timeout_s=timeout_s)
    attempts, over = play(deadlines, 0.0, forever([(0.001, True, 0.0)]))

    assert over.is_clean
    assert len(attempts) <= 2
    assert attempts[-1].began_at == (max(in_flight_s, 0.001) if len(attempts) == 2 else 0.0)
    assert len(attempts) == (2 if in_flight_s else 1)


def test_what_was_made_long_ago_needs_no_fence():
    deadlines = deadlines_of(made_s=11.0, now=0.0, in_flight_s=10.0, timeout_s=30.0)
    attempts, over = play(deadlines, 0.0, forever([(0.1, True, 0.0)]))

    assert over.is_clean
    assert len(attempts) == 1


@given(st.integers(0, 10_000))
def test_pauses_grow_and_stay_bounded(failures):
    assert 0.03 <= pause_after_s(failures) <= pause_after_s(failures + 1) <= 1.0


def test_a_pause_that_the_platform_asks_for_is_kept():
    deadlines = deadlines_of(made_s=None, now=0.0, in_flight_s=0.0, timeout_s=30.0)

    assert decide(deadlines, Attempt(0.0, False, 5.0), 1, 1.0) == Again(6.0)
    assert decide(deadlines, Attempt(0.0, False, 500.0), 1, 1.0) == Again(30.0)
