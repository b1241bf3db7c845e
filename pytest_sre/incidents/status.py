"""The open incidents, for a terminal or a program. Pure."""

from collections.abc import Sequence

import msgspec

from pytest_sre.incidents.life import Incident
from pytest_sre.incidents.postmortem import duration_text
from pytest_sre.report.tables import table

_TITLES = ("incident", "status", "severity", "age", "last update", "update", "commander", "title")


class _Shown(msgspec.Struct, frozen=True):
    number: int
    title: str
    status: str
    severity: str
    target: str
    apps: tuple[str, ...]
    commander: str
    opened_at: float
    updated_at: float
    age_s: float
    since_update_s: float
    is_update_due: bool


def status_json(incidents: Sequence[Incident], at: float, update_every_s: float) -> str:
    """Say it as JSON: a list, the oldest first.

    Args:
        incidents: the open ones.
        at: now, Unix seconds.
        update_every_s: how long one may go without an entry in its log.
    """
    shown = [_shown(each, at, update_every_s) for each in incidents]
    return msgspec.json.encode(shown).decode()


def status_lines(
    incidents: Sequence[Incident], at: float, update_every_s: float
) -> tuple[str, ...]:
    """Say it as a table; see `status_json`."""
    if not incidents:
        return ("no incident is open",)
    rows = [
        (
            f"#{each.number}",
            each.status,
            each.severity,
            duration_text(each.age_s),
            f"{duration_text(each.since_update_s)} ago",
            "due" if each.is_update_due else "not due",
            each.commander or "nobody",
            each.title,
        )
        for each in (_shown(one, at, update_every_s) for one in incidents)
    ]
    return tuple(table(_TITLES, rows).splitlines())


def _shown(incident: Incident, at: float, update_every_s: float) -> _Shown:
    memory = incident.memory
    since_update_s = max(0.0, at - memory.updated_at)
    return _Shown(
        incident.issue.number,
        memory.title,
        memory.status,
        memory.severity,
        memory.target,
        memory.apps,
        memory.commander,
        memory.opened_at,
        memory.updated_at,
        max(0.0, at - memory.opened_at),
        since_update_s,
        since_update_s >= update_every_s,
    )
