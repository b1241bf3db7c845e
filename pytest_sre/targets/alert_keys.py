"""The keys of ``[alerts]``: the project's rule files, and the servers that evaluate them."""

from dataclasses import dataclass
from pathlib import Path

from pytest_sre.targets.files import matching_files
from pytest_sre.targets.reading import Place, duration_s, key, list_of, matching, table
from pytest_sre.targets.settings import AlertSettings

_path = matching(r"[^\0]+", "the path of a file")
_url = matching(
    r"https?://[^\s/?#@\\]+(/[^\s?#]*)?", 'an address such as "http://prometheus.internal:9090"'
)


@dataclass(frozen=True, kw_only=True)
class AlertKeys:
    """The ``[alerts]`` table."""

    rules: tuple[str, ...] = key("rules", list_of(_path), ())
    prometheus: str | None = key("prometheus", _url, None)
    alertmanager: str | None = key("alertmanager", _url, None)
    scrape_s: float = key("scrape-interval", duration_s, AlertSettings.scrape_s)


read_alert_keys = table(AlertKeys, closed=True)
"""Reads the ``[alerts]`` table."""


def alert_settings(keys: AlertKeys, folder: Path, place: Place) -> AlertSettings:
    """Find the rule files that the keys name.

    Raises:
        ConfigError: a pattern matches no file.
    """
    return AlertSettings(
        rules=matching_files(keys.rules, folder, place / "rules"),
        prometheus=keys.prometheus.rstrip("/") if keys.prometheus else None,
        alertmanager=keys.alertmanager.rstrip("/") if keys.alertmanager else None,
        scrape_s=keys.scrape_s,
    )
