"""Titles are what a person would write, and stay true while an issue is open."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.issues.titles import title_of
from pytest_sre.judge.causes import Cause, Failure, group_by_cause
from pytest_sre.recording.rows import MachineSeen
from pytest_sre.verdict import Verdict

PLACES = {"a1": "ams", "a2": "ams", "i1": "iad", "s1": "ams"}


def machine(name: str, group: str = "") -> MachineSeen:
    return MachineSeen(
        at=1.0,
        app="shop",
        machine=name,
        name=name,
        region=PLACES[name],
        group=group or ("store" if name.startswith("s") else "web"),
        state="started",
        instance_id="i",
        image="shop:v2",
    )


FLEET = tuple(map(machine, PLACES))


def cause(*identity: str, on: tuple[str, ...] = (), said: str = "as the block says") -> Cause:
    return Cause(said, (), (), ("shop", *identity), frozenset(PLACES), "shop", frozenset(on))


@pytest.mark.parametrize(
    ("found", "title"),
    [
        (
            cause("out of memory", "web", on=("a1",)),
            "web runs out of memory on 1 of 3 Machines in ams",
        ),
        (cause("out of memory", "store", on=("s1",)), "store runs out of memory"),
        (
            cause("exits", "web", "1", "KeyError at settings.load", on=("a1", "i1")),
            "web exits with code 1: KeyError at settings.load on 2 of 3 Machines in ams and iad",
        ),
        (
            cause("exits", "store and web", "1", "KeyError", on=tuple(PLACES)),
            "store and web exit with code 1: KeyError on all Machines",
        ),
        (
            cause("exits", "web", "0", "", on=("a1", "a2", "i1")),
            "web exits with code 0 on all Machines",
        ),
        (
            cause("exits", "web", "3", "", on=("a1", "a2")),
            "web exits with code 3 on all Machines in ams",
        ),
        (cause("state", "store", "stopped", on=tuple(PLACES)), "store is stopped"),
        (cause("state", "", "failed", on=tuple(PLACES)), "shop is failed on all Machines"),
        (
            cause("check", "web", "ready", on=("i1",)),
            "check ready of web fails on 1 of 3 Machines in iad",
        ),
        (
            cause("requests", "GET /items/… answers 503", on=("a1",)),
            "checkout fails: GET /items/… answers 503 on 1 of 3 web Machines in ams",
        ),
        (cause("slow", "GET /items/…"), "checkout fails: GET /items/… is slow"),
        (
            cause("log", "app", "order <n> of <email> failed", on=("a1",)),
            "errors in the log: order … of … failed on 1 of 3 web Machines in ams",
        ),
        (
            cause("log", "app", "no discount: KeyError: <text>", on=("a1", "a2", "i1")),
            "errors in the log: no discount: KeyError on all web Machines",
        ),
        (
            cause("image", "web", on=("a2",)),
            "web runs another image than the release on 1 of 3 Machines in ams",
        ),
    ],
)
def test_a_cause_has_the_title_a_person_would_write(found, title):
    assert title_of(found, FLEET, journeys=["checkout"], version=0) == title
    assert title_of(found, FLEET, journeys=["checkout"], version=42) == f"{title} since v42"


@pytest.mark.parametrize(
    ("said", "title"),
    [
        ("order 17 is lost", "order … is lost"),
        ("cart c8f3ab2-99 of web-ams-148e21 is empty", "cart … of … is empty"),
        ("GET /cart/17 answers 503", "GET /cart/… answers 503"),
        ("says [PR04] again", "says [PR04] again"),
        ("took 2.51 s, limit 1 s", "took … s, limit … s"),
        ("assert 17 == 18", "price of an order: assert … == …"),
        ("no HSTS header", "no HSTS header"),
    ],
)
def test_a_failed_test_says_what_it_said_without_what_varies(said, title):
    found = cause("test", "suites/x.py::test_price_of_an_order", "masked", said=said)

    assert title_of(found, FLEET, version=0) == title


def test_a_journey_that_a_test_walked_is_named():
    found = cause("test", "suites/x.py::test_journey", "x", said="POST /orders is slow", on=("i1",))

    assert title_of(found, FLEET, journeys=["checkout"], version=42) == (
        "checkout fails: POST /orders is slow on 1 of 3 web Machines in iad since v42"
    )


def test_a_group_of_no_name_goes_by_its_app():
    fleet = [machine("a1", "app"), machine("i1", "app")]

    crashed = cause("exits", "app", "1", "", on=("a1",))
    assert title_of(crashed, fleet, version=0) == "shop exits with code 1 on 1 of 2 Machines in ams"
    headless = cause("test", "test_x", "x", said="no header", on=("a1",))
    assert title_of(headless, fleet, version=0) == "no header on 1 of 2 Machines in ams"


@given(st.text(max_size=400), st.integers(1, 999_999), st.integers(1, 999_999))
def test_a_title_does_not_vary_with_numbers_in_what_a_test_said(words, one, other):
    titles = set()
    for number in (one, other):
        failure = Failure("test_x", Verdict.UNHEALTHY, f"order {number}: {words}")
        (found,) = group_by_cause([failure], [])
        titles.add(title_of(found, FLEET, version=0))

    (title,) = titles
    assert len(title) < 250
    assert not re.search(r"order \d", title)
