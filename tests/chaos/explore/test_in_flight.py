"""One customer begins, and what comes next waits until the app keeps them waiting."""

import threading
from dataclasses import dataclass, field

import pytest

from pytest_sre.chaos.fly.probes import customer_begins
from pytest_sre.chaos.fly.standing import stand


@dataclass
class Shop:
    """Answers the first question at once, and the second when it is told to."""

    answers: threading.Event = field(default_factory=threading.Event)
    walked: threading.Event = field(default_factory=threading.Event)

    @property
    def sight(self) -> "Shop":
        return self

    def journey(self, name, write):
        assert name == "checkout"
        write(None)
        self.answers.wait(60)
        self.walked.set()
        raise AssertionError("POST /checkout answered 503")


@pytest.fixture
def shop():
    made = Shop()
    stand(made)
    yield made
    made.answers.set()
    stand(None)


def test_a_customer_who_is_kept_waiting_goes_on_in_the_background(shop):
    assert customer_begins("checkout", kept_waiting_s=0.01) is True
    assert not shop.walked.is_set()

    shop.answers.set()

    assert shop.walked.wait(60)


def test_a_customer_who_is_served_at_once_is_not_waited_for(shop):
    shop.answers.set()

    assert customer_begins("checkout", kept_waiting_s=60) is False
    assert shop.walked.is_set()
