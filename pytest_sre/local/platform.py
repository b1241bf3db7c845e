"""The local platform as its user sees it: start it, find it, stop it."""

import contextlib
import os
import ssl
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote

import httpx
import msgspec
import psutil

from pytest_sre.fly.models import Machine
from pytest_sre.fly.wire import decode
from pytest_sre.local.files import CA_FILE, PIDS_FILE, remove_files
from pytest_sre.local.flyctl import stop_agent
from pytest_sre.local.images import Image
from pytest_sre.local.pids import reap
from pytest_sre.local.server_process import (
    Announced,
    LocalPlatformError,
    announced_in,
    await_ready,
    end,
    is_server,
    spawn,
)

__all__ = ["Limits", "LocalPlatform", "LocalPlatformError"]

_STOP_TIMEOUT_S: Final = 5.0
_LOOK_AGAIN_S: Final = 0.01
_ANSWER_TIMEOUT_S: Final = 5.0
# The first rules wait for Prometheus and Alertmanager to be ready.
_LOAD_TIMEOUT_S: Final = 30.0
_BEGIN_TIMEOUT_S: Final = 90.0


class _App(msgspec.Struct, frozen=True):
    url: str
    ports: dict[int, str] = {}


class _About(msgspec.Struct, frozen=True):
    version: str
    pid: int
    apps: dict[str, _App]


class _Refusal(msgspec.Struct, frozen=True):
    error: str


class Limits(msgspec.Struct, frozen=True):
    """Whether the API's callers are held to rate limits.

    Attributes:
        enabled: whether they are.
        refused: how many calls were refused since that was switched.
    """

    enabled: bool
    refused: int


class _Loaded(msgspec.Struct, frozen=True):
    alertmanager: str


class _Images(msgspec.Struct, frozen=True):
    images: list[Image]


class _Listed(msgspec.Struct, frozen=True):
    faults: list[dict[str, Any]]


class LocalPlatform:
    """A running local platform. Made by ``start``, ``up`` or ``attach``.

    Attributes:
        state_dir: where it keeps its files.
        api_url: the base of all its APIs.
        token: what to authorize with.
        pid: of its server process.
    """

    def __init__(
        self,
        directory: Path,
        announced: Announced,
        *,
        child: subprocess.Popen[bytes] | None = None,
        death_fd: int | None = None,
    ) -> None:
        self.state_dir = directory
        self._announced = announced
        self._child = child
        self._death_fd = death_fd
        self.api_url = announced.url
        self.token = announced.token
        self.pid = announced.pid
        self._http = httpx.Client(
            base_url=announced.url,
            headers={"authorization": f"Bearer {announced.token}"},
            trust_env=False,
            # Never used: all is plain HTTP here. The default would read all certificates first.
            verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
        )

    @classmethod
    def start(cls, state_dir: Path) -> Self:
        """Start a platform that ends with this process, however this process ends.

        Args:
            state_dir: where it keeps its files; made when missing, left empty at the end.

        Raises:
            LocalPlatformError: it did not start within 15 s, or one runs there already.
        """
        reading, writing = os.pipe()
        try:
            child = spawn(state_dir, "--death-fd", str(reading), pass_fds=(reading,))
            try:
                announced = await_ready(child, state_dir)
            except LocalPlatformError:
                end(child)
                raise
        except BaseException:
            os.close(writing)
            raise
        finally:
            os.close(reading)
        return cls(state_dir, announced, child=child, death_fd=writing)

    @classmethod
    def up(cls, state_dir: Path) -> Self:
        """Start a platform that goes on running until ``stop``.

        Args:
            state_dir: where it keeps its files; made when missing.

        Raises:
            LocalPlatformError: it did not start within 15 s, or one runs there already.
        """
        child = spawn(state_dir, "--detach")
        try:
            announced = await_ready(child, state_dir)
        finally:
            # The server is a child of this one, which has ended by now unless all went wrong.
            end(child)
        return cls(state_dir, announced)

    @classmethod
    def attach(cls, state_dir: Path) -> Self | None:
        """Find the platform that runs with this state directory; None when there is none."""
        announced = announced_in(state_dir)
        if announced is None or not is_server(announced):
            return None
        return cls(state_dir, announced)

    def apps(self) -> dict[str, str]:
        """The URL of each app's proxy, by the app's name.

        Raises:
            LocalPlatformError: no answer.
        """
        return {name: app.url for name, app in self._about().apps.items()}

    def ports(self, name: str) -> dict[int, str]:
        """Where each public port of an app is: ``{5432: "tcp://127.0.0.1:40123"}``.

        Schemes are http, https, tcp, and tls for bytes by TLS.

        Raises:
            LocalPlatformError: there is no such app, or no answer.
        """
        return self._app(name).ports

    @property
    def ca_file(self) -> Path:
        """The certificate that clients of the apps' HTTPS have to trust.

        The file is there once an app with such a port was asked for.
        """
        return self.state_dir / CA_FILE

    def machines(self, app: str) -> list[Machine]:
        """The Machines of an app.

        Raises:
            LocalPlatformError: there is no such app, or no answer.
        """
        listed = self._ask("GET", f"/v1/apps/{app}/machines").content
        return decode(listed, list[Machine])

    def app_url(self, name: str) -> str:
        """Where the app's proxy listens for plain HTTP, also when its public port redirects.

        Raises:
            LocalPlatformError: there is no such app, or no answer.
        """
        return self._app(name).url

    def _about(self) -> _About:
        return decode(self._ask("GET", "/_local").content, _About)

    def _app(self, name: str) -> _App:
        apps = self._about().apps
        if name not in apps:
            known = ", ".join(sorted(apps)) or "none"
            raise LocalPlatformError(
                f"expected an app {name!r} on the local platform, found: {known}\ndeploy it first"
            )
        return apps[name]

    def set_distances(self, on: bool) -> None:
        """Have round trips between regions take as long as their distance lets them, or not.

        Raises:
            LocalPlatformError: no answer.
        """
        self._ask("PUT", "/_local/network", content=msgspec.json.encode({"distances": on}))

    def register_image(self, image: Image) -> None:
        """Make an image known, so that Machines can be created from it.

        Raises:
            LocalPlatformError: it was refused, or no answer.
        """
        self._ask("PUT", "/_local/images", content=msgspec.json.encode(image))

    def images(self) -> list[Image]:
        """The images that are known.

        Raises:
            LocalPlatformError: no answer.
        """
        return msgspec.json.decode(self._ask("GET", "/_local/images").content, type=_Images).images

    def limit_rates(self, *, enabled: bool) -> None:
        """Hold its callers to Fly's documented rate limits, or no longer.

        Raises:
            LocalPlatformError: no answer.
        """
        self._ask("PUT", "/_local/limits", content=msgspec.json.encode({"enabled": enabled}))

    def limits(self) -> Limits:
        """Say whether its callers are held to rate limits, and how many calls were refused.

        Raises:
            LocalPlatformError: no answer.
        """
        return msgspec.json.decode(self._ask("GET", "/_local/limits").content, type=Limits)

    def load_rules(self, rules: Mapping[str, str]) -> str:
        """Have the platform's Prometheus evaluate rules, in place of those loaded before.

        Their alerts go to an Alertmanager of the platform's own, which notifies nobody.

        Args:
            rules: the texts of rule files, by a name for each; none ends all evaluation.

        Returns:
            Why there is no Alertmanager; empty when there is one.

        Raises:
            LocalPlatformError: Prometheus refuses the rules or is missing, or no answer.
        """
        content = msgspec.json.encode({"rules": rules})
        told = self._ask("PUT", "/_local/alerting", content, timeout_s=_LOAD_TIMEOUT_S).content
        alertmanager = msgspec.json.decode(told, type=_Loaded).alertmanager
        return "" if alertmanager == "running" or not rules else alertmanager

    def add_fault(self, told: Mapping[str, object]) -> dict[str, Any]:
        """Switch on what goes wrong on a bad day; it ends by itself.

        Args:
            told: its ``kind``, and what that kind is told; what restricts it, as ``app``,
                ``machine``, ``region``, ``group`` or ``endpoint``; ``for``, a duration (a minute
                by default, at most an hour); ``count``, how often it strikes at most; ``name``,
                which is to be its ``id``, so that it is known before the answer.

        Returns:
            The fault as it now is, with its ``id``.

        Raises:
            LocalPlatformError: there is no such fault, or no answer.
        """
        made = self._ask("POST", "/_local/faults", content=msgspec.json.encode(told))
        return msgspec.json.decode(made.content, type=dict[str, Any])

    def faults(self) -> list[dict[str, Any]]:
        """The faults that are on.

        Raises:
            LocalPlatformError: no answer.
        """
        listed = self._ask("GET", "/_local/faults").content
        return decode(listed, _Listed).faults

    def remove_fault(self, fault_id: str) -> None:
        """Switch a fault off.

        Raises:
            LocalPlatformError: it is not on, or no answer.
        """
        self._ask("DELETE", f"/_local/faults/{quote(fault_id, safe='')}")

    def clear_faults(self) -> int:
        """Switch all faults off; how many were on.

        Raises:
            LocalPlatformError: no answer.
        """
        ended = self._ask("DELETE", "/_local/faults").content
        return msgspec.json.decode(ended, type=dict[str, int])["ended"]

    def keep_beginning(self, app: str) -> None:
        """Remember an app as it is now, for `begin_anew`; its Machines are stopped and started.

        Raises:
            LocalPlatformError: its Machines do not become healthy within a minute, or no answer.
        """
        self._ask("PUT", f"/_local/apps/{app}/beginning", timeout_s=_BEGIN_TIMEOUT_S)

    def begin_anew(self, app: str) -> None:
        """Have an app as `keep_beginning` left it: fresh processes, the data of then, no faults.

        All its checks pass when this returns. The platform's other apps have no faults either.

        Raises:
            LocalPlatformError: its beginning was not kept, its Machines do not become healthy
                within a minute, or no answer.
        """
        self._ask("POST", f"/_local/apps/{app}/beginning", timeout_s=_BEGIN_TIMEOUT_S)

    def stop(self) -> None:
        """End the server, its Machines and its files; nothing happens when it has ended."""
        self._http.close()
        stop_agent(self.state_dir)
        if self._child is not None:
            self._child.terminate()
        else:
            with contextlib.suppress(psutil.Error):
                psutil.Process(self.pid).terminate()
        if not self._wait_for_end():
            with contextlib.suppress(psutil.Error):
                psutil.Process(self.pid).kill()
            self._wait_for_end()
        reap(self.state_dir / PIDS_FILE)
        if self.state_dir.is_dir():
            remove_files(self.state_dir)
        self.close()

    def close(self) -> None:
        """Let go of it: one made by ``start`` ends at once, another goes on running."""
        self._http.close()
        if self._death_fd is not None:
            os.close(self._death_fd)
            self._death_fd = None
            self._wait_for_end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _wait_for_end(self) -> bool:
        until = time.monotonic() + _STOP_TIMEOUT_S
        while time.monotonic() < until:
            if self._child.poll() is not None if self._child else not self._runs():
                return True
            time.sleep(_LOOK_AGAIN_S)
        return False

    def _runs(self) -> bool:
        return is_server(self._announced)

    def _ask(
        self,
        method: str,
        path: str,
        content: bytes | None = None,
        timeout_s: float = _ANSWER_TIMEOUT_S,
    ) -> httpx.Response:
        try:
            asked = self._http.request(method, path, content=content, timeout=timeout_s)
            return asked.raise_for_status()
        except httpx.HTTPStatusError as error:
            raise LocalPlatformError(
                f"{method} {path} on the local platform: {error.response.status_code}:"
                f" {_said(error.response)}"
            ) from None
        except httpx.HTTPError as error:
            raise LocalPlatformError(
                f"{method} {path} on the local platform at {self.api_url}: no answer: {error}\n"
                f"its server was process {self.pid}; see whether it still runs"
            ) from None


def _said(response: httpx.Response) -> str:
    try:
        return msgspec.json.decode(response.content, type=_Refusal).error
    except msgspec.DecodeError:
        return response.text[:300]
