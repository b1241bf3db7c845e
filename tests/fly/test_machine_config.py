"""From a fly.toml to what a Machine is made from."""

from pathlib import Path

import pytest

from pytest_sre.fly.config import (
    CheckConfig,
    Concurrency,
    Dns,
    File,
    Guest,
    Header,
    MachineConfig,
    MachineInit,
    Metrics,
    Mount,
    Port,
    Restart,
    Service,
    Static,
    StopConfig,
)
from pytest_sre.fly.machine_config import machine_config
from pytest_sre.fly.models import Release
from pytest_sre.targets import FlyToml, load_fly_toml

FLY_TOML = """
app = "shop"
primary_region = "iad"
kill_signal = "SIGTERM"
kill_timeout = 90

[env]
DEBUG = true

[processes]
web = "python -m 'shop web'"
worker = "python -m worker"

[http_service]
internal_port = 8080
force_https = true
auto_stop_machines = "stop"
auto_start_machines = true
min_machines_running = 1
processes = ["web"]
concurrency = { type = "requests", soft_limit = 20, hard_limit = 25 }
[[http_service.checks]]
path = "/healthz"
method = "get"
interval = "1m"
timeout = 500
headers = { Host = "shop" }

[[services]]
internal_port = 9090
protocol = "tcp"
processes = ["web"]
[[services.ports]]
port = 9090
[[services.http_checks]]
path = "/late"
[[services.tcp_checks]]
interval = "10s"

[checks.alive]
type = "http"
method = "get"
path = "/alive"
processes = ["web"]

[[mounts]]
source = "data"
destination = "/data"
processes = ["worker"]

[[restart]]
policy = "never"
processes = ["worker"]

[[vm]]
memory = "1gb"
processes = ["web"]
"""
RELEASE = Release(id="r9", version=42)


@pytest.fixture
def toml(tmp_path: Path) -> FlyToml:
    path = tmp_path / "fly.toml"
    path.write_text(FLY_TOML, encoding="utf-8")
    return load_fly_toml(path)


def test_a_group_with_services(toml: FlyToml) -> None:
    assert machine_config(toml, "web", image="shop:1", release=RELEASE) == MachineConfig(
        image="shop:1",
        env={"DEBUG": "true", "FLY_PROCESS_GROUP": "web", "PRIMARY_REGION": "iad"},
        metadata={
            "fly_platform_version": "v2",
            "fly_process_group": "web",
            "fly_release_id": "r9",
            "fly_release_version": "42",
        },
        init=MachineInit(cmd=["python", "-m", "shop web"]),
        guest=Guest(memory_mb=1024),
        services=[
            Service(
                internal_port=8080,
                ports=[
                    Port(port=80, handlers=["http"], force_https=True),
                    Port(port=443, handlers=["http", "tls"]),
                ],
                checks=[
                    CheckConfig(
                        type="http",
                        path="/healthz",
                        method="get",
                        interval="1m",
                        timeout="500ms",
                        headers=[Header("Host", ["shop"])],
                    )
                ],
                concurrency=Concurrency(type="requests", soft_limit=20, hard_limit=25),
                autostop=True,
                autostart=True,
                min_machines_running=1,
            ),
            Service(
                internal_port=9090,
                ports=[Port(port=9090)],
                checks=[
                    CheckConfig(type="tcp", interval="10s"),
                    CheckConfig(type="http", path="/late"),
                ],
            ),
        ],
        checks={"alive": CheckConfig(type="http", method="GET", path="/alive", port=8080)},
        stop_config=StopConfig(signal="SIGTERM", timeout="1m30s"),
    )


def test_a_group_with_a_volume_and_no_service(toml: FlyToml) -> None:
    config = machine_config(toml, "worker", image="shop:1", release=RELEASE)
    assert config.services == []
    assert config.checks == {}
    assert config.mounts == [Mount("/data", name="data")]
    assert config.restart == Restart(policy="no")
    assert config.guest is None


def test_what_the_fly_toml_does_not_speak_of_is_kept(toml: FlyToml) -> None:
    base = MachineConfig(
        image="shop:0",
        env={"DRIFTED": "1"},
        metadata={"team": "acme", "fly_release_version": "41"},
        guest=Guest(cpus=4),
        mounts=[Mount("/data", volume="vol_1", name="data", size_gb=3)],
        auto_destroy=True,
    )
    config = machine_config(toml, "worker", image="shop:1", release=RELEASE, base=base)
    assert "DRIFTED" not in config.env
    assert config.metadata["team"] == "acme"
    assert config.metadata["fly_release_version"] == "42"
    assert config.guest == Guest(cpus=4)
    assert config.mounts == base.mounts
    assert config.auto_destroy


def test_the_command_given_stands_in_where_the_fly_toml_has_none(toml: FlyToml) -> None:
    bare = FlyToml(app="shop")
    plain = machine_config(bare, "app", image="i", release=None)
    given = machine_config(bare, "app", image="i", release=None, command="python app.py")
    assert plain.init is None
    assert plain.stop_config is None
    assert "fly_release_id" not in plain.metadata
    assert given.init == MachineInit(cmd=["python", "app.py"])
    own = machine_config(toml, "worker", image="i", release=None, command="python app.py")
    assert own.init == MachineInit(cmd=["python", "-m", "worker"])


def test_files_statics_and_metrics_are_translated(tmp_path: Path) -> None:
    path = tmp_path / "fly.toml"
    path.write_text(
        """
app = "shop"
[metrics]
port = 9091
path = "/metrics"
[[statics]]
guest_path = "/public"
url_prefix = "/static"
[[files]]
guest_path = "/etc/here"
local_path = "here.txt"
[[files]]
guest_path = "/etc/text"
raw_value = "text"
[[files]]
guest_path = "/etc/secret"
secret_name = "KEY"
""",
        encoding="utf-8",
    )
    toml = load_fly_toml(path)
    config = machine_config(
        toml, "app", image="shop:1", release=None, contents={"here.txt": b"\xff"}
    )
    assert config.metrics == Metrics(port=9091, path="/metrics")
    assert config.statics == [Static(guest_path="/public", url_prefix="/static")]
    assert config.files == [
        File(guest_path="/etc/here", raw_value="/w=="),
        File(guest_path="/etc/text", raw_value="dGV4dA=="),
        File(guest_path="/etc/secret", secret_name="KEY"),
    ]


def test_what_a_fly_toml_does_not_speak_of_is_kept() -> None:
    base = MachineConfig(
        schedule="daily", standbys=["148e"], auto_destroy=True, dns=Dns(hostname="a"), size="x"
    )
    config = machine_config(FlyToml(app="shop"), "app", image="shop:1", release=None, base=base)
    kept = ("schedule", "standbys", "auto_destroy", "dns", "size")
    assert [getattr(config, name) for name in kept] == [getattr(base, name) for name in kept]
