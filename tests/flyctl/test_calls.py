"""Calls of flyctl beside GraphQL, and what it reads from the answers, field by field.

Written down from what flyctl of August 2026 sent while its commands ran, and from the structures
of fly-go that it decodes answers into. Nothing here needs flyctl.
"""

import re
from dataclasses import dataclass, field
from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("walk")

APP = "walk"
IMAGE = "registry.local/till:v1"
# RFC 3339, as Go reads it.
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")
ORGANIZATION_ID = {"id": str, "slug": "personal"}
NUMBER = re.compile(r"\d+")
RELEASE = {
    "id": str,
    "version": int,
    "stable": bool,
    "in_progress": bool,
    "status": str,
    "strategy": str,
    "user": str,
    "created_at": TIME,
    "image_ref": IMAGE,
}
MACHINE_SHAPE = {
    "id": re.compile("[0-9a-f]{14}"),
    "name": str,
    "state": "started",
    "region": "iad",
    "image_ref": {"registry": "registry.local", "repository": "till", "tag": "v1", "digest": str},
    "instance_id": re.compile("[0-9A-Z]{26}"),
    "private_ip": re.compile("fdaa:.*"),
    "created_at": TIME,
    "updated_at": TIME,
    "cordoned": False,
    "host_status": "ok",
    "config": {
        "image": IMAGE,
        "env": {"FLY_PROCESS_GROUP": "web", "PRIMARY_REGION": "iad"},
        "guest": {"cpu_kind": "shared", "cpus": 1, "memory_mb": 256},
        "metadata": {"fly_platform_version": "v2", "fly_process_group": "web"},
        "services": [{"protocol": "tcp", "internal_port": 8080}],
    },
    "events": [{"id": str, "type": str, "status": str, "source": str, "timestamp": int}],
    "checks": [
        {
            "name": "servicecheck-00-http-8080",
            "status": "passing",
            "output": str,
            "updated_at": TIME,
        }
    ],
}


@dataclass(frozen=True)
class Read:
    """A read beside GraphQL, and the shape of its answer."""

    path: str
    shape: Any
    query: dict[str, str] = field(default_factory=dict)


READS = {
    "deploy: the app": Read(
        "/v1/apps/{app}",
        {
            "id": str,
            "name": APP,
            "status": "deployed",
            "network": "default",
            "internal_numeric_id": int,
            "organization": {"slug": "personal", "name": str, "internal_numeric_id": int},
        },
    ),
    "machine list": Read("/v1/apps/{app}/machines", [MACHINE_SHAPE]),
    "machine status": Read("/v1/apps/{app}/machines/{machine}", MACHINE_SHAPE),
    "machine restart: wait": Read(
        "/v1/apps/{app}/machines/{machine}/wait",
        {"ok": True, "state": "started", "version": str},
        {"state": "started", "timeout": "60"},
    ),
    "deploy: listening": Read(
        "/v1/apps/{app}/machines/{machine}/ps",
        [
            {
                "pid": int,
                "command": str,
                "directory": str,
                "listen_sockets": [{"proto": "tcp", "address": "0.0.0.0:8080"}],
            }
        ],
    ),
    "secrets list": Read("/v1/apps/{app}/secrets", {"secrets": [{"name": "COLOR", "digest": str}]}),
    "volumes list": Read("/v1/apps/{app}/volumes", [{}, ...]),
    "certs list": Read(
        "/v1/apps/{app}/certificates",
        {"certificates": [{}, ...], "next_cursor": "", "total_count": 0},
        {"limit": "50"},
    ),
    "deploy: addresses": Read(
        "/v1/apps/{app}/ip_assignments",
        {"ips": [{"ip": "127.0.0.1", "shared": True, "created_at": TIME}]},
    ),
    "secrets list: releases": Read(
        "/api/v1/apps/{app}/releases", {"releases": [RELEASE]}, {"limit": "20"}
    ),
    "the current release": Read("/api/v1/apps/{app}/releases/current", RELEASE),
    "releases of all apps": Read("/api/v1/releases/all_current", {APP: TIME}),
    "deploy: the organization": Read(
        "/api/v1/organizations/personal",
        {
            "organization": {
                **ORGANIZATION_ID,
                "internal_numeric_id": int,
                "raw_slug": "personal",
                "paid_plan": bool,
                "personal": True,
                "billing_status": "CURRENT",
                "provisions_beta_extensions": bool,
                "name": str,
                "billable": bool,
                "remote_builder_image": str,
            }
        },
    ),
    "organizations": Read(
        "/api/v1/organizations",
        {"organizations": [{"id": str, "slug": str}]},
        {"admin": "false"},
    ),
    "logs": Read(
        "/api/v1/apps/{app}/logs",
        {
            "data": [
                {
                    "id": str,
                    "attributes": {
                        "timestamp": TIME,
                        "message": str,
                        "level": str,
                        "instance": str,
                        "region": str,
                        "meta": {"instance": str, "region": str, "event": {"provider": str}},
                    },
                }
            ],
            "meta": {"next_token": NUMBER},
        },
        {"next_token": ""},
    ),
}


@pytest.mark.parametrize("case", READS)
def test_a_read_is_answered(api, answered, walk, case):
    read = READS[case]
    path = read.path.format(app=APP, machine=walk.machines[0])
    answered(api.get(path, params=read.query), read.shape)


def test_a_build_has_a_number_that_goes_on(walk, mismatches):
    build = {"id": int, "status": "started", "wallclock_time_ms": int}
    assert mismatches(build, walk.answers["build"]) == []
    finished = {"id": walk.answers["build"]["id"], "status": "completed", "wallclock_time_ms": int}
    assert mismatches(finished, walk.answers["finished"]) == []


def test_a_release_says_how_it_stands(walk, mismatches):
    begun = {**RELEASE, "version": 1, "status": "pending", "in_progress": True, "stable": False}
    assert mismatches({"release": begun}, walk.answers["release"]) == []
    running = {**begun, "status": "running"}
    assert mismatches(running, walk.answers["running"]) == []
    complete = {**begun, "status": "complete", "in_progress": False, "stable": True}
    assert mismatches(complete, walk.answers["complete"]) == []


def test_a_release_command_leaves_its_exit(walk, mismatches):
    events = walk.answers["release command"]["events"]
    kinds = [event["type"] for event in events]
    assert kinds.index("exit") < kinds.index("start"), kinds
    left = {"exit_code": 0, "guest_exit_code": 0, "requested_stop": bool, "exited_at": TIME}
    request = events[kinds.index("exit")]["request"]
    assert mismatches({"exit_event": left}, request) == []


def test_secrets_say_which_version_has_them(walk, mismatches):
    shape = {"version": 1, "Version": 1, "secrets": [{"name": "COLOR", "digest": str}]}
    assert mismatches(shape, walk.answers["secrets"]) == []


def test_a_machine_is_changed_under_a_lease_as_single_commands_do(api, answered, walk):
    machine = walk.machines[1]
    path = f"/v1/apps/{APP}/machines/{machine}"
    data = {"nonce": str, "expires_at": int, "owner": str, "version": str}
    lease = answered(
        api.post(f"{path}/lease", params={"ttl": "120"}),
        {"status": "success", "data": data},
        status=201,
    )
    nonce = {"fly-machine-lease-nonce": lease["data"]["nonce"]}

    def wait(state: str, reached: str) -> None:
        asked = {"state": state, "timeout": "60"}
        answered(api.get(f"{path}/wait", params=asked), {"ok": True, "state": reached})

    answered(api.post(f"{path}/cordon", headers=nonce), {"ok": True})
    answered(api.post(f"{path}/uncordon", headers=nonce), {"ok": True})
    stop = {"id": machine, "timeout": "0s"}
    answered(api.post(f"{path}/stop", headers=nonce, json=stop), {"ok": True})
    wait("stopped", "stopped")
    started = {"previous_state": "stopped", "migrated": bool, "new_host": str}
    answered(api.post(f"{path}/start", headers=nonce), started)
    wait("started", "started")
    restarted = api.post(f"{path}/restart", headers=nonce, params={"force_stop": "false"})
    answered(restarted, {"ok": True})
    wait("settled", "started")
    released = {"status": "success", "data": {"ok": True}}
    answered(api.delete(f"{path}/lease", headers=nonce), released)


def test_a_machine_is_marked_past_the_lease_that_bluegreen_holds(api, answered, walk):
    path = f"/v1/apps/{APP}/machines/{walk.machines[1]}"
    lease = answered(api.post(f"{path}/lease", params={"ttl": "130"}), status=201)
    tag = f"{path}/metadata/fly_bluegreen_deployment_tag"
    answered(api.post(tag, json={"value": "safe_to_destroy"}), status=204)
    nonce = {"fly-machine-lease-nonce": lease["data"]["nonce"]}
    again = answered(api.post(f"{path}/lease", params={"ttl": "130"}, headers=nonce), status=201)
    assert again["data"]["nonce"] == lease["data"]["nonce"]
    answered(api.delete(f"{path}/lease", headers=nonce))


def test_a_command_is_executed_from_one_string(api, answered, walk):
    path = f"/v1/apps/{APP}/machines/{walk.machines[0]}/exec"
    done = {"exit_code": 0, "stdout": "hello\n", "stderr": ""}
    answered(api.post(path, json={"cmd": "echo hello"}), done)
