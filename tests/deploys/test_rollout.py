"""Deploys to a local platform whose Machines are simulated: order, leases, and what goes wrong."""

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from pytest_sre.deploys.rollout import Deployment, deploy
from pytest_sre.fly.client import Fly
from pytest_sre.fly.errors import Conflict
from pytest_sre.fly.models import Machine
from pytest_sre.local.images import Image
from pytest_sre.local.platform import LocalPlatform
from pytest_sre.local.scripts import Reply, Script, ScriptedEnd
from pytest_sre.run.platforms import client_of
from pytest_sre.targets import AppSpec, ConfigError, load_settings
from tests.patience import until

FLY_TOML = """
app = "{app}"
primary_region = "iad"
[http_service]
internal_port = 8080
auto_stop_machines = {asleep}
[[http_service.checks]]
interval = "2s"
timeout = "1s"
path = "/healthz"
"""
SLOW = Script(replies=(Reply(status=503), Reply(from_s=0.3)))
IMAGES = {
    "one": Script(),
    "two": SLOW,
    "three": Script(),
    "crashing": Script(replies=(Reply(status=503),), end=ScriptedEnd(at_s=0.02)),
    "unwell": Script(replies=(Reply(status=500),)),
}


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalPlatform]:
    with LocalPlatform.start(tmp_path_factory.mktemp("platform") / "state") as platform:
        for name, script in IMAGES.items():
            platform.register_image(Image(ref=ref(name), simulated=script))
        yield platform


@pytest.fixture
def fly(platform: LocalPlatform) -> Iterator[Fly]:
    with client_of(platform) as fly:
        yield fly
    platform.clear_faults()


@pytest.fixture
def spec(tmp_path: Path, request: pytest.FixtureRequest) -> AppSpec:
    return app_of(tmp_path, f"app-{abs(hash(request.node.nodeid)) % 10**8}")


def ref(name: str) -> str:
    return f"registry.local/shop:{name}"


def app_of(folder: Path, name: str, *, machines: int = 4, autostop: str = "false") -> AppSpec:
    (folder / "fly.toml").write_text(FLY_TOML.format(app=name, asleep=autostop), encoding="utf-8")
    (folder / "sre.toml").write_text(
        '[targets.local]\nplatform = "local"\napps = ["fly.toml"]\n'
        f'[targets.local.machines]\n"{name}/app" = {{ iad = {machines} }}\n',
        encoding="utf-8",
    )
    return load_settings(folder, "local").target.apps[0]


def bring(fly: Fly, spec: AppSpec, name: str, *, within_s: float = 60.0) -> Deployment:
    return deploy(fly, spec, image=ref(name), organization="personal", healthy_within_s=within_s)


def out_of_service(machine: Machine) -> tuple[float, float]:
    """From when to when a Machine was not there for users: its update, its last check's pass."""
    updated = max(event.at for event in machine.events if event.type == "update")
    passed = max(check.updated_at.timestamp() for check in machine.checks if check.updated_at)
    return updated, passed


def test_a_first_deploy_makes_all_machines_and_ends_when_they_are_healthy(fly, spec):
    deployed = bring(fly, spec, "one")
    assert (deployed.status, deployed.failures) == ("complete", ())
    assert {m.settings.image for m in fly.machines(spec.name)} == {ref("one")}
    assert fly.releases(spec.name)[0].status == "complete"


def test_the_first_machine_is_changed_alone_and_then_a_third_at_once(fly, spec):
    bring(fly, spec, "one")
    assert bring(fly, spec, "two").status == "complete"
    spans = [out_of_service(m) for m in sorted(fly.machines(spec.name), key=lambda m: m.id)]
    first, *rest = spans
    assert all(began >= first[1] for began, _ in rest), "nobody is touched before the first is well"
    at_once = max(sum(b <= began < e for b, e in rest) for began, _ in rest)
    assert at_once == 2, "a third of four, rounded up"


def test_a_bad_release_meets_one_machine_only(fly, spec):
    bring(fly, spec, "one")
    deployed = bring(fly, spec, "crashing")
    assert deployed.status == "failed"
    assert "does not come up" in deployed.failures[0]
    images = sorted(m.settings.image for m in fly.machines(spec.name))
    assert images == [ref("crashing"), *[ref("one")] * 3]
    assert bring(fly, spec, "three").status == "complete", "and a good one mends it"


def test_a_machine_that_never_passes_its_checks_is_told_with_what_it_lacks(fly, spec):
    bring(fly, spec, "one")
    deployed = bring(fly, spec, "unwell", within_s=1.0)
    assert deployed.status == "failed"
    assert re.search(r"start(ing|ed), 0 of 1 checks pass", deployed.failures[0])


def test_a_machine_put_back_silently_is_named(platform, fly, spec):
    bring(fly, spec, "one")
    platform.add_fault({"kind": "silent-fallback", "app": spec.name, "count": 1})
    deployed = bring(fly, spec, "two")
    assert deployed.status == "failed"
    assert f"fell back to v1 {ref('one')}" in deployed.failures[0]


def test_machines_that_were_stopped_are_changed_and_stay_stopped(fly, tmp_path):
    spec = app_of(tmp_path, "sleepy", machines=2, autostop='"stop"')
    bring(fly, spec, "one")
    asleep, _ = machines = fly.machines(spec.name)
    fly.stop(spec.name, asleep.id)
    fly.wait(spec.name, asleep.id, "stopped")
    assert bring(fly, spec, "two").status == "complete"
    after = {m.id: (m.state, m.settings.image) for m in fly.machines(spec.name)}
    assert after == {m.id: ("stopped" if m == asleep else "started", ref("two")) for m in machines}


def test_what_the_client_does_not_know_survives_a_deploy(fly, spec):
    bring(fly, spec, "one")
    machine = fly.machines(spec.name)[0]
    path = f"/v1/apps/{spec.name}/machines/{machine.id}"
    raw = fly._machines_api.request("GET", path, into=dict)["config"]
    changed = {**raw, "new_in_2030": {"keep": [1]}, "schedule": "daily"}
    fly._machines_api.request("POST", path, into=Machine, json={"config": changed})
    bring(fly, spec, "two")
    after = fly._machines_api.request("GET", path, into=dict)["config"]
    assert (after["image"], after["new_in_2030"], after["schedule"]) == (
        ref("two"),
        {"keep": [1]},
        "daily",
    )


def test_files_are_written_and_a_missing_one_stops_a_deploy_before_it_begins(fly, tmp_path):
    spec = app_of(tmp_path, "with-files", machines=1)
    with spec.path.open("a", encoding="utf-8") as toml:
        toml.write('[[files]]\nguest_path = "/etc/motd"\nlocal_path = "motd.txt"\n')
    spec = load_settings(tmp_path, "local").target.apps[0]
    with pytest.raises(ConfigError, match=r"motd\.txt, which cannot be read"):
        bring(fly, spec, "one")
    assert spec.name not in [app.name for app in fly.apps("personal")]
    (tmp_path / "motd.txt").write_bytes(b"welcome")
    assert bring(fly, spec, "one").status == "complete"
    (file,) = fly.machines(spec.name)[0].settings.files
    assert (file.guest_path, file.raw_value) == ("/etc/motd", "d2VsY29tZQ==")


def test_somebody_elses_lease_stops_a_deploy_before_it_changes_anything(fly, spec):
    bring(fly, spec, "one")
    machines = fly.machines(spec.name)
    with fly.lease(spec.name, machines[2].id), pytest.raises(Conflict, match="lease"):
        bring(fly, spec, "two")
    assert {m.settings.image for m in fly.machines(spec.name)} == {ref("one")}
    assert fly.releases(spec.name)[0].status == "failed"
    for machine in machines:
        fly.cordon(spec.name, machine.id)  # nobody holds a lease that was not released


def test_leases_are_refreshed_until_the_block_ends(fly, spec, monkeypatch):
    bring(fly, spec, "one")
    ids = [machine.id for machine in fly.machines(spec.name)]
    # Often, but far from their end, which a busy machine may be late for.
    monkeypatch.setattr("pytest_sre.fly.leases._REFRESHES", 600)
    with fly.leases(spec.name, ids, ttl_s=300) as held:
        taken = {machine_id: lease_ends_at(fly, spec.name, machine_id) for machine_id in ids}
        until(
            lambda: all(lease_ends_at(fly, spec.name, one) > at for one, at in taken.items()),
            lambda: "a lease was not refreshed",
        )
        for machine_id in ids:
            with pytest.raises(Conflict):
                fly.stop(spec.name, machine_id)
        assert all(held.nonce(machine_id) for machine_id in ids)
    fly.stop(spec.name, ids[0])


def lease_ends_at(fly: Fly, app: str, machine_id: str) -> int:
    path = f"/v1/apps/{app}/machines/{machine_id}/lease"
    answer = fly._machines_api.answer("GET", path)
    return int(msgspec.json.decode(answer.body)["data"]["expires_at"])


def test_within_rate_limits_no_call_is_refused(platform, tmp_path):
    spec = app_of(tmp_path, "limited", machines=3)
    platform.limit_rates(enabled=True)
    try:
        with client_of(platform) as fly:
            assert bring(fly, spec, "one").status == "complete"
            assert bring(fly, spec, "three").status == "complete"
            assert (fly.limited_count, platform.limits().refused) == (0, 0)
    finally:
        platform.limit_rates(enabled=False)
