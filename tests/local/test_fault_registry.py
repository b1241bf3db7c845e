"""Which faults are on, as a pure registry on a clock of the test's own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.local.faults.kinds import Api5xx, Api429, CrashLoop, LogGap, StaleProxyView
from pytest_sre.local.faults.registry import MOST, Faults, TooManyFaults, known_kinds, read_kind
from pytest_sre.local.faults.scopes import Scope, Site

SHOP = Site("shop", "148e21aa", "iad", "web", "GET /v1/apps/shop/machines")


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def faults(clock):
    return Faults(clock)


def test_fault_ends_by_itself(faults, clock):
    faults.add(Api5xx(), Scope(), for_s=30)
    clock.now += 29.9
    assert faults.find(Api5xx, SHOP) == Api5xx()
    clock.now += 0.2
    assert faults.find(Api5xx, SHOP) is None
    assert faults.active() == []


def test_fault_ends_after_its_count_and_looking_does_not_count(faults):
    faults.add(Api5xx(), Scope(), count=2)
    assert faults.find(Api5xx, SHOP) is not None
    struck = [faults.strike(Api5xx, SHOP) for _ in range(4)]
    assert struck == [Api5xx(), Api5xx(), None, None]


def test_older_fault_strikes_first_and_the_next_when_it_is_spent(faults):
    faults.add(Api5xx(500), Scope(), count=1)
    faults.add(Api5xx(502), Scope())
    assert [faults.strike(Api5xx, SHOP) for _ in range(3)] == [
        Api5xx(500),
        Api5xx(502),
        Api5xx(502),
    ]


def test_one_is_switched_off_and_the_others_stay(faults):
    first, second = faults.add(Api5xx(), Scope()), faults.add(Api429(), Scope())
    assert faults.remove(first.id)
    assert not faults.remove(first.id)
    assert [each.id for each in faults.active()] == [second.id]
    assert faults.clear() == 1


@pytest.mark.parametrize(
    ("scope", "is_covered"),
    [
        pytest.param(Scope(), True, id="everything"),
        pytest.param(Scope(app="shop", region="iad", group="web"), True, id="all that fits"),
        pytest.param(Scope(app="shop", region="ams"), False, id="one that does not fit"),
        pytest.param(Scope(machine="148e21"), True, id="the beginning of an id"),
        pytest.param(Scope(machine="8e21"), False, id="the middle of an id"),
        pytest.param(Scope(endpoint="machines"), True, id="an API by name"),
        pytest.param(Scope(endpoint="releases"), False, id="another API"),
        pytest.param(Scope(endpoint="GET /v1/apps/*/machines"), True, id="a pattern"),
        pytest.param(Scope(endpoint="POST *"), False, id="another method"),
    ],
)
def test_scope_covers(scope, is_covered):
    assert scope.covers(SHOP) is is_covered


@given(
    st.builds(Scope, **{name: st.sampled_from(["", "a", "b"]) for name in ("app", "region")}),
    st.builds(Site, **{name: st.sampled_from(["a", "b"]) for name in ("app", "region")}),
)
def test_each_further_restriction_covers_less(scope, site):
    wider = Scope(app=scope.app)
    assert wider.covers(site) or not scope.covers(site)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["add", "strike", "wait"]),
            st.floats(0.1, 100),
            st.none() | st.integers(1, 3),
        ),
        max_size=40,
    )
)
def test_registry_is_what_a_list_of_ends_and_counts_says(steps):
    clock = Clock()
    faults, model = Faults(clock), []
    for step, seconds, count in steps:
        model = [each for each in model if each[0] > clock.now and each[1] != 0]
        if step == "add":
            faults.add(Api5xx(), Scope(), for_s=seconds, count=count)
            model.append([clock.now + seconds, count])
        elif step == "wait":
            clock.now += seconds
            model = [each for each in model if each[0] > clock.now]
        else:
            assert (faults.strike(Api5xx, SHOP) is not None) == bool(model)
            if model and model[0][1] is not None:
                model[0][1] -= 1
    model = [each for each in model if each[0] > clock.now and each[1] != 0]
    assert [each.left for each in faults.active()] == [count for _, count in model]


@pytest.mark.parametrize(
    ("kind", "scope", "options", "said"),
    [
        pytest.param(Api5xx(), Scope(), {"for_s": 0}, "more than 0s", id="no time"),
        pytest.param(Api5xx(), Scope(), {"for_s": 3601}, "at most 1h", id="too long"),
        pytest.param(Api5xx(), Scope(), {"for_s": float("nan")}, "found nans", id="no number"),
        pytest.param(Api5xx(), Scope(), {"count": 0}, "count of at least 1", id="count of none"),
        pytest.param(CrashLoop(), Scope(endpoint="logs"), {}, "found endpoint", id="endpoint"),
        pytest.param(LogGap(), Scope(group="web"), {}, "app, machine, region", id="group"),
        pytest.param(StaleProxyView(), Scope(), {"count": 1}, "no count", id="counted state"),
    ],
)
def test_what_makes_no_sense_is_refused(faults, kind, scope, options, said):
    with pytest.raises(ValueError, match=said):
        faults.add(kind, scope, **options)
    assert faults.active() == []


def test_number_of_faults_is_bounded(faults):
    for _ in range(MOST):
        faults.add(Api5xx(), Scope())
    with pytest.raises(TooManyFaults):
        faults.add(Api5xx(), Scope())


@pytest.mark.parametrize("name", known_kinds())
def test_each_kind_is_read_by_its_name_and_shown_with_it(faults, name):
    fault = faults.add(read_kind({"kind": name}), Scope(app="shop"))
    assert fault.view()["kind"] == name
    assert fault.view()["app"] == "shop"


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"kind": "api-5x"}, "there are: api-429, api-5xx"),
        ({}, "found None"),
        ({"kind": "api-5xx", "status": 404}, "status"),
        ({"kind": "api-5xx", "delay_s": 3}, "delay_s"),
        ({"kind": "api-slow", "delay_s": 1e9}, "delay_s"),
    ],
)
def test_kind_that_cannot_be_read_says_why(told, said):
    with pytest.raises(ValueError, match=said):
        read_kind(told)
