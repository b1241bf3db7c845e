"""Each kind of fact that can make tests fail is found in a recording, and named for a person."""

import pytest

from pytest_sre.bake.window import Bake
from pytest_sre.judge.suspects import Facts, find_suspects
from pytest_sre.logs.errors import error_groups
from pytest_sre.recording.rows import (
    CheckSeen,
    EventSeen,
    Exchange,
    LogLine,
    MachineSeen,
    OwnFault,
)
from pytest_sre.targets import BakeSettings

IMAGE = "registry.fly.io/shop:v2"
PLACES = {"web-a1": "iad", "web-b2": "iad", "web-c3": "fra", "store-1": "iad"}


def seen(machine: str, **given) -> MachineSeen:
    known = {"state": "started", "instance_id": "i", "image": IMAGE}
    group, region = machine.partition("-")[0], PLACES[machine]
    about = {"at": 1.0, "app": "shop", "machine": machine, "name": machine}
    return MachineSeen(**{**about, "region": region, "group": group, **known, **given})


def check(machine: str, status: str, output: str = "", name: str = "ready") -> CheckSeen:
    return CheckSeen(at=1.0, app="shop", machine=machine, check=name, status=status, output=output)


def ended(machine: str, **given) -> EventSeen:
    about = {"at": 2.0, "app": "shop", "machine": machine, "id": f"{machine}-{given}"}
    return EventSeen(**{**about, "type": "exit", "status": "stopped", **given})


def line(machine: str, message: str, level: str = "info", provider: str = "app") -> LogLine:
    about = {"at": 2.0, "app": "shop", "machine": machine, "region": "iad"}
    return LogLine(**about, level=level, message=message, provider=provider)


def asked(machine: str = "web-a1", **given) -> Exchange:
    about = {"at": 3.0, "source": "bake", "app": "shop", "method": "GET", "machine": machine}
    good = {"url": "http://shop/items/17?page=2", "status": 200, "ok": True, "total_s": 0.01}
    return Exchange(**{**about, **good, **given})


def facts(*, exchanges=None, log_lines=(), machines=None, **given) -> Facts:
    bake = None
    if exchanges is not None:
        bake = Bake.of(BakeSettings(30.0), 0.0, 30.0, exchanges, ())
    nothing = {"checks": (), "events": (), "own_faults": (), "troubles": ()}
    nothing["left_out"] = frozenset()
    return Facts(
        **{
            "app": "shop",
            "image": IMAGE,
            "machines": machines or tuple(map(seen, PLACES)),
            **nothing,
            "log_lines": tuple(log_lines),
            "errors": tuple(error_groups(log_lines)),
            "bake": bake,
            "error_ratio": 0.01,
            "latency_p95_s": 1.0,
            **given,
        }
    )


def test_a_release_that_is_well_has_no_suspect():
    checks = tuple(check(machine, "passing", "ok") for machine in PLACES)
    stopped = (ended("web-a1", requested_stop=True, exit_code=0),)

    assert find_suspects(facts(exchanges=[asked()] * 500, checks=checks, events=stopped)) == ()


def test_a_machine_out_of_memory_is_named_with_how_often():
    killed = tuple(ended("web-b2", oom_killed=True, exit_code=137, id=str(n)) for n in range(3))

    (suspect,) = find_suspects(facts(events=killed))

    expected = "web ran out of memory on 1 of 3 web Machines (iad web-b2), killed 3 times"
    assert suspect.title == expected
    assert (suspect.machines, suspect.groups) == ({"web-b2"}, frozenset())


def test_a_group_is_out_of_service_only_when_all_of_its_machines_are():
    events = tuple(ended(machine, exit_code=3) for machine in ("web-a1", "store-1"))

    store, web = find_suspects(facts(events=events))

    assert (store.groups, web.groups) == ({"store"}, frozenset())


def test_a_process_that_exits_is_named_with_its_code_and_its_last_words():
    lines = [
        line("store-1", "starting"),
        line("store-1", '{"level":"error","msg":"cannot open /data/shop.db"}', level="error"),
        line("store-1", "machine exited", provider="runner"),
        line("web-a1", "unrelated"),
    ]
    events = (ended("store-1", exit_code=3),)

    suspect, *_ = find_suspects(facts(events=events, log_lines=lines))

    assert suspect.title == (
        "store exits by itself on 1 of 1 store Machines (iad store-), exit code 3: "
        "cannot open /data/shop.db"
    )
    assert suspect.machines == {"store-1"}


def test_a_clean_exit_quotes_no_line_that_is_not_an_error():
    events = (ended("store-1", exit_code=0),)

    suspect, *_ = find_suspects(facts(events=events, log_lines=[line("store-1", "goodbye")]))

    assert suspect.title.endswith("exit code 0")


@pytest.mark.parametrize(
    ("change", "said"),
    [({"state": "stopped"}, "web is stopped"), ({"cordoned": True}, "web is cordoned")],
)
def test_machines_that_take_no_traffic_are_counted_by_group(change, said):
    machines = (seen("web-a1", **change), seen("web-b2", **change), seen("web-c3"))

    (suspect,) = find_suspects(facts(machines=machines))

    assert suspect.title == f"{said} on 2 of 3 web Machines"
    assert suspect.machines == {"web-a1", "web-b2"}


def test_a_check_that_fails_is_named_with_what_it_says_most():
    checks = (
        check("web-a1", "critical", "store unreachable"),
        check("web-b2", "critical", "store unreachable"),
        check("web-c3", "warning", "timeout"),
        check("store-1", "passing", "ok"),
    )

    (suspect,) = find_suspects(facts(checks=checks))

    assert suspect.title == "check ready fails on 3 of 3 web Machines: store unreachable"
    assert suspect.machines == {"web-a1", "web-b2", "web-c3"}


def test_requests_that_fail_are_named_by_the_commonest_one():
    failing = asked("web-c3", status=503, ok=False, body_head="store\n  is down", journey="buy")
    refused = asked("", status=0, ok=False, error_kind="refused", error="no", journey="buy")
    exchanges = [*[asked(journey="buy")] * 80, *[failing] * 15, *[refused] * 5]

    (suspect,) = find_suspects(facts(exchanges=exchanges))

    share = "20.0% of requests (20 of 100) fail"
    assert suspect.title == f"{share}, mostly GET /items/… answers 503"
    assert suspect.machines == {"web-c3"}
    assert suspect.evidence == ("store is down",)


def test_requests_within_the_objective_or_too_few_to_tell_accuse_nobody():
    one_of_ten = [asked(status=500, ok=False), *[asked()] * 9]

    assert find_suspects(facts(exchanges=one_of_ten)) == ()


def test_requests_lost_on_our_side_accuse_nobody():
    lost = asked(status=0, ok=False, own_fault=True, error_kind="dns", total_s=60.0)

    assert find_suspects(facts(exchanges=[lost] * 100)) == ()


def test_slow_answers_are_named_with_their_percentile_and_limit():
    (suspect,) = find_suspects(
        facts(exchanges=[*[asked()] * 50, *[asked("web-b2", total_s=2.5)] * 50])
    )

    assert suspect.title == "slow answers: p95 is 2.50 s, limit 1 s, mostly GET /items/…"
    assert suspect.machines == {"web-b2"}


def test_errors_in_the_log_are_named_once_a_kind():
    lines = [line("web-a1", f"ERROR payment {n} declined", level="error") for n in range(4)]
    lines += [line("web-b2", "ERROR payment 9 declined", level="error")]

    (suspect,) = find_suspects(facts(log_lines=lines))

    said = "errors in the log, 5 times on 2 Machines: payment 0 declined"
    assert suspect.title == said
    assert suspect.machines == {"web-a1", "web-b2"}


def test_machines_on_another_image_than_the_release_are_named():
    machines = (seen("web-a1", image="registry.fly.io/shop:v1"), seen("web-b2"), seen("web-c3"))

    (suspect,) = find_suspects(facts(machines=machines))

    assert suspect.title == (
        "web runs another image than the release on 1 of 3 web Machines (iad web-a1): "
        "registry.fly.io/shop:v1"
    )
    assert find_suspects(facts(machines=machines, image="")) == ()


def test_our_own_faults_come_first_one_a_cause():
    faults = tuple(
        OwnFault(at=float(n), cause=cause, detail=f"GET /v1 {n}")
        for n, cause in enumerate(["platform api", "own token", "platform api"])
    )

    suspects = find_suspects(facts(own_faults=faults, events=(ended("store-1", exit_code=1),)))

    assert [suspect.own for suspect in suspects] == ["platform api", "own token", ""]
    assert suspects[0].title == "not the app's fault, platform api: GET /v1 0"


def test_origins_come_before_what_follows_from_them():
    suspects = find_suspects(
        facts(
            events=(ended("store-1", exit_code=1),),
            checks=(check("web-a1", "critical", "store unreachable"),),
            exchanges=[asked(status=503, ok=False)] * 50,
            log_lines=[line("web-a1", "ERROR no store", level="error")],
        )
    )

    order = ["store exits", "check ready", "100.0% of requests", "errors in the log"]
    assert all(s.title.startswith(begin) for s, begin in zip(suspects, order, strict=True))
