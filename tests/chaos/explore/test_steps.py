"""Schedules as values: in words, without what changes nothing, by the clock, and in a file."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.chaos import explore
from pytest_sre.chaos.actions import LoseRegion
from pytest_sre.chaos.experiments.reading import read_experiment
from pytest_sre.chaos.explore.found import Found, SearchResult
from pytest_sre.chaos.explore.saving import arguments_of, experiment_of, save, slug
from pytest_sre.chaos.explore.steps import Begin, Heal, Inject, Schedule, Step, Wait
from pytest_sre.chaos.explore.timeline import Begun, Healed, Struck, due
from pytest_sre.chaos.fly import actions as functions
from pytest_sre.chaos.fly.asking import asked_of


def lasting(fault, lasts_s):
    return msgspec.structs.replace(fault, lasts_s=lasts_s)


SUSPEND = lasting(explore.suspend("store"), 1.2)
FAULTS = st.builds(
    lasting,
    st.sampled_from(
        [
            explore.suspend("store"),
            explore.stop("store"),
            explore.kill("web"),
            explore.restart("web"),
            explore.cordon("web", app="shop"),
            explore.partition("web", "group:shop/store"),
            explore.slow("store", 0.3),
            LoseRegion(region="ams"),
        ]
    ),
    st.sampled_from([0.3, 1.2, 2.5]),
)
STEPS: st.SearchStrategy[Step] = st.one_of(
    st.builds(Begin, st.sampled_from(["buy", "look"]), st.booleans()),
    st.builds(Inject, FAULTS),
    st.builds(Wait, st.sampled_from([0.3, 1.0])),
    st.builds(Heal),
)
SCHEDULES = st.lists(STEPS, max_size=8).map(lambda steps: Schedule(tuple(steps)))


@pytest.mark.parametrize(
    ("steps", "text"),
    [
        ([Begin("buy"), Inject(SUSPEND)], "suspend store 1.2 s while one buy is in flight"),
        ([Inject(SUSPEND), Begin("buy")], "suspend store 1.2 s, then one buy"),
        (
            [Begin("buy"), Begin("buy"), Begin("look"), Inject(explore.kill("web"))],
            "kill web while 2 × buy and one look are in flight",
        ),
        (
            [Begin("buy"), Inject(lasting(explore.partition("web", "group:shop/store"), 2.5))],
            "partition web from group:shop/store 2.5 s while one buy is in flight",
        ),
        ([Inject(LoseRegion(region="ams", lasts_s=3))], "lose region ams 3 s"),
        ([Begin("buy")], "one buy, and no fault"),
        ([], "nothing"),
    ],
)
def test_a_schedule_in_words(steps, text):
    assert Schedule(tuple(steps)).described == text


@given(SCHEDULES)
def test_every_schedule_has_words_and_is_read_back_as_it_was_written(schedule):
    assert schedule.described
    assert slug(schedule)
    assert msgspec.json.decode(msgspec.json.encode(schedule), type=Schedule) == schedule


@given(SCHEDULES)
def test_what_changes_nothing_is_left_out_and_nothing_else(schedule):
    tidied = schedule.tidied()

    assert tidied.tidied() == tidied
    assert (tidied.faults, tidied.operations) == (schedule.faults, schedule.operations)
    assert not tidied.steps or not isinstance(tidied.steps[-1], Wait)


@given(SCHEDULES)
def test_by_the_clock_each_fault_is_healed_once_and_in_time(schedule):
    parts = due(schedule)

    assert [part.at_s for part in parts] == sorted(part.at_s for part in parts)
    assert [part.operation for part in parts if isinstance(part, Begun)] == list(
        schedule.operations
    )
    struck = {part.number: part for part in parts if isinstance(part, Struck)}
    healed = {part.number: part for part in parts if isinstance(part, Healed)}
    assert [struck[n].fault for n in range(len(struck))] == list(schedule.faults)
    assert sorted(struck) == sorted(healed)
    for number, part in healed.items():
        assert -1e-6 <= part.at_s - struck[number].at_s <= struck[number].fault.lasts_s + 1e-6


@given(FAULTS)
def test_a_fault_in_a_file_asks_for_the_same_fault(fault):
    name = fault.__struct_config__.tag.replace("-", "_")

    assert asked_of(getattr(functions, name), arguments_of(fault)) == fault


@given(SCHEDULES)
def test_a_file_has_all_that_happens_and_undoes_it(schedule):
    document = experiment_of(Found(schedule=schedule, breaks="1 order lost"))
    method = document["method"]
    called = [each["provider"]["func"] for each in method]

    assert called.count("customer_begins") == len(schedule.operations)
    asked = [
        one for one in called if one not in ("customer_begins", "machines_started", "undo_all")
    ]
    assert len(asked) == len(schedule.faults)
    assert document["rollbacks"][0]["provider"]["func"] == "undo_all"


def test_what_was_found_is_saved_under_a_name_that_says_it(tmp_path):
    schedule = Schedule((Begin("checkout"), Inject(SUSPEND)))
    found = Found(
        schedule=schedule,
        breaks="1 acknowledged order lost",
        release="lost-update",
        replays=(True, True),
    )

    saved = save(found, tmp_path / "chaos")

    assert read_experiment(saved.file, tmp_path).name == saved.file.stem
    assert saved.file == (
        tmp_path / "chaos/found-suspend-store-1-2-s-while-one-checkout-is-in-flight.yaml"
    )
    result = SearchResult(found=saved, examples=4, played=19, took_s=79.0)
    assert result.described == (
        "suspend store 1.2 s while one checkout is in flight: 1 acknowledged order lost\n"
        "found by schedule 4, the shortest of 19 played (79 s)\n"
        "fails again 2 of 2 times\n"
        f"saved as an experiment: pytest {saved.file} --sre-target=local"
        " --sre-local-release=lost-update"
    )


def test_what_no_file_can_name_is_not_saved(tmp_path):
    found = Found(schedule=Schedule((Begin("own"),)), breaks="it")

    assert save(found, tmp_path / "chaos", undocumented=["own"]).file is None
    assert not (tmp_path / "chaos").exists()
