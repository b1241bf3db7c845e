"""No sequence of API calls leaves a Machine in an impossible state."""

import contextlib
import itertools
import time
from typing import get_args

import httpx
import psutil
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from pytest_sre.local.machines.state import (
    SETTLED,
    Refused,
    State,
    Verb,
    check_allowed,
    is_next,
    satisfies,
)
from tests.patience import until

STATES = get_args(State)
VERBS = get_args(Verb)
_NAMES = itertools.count()


@given(st.sampled_from(VERBS), st.sampled_from(STATES))
def test_a_refusal_is_404_for_the_destroyed_and_412_for_the_rest(verb, state):
    refusal = None
    try:
        check_allowed(verb, state, force=True)
    except Refused as refused:
        refusal = refused
    if state == "destroyed":
        assert refusal is not None
        assert refusal.status == 404
    elif refusal:
        assert refusal.status == 412
        assert state in refusal.text


@given(st.sampled_from(STATES))
def test_each_state_can_end_destroyed_and_only_destroyed_is_final(state):
    reached, waiting = {state}, [state]
    while waiting:
        here = waiting.pop()
        found = {new for new in STATES if is_next(here, new)} - reached
        reached |= found
        waiting.extend(found)
    assert "destroyed" in reached
    assert (reached == {"destroyed"}) == (state == "destroyed")
    assert satisfies(state, "settled") == (state in SETTLED)


class MachineCalls(RuleBasedStateMachine):
    platform = None

    @initialize(skip=st.booleans())
    def create(self, skip):
        headers = {"authorization": f"Bearer {self.platform.token}"}
        self.api = httpx.Client(
            base_url=self.platform.api_url, headers=headers, trust_env=False, timeout=90
        )
        self.app = f"stateful-{next(_NAMES)}"
        self.api.post("/v1/apps", json={"name": self.app})
        self.config = {
            "image": "registry.local/test:1",
            "init": {"cmd": ["sleep", "1000"]},
            "stop_config": {"signal": "SIGKILL"},
        }
        self.path = f"/v1/apps/{self.app}/machines"
        made = self.api.post(self.path, json={"config": self.config, "skip_launch": skip})
        self.path += f"/{made.json()['id']}"
        self.pids = set()

    def call(self, method, path="", allowed=(), **options):
        """A call that succeeds, or is refused in a state that does not allow it."""
        before = self.state()
        answer = self.api.request(method, self.path + path, **options)
        assert answer.status_code in (200, 404, 412), answer.text
        if before in allowed:
            assert answer.status_code == 200, (before, answer.text)
        if before == "destroyed":
            assert answer.status_code == 404
        return answer

    def state(self):
        return self.api.get(self.path).json()["state"]

    @rule()
    def start(self):
        self.call("POST", "/start", allowed=("stopped", "suspended", "started"))

    @rule()
    def stop(self):
        self.call("POST", "/stop", allowed=("stopped", "suspended", "started"))

    @rule()
    def restart(self):
        self.call("POST", "/restart", allowed=("stopped", "started"))

    @rule()
    def suspend(self):
        self.call("POST", "/suspend", allowed=("suspended", "started"))

    @rule(skip=st.booleans())
    def update(self, skip):
        before = self.api.get(self.path).json()["instance_id"]
        body = {"config": self.config, "skip_launch": skip}
        answer = self.call("POST", json=body, allowed=("stopped", "suspended", "started"))
        now = self.api.get(self.path).json()["instance_id"]
        assert (now != before) == (answer.status_code == 200)

    @rule()
    def destroy(self):
        self.call("DELETE", allowed=("stopped", "suspended"))

    @rule()
    def kill(self):
        before = self.exits()
        for process in self.api.get(f"{self.path}/ps").json():
            with contextlib.suppress(psutil.NoSuchProcess):
                psutil.Process(process["pid"]).kill()
            # Until the platform has noticed, what it says of the Machine is not yet true.
            # Nobody watches the process of a suspended Machine.
            until(lambda: self.exits() != before or self.state() == "suspended")

    def exits(self):
        events = self.api.get(f"{self.path}/events", params={"limit": 50}).json()
        return [event["id"] for event in events if event["type"] == "exit"]

    @rule()
    def settle(self):
        answer = self.api.get(f"{self.path}/wait", params={"state": "settled", "timeout": 60})
        assert answer.status_code == 200, answer.text

    @invariant()
    def is_possible(self):
        machine = self.api.get(self.path).json()
        assert machine["state"] in STATES
        times = [event["timestamp"] for event in machine["events"]]
        assert times == sorted(times, reverse=True)
        self.pids.update(each["pid"] for each in self.api.get(f"{self.path}/ps").json())

    def teardown(self):
        if not hasattr(self, "path"):
            return
        try:
            self.end()
        finally:
            self.api.close()

    def end(self):
        self.settle()
        self.agrees_with_its_processes()
        self.api.delete(self.path, params={"force": "true"})
        self.api.get(f"{self.path}/wait", params={"state": "destroyed", "timeout": 60})
        assert self.state() == "destroyed"
        assert not any(map(psutil.pid_exists, self.pids))
        self.api.delete(f"/v1/apps/{self.app}", params={"force": "true"})

    def agrees_with_its_processes(self):
        """A Machine that runs has one process, another none; each start has an end but the last."""
        deadline = time.monotonic() + 60
        while True:
            machine = self.api.get(self.path).json()
            processes = self.api.get(f"{self.path}/ps").json()
            kinds = [event["type"] for event in machine["events"]]
            running = machine["state"] in ("started", "suspended")
            if bool(processes) == running and len(processes) <= 1:
                break
            # Killed from outside a moment ago: the platform has not noticed yet.
            assert time.monotonic() < deadline, (machine["state"], processes, kinds)
            time.sleep(0.01)


def test_no_sequence_of_calls_leaves_an_impossible_state(platform):
    MachineCalls.platform = platform
    run_state_machine_as_test(
        MachineCalls,
        settings=settings(
            max_examples=15,
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
