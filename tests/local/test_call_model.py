"""Random sequences of calls about leases, versions and secrets agree with a model of them."""

import hashlib
import itertools
import ssl

import httpx
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

_NUMBERS = itertools.count(1)
_VARIABLES = st.sampled_from(["A", "B", "C"])
_VALUES = st.sampled_from(["1", "2", "é", ""])
NONCE = "fly-machine-lease-nonce"


def digest(value):
    return hashlib.sha256(value.encode()).hexdigest()[:16]


class Calls(RuleBasedStateMachine):
    """One app with one Machine that runs a process, and what ought to be true of them."""

    platform = None

    @initialize()
    def create(self):
        headers = {"authorization": f"Bearer {self.platform.token}"}
        self.api = httpx.Client(
            base_url=self.platform.api_url,
            headers=headers,
            trust_env=False,
            timeout=90,
            verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
        )
        self.app = f"/v1/apps/model-{next(_NUMBERS)}"
        self.api.post("/v1/apps", json={"name": self.app.rpartition("/")[2]})
        self.secrets, self.secrets_version, self.deployed = {}, 0, {}
        self.nonce, self.versions, self.steps = None, [], itertools.count(1)
        made = self.api.post(f"{self.app}/machines", json={"config": self.config()}).json()
        self.path = f"{self.app}/machines/{made['id']}"
        self.versions.append((made["version"], made["config"]["env"]))
        self.settle()

    def config(self):
        return {
            "image": "registry.local/test:1",
            "init": {"cmd": ["sleep", "1000"]},
            "stop_config": {"signal": "SIGKILL"},
            "env": {"STEP": str(next(self.steps))},
        }

    def settle(self):
        waited = self.api.get(f"{self.path}/wait", params={"state": "started", "timeout": 60})
        assert waited.status_code == 200, waited.text

    def headers(self, known):
        """The lease's nonce as whoever holds it has it, or as another has it."""
        return {NONCE: self.nonce} if known and self.nonce else {NONCE: "another"}

    def may_change(self, known):
        return self.nonce is None or known

    @rule(known=st.booleans(), ttl=st.integers(300, 900), by_body=st.booleans())
    def lease(self, known, ttl, by_body):
        how = {"json": {"ttl": ttl}} if by_body else {"params": {"ttl": ttl}}
        taken = self.api.post(f"{self.path}/lease", headers=self.headers(known), **how)
        assert taken.status_code == (201 if self.may_change(known) else 409)
        if taken.status_code == 201:
            nonce = taken.json()["data"]["nonce"]
            assert self.nonce in (None, nonce)
            self.nonce = nonce

    @rule(known=st.booleans())
    def release(self, known):
        released = self.api.delete(f"{self.path}/lease", headers=self.headers(known))
        expected = 404 if self.nonce is None else 200 if known else 409
        assert released.status_code == expected
        if expected == 200:
            self.nonce = None

    @rule(known=st.booleans(), fresh=st.booleans(), ahead=st.integers(0, 1))
    def update(self, known, fresh, ahead):
        current = self.versions[-1][0] if fresh else self.versions[0][0]
        config = self.config()
        body = {
            "config": config,
            "current_version": current,
            "min_secrets_version": self.secrets_version + ahead,
        }
        updated = self.api.post(self.path, json=body, headers=self.headers(known))
        if not self.may_change(known):
            assert updated.status_code == 409
        elif current != self.versions[-1][0] or ahead:
            assert updated.status_code == 412
        else:
            assert updated.status_code == 200, updated.text
            self.versions.append((updated.json()["version"], config["env"]))
            self.deployed = dict(self.secrets)
            self.settle()

    @rule()
    def restart(self):
        answer = self.api.post(f"{self.path}/restart", headers=self.headers(known=True))
        assert answer.status_code == 200
        self.settle()

    @rule(values=st.dictionaries(_VARIABLES, st.none() | _VALUES, max_size=3))
    def change_secrets(self, values):
        written = self.api.post(f"{self.app}/secrets", json={"values": values}).json()
        self.secrets = {k: v for k, v in {**self.secrets, **values}.items() if v is not None}
        self.count_change(written)

    @rule(name=_VARIABLES, value=_VALUES)
    def set_secret(self, name, value):
        written = self.api.post(f"{self.app}/secrets/{name}", json={"value": value}).json()
        assert written["digest"] == digest(value)
        self.secrets[name] = value
        self.count_change(written)

    @rule(name=_VARIABLES)
    def unset_secret(self, name):
        answer = self.api.delete(f"{self.app}/secrets/{name}")
        assert answer.status_code == (200 if name in self.secrets else 404)
        if self.secrets.pop(name, None) is not None:
            self.count_change(answer.json())

    def count_change(self, written):
        self.secrets_version += 1
        assert written["version"] == written["Version"] == self.secrets_version

    @invariant()
    def secrets_are_those_of_the_model(self):
        listed = self.api.get(f"{self.app}/secrets").json()["secrets"]
        assert {s["name"]: s["digest"] for s in listed} == {
            name: digest(value) for name, value in self.secrets.items()
        }

    @invariant()
    def the_lease_is_that_of_the_model(self):
        shown = self.api.get(self.path, params={"include_leases": "true"}).json()
        assert ("lease" in shown) == (self.nonce is not None)
        assert self.api.get(f"{self.path}/lease").status_code == (200 if self.nonce else 404)

    @invariant()
    def versions_are_those_of_the_model(self):
        listed = self.api.get(f"{self.path}/versions").json()
        found = [(each["version"], each["user_config"]["env"]) for each in listed]
        assert found == self.versions[::-1]

    def teardown(self):
        if not hasattr(self, "path"):
            return
        try:
            self.runs_with_what_was_deployed()
        finally:
            self.api.delete(self.app, params={"force": "true"})
            self.api.close()

    def runs_with_what_was_deployed(self):
        """Secrets reach the process by an update, not by a restart."""
        ran = self.api.post(f"{self.path}/exec", json={"command": ["env"]}).json()["stdout"]
        variables = dict(line.split("=", 1) for line in ran.splitlines())
        assert {k: v for k, v in variables.items() if k in "ABC"} == self.deployed
        assert variables["STEP"] == self.versions[-1][1]["STEP"]


def test_leases_versions_and_secrets_agree_with_their_model(platform):
    Calls.platform = platform
    run_state_machine_as_test(
        Calls,
        settings=settings(
            max_examples=12,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
