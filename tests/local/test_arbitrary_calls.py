"""Whatever is sent to whatever call: an answer in the documented form, and never a 5xx."""

import itertools
import json
import re
import ssl
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_sre.local import Image, Script
from pytest_sre.local.api.application import api_routes

IMAGE = "registry.local/arbitrary:1"
NAMES = (
    *("config", "image", "name", "region", "guest", "cpu_kind", "cpus", "memory_mb", "services"),
    *("internal_port", "ports", "checks", "interval", "timeout", "mounts", "volume", "path", "env"),
    *("metadata", "restart", "policy", "max_retries", "stop_config", "signal", "init", "cmd"),
    *("files", "guest_path", "raw_value", "skip_launch", "lease_ttl", "min_secrets_version"),
    *("current_version", "values", "value", "size_gb", "snapshot_id", "source_volume_id", "ttl"),
    *("hostname", "fullchain", "private_key", "type", "limit_mb", "amount_mb", "command", "stdin"),
    *("header", "access", "expiry", "org_slug", "compute", "count", "query", "variables", "input"),
    *("app_name", "status", "definition", "strategy", "state", "limit", "cursor", "force", "kill"),
    *("min_version", "version", "from_event_id", "updated_after", "sort_by", "order", "next_token"),
    *("instance", "summary", "include_deleted", "include_leases", "filter", "standbys", "dns"),
)
TEXTS = ("", "0", "-1", "1s", "9" * 5000, "\0", "é\U0001f600", "true", "SIGTERM", "../..", "a=b")
NUMBERS = (0, -1, 1, 2**31, 2**63, 2**64, 10**400, 0.5, 1e308, -1e308)

# Its faults strike other calls, and its end ends all; the tests of metrics are about a Prometheus.
LEFT_OUT = ("/_local", "/prometheus")

_names = st.sampled_from(NAMES)
_texts = st.sampled_from(TEXTS) | st.just(IMAGE) | st.text(max_size=20)
_scalars = st.none() | st.booleans() | st.sampled_from(NUMBERS) | _texts
_values = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names | _texts, inner, max_size=5),
    max_leaves=15,
)
_bodies = (
    st.dictionaries(_names, _values, max_size=6).map(json.dumps).map(str.encode)
    | _values.map(json.dumps).map(str.encode)
    | st.binary(max_size=50)
)
_configs = st.dictionaries(_names, _values, max_size=4).map(lambda more: {**more, "image": IMAGE})
_machines = st.dictionaries(_names, _values, max_size=4).flatmap(
    lambda more: _configs.map(lambda config: json.dumps({**more, "config": config}).encode())
)


def calls():
    routes = [each for each in api_routes() if not each.path.startswith(LEFT_OUT)]
    return sorted((m, each.path) for each in routes for m in each.methods - {"HEAD"})


class Target:
    """An app with one of everything that a call can be about."""

    numbers = itertools.count(1)

    def __init__(self, platform):
        self.api = httpx.Client(
            base_url=platform.api_url,
            headers={"authorization": f"Bearer {platform.token}"},
            trust_env=False,
            timeout=90,
            verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
        )
        platform.register_image(Image(IMAGE, simulated=Script()))
        self.app, self.machine, self.known = "", "", {}

    def prepare(self):
        """Make what an earlier call took away."""
        if self.api.get(f"/v1/apps/{self.app}").status_code != 200:
            self.app = f"arbitrary-{next(self.numbers)}"
            self.api.post("/v1/apps", json={"name": self.app})
        machines = f"/v1/apps/{self.app}/machines"
        found = self.api.get(f"{machines}/{self.machine}")
        if found.status_code != 200 or found.json()["state"] == "destroyed":
            made = self.api.post(machines, json={"config": {"image": IMAGE}})
            self.machine = made.json()["id"]
        volume = self.api.post(f"/v1/apps/{self.app}/volumes", json={"name": "data"}).json()["id"]
        hostname = {"hostname": "www.example.com"}
        self.api.post(f"/v1/apps/{self.app}/certificates/acme", json=hostname)
        self.known = {
            "app": self.app,
            "machine": self.machine,
            "volume": volume,
            "organization": "personal",
            **hostname,
        }

    def path(self, template, others):
        """A route's path; what is in braces is what there is, or something else."""
        for name in re.findall(r"{(\w+)[^}]*}", template):
            value = others.get(name) or self.known.get(name, "none")
            template = re.sub(f"{{{name}[^}}]*}}", quote(value, safe=""), template)
        return template


@pytest.fixture(scope="module")
def target(platform):
    made = Target(platform)
    yield made
    made.api.delete(f"/v1/apps/{made.app}", params={"force": "true"})
    made.api.close()


_others = st.dictionaries(
    st.sampled_from(["app", "machine", "volume", "name", "key", "hostname", "ip", "release"]),
    st.text("aA1é. -_=%\0", min_size=1, max_size=10),
    max_size=1,
)
_queries = st.dictionaries(_names | st.text(max_size=5), _texts, max_size=4)


@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.sampled_from(calls()), _others, _queries, _bodies | _machines)
def test_every_call_answers_whatever_it_is_sent(target, call, others, query, body):
    target.prepare()
    method, template = call
    path = target.path(template, others)
    if path.endswith("/wait"):
        query = {**query, "timeout": query.get("timeout", "x")}
    content = body if method in ("POST", "PUT", "PATCH") else b""
    answer = target.api.request(method, path, params=query, content=content)
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400 and "graphql" not in path:
        assert answer.headers["content-type"].startswith("application/json")
        assert isinstance(answer.json()["error"], str)
    elif answer.content:
        answer.json()
