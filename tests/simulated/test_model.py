"""Random calls about a Machine, against a model of what Fly's documentation says they do.

The API is called in this process, on an event loop whose time passes by itself: back-offs and
timeouts cost nothing, so thousands of steps do.
"""

import asyncio
import os
import selectors
import signal
from dataclasses import dataclass, field

import aiohttp
import httpx
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from starlette.applications import Starlette

from pytest_sre.local.api.actions import action_routes
from pytest_sre.local.api.leases import lease_routes
from pytest_sre.local.api.machines import machine_routes
from pytest_sre.local.fleet import Fleet
from pytest_sre.local.images import Image
from pytest_sre.local.machines.state import SETTLED
from pytest_sre.local.scripts import Script

REPEAT = int(os.environ.get("SRE_REPEAT", "1"))
NONCE = "fly-machine-lease-nonce"
KEPT_EVENTS = 100
KEPT_VERSIONS = 51
LONG_S = 3600
DEADLY = st.sampled_from([signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
POLICIES = st.sampled_from(
    [
        None,
        {"policy": "no"},
        {"policy": "always"},
        {"policy": "on-failure", "max_retries": 0},
        {"policy": "on-failure", "max_retries": 2},
    ]
)
HASTY = st.lists(
    st.sampled_from(["start", "stop", "restart", "suspend", "update", "signal", "cordon"]),
    min_size=2,
    max_size=5,
)


class InstantLoop(asyncio.SelectorEventLoop):
    """An event loop that does not wait for a time: when nothing else is left, it is that time."""

    def __init__(self) -> None:
        selector = selectors.DefaultSelector()
        super().__init__(selector)
        self._ahead_s = 0.0
        select = selector.select

        def select_or_skip(timeout=None):
            ready = select(None if timeout is None else 0)
            if not ready and timeout:
                self._ahead_s += timeout
            return ready

        selector.select = select_or_skip  # type: ignore[method-assign]

    def time(self) -> float:
        return super().time() + self._ahead_s


@dataclass
class Expected:
    """What a Machine should be; event types and exits are oldest first."""

    state: str
    policy: dict[str, object] | None
    auto_destroy: bool
    cordoned: bool = False
    versions: int = 1
    restarts: int = 0
    events: list[str] = field(default_factory=lambda: ["launch"])
    exits: list[tuple[int, bool, bool, int]] = field(default_factory=list)
    nonce: str | None = None

    @property
    def runs(self) -> bool:
        return self.state in ("started", "suspended")

    def begin(self) -> None:
        self.events.append("start")
        self.state = "started"

    def end_as_asked(self, *, killed: bool = False) -> None:
        """Its process, if any, ends: a frozen one can only be killed."""
        if self.runs:
            killed = killed or self.state == "suspended"
            self.events.append("exit")
            self.exits.append((137 if killed else 0, True, False, 0))

    def end_by_itself(self, code: int) -> None:
        policy = self.policy or {"policy": "on-failure", "max_retries": 10}
        failed = policy["policy"] == "on-failure" and code != 0
        again = policy["policy"] == "always" or (failed and self.restarts < policy["max_retries"])
        self.events.append("exit")
        self.exits.append((code, False, again, self.restarts))
        if again:
            self.restarts += 1
            self.begin()
            return
        self.state = "stopped"
        if self.auto_destroy:
            self.events.append("destroy")
            self.state = "destroyed"


class OneMachine(RuleBasedStateMachine):
    """Calls about one Machine, each awaited until nothing moves any more."""

    directory = None

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner(loop_factory=InstantLoop)
        self.runner.run(self._open())

    async def _open(self) -> None:
        self.session = aiohttp.ClientSession()
        self.fleet = Fleet(self.directory, {}, self.session, "http://127.0.0.1:9")
        self.fleet.images["registry.local/sim:1"] = Image(
            "registry.local/sim:1", simulated=Script()
        )
        api = Starlette(routes=[*machine_routes(), *action_routes(), *lease_routes()])
        api.state.fleet = self.fleet
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=api),
            base_url="http://local",
            timeout=None,
        )
        self.app = self.fleet.create_app("model", "personal")

    def teardown(self) -> None:
        self.runner.run(self._close())
        self.runner.close()

    async def _close(self) -> None:
        await self.http.aclose()
        for lifecycle in self.fleet.lifecycles():
            await lifecycle.close(at_once=True)
        await self.session.close()

    @initialize(skip=st.booleans(), policy=POLICIES, auto_destroy=st.booleans())
    def create(self, skip, policy, auto_destroy):
        body = {"config": self.config(policy, auto_destroy), "skip_launch": skip}
        path = "/v1/apps/model/machines"
        machine = self.runner.run(self.http.post(path, json=body)).json()
        self.path = f"{path}/{machine['id']}"
        self.lifecycle = self.app.machines[machine["id"]]
        self.expected = Expected("stopped", policy, auto_destroy)
        if not skip:
            self.expected.begin()
        self.settle_and_compare()

    def config(self, policy, auto_destroy):
        restart = {"restart": policy} if policy else {}
        return {"image": "registry.local/sim:1", "auto_destroy": auto_destroy, **restart}

    def send(self, method, path="", *, held=True, **options):
        """A call, with the lease's nonce when it is held; its status."""
        nonce = self.expected.nonce
        headers = {NONCE: nonce} if held and nonce else {}
        self.answer = self.runner.run(
            self.http.request(method, self.path + path, headers=headers, **options)
        )
        return self.answer.status_code

    def change(self, method, path="", *, held=True, allowed=frozenset(), **options):
        """A call that changes the Machine; whether it did."""
        before = self.expected.state
        status = self.send(method, path, held=held, **options)
        if self.expected.nonce and not held:
            assert status == 409
            return False
        if before == "destroyed":
            assert status == 404
            return False
        assert status == (200 if before in allowed else 412), (before, self.answer.text)
        return before in allowed

    def settle_and_compare(self):
        self.runner.run(asyncio.sleep(LONG_S))
        expected, seen = self.expected, self.lifecycle.record.view()
        assert seen["state"] == expected.state
        assert seen["cordoned"] == expected.cordoned
        types = [event["type"] for event in seen["events"]]
        assert types == expected.events[::-1][:KEPT_EVENTS]
        exits = [event["request"] for event in seen["events"] if event["type"] == "exit"]
        assert [_exit(each) for each in exits] == expected.exits[::-1][: len(exits)]
        former = {each["version"] for each in self.lifecycle.record.versions}
        assert len(former | {seen["instance_id"]}) == min(expected.versions, KEPT_VERSIONS)
        assert self.responds() == (expected.state == "started")

    def responds(self):
        try:
            reply = self.runner.run(self.lifecycle.execution.respond("GET", "/"))
        except ConnectionRefusedError:
            return False
        return reply.status == 200

    @rule(held=st.booleans())
    def start(self, held):
        allowed = {"stopped", "suspended", "started"}
        before = self.expected.state
        if self.change("POST", "/start", held=held, allowed=allowed) and before != "started":
            self.expected.restarts = 0
            self.expected.begin()
        self.settle_and_compare()

    @rule(held=st.booleans())
    def stop(self, held):
        allowed = {"stopped", "suspended", "started"}
        if self.change("POST", "/stop", held=held, allowed=allowed) and self.expected.runs:
            self.expected.events.append("stop")
            self.expected.end_as_asked()
            self.expected.state = "stopped"
        self.settle_and_compare()

    @rule()
    def restart(self):
        if self.change("POST", "/restart", allowed={"stopped", "suspended", "started"}):
            self.expected.events.append("restart")
            self.expected.end_as_asked()
            self.expected.restarts = 0
            self.expected.begin()
        self.settle_and_compare()

    @rule()
    def suspend(self):
        before = self.expected.state
        if (
            self.change("POST", "/suspend", allowed={"started", "suspended"})
            and before == "started"
        ):
            self.expected.events.append("suspend")
            self.expected.state = "suspended"
        self.settle_and_compare()

    @rule(policy=POLICIES, auto_destroy=st.booleans(), skip=st.booleans(), held=st.booleans())
    def update(self, policy, auto_destroy, skip, held):
        body = {"config": self.config(policy, auto_destroy), "skip_launch": skip}
        allowed = {"stopped", "suspended", "started"}
        if self.change("POST", json=body, held=held, allowed=allowed):
            expected, was_started = self.expected, self.expected.state == "started"
            expected.policy, expected.auto_destroy = policy, auto_destroy
            expected.versions += 1
            expected.events.append("update")
            expected.end_as_asked()
            expected.state = "stopped"
            if was_started and not skip:
                expected.restarts = 0
                expected.begin()
        self.settle_and_compare()

    @rule(number=DEADLY)
    def kill(self, number):
        if self.change("POST", "/signal", json={"signal": number}, allowed={"started"}):
            self.expected.end_by_itself(128 + number)
        self.settle_and_compare()

    @precondition(lambda self: self.expected.state == "started")
    @rule(code=st.integers(0, 3))
    def crash(self, code):
        self.lifecycle.execution.crash(code)
        self.expected.end_by_itself(code)
        self.settle_and_compare()

    @rule(force=st.booleans(), held=st.booleans())
    def destroy(self, force, held):
        allowed = {"stopped", "suspended"} | ({"started"} if force else set())
        query = {"force": "true"} if force else {}
        if self.change("DELETE", held=held, allowed=allowed, params=query):
            self.expected.events.append("destroy")
            self.expected.end_as_asked(killed=True)
            self.expected.state = "destroyed"
        self.settle_and_compare()

    @rule(cordoned=st.booleans())
    def cordon(self, cordoned):
        verb = "cordon" if cordoned else "uncordon"
        if self.change("POST", f"/{verb}", allowed=SETTLED - {"destroyed"}):
            if cordoned != self.expected.cordoned:
                self.expected.events.append(verb)
            self.expected.cordoned = cordoned
        self.settle_and_compare()

    @precondition(lambda self: self.expected.state != "destroyed")
    @rule(held=st.booleans())
    def lease(self, held):
        status = self.send("POST", "/lease", held=held, params={"ttl": "60"})
        if self.expected.nonce and not held:
            assert status == 409
            return
        assert status == 201
        nonce = self.answer.json()["data"]["nonce"]
        assert self.expected.nonce in (None, nonce)
        self.expected.nonce = nonce

    @precondition(lambda self: self.expected.nonce)
    @rule(held=st.booleans())
    def release(self, held):
        status = self.send("DELETE", "/lease", held=held)
        assert status == (200 if held else 409)
        if held:
            self.expected.nonce = None

    @precondition(lambda self: self.expected.state != "destroyed" and not self.expected.nonce)
    @rule(verbs=HASTY)
    def hurry(self, verbs):
        """Calls without waiting: each is answered, and in the end it is what one of them asked."""
        updates = 0
        for verb in verbs:
            body = {"signal": "SIGKILL"} if verb == "signal" else None
            config = {"config": self.config(self.expected.policy, self.expected.auto_destroy)}
            path, body = ("", config) if verb == "update" else (f"/{verb}", body)
            status = self.send("POST", path, json=body)
            assert status in (200, 404, 412), self.answer.text
            updates += verb == "update" and status == 200
        self.runner.run(asyncio.sleep(LONG_S))
        self.expected.versions += updates
        self.learn()
        self.restart()

    def learn(self):
        """Take over what cannot be foretold."""
        seen = self.lifecycle.record.view()
        assert seen["state"] in SETTLED - {"created", "failed"}
        self.expected.state = seen["state"]
        self.expected.cordoned = seen["cordoned"]
        self.expected.events = [event["type"] for event in reversed(seen["events"])]
        exits = [event["request"] for event in seen["events"] if event["type"] == "exit"]
        self.expected.exits = [_exit(each) for each in reversed(exits)]


def _exit(request):
    event = request["exit_event"]
    return (
        event["exit_code"],
        event["requested_stop"],
        event["restarting"],
        request["restart_count"],
    )


@pytest.mark.timeout(300 * REPEAT)
def test_a_machine_is_what_the_model_says_after_any_calls(tmp_path):
    OneMachine.directory = tmp_path
    run_state_machine_as_test(
        OneMachine,
        settings=settings(
            max_examples=40 * REPEAT,
            stateful_step_count=50,
            phases=[Phase.generate, Phase.shrink],
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )


def test_time_passes_at_once_when_nothing_else_is_left():
    with asyncio.Runner(loop_factory=InstantLoop) as runner:
        began = runner.get_loop().time()
        runner.run(asyncio.sleep(LONG_S))
        assert runner.get_loop().time() - began >= LONG_S
