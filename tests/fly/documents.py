"""Configurations as Fly's API writes them, and ways to disturb a JSON document."""

import copy
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

CHECK = {
    "type": "http",
    "interval": "15s",
    "timeout": 2_000_000_000,
    "grace_period": "1m0s",
    "method": "GET",
    "path": "/healthz",
    "headers": [{"name": "Host", "values": ["shop"]}],
}
PORT = {
    "port": 443,
    "handlers": ["tls", "http"],
    "tls_options": {"alpn": ["h2"], "versions": ["TLSv1.3"], "default_self_signed": False},
    "http_options": {
        "compress": True,
        "idle_timeout": 60,
        "response": {"headers": {"x-frame": "deny", "server": False}, "pristine": True},
        "replay_cache": [{"path_prefix": "/", "ttl_seconds": 10, "type": "cookie", "name": "s"}],
    },
    "proxy_proto_options": {"version": "v2"},
}
CONFIG: dict[str, Any] = {
    "image": "registry.fly.io/shop:deployment-01@sha256:aa",
    "env": {"LOG": "debug", "EMPTY": ""},
    "init": {"cmd": ["web"], "tty": True, "swap_size_mb": 512, "kernel_args": ["quiet"]},
    "guest": {
        "cpu_kind": "performance",
        "cpus": 8,
        "memory_mb": 16384,
        "gpus": 1,
        "gpu_kind": "l40s",
        "persist_rootfs": "restart",
    },
    "metadata": {"fly_process_group": "web", "fly_release_version": "41"},
    "mounts": [{"volume": "vol_1", "path": "/data", "name": "data", "size_gb": 1}],
    "services": [
        {
            "protocol": "tcp",
            "internal_port": 8080,
            "autostop": "suspend",
            "autostart": True,
            "min_machines_running": 0,
            "ports": [PORT, {"start_port": 9000, "end_port": 9100, "force_https": True}],
            "checks": [CHECK, {"type": "tcp", "interval": "10s"}],
            "concurrency": {"type": "requests", "soft_limit": 20, "hard_limit": 25},
            "force_instance_key": None,
        },
        {"protocol": "udp", "internal_port": 53, "autostop": True, "ports": [{"port": 53}]},
    ],
    "checks": {"alive": {**CHECK, "port": 8080, "kind": "readiness"}},
    "statics": [{"guest_path": "/public", "url_prefix": "/static", "tigris_bucket": ""}],
    "files": [{"guest_path": "/etc/a", "raw_value": "YQ==", "mode": 420}],
    "metrics": {"port": 9091, "path": "/metrics", "https": False},
    "dns": {"skip_registration": True, "options": [{"name": "ndots", "value": "1"}]},
    "processes": [{"cmd": ["a"], "env_from": [{"env_var": "ID", "field_ref": "id"}]}],
    "containers": [
        {
            "name": "side",
            "image": "side:1",
            "depends_on": [{"name": "app", "condition": "healthy"}],
            "healthchecks": [{"name": "up", "interval": 5, "tcp": {"port": 1}}],
            "stop": {"timeout": 5_000_000_000, "signal": "SIGINT"},
        }
    ],
    "volumes": [{"name": "scratch", "temp_dir": {"storage_type": "memory", "size_mb": 64}}],
    "rootfs": {"persist": "always", "size_gb": 4},
    "cache_drive": {"size_mb": 100},
    "spot": {"max_price_fraction": 0.5},
    "restart": {"policy": "on-failure", "max_retries": 10, "gpu_bid_price": 0.1},
    "stop_config": {"timeout": "10s", "signal": "SIGTERM"},
    "standbys": ["148e"],
    "schedule": "daily",
    "auto_destroy": False,
}

_NEW_VALUES = (None, 7, "new", [], [{"deep": None}], {"deeper": {}})
# Maps whose keys are a user's own names, not fields.
_OF_TEXTS = {"env", "metadata", "labels"}
_OF_OBJECTS = {"checks"}


@st.composite
def disturbed(draw: st.DrawFn, document: object, *, required: frozenset[str] = frozenset()) -> Any:
    """The document as another version of the API might write it.

    Some of its objects have fields nobody knows yet, are in another order, lack a field or have
    null in it; ``required`` fields stay.
    """
    document = copy.deepcopy(document)
    for _ in range(draw(st.integers(0, 6))):
        found = draw(st.sampled_from([*_objects(document)]))
        name = draw(st.sampled_from([*found, "zz_new"]))
        match draw(st.sampled_from(["left out", "null", "unknown", "reversed"])):
            case "left out" if name not in required:
                found.pop(name, None)
            case "null" if name not in required:
                found[name] = None
            case "unknown":
                found[f"zz_{len(found)}"] = copy.deepcopy(draw(st.sampled_from(_NEW_VALUES)))
            case "reversed":
                entries = [*found.items()]
                found.clear()
                found.update(reversed(entries))
    return document


def _objects(value: object, name: str = "") -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        for entry in value:
            yield from _objects(entry)
    elif isinstance(value, dict) and name not in _OF_TEXTS:
        if name not in _OF_OBJECTS:
            yield value
        for key, item in value.items():
            yield from _objects(item, key)


_NO_WORDS = {"created_at", "updated_at", "exited_at", "expires_at", "interval", "timeout"}


def texts_in(document: object) -> Iterator[tuple[dict[str, Any], str]]:
    """Each text of a document that is a word of the API's: its object, and its key there."""
    for found in _objects(document):
        for key, value in found.items():
            if isinstance(value, str) and key not in _NO_WORDS:
                yield found, key
