"""Where the apps' own metrics are, for Prometheus' discovery of targets by HTTP."""

from typing import Any, Final

from pytest_sre.local.fleet import Fleet
from pytest_sre.local.machines.records import MachineRecord
from pytest_sre.local.metrics.exposition import HOST

_DEFAULT_PATH: Final = "/metrics"


def own_targets(fleet: Fleet) -> list[dict[str, Any]]:
    """One target for each Machine that runs and whose configuration says where its metrics are.

    Source: https://prometheus.io/docs/prometheus/latest/http_sd/.
    """
    records = (record for app in fleet.apps.values() for record in app.present())
    return [target for each in records if (target := _target(each))]


def _target(record: MachineRecord) -> dict[str, Any] | None:
    metrics = record.settings.metrics
    port = record.ports.get(metrics.port or 0) if metrics else None
    if not metrics or not port or record.state != "started":
        return None
    labels = {
        "__scheme__": "https" if metrics.https else "http",
        "__metrics_path__": metrics.path or _DEFAULT_PATH,
        "app": record.app,
        "region": record.region,
        "host": HOST,
        "instance": record.id,
    }
    return {"targets": [f"127.0.0.1:{port}"], "labels": labels}
