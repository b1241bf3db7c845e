"""What each invariant says of what was seen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.chaos import explore
from pytest_sre.chaos.explore.history import Cordoned, Invocation, Outcome, Played, Request
from pytest_sre.chaos.explore.invariants import Invariant, Judgement, judged, worst


def did(outcome=Outcome.OK, item="") -> Invocation:
    return Invocation(operation="buy", began_at=1.0, ended_at=2.0, outcome=outcome, item=item)


BOUGHT = did(item="/orders/1")


@pytest.mark.parametrize(
    ("invariant", "played", "holds", "text"),
    [
        (explore.acknowledged_writes(), Played(), None, "0 in all"),
        (explore.acknowledged_writes(), Played(invocations=(did(),)), None, "0 in all"),
        (
            explore.acknowledged_writes(),
            Played(invocations=(BOUGHT,), readable={"/orders/1": 1}),
            True,
            "",
        ),
        (
            explore.acknowledged_writes(),
            Played(invocations=(BOUGHT,), readable={"/orders/1": 0}),
            False,
            "1 acknowledged order lost",
        ),
        (
            explore.acknowledged_writes(),
            Played(invocations=(BOUGHT, BOUGHT), readable={"/orders/1": 2}),
            False,
            "1 order duplicated",
        ),
        (
            explore.acknowledged_writes(),
            Played(invocations=(did(item="x"), did(item="y")), readable={"x": 0, "y": 0}),
            False,
            "2 acknowledged writes lost",
        ),
        (
            explore.acknowledged_writes(),
            Played(invocations=(BOUGHT,), readable={"/orders/1": None}),
            None,
            "1 acknowledged not read",
        ),
        (explore.availability(0.5), Played(), None, "nobody asked"),
        (explore.availability(0.5), Played(invocations=(did(), did(Outcome.INFO))), True, ""),
        (
            explore.availability(0.9),
            Played(invocations=(did(), did(Outcome.FAIL))),
            False,
            "1 of 2 operations done, expected 90.000%",
        ),
        (explore.recovers("2s"), Played(recovered_s=1.5), True, ""),
        (explore.recovers("2s"), Played(recovered_s=2.5), False, "recovered after 2.5 s"),
        (explore.recovers("2s"), Played(), False, "not recovered within 2 s"),
        (explore.no_new_errors(), Played(), True, ""),
        (explore.no_new_errors(["^price"]), Played(errors=("price of <n>",)), True, ""),
        (explore.no_new_errors(["^price"]), Played(errors=("no price",)), False, "no price"),
        (explore.no_request_to_cordoned(), Played(), True, ""),
        (
            explore.no_request_to_cordoned(),
            Played(
                cordoned=(Cordoned(machine="m1", from_at=1.0, until_at=3.0),),
                requests=(
                    Request(sent_at=0.5, machine="m1"),
                    Request(sent_at=2.0, machine="m2"),
                    Request(sent_at=3.5, machine="m1"),
                ),
            ),
            True,
            "",
        ),
        (
            explore.no_request_to_cordoned(),
            Played(
                cordoned=(Cordoned(machine="m1", from_at=1.0, until_at=3.0),),
                requests=(Request(sent_at=2.0, machine="m1"),),
            ),
            False,
            "m1 served a request 1.00 s after its cordon",
        ),
        (
            explore.no_request_to_cordoned(),
            Played(
                cordoned=(Cordoned(machine="m1", from_at=1.0, until_at=3.0),),
                requests=(Request(sent_at=2.0, machine=""),),
            ),
            None,
            "fly-machine-id",
        ),
    ],
)
def test_an_invariant_says(invariant, played, holds, text):
    (said,) = judged([invariant], played)

    assert said.holds is holds
    assert text in said.text


def test_one_that_cannot_judge_does_not_say_that_it_holds():
    def judge(_played: Played) -> Judgement:
        raise KeyError("price")

    (said,) = judged([Invariant("own", judge)], Played())

    assert said == Judgement(None, "own: KeyError: 'price'")


@given(st.lists(st.sampled_from([True, False, None])))
def test_broken_is_over_not_known_and_that_over_holds(several):
    found = worst([Judgement(each, str(each)) for each in several]).holds

    if False in several:
        assert found is False
    else:
        assert found is (None if not several or None in several else True)


@pytest.mark.parametrize("share", [90, -0.1, 1.01])
def test_a_share_is_from_0_to_1(share):
    with pytest.raises(ValueError, match="expected a share from 0 to 1"):
        explore.availability(share)
