"""Which Machines a deploy makes, and when it holds one for well or for lost."""

import pytest

from pytest_sre.deploys.health import is_healthy, is_hopeless
from pytest_sre.deploys.plan import places
from pytest_sre.fly.config import CheckConfig, MachineConfig, Service
from pytest_sre.fly.models import Check, Event, EventRequest, ExitEvent, Machine
from pytest_sre.targets import load_settings

FLY_TOML = """
app = "shop"
{region}
[processes]
web = "run web"
worker = "run worker"
store = "run store"
[http_service]
internal_port = 8080
processes = ["web"]
[[services]]
internal_port = 9090
processes = ["store"]
[mounts]
source = "data"
destination = "/data"
processes = ["store"]
"""


def planned(folder, stated: str = "", region: str = 'primary_region = "ams"') -> list[tuple]:
    (folder / "fly.toml").write_text(FLY_TOML.format(region=region), encoding="utf-8")
    target = '[targets.local]\nplatform = "local"\napps = ["fly.toml"]\n'
    table = f"[targets.local.machines]\n{stated}\n" if stated else ""
    (folder / "sre.toml").write_text(target + table, encoding="utf-8")
    spec = load_settings(folder, "local").target.apps[0]
    return [(place.group, place.region) for place in places(spec)]


def test_without_numbers_what_serves_gets_two_and_what_keeps_data_or_serves_nobody_one(tmp_path):
    assert sorted(planned(tmp_path)) == [
        ("store", "ams"),
        ("web", "ams"),
        ("web", "ams"),
        ("worker", "ams"),
    ]


def test_stated_numbers_are_kept_and_nothing_is_made_of_a_group_stated_as_none(tmp_path):
    stated = '"shop/web" = { iad = 2, fra = 1 }\n"shop/worker" = { iad = 0 }'

    assert sorted(planned(tmp_path, stated)) == [
        ("store", "ams"),
        ("web", "fra"),
        ("web", "iad"),
        ("web", "iad"),
    ]


def test_without_a_primary_region_machines_are_still_made_in_one(tmp_path):
    assert len({region for _, region in planned(tmp_path, region="")}) == 1


PASSING, FAILING = Check("ready", "passing"), Check("ready", "critical")
CONFIG = MachineConfig(checks={"alive": CheckConfig()}, services=[Service(checks=[CheckConfig()])])


@pytest.mark.parametrize(
    ("state", "checks", "healthy"),
    [
        ("started", [PASSING, PASSING], True),
        ("started", [PASSING], False),
        ("started", [], False),
        ("started", [PASSING, FAILING], False),
        ("stopped", [PASSING, PASSING], False),
    ],
)
def test_a_machine_is_well_when_it_runs_and_all_its_checks_have_passed(state, checks, healthy):
    assert is_healthy(Machine("m1", state=state, config=CONFIG, checks=checks)) is healthy


def test_a_machine_without_checks_is_well_when_it_runs():
    assert is_healthy(Machine("m1", state="started", config=MachineConfig()))


def ended(**given) -> Event:
    return Event(type="exit", request=EventRequest(ExitEvent(**given)))


def test_waiting_is_given_up_only_after_a_process_has_ended_twice_by_itself():
    asked, crash = ended(requested_stop=True), ended(exit_code=1)

    assert not is_hopeless(Machine("m1", state="started", events=[crash]))
    assert not is_hopeless(Machine("m1", state="started", events=[crash, asked, asked]))
    assert is_hopeless(Machine("m1", state="started", events=[crash, asked, crash]))
    assert is_hopeless(Machine("m1", state="failed"))
