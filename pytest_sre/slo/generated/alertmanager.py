"""From objectives to the configuration of an Alertmanager: who is told what, and how often.

Source: https://prometheus.io/docs/alerting/latest/configuration/.
"""

from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import quote

from pytest_sre.slo.generated.alerting import alerting_rules
from pytest_sre.slo.generated.watched import PAGE, TICKET, Timing, Watched, burn_rules

# RFC 2606: such a name never exists. A receiver that nobody filled in fails, and is seen to.
_PLACEHOLDER: Final = "http://receiver.invalid"
_OTHERS: Final = "others"
_ESCAPES: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
_AGAIN_AFTER: Final = {PAGE: "4h"}
_AGAIN_LATE: Final = "1d"


def alertmanager_config(
    watched: Iterable[Watched],
    receivers: Mapping[str, Mapping[str, object]] | None = None,
    base_url: str = _PLACEHOLDER,
) -> dict[str, object]:
    """Make the document of an Alertmanager's configuration.

    Alerts go to a receiver by who owns the objective and by severity, one message for all alerts
    of an objective. While there is a page on an objective, its tickets are held back.

    Args:
        watched: the objectives.
        receivers: what receivers of these names are, instead of placeholders.
        base_url: where a placeholder posts to, with its name as the path.
    """
    routed = sorted({pair for each in watched for pair in _owner_and_severity(each)}, key=_order)
    names = [*(_receiver(owner, severity) for owner, severity in routed), _OTHERS]
    known = receivers or {}
    return {
        "route": {
            "receiver": _OTHERS,
            "group_by": ["service", "slo"],
            "group_wait": "30s",
            "group_interval": "5m",
            "repeat_interval": _AGAIN_LATE,
            "routes": [_route(owner, severity) for owner, severity in routed],
        },
        "inhibit_rules": [
            {
                "source_matchers": [_matcher("severity", PAGE)],
                "target_matchers": [_matcher("severity", TICKET)],
                "equal": ["service", "slo"],
            }
        ],
        "receivers": [dict(known.get(name) or _placeholder(name, base_url)) for name in names],
    }


def _owner_and_severity(watched: Watched) -> list[tuple[str, str]]:
    timing = Timing()
    rules = alerting_rules(watched, burn_rules(watched, timing), timing)
    found = {burn.severity for burn in burn_rules(watched, timing).kept} | {TICKET}
    return [(watched.objective.owner or "", severity) for severity in found] if rules else []


def _order(pair: tuple[str, str]) -> tuple[bool, str, bool, str]:
    """Those with an owner first: the routes of others match all."""
    owner, severity = pair
    return (not owner, owner, severity != PAGE, severity)


def _receiver(owner: str, severity: str) -> str:
    return f"{owner}-{severity}" if owner else severity


def _route(owner: str, severity: str) -> dict[str, object]:
    owned = [_matcher("owner", owner)] if owner else []
    return {
        "receiver": _receiver(owner, severity),
        "matchers": [_matcher("severity", severity), *owned],
        "repeat_interval": _AGAIN_AFTER.get(severity, _AGAIN_LATE),
    }


def _matcher(label: str, value: str) -> str:
    return f'{label}="{value.translate(_ESCAPES)}"'


def _placeholder(name: str, base_url: str) -> dict[str, object]:
    return {"name": name, "webhook_configs": [{"url": f"{base_url}/{quote(name, safe='')}"}]}
