"""The set checker, against one that goes through all items one by one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.chaos.explore.sets import SetVerdict, check_set

ITEMS = st.sampled_from("abcde")


def brute(told, readable, open_) -> SetVerdict:
    kinds = {name: [] for name in ("lost", "duplicated", "unexpected", "recovered", "unread")}
    for item in "abcde":
        times = len([each for each in told if each == item])
        copies = readable.get(item, 0)
        if times and copies == 0:
            kinds["lost"].append(item)
        if times and copies is None:
            kinds["unread"].append(item)
        if times > 1 or (copies or 0) > 1:
            kinds["duplicated"].append(item)
        if not times and copies:
            kinds["recovered" if item in open_ else "unexpected"].append(item)
    attempted = len({item for item in "abcde" if item in told or item in open_})
    return SetVerdict(**{name: tuple(found) for name, found in kinds.items()}, attempted=attempted)


@given(
    st.lists(ITEMS),
    st.dictionaries(ITEMS, st.sampled_from([None, 0, 1, 2])),
    st.lists(ITEMS),
)
def test_each_item_is_where_going_through_them_one_by_one_puts_it(told, readable, open_):
    verdict = check_set(told, readable=readable, indeterminate=open_)

    assert verdict == brute(told, readable, open_)
    if verdict.holds:
        assert all(readable[item] == 1 for item in told)


@pytest.mark.parametrize(
    ("told", "readable", "open_", "holds"),
    [
        pytest.param([], {}, [], None, id="nothing was tested"),
        pytest.param(["a"], {"a": 1}, [], True, id="all is there"),
        pytest.param(["a"], {}, [], False, id="lost"),
        pytest.param(["a"], {"a": 0}, [], False, id="read as gone"),
        pytest.param(["a"], {"a": 2}, [], False, id="delivered twice"),
        pytest.param(["a", "a"], {"a": 1}, [], False, id="one item for two users"),
        pytest.param(["a"], {"a": 1, "b": 1}, [], False, id="nobody asked for it"),
        pytest.param(["a"], {"a": 1, "b": 1}, ["b"], True, id="recovered"),
        pytest.param(["a"], {"a": 1}, ["b"], True, id="an open one that did not happen"),
        pytest.param(["a", "b"], {"a": 1, "b": None}, [], None, id="not read"),
        pytest.param(["a", "b"], {"a": 0, "b": None}, [], False, id="lost beside not read"),
    ],
)
def test_histories(told, readable, open_, holds):
    assert check_set(told, readable=readable, indeterminate=open_).holds is holds
