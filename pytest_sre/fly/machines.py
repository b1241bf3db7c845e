"""Calls about Machines."""

import math
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final, NamedTuple

import msgspec

from pytest_sre.fly.config import MachineConfig
from pytest_sre.fly.config_documents import read_config, updated, written
from pytest_sre.fly.config_rules import refusals
from pytest_sre.fly.connections import path_of
from pytest_sre.fly.errors import Invalid, PreconditionFailed
from pytest_sre.fly.leases import LeaseCalls, nonce_header
from pytest_sre.fly.models import Event, ExecResult, Machine, MachineVersion
from pytest_sre.fly.pages import pages
from pytest_sre.fly.transport import Query
from pytest_sre.fly.waiting import WaitCalls
from pytest_sre.fly.wire import Acknowledgement, as_written

CHANGE_TIMEOUT_S: Final = 60.0
"""How long a call that changes a Machine is given, seconds; such a call is never sent twice."""
_GRACE_S = 10.0
# Put in by the platform during bluegreen deploys; not the app's own.
_COMPATIBILITY_CHECKS = "bg_deployments_compat"


class _AnyMachine(msgspec.Struct, frozen=True):
    instance_id: str = ""
    region: str = ""
    host_status: str = "ok"
    config: dict[str, Any] | None = None


class _MachineDocument(NamedTuple):
    """A Machine of which the configuration is left as it is written."""

    config: dict[str, Any]
    instance_id: str
    region: str


class _MetadataValue(msgspec.Struct, frozen=True):
    value: str


class MachineCalls(LeaseCalls, WaitCalls):
    """The calls about Machines.

    ``nonce`` is that of a lease held on the Machine. Each raises FlyError when it fails.
    """

    def machines(
        self, app: str, *, region: str | None = None, include_deleted: bool = False
    ) -> list[Machine]:
        """List an app's Machines, all pages of them."""
        found = pages(
            self._machines_api,
            path_of("v1", "apps", app, "machines"),
            into=list[Machine],
            params={"region": region, "include_deleted": include_deleted or None},
        )
        return [_own_checks(machine) for page in found for machine in page]

    def machine(self, app: str, machine_id: str) -> Machine:
        """Get one Machine; one that was destroyed can be read for a while."""
        path = path_of("v1", "apps", app, "machines", machine_id)
        return _own_checks(self._machines_api.request("GET", path, into=Machine))

    def create_machine(
        self,
        app: str,
        config: MachineConfig,
        *,
        region: str | None = None,
        name: str | None = None,
        skip_launch: bool = False,
        lease_ttl_s: int | None = None,
        min_secrets_version: int | None = None,
    ) -> Machine:
        """Create a Machine and start it, unless ``skip_launch``.

        With ``lease_ttl_s`` it is leased from the beginning; its ``nonce`` says so. It has the
        secrets of ``min_secrets_version`` or later ones.

        Raises:
            Invalid: Fly refuses the configuration, or would: then nothing was sent.
        """
        _refuse(refusals(config))
        body = {
            "config": written(config),
            "region": region,
            "name": name,
            "skip_launch": skip_launch or None,
            "lease_ttl": lease_ttl_s,
            "min_secrets_version": min_secrets_version,
        }
        return self._create(app, body)

    def clone_machine(
        self, app: str, machine_id: str, *, region: str | None = None, name: str | None = None
    ) -> Machine:
        """Create a Machine from another one's configuration, in its region unless one is given.

        Its volumes are others of the same names; there have to be some that are free.

        Raises:
            PreconditionFailed: the platform knows the other's configuration only in part.
        """
        there = self._document(app, machine_id)
        config = _without_volumes(there.config)
        body = {"config": as_written(config), "region": region or there.region, "name": name}
        return self._create(app, body)

    def _create(self, app: str, body: Mapping[str, object]) -> Machine:
        path = path_of("v1", "apps", app, "machines")
        return _own_checks(
            self._machines_api.request(
                "POST", path, into=Machine, json=body, timeout_s=CHANGE_TIMEOUT_S
            )
        )

    def update_machine(
        self,
        app: str,
        machine_id: str,
        config: MachineConfig,
        *,
        skip_launch: bool = False,
        min_secrets_version: int | None = None,
        nonce: str | None = None,
    ) -> Machine:
        """Change a Machine's configuration, which gives it a new ``instance_id``.

        What the platform keeps of it and ``MachineConfig`` has no field for stays as it is.
        With ``skip_launch`` the Machine is not started. It gets the secrets of
        ``min_secrets_version`` or later ones.

        Raises:
            Invalid: Fly refuses the change, or would: then it was not sent.
            PreconditionFailed: somebody else changed it meanwhile, or its host is out of reach,
                so that the platform knows its configuration only in part.
        """
        path = path_of("v1", "apps", app, "machines", machine_id)
        there = self._document(app, machine_id)
        _refuse(refusals(config) - refusals(read_config(there.config)))
        body = {
            "config": as_written(updated(there.config, config)),
            "current_version": there.instance_id or None,
            "skip_launch": skip_launch or None,
            "min_secrets_version": min_secrets_version,
        }
        return _own_checks(
            self._machines_api.request(
                "POST",
                path,
                into=Machine,
                json=body,
                headers=nonce_header(nonce),
                timeout_s=CHANGE_TIMEOUT_S,
            )
        )

    def _document(self, app: str, machine_id: str) -> _MachineDocument:
        path = path_of("v1", "apps", app, "machines", machine_id)
        found = self._machines_api.request("GET", path, into=_AnyMachine)
        if found.config is None:
            raise PreconditionFailed(
                f"the whole configuration of Machine {machine_id}",
                f"none (host status {found.host_status})",
                f"the answer to GET {path}",
                "wait until its host is reachable, or replace the Machine by a new one",
            )
        return _MachineDocument(found.config, found.instance_id, found.region)

    def destroy_machine(
        self, app: str, machine_id: str, *, force: bool = False, nonce: str | None = None
    ) -> None:
        """Destroy a Machine; one that runs only with ``force``."""
        self._machines_api.request(
            "DELETE",
            path_of("v1", "apps", app, "machines", machine_id),
            into=Acknowledgement,
            params={"force": force or None},
            headers=nonce_header(nonce),
            timeout_s=CHANGE_TIMEOUT_S,
        )

    def start(self, app: str, machine_id: str, *, nonce: str | None = None) -> None:
        """Start a Machine that is stopped, suspended or created."""
        self._act(app, machine_id, "start", nonce)

    def stop(
        self,
        app: str,
        machine_id: str,
        *,
        signal: str | None = None,
        timeout_s: float | None = None,
        nonce: str | None = None,
    ) -> None:
        """Ask a Machine to stop; its own ``stop_config`` holds for what is not given.

        Args:
            app: the app's name.
            machine_id: the Machine's id.
            signal: such as ``SIGTERM``.
            timeout_s: how long it may take before it is killed, seconds.
            nonce: that of a lease held on it.
        """
        timeout = None if timeout_s is None else f"{timeout_s:g}s"
        self._act(app, machine_id, "stop", nonce, {"signal": signal, "timeout": timeout})

    def restart(
        self,
        app: str,
        machine_id: str,
        *,
        signal: str | None = None,
        timeout_s: float | None = None,
        nonce: str | None = None,
    ) -> None:
        """Stop a Machine, which may take ``timeout_s`` before it is killed, and start it."""
        timeout = None if timeout_s is None else f"{timeout_s:g}s"
        params = {"timeout": timeout, "signal": signal}
        self._act(app, machine_id, "restart", nonce, params=params)

    def suspend(self, app: str, machine_id: str, *, nonce: str | None = None) -> None:
        """Freeze a Machine with its memory."""
        self._act(app, machine_id, "suspend", nonce)

    def signal(self, app: str, machine_id: str, signal: str, *, nonce: str | None = None) -> None:
        """Send a signal such as ``SIGUSR1`` to a Machine's main process."""
        self._act(app, machine_id, "signal", nonce, {"signal": signal})

    def cordon(self, app: str, machine_id: str, *, nonce: str | None = None) -> None:
        """Take a Machine out of the proxy's routing; it goes on running."""
        self._act(app, machine_id, "cordon", nonce)

    def uncordon(self, app: str, machine_id: str, *, nonce: str | None = None) -> None:
        """Let the proxy route to a Machine again."""
        self._act(app, machine_id, "uncordon", nonce)

    def exec(
        self, app: str, machine_id: str, command: Sequence[str], *, timeout_s: float = 30.0
    ) -> ExecResult:
        """Run a command in a Machine, without a shell, and wait for its end.

        Raises:
            TimedOut: it did not end within ``timeout_s``; the platform's own limit is about 30 s.
        """
        return self._machines_api.request(
            "POST",
            path_of("v1", "apps", app, "machines", machine_id, "exec"),
            into=ExecResult,
            json={"command": list(command), "timeout": max(1, math.ceil(timeout_s))},
            timeout_s=timeout_s + _GRACE_S,
        )

    def events(self, app: str, machine_id: str, *, limit: int = 20) -> list[Event]:
        """List what happened to a Machine, newest first, at most 50."""
        path = path_of("v1", "apps", app, "machines", machine_id, "events")
        return self._machines_api.request("GET", path, into=list[Event], params={"limit": limit})

    def versions(self, app: str, machine_id: str) -> list[MachineVersion]:
        """List what a Machine was made from so far, newest first."""
        path = path_of("v1", "apps", app, "machines", machine_id, "versions")
        return self._machines_api.request("GET", path, into=list[MachineVersion])

    def metadata(self, app: str, machine_id: str) -> dict[str, str]:
        """Get a Machine's metadata."""
        path = path_of("v1", "apps", app, "machines", machine_id, "metadata")
        return self._machines_api.request("GET", path, into=dict[str, str])

    def set_metadata(
        self, app: str, machine_id: str, key: str, value: str, *, nonce: str | None = None
    ) -> None:
        """Set one key of a Machine's metadata, which changes neither process nor version."""
        self._machines_api.request(
            "POST",
            path_of("v1", "apps", app, "machines", machine_id, "metadata", key),
            into=Acknowledgement,
            json=_MetadataValue(value),
            headers=nonce_header(nonce),
        )

    def delete_metadata(
        self, app: str, machine_id: str, key: str, *, nonce: str | None = None
    ) -> None:
        """Remove one key of a Machine's metadata."""
        self._machines_api.request(
            "DELETE",
            path_of("v1", "apps", app, "machines", machine_id, "metadata", key),
            into=Acknowledgement,
            headers=nonce_header(nonce),
        )

    def _act(
        self,
        app: str,
        machine_id: str,
        action: str,
        nonce: str | None,
        body: Mapping[str, object] | None = None,
        params: Query | None = None,
    ) -> None:
        path = path_of("v1", "apps", app, "machines", machine_id, action)
        done = self._machines_api.request(
            "POST",
            path,
            into=Acknowledgement,
            json=body or {},
            params=params,
            headers=nonce_header(nonce),
            timeout_s=CHANGE_TIMEOUT_S,
        )
        if not done.ok or done.status == "error":
            raise PreconditionFailed(
                f"Machine {machine_id} to {action}",
                done.message or "a refusal without a reason",
                f"the answer to POST {path}",
            )


def _own_checks(machine: Machine) -> Machine:
    own = [check for check in machine.checks if not check.name.startswith(_COMPATIBILITY_CHECKS)]
    return msgspec.structs.replace(machine, checks=own)


def _without_volumes(config: Mapping[str, Any]) -> dict[str, Any]:
    """Name the volumes that are to be mounted, but not which ones."""
    mounts = [{k: v for k, v in m.items() if k != "volume"} for m in config.get("mounts") or []]
    return {**config, "mounts": mounts} if mounts else dict(config)


def _refuse(reasons: AbstractSet[str]) -> None:
    if reasons:
        first, *others = sorted(reasons)
        more = f" (and {len(others)} more)" if others else ""
        raise Invalid(
            "a configuration that Fly accepts",
            first + more,
            "the Machine's configuration",
            "nothing was sent",
        )
