"""What broke once is one cause, however many tests fail by it; what broke twice is two."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.judge.causes import Cause, Failure, group_by_cause
from pytest_sre.judge.suspects import Facts, find_suspects
from pytest_sre.logs.errors import error_groups
from pytest_sre.recording.rows import CheckSeen, EventSeen, LogLine, MachineSeen
from pytest_sre.verdict import Verdict

BAD = Verdict.UNHEALTHY
FLEET = {"web-a": "ams", "web-b": "ams", "web-c": "iad", "store-a": "ams"}


def machine(name: str, app: str = "shop", **given) -> MachineSeen:
    known = {"at": 1.0, "app": app, "machine": f"{app}-{name}", "name": name}
    place = {"region": FLEET[name], "group": name.partition("-")[0]}
    now = {"state": "started", "instance_id": "i", "image": "shop:v2"}
    return MachineSeen(**{**known, **place, **now, **given})


def facts(app: str = "shop", **given) -> Facts:
    known = {
        "app": app,
        "image": "shop:v2",
        "machines": tuple(machine(name, app) for name in FLEET),
        "checks": (),
        "events": (),
        "log_lines": (),
        "errors": (),
        "own_faults": (),
        "troubles": (),
        "left_out": frozenset(),
        "bake": None,
        "error_ratio": 0.01,
        "latency_p95_s": 1.0,
    }
    return Facts(**{**known, **given})


def exited(name: str, app: str = "shop") -> EventSeen:
    about = {"at": 2.0, "app": app, "machine": f"{app}-{name}", "id": name}
    return EventSeen(**about, type="exit", status="stopped", exit_code=1)


def said(name: str, message: str, app: str = "shop") -> LogLine:
    about = {"at": 2.0, "app": app, "machine": f"{app}-{name}", "region": FLEET[name]}
    return LogLine(**about, level="error", message=message)


def causes(failures: list[Failure], *known: Facts) -> tuple[Cause, ...]:
    return group_by_cause(failures, [suspect for each in known for suspect in find_suspects(each)])


def of_machine(number: int, name: str, app: str = "shop") -> Failure:
    test = f"suites/x/test_x.py::test_{number}[{name}]"
    return Failure(test, BAD, f"was {number}", machines=frozenset({f"{app}-{name}"}), app=app)


def of_app(number: int, app: str = "shop", message: str = "requests fail") -> Failure:
    return Failure(f"suites/x/test_y.py::test_{number}", BAD, message, symptom=True, app=app)


failing_tests = st.lists(
    st.one_of(
        st.builds(of_machine, st.integers(0, 99), st.sampled_from(sorted(FLEET))),
        st.builds(of_app, st.integers(0, 99)),
    ),
    min_size=1,
    max_size=60,
    unique=True,
)


@given(failing_tests)
def test_an_app_that_is_down_is_one_cause_whatever_fails(failures):
    down = facts(machines=tuple(machine(name, state="stopped") for name in FLEET))

    (cause,) = causes(failures, down)

    assert cause.identity == ("shop", "state", "", "stopped")
    assert len(cause.failures) == len(failures)


@given(st.lists(st.integers(0, 99), unique=True, min_size=1), st.integers(0, 5))
def test_one_sick_machine_is_one_cause(numbers, symptoms):
    failures = [of_machine(number, "web-a") for number in numbers]
    failures += [of_app(number) for number in range(symptoms)]
    check = CheckSeen(at=1.0, app="shop", machine="shop-web-a", check="ready", status="critical")
    lines = (said("web-a", "ERROR disk full"),)
    sick = facts(
        checks=(check,),
        events=(exited("web-a"),),
        log_lines=lines,
        errors=tuple(error_groups(lines)),
    )

    (cause,) = causes(failures, sick)

    assert cause.identity[:3] == ("shop", "exits", "web")


@given(failing_tests)
def test_a_dependency_that_is_down_is_one_cause_with_all_that_need_it(failures):
    checks = tuple(
        CheckSeen(
            at=1.0,
            app="shop",
            machine=f"shop-{name}",
            check="ready",
            status="critical",
            output="GET http://store.process.shop.internal:8080/ refused",
        )
        for name in FLEET
        if name.startswith("web")
    )
    machines = tuple(
        machine(name, state="stopped" if name.startswith("store") else "started") for name in FLEET
    )

    (cause,) = causes(failures, facts(checks=checks, machines=machines))

    assert cause.identity == ("shop", "state", "store", "stopped")


def test_one_exception_that_ends_all_groups_is_one_cause():
    trace = 'Traceback (most recent call last):\n  File "/app/settings.py", line 7, in load\n'
    lines = tuple(
        said(name, f"{trace}KeyError: 'DATABASE_URL'") for name in ("web-a", "web-b", "store-a")
    )
    events = tuple(exited(name) for name in ("web-a", "web-b", "store-a"))
    failures = [of_machine(n, name) for n, name in enumerate(["web-a", "web-b", "store-a"])]

    (cause,) = causes(failures, facts(events=events, log_lines=lines))

    assert cause.title.startswith("store and web exit by themselves on 1 of 1 store Machines")
    assert cause.identity[:4] == ("shop", "exits", "store and web", "1")


def test_two_apps_that_break_are_two_causes():
    failures = [
        *(of_app(n, "shop") for n in range(3)),
        *(of_app(n, "mail") for n in range(3, 6)),
        of_machine(7, "web-a", "shop"),
        of_machine(8, "web-b", "mail"),
    ]
    shop, mail = (
        facts(app, events=(exited("web-a" if app == "shop" else "web-b", app),))
        for app in ("shop", "mail")
    )

    found = causes(failures, shop, mail)

    assert {cause.app: len(cause.failures) for cause in found} == {"shop": 4, "mail": 4}


def test_a_group_of_another_app_with_the_same_name_is_not_blamed():
    dead = facts("mail", events=tuple(exited(f"web-{each}", "mail") for each in "abc"))
    failure = of_app(1, "shop", "no web Machine answers well")

    (cause,) = causes([failure], dead)

    assert cause.identity[1] == "test"


@pytest.mark.parametrize(
    ("message", "is_blamed"),
    [
        ("GET http://mail.internal/send gets no answer", True),
        ("web.process.mail.internal is refused", True),
        ("mail.flycast:80 timed out", True),
        ("the webmail.internal page is empty", False),
        ("no mail was sent", False),
    ],
)
def test_an_app_that_is_gone_is_blamed_by_the_name_of_its_host(message, is_blamed):
    gone = facts("mail", machines=tuple(machine(n, "mail", state="stopped") for n in FLEET))

    (cause,) = causes([of_app(1, "shop", message)], gone)

    assert (cause.app == "mail") == is_blamed


def test_what_looks_at_the_target_as_a_whole_goes_to_the_likeliest_cause_of_any_app():
    dead = facts("mail", events=(exited("web-a", "mail"),))

    (cause,) = causes([of_app(1, "", "the journey failed")], facts("shop"), dead)

    assert cause.app == "mail"


@given(st.integers(0x10000, 0xFFFFFFFFFFFF).map("{:x}a1".format))
def test_ids_in_a_message_do_not_make_another_cause(cart):
    one, other = (
        Failure("test_cart", BAD, f"cart {each} of c-{each} is lost, {n} items")
        for n, each in enumerate([cart, "8f3ab2"])
    )

    (cause,) = causes([one, other])

    assert cause.identity[0:3] == ("", "test", "test_cart")


def test_codes_of_the_proxy_make_another_cause():
    found = causes([Failure("test_a", BAD, f"says [{code}] again") for code in ("PR04", "PU02")])

    assert len(found) == 2


def test_machines_that_a_stopped_rollout_left_behind_are_not_a_second_cause():
    old = {"image": "shop:v1"}
    machines = (machine("web-a"), machine("web-b", **old), machine("web-c", **old))
    check = CheckSeen(at=1.0, app="shop", machine="shop-web-a", check="ready", status="critical")
    failures = [of_machine(1, "web-a"), of_machine(2, "web-b"), of_machine(3, "web-c")]

    (cause,) = causes(failures, facts(machines=machines, checks=(check,)))

    assert cause.identity == ("shop", "check", "web", "ready")
    assert cause.seen_on == {"shop-web-a"}
    assert cause.machines == {"shop-web-a", "shop-web-b", "shop-web-c"}


def test_machines_on_another_image_are_a_cause_where_none_on_the_new_one_is_sick():
    machines = (machine("web-a"), machine("web-b", image="shop:v1"))
    check = CheckSeen(at=1.0, app="shop", machine="shop-web-b", check="ready", status="critical")

    found = causes([of_machine(1, "web-b")], facts(machines=machines, checks=(check,)))
    alone = causes([of_machine(1, "web-b")], facts(machines=machines))

    assert [cause.identity[1] for cause in found] == ["check"]
    assert [cause.identity[1] for cause in alone] == ["image"]
