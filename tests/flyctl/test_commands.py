"""The commands of an unmodified flyctl end against the local platform as they do on Fly."""

import json
import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from pytest_sre.local.platform import LocalPlatform

STRATEGIES = ["rolling", "immediate", "canary", "bluegreen"]


@pytest.fixture(scope="module")
def till(flyctl) -> str:
    """An app with two Machines, deployed by flyctl."""
    assert flyctl("apps", "create", "till", "--org=personal").returncode == 0
    done = flyctl.deploy("till", "v1")
    assert done.returncode == 0, done.stderr
    return "till"


@pytest.fixture
def fly(flyctl, till):
    """Run a command about the app; what it printed."""

    def run(*arguments: str) -> str:
        done = flyctl(*arguments, app=till)
        assert done.returncode == 0, f"{arguments}: {done.stderr or done.stdout}"
        return str(done.stdout)

    return run


@pytest.fixture
def machine(fly) -> str:
    """A Machine of its own for a test that changes it."""
    made = fly("machine", "clone", listed(fly)[0]["id"], "--region=ams")
    return re.search(r"Machine ([0-9a-f]{14}) has been created", made)[1]


def listed(fly):
    found = json.loads(fly("machine", "list", "--json"))
    return [each for each in found if each["region"] == "iad"]


def state(fly, machine: str) -> str:
    return re.search(r"State: (\w+)", fly("machine", "status", machine))[1]


def test_status_shows_the_app_and_its_machines(fly):
    text = fly("status")
    assert re.search(r"Image\s+│ till:v1", text)
    assert text.count("1 total, 1 passing") >= 2
    shown = json.loads(fly("status", "--json"))
    assert (shown["Name"], shown["Deployed"], shown["Version"]) == ("till", True, 1)
    assert {each["state"] for each in shown["Machines"]} == {"started"}


def test_machines_are_listed_and_shown(fly):
    ids = [each["id"] for each in listed(fly)]
    text = fly("machine", "list")
    assert all(each in text for each in ids)
    assert "servicecheck-00-http-8080" in fly("machine", "status", ids[0])


def test_a_machine_is_stopped_started_and_restarted(fly, machine):
    fly("machine", "stop", machine, "--wait-timeout=20s")
    assert state(fly, machine) == "stopped"
    fly("machine", "start", machine)
    assert state(fly, machine) == "started"
    assert "restarted successfully" in fly("machine", "restart", machine)


def test_a_machine_is_cordoned_and_uncordoned(fly, machine, api):
    def cordoned() -> bool:
        return bool(api.get(f"/v1/apps/till/machines/{machine}").json()["cordoned"])

    fly("machine", "cordon", machine)
    assert cordoned()
    fly("machine", "uncordon", machine)
    assert not cordoned()


def test_a_command_is_executed_in_a_machine(fly, machine):
    assert fly("machine", "exec", machine, "printenv FLY_MACHINE_ID").strip() == machine
    shown = json.loads(fly("machine", "exec", machine, "sh -c 'echo no >&2; exit 3'", "--json"))
    assert (shown["exit_code"], shown["stderr"]) == (3, "no\n")


def test_a_machine_is_updated_and_destroyed(fly, machine, api):
    fly("machine", "update", machine, "--vm-memory=512", "--metadata=color=blue", "--yes")
    config = api.get(f"/v1/apps/till/machines/{machine}").json()["config"]
    assert (config["guest"]["memory_mb"], config["metadata"]["color"]) == (512, "blue")
    fly("machine", "destroy", machine, "--force")
    assert machine not in fly("machine", "list")


def test_checks_are_listed(fly):
    assert "servicecheck-00-http-8080" in fly("checks", "list")
    shown = json.loads(fly("checks", "list", "--json"))
    first = listed(fly)[0]["id"]
    assert [each["status"] for each in shown[first]] == ["passing"]


def test_logs_are_printed(fly):
    assert "Preparing to run" in fly("logs", "--no-tail")
    assert '"Provider": "init"' in fly("logs", "--no-tail", "--json")


def test_releases_are_listed_with_their_images(fly):
    assert "registry.local/till:v1" in fly("releases", "--image")
    newest = json.loads(fly("releases", "--json"))[0]
    assert (newest["Version"], newest["Status"]) == (1, "complete")


def test_the_app_is_scaled(fly):
    assert re.search(r"web\s+│ \d", fly("scale", "show"))
    before = len(listed(fly))
    assert "+1 machines for group 'web'" in fly(
        "scale", "count", f"web={before + 1}", "-y", "--region=iad"
    )
    assert len(listed(fly)) == before + 1
    fly("scale", "count", f"web={before}", "-y", "--region=iad")
    groups = json.loads(fly("scale", "show", "--json"))
    assert groups[0]["Regions"]["iad"] == before


def test_secrets_are_staged_and_removed(fly):
    fly("secrets", "set", "COLOR=blue", "--stage")
    assert re.search(r"COLOR\s+│ \w{16} │ Staged", fly("secrets", "list"))
    shown = json.loads(fly("secrets", "list", "--json"))
    assert [(each["name"], each["status"]) for each in shown] == [("COLOR", "Staged")]
    fly("secrets", "unset", "COLOR", "--stage")
    assert json.loads(fly("secrets", "list", "--json")) == []


def test_volumes_are_created_and_listed(fly):
    made = json.loads(fly("volumes", "create", "data", "--region=iad", "--size=2", "-y", "--json"))
    assert (made["name"], made["size_gb"], made["state"]) == ("data", 2, "created")
    assert made["id"] in fly("volumes", "list")
    fly("volumes", "destroy", made["id"], "-y")


def test_addresses_are_allocated_and_listed(fly):
    assert "127.0.0.1" in fly("ips", "list")
    fly("ips", "allocate-v6")
    kinds = [each["Type"] for each in json.loads(fly("ips", "list", "--json"))]
    assert sorted(kinds) == ["shared_v4", "v6"]


def test_certificates_are_added_and_listed(fly):
    fly("certs", "add", "www.example.com")
    assert "www.example.com" in fly("certs", "list")
    assert [each["hostname"] for each in json.loads(fly("certs", "list", "--json"))] == [
        "www.example.com"
    ]


def test_the_configuration_is_that_of_the_release(fly):
    shown = json.loads(fly("config", "show"))
    assert shown["processes"] == {"web": "python -S -E web.py"}
    assert "Configuration is valid" in fly("config", "validate")


def test_apps_are_listed_created_and_destroyed(fly):
    fly("apps", "create", "gone", "--org=personal")
    assert "gone" in fly("apps", "list")
    fly("apps", "destroy", "gone", "-y")
    assert [each["Name"] for each in json.loads(fly("apps", "list", "--json"))].count("gone") == 0


def test_a_token_is_made_that_works(fly, api):
    token = fly("tokens", "create", "deploy").strip()
    assert token.startswith("FlyV1 ")
    assert api.get("/v1/apps/till", headers={"authorization": token}).status_code == 200


def test_what_is_not_there_is_named(flyctl, till):
    missing = flyctl("status", "--app=nothere")
    assert (missing.returncode, "Could not find App" in missing.stderr) == (1, True)
    missing = flyctl("machine", "status", "00000000000000", app=till)
    assert (missing.returncode, "was not found in app 'till'" in missing.stderr) == (1, True)
    missing = flyctl.deploy(till, "nothere")
    assert missing.returncode == 1
    assert 'Could not find image "registry.local/till:nothere"' in missing.stderr


def test_a_release_command_that_fails_ends_the_deploy_before_any_machine_is_touched(
    flyctl, platform, till
):
    done = flyctl.deploy(till, "stuck")
    assert done.returncode == 1
    assert "exited with non-zero status of 3" in done.stderr
    assert "migrated by stuck" in done.stderr + done.stdout
    assert images(platform, till) == {"registry.local/till:v1"}
    newest = json.loads(flyctl("releases", "--json", app=till).stdout)[0]
    assert newest["Status"] == "failed"


@pytest.fixture(scope="module")
def deployed(flyctl):
    """How a second deploy of an app ended, by strategy; all at once, as two of them wait a lot."""

    def deploy(strategy: str):
        app = f"till-{strategy}"
        assert flyctl("apps", "create", app, "--org=personal").returncode == 0
        first = flyctl.deploy(app, "v1")
        assert first.returncode == 0, first.stderr
        return flyctl.deploy(app, "v2", f"--strategy={strategy}")

    with ThreadPoolExecutor(len(STRATEGIES)) as pool:
        return dict(zip(STRATEGIES, pool.map(deploy, STRATEGIES), strict=True))


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_deploy_brings_every_machine_to_the_release(platform, flyctl, deployed, strategy):
    done = deployed[strategy]
    assert done.returncode == 0, done.stderr
    assert "not listening on the expected address" not in done.stderr
    app = f"till-{strategy}"
    assert images(platform, app) == {"registry.local/till:v2"}
    assert len(platform.machines(app)) == 2
    releases = json.loads(flyctl("releases", "--json", app=app).stdout)
    assert [(each["Version"], each["Status"]) for each in releases] == [
        (2, "complete"),
        (1, "complete"),
    ]


def images(platform: LocalPlatform, app: str) -> set[str]:
    return {each.settings.image.partition("@")[0] for each in platform.machines(app)}
