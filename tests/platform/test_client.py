"""The client that talks to Fly.io, against the local platform, over real HTTP."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from pytest_sre.fly import errors
from pytest_sre.fly.client import Fly
from pytest_sre.fly.config import CheckConfig, MachineConfig, MachineInit, Restart
from pytest_sre.fly.models import Machine
from pytest_sre.fly.tokens import Token
from pytest_sre.local.images import Image
from pytest_sre.local.platform import LocalPlatform
from pytest_sre.run.platforms import client_of
from tests.patience import until

APP = "paper"
IMAGE = Image(ref="registry.local/paper:one", root="/", labels={"GH_SHA": "c0ffee"})
SLEEP = MachineConfig(
    image=IMAGE.ref,
    init=MachineInit(cmd=["sleep", "600"]),
    metadata={"fly_process_group": "app", "fly_release_version": "7"},
    restart=Restart(policy="no"),
)


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalPlatform]:
    folder = tmp_path_factory.mktemp("platform")
    with LocalPlatform.start(folder / "state") as platform:
        platform.register_image(IMAGE)
        yield platform


@pytest.fixture(scope="module")
def fly(platform: LocalPlatform) -> Iterator[Fly]:
    with client_of(platform) as fly:
        fly.create_app(APP, "personal")
        yield fly


@pytest.fixture
def machine(fly: Fly) -> Iterator[Machine]:
    made = fly.create_machine(APP, SLEEP, region="ams")
    fly.wait(APP, made.id, "started")
    yield made
    fly.destroy_machine(APP, made.id, force=True)


def test_an_app_is_found_by_name_and_organization(fly: Fly) -> None:
    assert fly.app(APP).name == APP
    assert APP in [app.name for app in fly.apps("personal")]
    with pytest.raises(errors.NotFound):
        fly.app("papre")


def test_a_name_that_is_taken_is_refused(fly: Fly) -> None:
    with pytest.raises(errors.FlyError, match="taken"):
        fly.create_app(APP, "personal")


def test_a_machine_is_described_as_it_was_made(fly: Fly, machine: Machine) -> None:
    seen = fly.machine(APP, machine.id)
    assert (seen.state, seen.region, seen.group) == ("started", "ams", "app")
    assert seen.release_version == 7
    assert seen.settings.image == IMAGE.ref
    assert seen.image_ref.labels == {"GH_SHA": "c0ffee"}
    assert [m.id for m in fly.machines(APP, region="ams")] == [machine.id]
    assert fly.machines(APP, region="iad") == []


def test_a_machine_stops_and_starts(fly: Fly, machine: Machine) -> None:
    fly.stop(APP, machine.id, signal="SIGTERM", timeout_s=2)
    fly.wait(APP, machine.id, "stopped")
    assert fly.machine(APP, machine.id).state == "stopped"
    exits = [event for event in fly.events(APP, machine.id) if event.type == "exit"]
    assert [event.is_unasked_exit for event in exits] == [False]
    fly.start(APP, machine.id)
    fly.wait(APP, machine.id, "started")
    fly.restart(APP, machine.id)
    until(lambda: fly.machine(APP, machine.id).state == "started")


def test_a_machine_is_suspended_and_resumed(fly: Fly, machine: Machine) -> None:
    fly.suspend(APP, machine.id)
    fly.wait(APP, machine.id, "suspended")
    fly.start(APP, machine.id)
    fly.wait(APP, machine.id, "started")
    assert fly.machine(APP, machine.id).state == "started"


def test_an_exit_that_nobody_asked_for_is_an_event(fly: Fly, machine: Machine) -> None:
    fly.signal(APP, machine.id, "SIGKILL")
    until(lambda: any(event.is_unasked_exit for event in fly.events(APP, machine.id)))


def test_an_update_gives_a_new_version(fly: Fly, machine: Machine) -> None:
    changed = MachineConfig(
        image=IMAGE.ref,
        init=MachineInit(cmd=["sleep", "601"]),
        metadata={"fly_process_group": "app", "fly_release_version": "8"},
    )
    updated = fly.update_machine(APP, machine.id, changed)
    assert updated.instance_id != machine.instance_id
    fly.wait(APP, machine.id, "started", version=updated.instance_id)
    assert fly.machine(APP, machine.id).release_version == 8


def test_a_machine_is_cordoned_and_uncordoned(fly: Fly, machine: Machine) -> None:
    fly.cordon(APP, machine.id)
    assert fly.machine(APP, machine.id).cordoned
    fly.uncordon(APP, machine.id)
    assert not fly.machine(APP, machine.id).cordoned


def test_a_command_is_run_inside(fly: Fly, machine: Machine) -> None:
    script = "import os, sys; print(os.environ['FLY_REGION']); sys.exit(3)"
    result = fly.exec(APP, machine.id, [sys.executable, "-S", "-c", script])
    assert (result.exit_code, result.stdout) == (3, "ams\n")
    with pytest.raises(errors.TimedOut):
        fly.exec(APP, machine.id, ["sleep", "30"], timeout_s=1)


def test_metadata_is_written_and_removed(fly: Fly, machine: Machine) -> None:
    fly.set_metadata(APP, machine.id, "owner", "on call")
    assert fly.metadata(APP, machine.id)["owner"] == "on call"
    fly.delete_metadata(APP, machine.id, "owner")
    assert "owner" not in fly.metadata(APP, machine.id)


def test_a_lease_keeps_others_out_until_it_is_released(fly: Fly, machine: Machine) -> None:
    with fly.lease(APP, machine.id, ttl_s=30, description="a test") as lease:
        with pytest.raises(errors.Conflict) as refused:
            fly.stop(APP, machine.id)
        assert refused.value.holder
        fly.cordon(APP, machine.id, nonce=lease.nonce)
    fly.uncordon(APP, machine.id)


def test_a_lease_is_released_when_the_block_fails(fly: Fly, machine: Machine) -> None:
    with pytest.raises(ZeroDivisionError), fly.lease(APP, machine.id):
        raise ZeroDivisionError
    fly.cordon(APP, machine.id)


def test_a_destroyed_machine_counts_as_destroyed(fly: Fly) -> None:
    made = fly.create_machine(APP, SLEEP, region="iad")
    fly.destroy_machine(APP, made.id, force=True)
    fly.wait(APP, made.id, "destroyed")
    assert made.id not in [machine.id for machine in fly.machines(APP)]


def test_a_wait_that_is_not_met_says_so(fly: Fly, machine: Machine) -> None:
    with pytest.raises(errors.TimedOut, match="suspended"):
        fly.wait(APP, machine.id, "suspended", timeout_s=1)


def test_an_image_that_is_unknown_is_refused(fly: Fly) -> None:
    unknown = MachineConfig(image="registry.local/paper:none", init=MachineInit(cmd=["true"]))
    with pytest.raises(errors.Invalid, match="paper:none"):
        fly.create_machine(APP, unknown, region="ams")


def test_checks_tell_how_a_machine_is(fly: Fly) -> None:
    config = MachineConfig(
        image=IMAGE.ref,
        init=MachineInit(cmd=["sleep", "600"]),
        checks={"nobody": CheckConfig(type="tcp", port=9, interval="1s", timeout="1s")},
    )
    made = fly.create_machine(APP, config, region="iad")
    try:
        until(
            lambda: (
                [(c.name, c.status) for c in fly.machine(APP, made.id).checks]
                == [("nobody", "critical")]
            )
        )
    finally:
        fly.destroy_machine(APP, made.id, force=True)


def test_releases_are_numbered_and_end(fly: Fly) -> None:
    first = fly.create_release(APP, image=IMAGE.ref)
    fly.update_release(first.id, "failed")
    second = fly.create_release(APP, image=IMAGE.ref)
    fly.update_release(second.id, "complete")
    newest, before = fly.releases(APP, limit=2)
    assert (newest.version, newest.status) == (first.version + 1, "complete")
    assert (before.version, before.status, before.image_ref) == (first.version, "failed", IMAGE.ref)


def test_a_volume_is_made_grown_copied_and_destroyed(fly: Fly) -> None:
    volume = fly.create_volume(APP, "data", region="ams", size_gb=1)
    assert volume.id in [found.id for found in fly.volumes(APP)]
    assert fly.extend_volume(APP, volume.id, 2) in (True, False)
    assert fly.volume(APP, volume.id).size_gb == 2
    fly.create_snapshot(APP, volume.id)
    until(lambda: bool(fly.snapshots(APP, volume.id)))
    (snapshot,) = fly.snapshots(APP, volume.id)
    copy = fly.create_volume(APP, "data", region="ams", size_gb=2, snapshot_id=snapshot.id)
    for each in (volume, copy):
        fly.destroy_volume(APP, each.id)
    assert not {volume.id, copy.id} & {v.id for v in fly.volumes(APP) if v.state == "created"}


def test_secrets_are_staged_until_a_machine_is_updated(fly: Fly, machine: Machine) -> None:
    version = fly.set_secrets(APP, {"PAPER": "a4", "INK": "black"})
    listed = fly.secrets(APP, min_version=version)
    digests = {secret.name: secret.digest for secret in listed}
    assert digests.keys() == {"PAPER", "INK"}
    assert _said(fly, machine, "PAPER") == ""
    fly.update_machine(APP, machine.id, machine.settings, min_secrets_version=version)
    fly.wait(APP, machine.id, "started")
    assert _said(fly, machine, "PAPER") == "a4"
    assert fly.unset_secrets(APP, ["PAPER", "INK"]) > version
    assert fly.secrets(APP) == []


def _said(fly: Fly, machine: Machine, name: str) -> str:
    script = f"import os; print(os.environ.get('{name}', ''), end='')"
    return fly.exec(APP, machine.id, [sys.executable, "-S", "-c", script]).stdout


def test_addresses_are_assigned_and_released(fly: Fly) -> None:
    address = fly.assign_ip(APP, "v6")
    assert address.ip in [found.ip for found in fly.ips(APP)]
    fly.release_ip(APP, address.ip)
    assert address.ip not in [found.ip for found in fly.ips(APP)]
    with pytest.raises(errors.Invalid):
        fly.assign_ip(APP, "v5")


def test_certificates_tell_when_they_expire(fly: Fly) -> None:
    assert fly.certificates(APP) == []
    path = f"/v1/apps/{APP}/certificates"
    wanted = {"hostname": "paper.example.com"}
    fly._machines_api.answer("POST", f"{path}/acme", json=wanted)
    fly._machines_api.answer("POST", f"{path}/paper.example.com/check", json={})
    assert [found.hostname for found in fly.certificates(APP)] == ["paper.example.com"]
    expires_at = fly.certificate(APP, "paper.example.com").expires_at
    assert expires_at is not None
    assert expires_at.timestamp() > time.time() + 86400
    with pytest.raises(errors.NotFound):
        fly.certificate(APP, "other.example.com")


def test_regions_and_organizations_are_told(fly: Fly) -> None:
    assert "ams" in [region.code for region in fly.regions()]
    assert fly.organization("personal").slug == "personal"


def test_versions_are_kept(fly: Fly, machine: Machine) -> None:
    newer = msgspec.structs.replace(machine.settings, env={"NEW": "1"})
    updated = fly.update_machine(APP, machine.id, newer)
    fly.wait(APP, machine.id, "started", version=updated.instance_id)
    versions = fly.versions(APP, machine.id)
    assert [v.version for v in versions] == [updated.instance_id, machine.instance_id]
    assert [v.user_config.env if v.user_config else None for v in versions] == [{"NEW": "1"}, {}]


def test_a_machine_is_cloned_to_another_region(fly: Fly, machine: Machine) -> None:
    clone = fly.clone_machine(APP, machine.id, region="fra")
    try:
        assert clone.id != machine.id
        assert clone.region == "fra"
        assert fly.machine(APP, clone.id).settings == fly.machine(APP, machine.id).settings
    finally:
        fly.destroy_machine(APP, clone.id, force=True)


def test_what_an_update_does_not_name_is_kept(fly: Fly, machine: Machine) -> None:
    path = f"/v1/apps/{APP}/machines/{machine.id}"
    api = fly._machines_api
    raw = api.request("GET", path, into=dict)["config"]
    body = {"config": {**raw, "new_in_2030": {"keep": [1]}}}
    changed = api.request("POST", path, into=Machine, json=body)
    fly.wait(APP, machine.id, "started", version=changed.instance_id)
    newer = msgspec.structs.replace(machine.settings, env={"NEW": "1"})
    fly.update_machine(APP, machine.id, newer)
    after = api.request("GET", path, into=dict)["config"]
    assert after == {**raw, "new_in_2030": {"keep": [1]}, "env": {"NEW": "1"}}


def test_releases_are_read_by_graphql_too(fly: Fly) -> None:
    made = fly.create_release(APP, image=IMAGE.ref)
    fly.update_release(made.id, "complete")
    (listed,) = fly.releases(APP, limit=1)
    (queried,) = fly._queried_releases(APP, 1)
    assert (queried.version, queried.status, queried.image_ref) == (
        listed.version,
        "complete",
        IMAGE.ref,
    )


def test_logs_are_paged_from_a_time_on(fly: Fly) -> None:
    before = time.time()
    say = MachineConfig(
        image=IMAGE.ref,
        init=MachineInit(cmd=[sys.executable, "-S", "-c", "print('paper is ready')"]),
        restart=Restart(policy="no"),
    )
    made = fly.create_machine(APP, say, region="ams")
    said: list[str] = []

    def read() -> bool:
        entries, _ = fly.logs(APP, since_at=before, machine=made.id)
        said[:] = [entry.message for entry in entries]
        return "paper is ready" in said

    until(read)
    _, token = fly.logs(APP, since_at=before, machine=made.id)
    later, _ = fly.logs(APP, next_token=token, machine=made.id)
    assert "paper is ready" not in [entry.message for entry in later]
    fly.destroy_machine(APP, made.id, force=True)


def test_a_wrong_token_is_ours_to_mend_and_never_shown(platform: LocalPlatform) -> None:
    wrong = Token.parse("fo1_wrongwrongwrong")
    with (
        Fly(token=wrong, api_url=platform.api_url, web_url=platform.api_url) as fly,
        pytest.raises(errors.Unauthorized) as refused,
    ):
        fly.machines(APP)
    assert refused.value.is_own_fault
    assert "wrongwrong" not in str(refused.value)


def test_a_platform_that_is_gone_is_unreachable(tmp_path: Path) -> None:
    platform = LocalPlatform.start(tmp_path / "state")
    with client_of(platform) as fly:
        platform.stop()
        with pytest.raises(errors.Unreachable):
            fly.machines(APP)
