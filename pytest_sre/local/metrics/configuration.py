"""What the platform's Prometheus is told: what to read, how often, and with which labels."""

from typing import Any, Final

import msgspec

PAGE_PATH: Final = "/_local/metrics"
TARGETS_PATH: Final = "/_local/metrics/targets"
# Whoever tests does not want to wait for Fly's 15 s.
_OFTEN_S: Final = 1
_FLYS_INTERVAL_S: Final = 15
_SMALL_FLEET: Final = 200
_LARGEST_PAGE: Final = "16MB"
_FLYS_LABELS: Final = "app|region|host|instance"
RULES: Final = "rules"
"""The folder of rule files, beside the configuration."""


def interval_s(machine_count: int) -> int:
    """How often metrics are read: every second, or as seldom as Fly does from 200 Machines on."""
    return _OFTEN_S if machine_count < _SMALL_FLEET else _FLYS_INTERVAL_S


def configuration(address: str, token: str, every_s: int, alertmanager: str = "") -> bytes:
    """The configuration file, in JSON, which is YAML.

    An app's own labels of the names that Fly sets are replaced by Fly's; no series has the
    ``job`` that Prometheus adds, nor is the address of the platform anybody's ``instance``.

    Args:
        address: host and port of the platform's API.
        token: opens it.
        every_s: how often it is read, and rules are evaluated, seconds.
        alertmanager: host and port that alerts are sent to; empty for nowhere.
    """
    authorization = {"credentials": token}
    own = {
        "job_name": "platform",
        "metrics_path": PAGE_PATH,
        "honor_labels": True,
        "authorization": authorization,
        "static_configs": [{"targets": [address]}],
        "metric_relabel_configs": [
            _drop("job"),
            {
                "source_labels": ["instance"],
                "regex": address.replace(".", r"\."),
                "target_label": "instance",
                "replacement": "",
            },
        ],
    }
    url = f"http://{address}{TARGETS_PATH}"
    apps = {
        "job_name": "apps",
        "http_sd_configs": [
            {"url": url, "refresh_interval": f"{_OFTEN_S}s", "authorization": authorization}
        ],
        "body_size_limit": _LARGEST_PAGE,
        "tls_config": {"insecure_skip_verify": True},
        "metric_relabel_configs": [
            _drop("job"),
            {"action": "labelmap", "regex": "exported_(job)"},
            _drop(f"exported_(job|{_FLYS_LABELS})"),
        ],
    }
    times = {
        "scrape_interval": f"{every_s}s",
        "scrape_timeout": f"{min(every_s, 10)}s",
        "evaluation_interval": f"{every_s}s",
    }
    stated = {"global": times, "scrape_configs": [own, apps], "rule_files": [f"{RULES}/*"]}
    if alertmanager:
        receivers = [{"static_configs": [{"targets": [alertmanager]}]}]
        stated["alerting"] = {"alertmanagers": receivers}
    return msgspec.json.encode(stated)


def _drop(names: str) -> dict[str, Any]:
    return {"action": "labeldrop", "regex": names}
