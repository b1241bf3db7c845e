import time

import pytest

from pytest_sre.probes import HttpResult
from pytest_sre.probes.eventually import eventually
from pytest_sre.verdict import Inconclusive


class Script:
    """A check that answers as written, the last answer for ever."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.tries = 0

    def __call__(self):
        answer = self.answers[min(self.tries, len(self.answers) - 1)]
        self.tries += 1
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_a_check_that_passes_is_asked_once_and_is_no_flake():
    flakes, check = [], Script("found")

    assert eventually(check, on_flake=flakes.append) == "found"
    assert (check.tries, flakes) == (1, [])


@pytest.mark.parametrize(
    "first",
    [False, None, 0, AssertionError("503"), Inconclusive("no samples")],
    ids=["false", "none", "zero", "assertion", "inconclusive"],
)
def test_a_check_that_passes_later_is_a_counted_flake(first):
    flakes = []

    assert eventually(Script(first, first, "up"), every=0.001, on_flake=flakes.append) == "up"
    assert [flake.attempts for flake in flakes] == [3]
    assert flakes[0].first_failure
    assert flakes[0].at > 1_700_000_000


def test_a_flake_names_the_check():
    def shop_is_up():
        return next(answers)

    answers, flakes = iter([False, True]), []
    eventually(shop_is_up, every=0, on_flake=flakes.append)

    assert flakes[0].what.endswith("shop_is_up")


def test_giving_up_shows_the_last_failure_and_the_number_of_tries():
    check = Script(AssertionError("first"), AssertionError("503 != 200"))

    # The last try is made when the time is over, so there are two on a busy machine, too.
    with pytest.raises(AssertionError, match=r"(?s)failed \d+ tries in .*503 != 200") as caught:
        eventually(check, within="1s", every="1h")

    assert f"{check.tries} tries" in str(caught.value)
    assert check.tries >= 2
    assert "first" not in str(caught.value)


def test_our_own_fault_to_the_end_is_inconclusive():
    with pytest.raises(Inconclusive, match="DNS is down") as caught:
        eventually(Script(Inconclusive("DNS is down", cause="own dns")), within=0.01, every=0.001)

    assert caught.value.cause == "own dns"


def test_a_result_that_is_not_ok_does_not_pass():
    bad = HttpResult(at=0.0, url="http://127.0.0.1/healthz", status=503)

    with pytest.raises(AssertionError, match="GET /healthz"):
        eventually(lambda: bad, within=0.01, every=0.001)


def test_a_check_that_only_asserts_is_told_to_return_something():
    with pytest.raises(AssertionError, match="has to return True"):
        eventually(lambda: None, within=0)


def test_no_time_is_one_try():
    check = Script(False)

    with pytest.raises(AssertionError, match="1 try"):
        eventually(check, within=0)
    assert check.tries == 1


def test_it_does_not_go_on_beyond_its_time():
    began = time.monotonic()
    with pytest.raises(AssertionError):
        eventually(lambda: False, within="100ms", every="1h")

    assert 0.1 <= time.monotonic() - began < 60


def test_another_error_is_not_retried():
    check = Script(KeyError("a mistake in the test"))

    with pytest.raises(KeyError):
        eventually(check)
    assert check.tries == 1


def test_a_duration_that_cannot_be_read_is_refused():
    with pytest.raises(ValueError, match="duration"):
        eventually(lambda: True, within="soon")
