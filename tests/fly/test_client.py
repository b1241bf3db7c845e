"""The calls as they go out, and what is read from their answers."""

import pytest

from pytest_sre.fly import errors
from pytest_sre.fly.client import Fly
from pytest_sre.fly.config import Guest, MachineConfig, Service
from pytest_sre.fly.models import Machine
from tests.fly.conftest import SECRET, Reply, ScriptedApi


def test_machines_are_listed_to_the_last_page(api: ScriptedApi, fly: Fly) -> None:
    api.reply(
        Reply(200, [{"id": "1"}, {"id": "2"}], {"fly-next-cursor": "a"}),
        Reply(200, [], {"fly-next-cursor": "b"}),
        Reply(200, [{"id": "3"}]),
    )
    assert [machine.id for machine in fly.machines("shop", region="iad")] == ["1", "2", "3"]
    assert [seen.query.get("cursor") for seen in api.requests] == [None, "a", "b"]
    assert {seen.query["region"] for seen in api.requests} == {"iad"}


def test_apps_are_listed_to_the_last_page(api: ScriptedApi, fly: Fly) -> None:
    api.reply(
        Reply(200, {"apps": [{"name": "shop"}], "next_cursor": "a"}),
        Reply(200, {"apps": [{"name": "blog"}], "next_cursor": ""}),
    )
    assert [app.name for app in fly.apps("acme")] == ["shop", "blog"]


def test_pages_that_go_round_in_a_circle_end(api: ScriptedApi, fly: Fly) -> None:
    api.reply(*[Reply(200, [{"id": "1"}], {"fly-next-cursor": "a"})] * 9)
    with pytest.raises(errors.UnexpectedAnswer, match="page"):
        fly.machines("shop")
    assert len(api.requests) == 2


def test_a_machine_is_read_leniently(api: ScriptedApi, fly: Fly) -> None:
    api.reply(
        Reply(
            200,
            {
                "id": "148e",
                "state": "hibernating-next-year",
                "brand_new": {"field": [1]},
                "events": None,
                "config": {"env": None, "services": None, "metadata": {"fly_process_group": "web"}},
                "checks": [
                    {"name": "bg_deployments_compat_1", "status": "critical"},
                    {"name": "servicecheck-00-http-8080", "status": "passing", "output": None},
                ],
            },
        )
    )
    machine = fly.machine("shop", "148e")
    assert machine.state == "hibernating-next-year"
    assert machine.group == "web"
    assert machine.events == []
    assert [check.name for check in machine.checks] == ["servicecheck-00-http-8080"]


@pytest.mark.parametrize("body", [[], None])
def test_no_machines_are_an_empty_list(api: ScriptedApi, fly: Fly, body: object) -> None:
    api.reply(Reply(200, body))
    assert fly.machines("shop") == []


def test_a_configuration_is_sent_with_what_it_states(api: ScriptedApi, fly: Fly) -> None:
    api.reply(Reply(200, {"id": "148e"}))
    config = MachineConfig(image="shop:1", guest=Guest(), services=[Service()])
    fly.create_machine("shop", config, region="iad")
    assert api.requests[0].body == {
        "region": "iad",
        "config": {
            "image": "shop:1",
            "guest": {"cpu_kind": "shared", "cpus": 1, "memory_mb": 256},
            "services": [{"protocol": "tcp", "internal_port": 8080}],
        },
    }


def test_an_update_carries_the_nonce_and_keeps_what_it_does_not_know(
    api: ScriptedApi, fly: Fly
) -> None:
    there = {"image": "shop:1", "new_in_2030": [None, {}], "env": {"A": "1"}, "guest": None}
    api.reply(
        Reply(200, {"id": "148e", "instance_id": "01OLD", "config": there}),
        Reply(200, {"id": "148e", "instance_id": "01NEW"}),
    )
    updated = fly.update_machine("shop", "148e", MachineConfig(image="shop:2"), nonce="n0")
    assert updated.instance_id == "01NEW"
    assert api.requests[1].body == {
        "current_version": "01OLD",
        "config": {"image": "shop:2", "new_in_2030": [None, {}], "guest": None},
    }
    assert api.requests[1].headers["fly-machine-lease-nonce"] == "n0"
    assert api.requests[1].headers["authorization"] == f"FlyV1 {SECRET}"


def test_a_machine_of_an_unreachable_host_is_not_updated_by_half(
    api: ScriptedApi, fly: Fly
) -> None:
    half = {"image": "shop:1"}
    there = {"id": "148e", "host_status": "unreachable", "incomplete_config": half}
    api.reply(Reply(200, {**there, "config": None}))
    with pytest.raises(errors.PreconditionFailed, match="host status unreachable"):
        fly.update_machine("shop", "148e", MachineConfig(image="shop:2"))
    assert [seen.method for seen in api.requests] == ["GET"]


def test_stop_sends_an_object_even_when_empty(api: ScriptedApi, fly: Fly) -> None:
    api.reply(Reply(200, {"ok": True}), Reply(200, {"ok": True}))
    fly.stop("shop", "148e")
    fly.stop("shop", "148e", signal="SIGTERM", timeout_s=1.5)
    assert [seen.body for seen in api.requests] == [{}, {"signal": "SIGTERM", "timeout": "1.5s"}]


@pytest.mark.parametrize("body", [{"ok": False}, {"status": "error", "message": "no capacity"}])
def test_a_refusal_with_status_200_is_an_error(
    api: ScriptedApi, fly: Fly, body: dict[str, object]
) -> None:
    api.reply(Reply(200, body))
    with pytest.raises(errors.PreconditionFailed, match="148e to start"):
        fly.start("shop", "148e")


NOT_YET = Reply(408, {"error": "machine failed to reach desired state, started, currently stopped"})


def test_a_wait_is_repeated_in_calls_of_at_most_a_minute(api: ScriptedApi, fly: Fly) -> None:
    api.reply(NOT_YET, NOT_YET, Reply(200, {"ok": True, "state": "started"}))
    fly.wait("shop", "148e", "started", version="01A", timeout_s=150)
    assert [seen.query["timeout"] for seen in api.requests] == ["60", "60", "60"]
    assert {seen.query["version"] for seen in api.requests} == {"01A"}


@pytest.mark.parametrize("timeout_s", [0, 0.1])
def test_a_wait_that_is_not_met_says_what_the_state_is(
    api: ScriptedApi, fly: Fly, timeout_s: float
) -> None:
    api.reply(NOT_YET)
    with pytest.raises(errors.TimedOut, match="currently stopped") as caught:
        fly.wait("shop", "148e", "started", timeout_s=timeout_s)
    assert 'Machine 148e to become "started"' in str(caught.value)
    assert api.requests[0].query["timeout"] == "1"


def test_a_machine_that_is_not_found_is_destroyed(api: ScriptedApi, fly: Fly) -> None:
    gone = Reply(404, {"error": "machine not found"})
    api.reply(gone, gone)
    fly.wait("shop", "148e", "destroyed")
    with pytest.raises(errors.NotFound):
        fly.wait("shop", "148e", "started")


def test_waiting_for_stopped_names_the_version(api: ScriptedApi, fly: Fly) -> None:
    api.reply(Reply(200, {"id": "148e", "instance_id": "01A"}), Reply(200, {"ok": True}))
    fly.wait("shop", "148e", "stopped")
    assert api.requests[1].query["version"] == "01A"


def test_exec_gives_what_the_command_left(api: ScriptedApi, fly: Fly) -> None:
    api.reply(Reply(200, {"exit_code": 3, "stdout": "out", "stderr": "err"}))
    result = fly.exec("shop", "148e", ["sh", "-c", "exit 3"], timeout_s=2.2)
    assert (result.exit_code, result.stdout, result.stderr) == (3, "out", "err")
    assert api.requests[0].body == {"command": ["sh", "-c", "exit 3"], "timeout": 3}


def test_metadata_is_written_where_no_content_comes_back(api: ScriptedApi, fly: Fly) -> None:
    api.reply(Reply(204), Reply(204), Reply(200, {"a": "b"}))
    fly.set_metadata("shop", "148e", "a/b", "c", nonce="n0")
    fly.delete_metadata("shop", "148e", "a/b")
    assert fly.metadata("shop", "148e") == {"a": "b"}
    assert [seen.path.rpartition("/")[2] for seen in api.requests[:2]] == ["a%2Fb", "a%2Fb"]
    assert api.requests[0].body == {"value": "c"}


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_an_empty_name_never_widens_what_a_call_is_about(
    api: ScriptedApi, fly: Fly, name: str
) -> None:
    with pytest.raises(ValueError, match="expected a name"):
        fly.destroy_machine("shop", name, force=True)
    assert api.requests == []


def test_secrets_are_set_and_unset_by_one_call_each(api: ScriptedApi, fly: Fly) -> None:
    api.reply(Reply(200, {"version": 3, "secrets": []}), Reply(200, {"Version": 4}))
    assert fly.set_secrets("shop", {"A": "", "B": "b"}) == 3
    assert fly.unset_secrets("shop", ["A"]) == 4
    assert [seen.body for seen in api.requests] == [
        {"values": {"A": "", "B": "b"}},
        {"values": {"A": None}},
    ]
    api.reply(Reply(200, {"secrets": []}))
    assert fly.secrets("shop", min_version=4) == []
    assert api.requests[-1].query == {"min_version": "4", "version": "4"}


def test_what_a_token_may_do_is_told(api: ScriptedApi, fly: Fly) -> None:
    api.reply(Reply(200, {"tokens": [{"org_slug": "acme", "apps": ["shop"], "user": None}]}))
    (token,) = fly.current_tokens()
    assert (token.org_slug, token.apps) == ("acme", ["shop"])


@pytest.mark.parametrize("key", ["regions", "Regions"])
def test_regions_are_read_with_small_and_capital_keys(api: ScriptedApi, fly: Fly, key: str) -> None:
    api.reply(Reply(200, {key: [{"code": "iad"}], "nearest": "iad"}))
    assert [region.code for region in fly.regions()] == ["iad"]


def test_a_clone_is_made_of_all_the_other_has_but_its_volumes(api: ScriptedApi, fly: Fly) -> None:
    mounts = [{"volume": "vol_1", "name": "data", "path": "/data", "new": 1}]
    config = {"image": "shop:1", "new_in_2030": [None], "mounts": mounts}
    api.reply(
        Reply(200, {"id": "148e", "region": "ams", "config": config}), Reply(200, {"id": "2"})
    )
    assert fly.clone_machine("shop", "148e").id == "2"
    assert api.requests[1].body == {
        "region": "ams",
        "config": {**config, "mounts": [{"name": "data", "path": "/data", "new": 1}]},
    }


def test_logs_begin_at_a_time_and_go_on_by_token(api: ScriptedApi, fly: Fly) -> None:
    line = {
        "id": "1",
        "attributes": {
            "timestamp": "2026-05-14T10:41:08.123456789Z",
            "message": "[PC01] instance refused connection",
            "level": "error",
            "instance": "148e",
            "region": "iad",
            "meta": {"event": {"provider": "proxy"}, "error": {"code": 1}, "http": None},
        },
    }
    bare = {"attributes": {"timestamp": "2026-05-14T10:41:09", "message": None, "meta": None}}
    api.reply(
        Reply(200, {"data": [line, bare], "meta": {"next_token": "1778755269000000000"}}),
        Reply(200, {"data": [], "meta": {}}),
    )
    entries, token = fly.logs("shop", since_at=1_778_755_268.0, machine="148e")
    first, second = entries
    assert first.at == pytest.approx(1_778_755_268.123457, abs=1e-5)
    assert (first.level, first.machine, first.provider, first.error_code) == (
        "error",
        "148e",
        "proxy",
        1,
    )
    assert (second.at, second.message) == (1_778_755_269.0, "")
    assert fly.logs("shop", next_token=token) == ([], token)
    assert api.requests[0].query == {"next_token": "1778755268000000000", "instance": "148e"}


def test_what_belongs_to_an_app_is_read(api: ScriptedApi, fly: Fly) -> None:
    api.reply(
        Reply(200, [{"id": "vol_1", "name": "data", "size_gb": 1}]),
        Reply(200, {"secrets": [{"name": "DB", "digest": "d", "value": "never kept"}]}),
        Reply(200, {"certificates": [{"hostname": "shop.example.com"}], "next_cursor": None}),
        Reply(200, {"ips": [{"ip": "::1", "type": "v6"}]}),
        Reply(201, {"id": "a1", "created_at": 1}),
        Reply(202),
    )
    assert fly.volumes("shop")[0].name == "data"
    (secret,) = fly.secrets("shop")
    assert secret.name == "DB"
    assert "never kept" not in repr(secret)
    assert fly.certificates("shop")[0].hostname == "shop.example.com"
    assert fly.ips("shop")[0].ip == "::1"
    assert fly.create_app("new", "acme").id == "a1"
    fly.delete_app("new", force=True)


def test_a_client_made_from_the_environment_talks_to_no_other_host(api: ScriptedApi) -> None:
    environment = {
        "FLY_API_TOKEN": "fo1_local",
        "FLY_FLAPS_BASE_URL": api.url,
        "FLY_API_BASE_URL": f"{api.url}/",
    }
    api.reply(Reply(200, []), Reply(200, {"releases": []}), Reply(200, {"data": []}))
    with Fly.from_environment(environment) as fly:
        assert fly.machines("shop") == []
        assert fly.releases("shop") == []
        assert fly.logs("shop") == ([], "")
    assert [seen.headers["authorization"] for seen in api.requests] == ["Bearer fo1_local"] * 3
    assert [seen.path for seen in api.requests] == [
        "/v1/apps/shop/machines",
        "/api/v1/apps/shop/releases",
        "/api/v1/apps/shop/logs",
    ]


def test_a_proxy_of_the_environment_is_not_used_on_this_machine(
    api: ScriptedApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    api.reply(Reply(200, {"name": "shop"}))
    with Fly.from_environment(
        {
            "FLY_API_TOKEN": "t" * 8,
            "FLY_FLAPS_BASE_URL": api.url,
            "FLY_API_BASE_URL": api.url,
        }
    ) as fly:
        assert fly.app("shop").name == "shop"


def test_without_a_token_nothing_is_contacted() -> None:
    with pytest.raises(errors.TokenMissing, match="FLY_API_TOKEN or FLY_ACCESS_TOKEN"):
        Fly.from_environment({"FLY_API_TOKEN": "  "})


def test_a_machine_made_by_hand_has_no_release() -> None:
    assert Machine(id="1").release_version == 0
