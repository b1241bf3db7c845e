"""The title of an issue: what is broken, where, and since which release. Pure.

A title is read for as long as its issue is open, so it tells nothing that another run would tell
otherwise: no ids, no times, no percentages. How many Machines are concerned is told; it is what
people ask first.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from pytest_sre.judge.causes import Cause
from pytest_sre.recording.rows import MachineSeen

_DEFAULT_GROUP: Final = "app"
_SHOWN_REGIONS: Final = 3
_LONGEST_DETAIL: Final = 100
_UNKNOWN: Final = "…"
# What has a digit in it varies, but for the status of an answer and the proxy's codes.
_VARIES: Final = re.compile(r"(?<!answers )(?<!answered )(?<!status )(?<!\[)\b[\w.:-]*\d[\w.:-]*")
_MASK: Final = re.compile(r"<[a-z]{1,8}>")
_BARE: Final = re.compile(r"assert\b|expected\b.{0,20}$")


def title_of(
    cause: Cause, machines: Sequence[MachineSeen], *, journeys: Collection[str] = (), version: int
) -> str:
    """Write a title as a person would.

    Args:
        cause: what broke.
        machines: the Machines of all apps as they were seen last.
        journeys: those in which requests failed by it.
        version: the number of the release that it came with; 0 when it was there before, or when
            that is not known.
    """
    since = f" since v{version}" if version else ""
    return f"{_what(cause, journeys)}{_where(cause, machines)}{since}"


def _what(cause: Cause, journeys: Collection[str]) -> str:
    match cause.identity:
        case (app, "out of memory", group):
            return f"{_name(app, group)} runs out of memory"
        case (app, "exits", group, code, exception):
            verb = "exit" if " and " in group else "exits"
            why = f": {_short(exception)}" if exception else ""
            return f"{_name(app, group)} {verb} with code {code}{why}"
        case (app, "state", group, *states):
            return f"{_name(app, group)} is {' or '.join(states)}"
        case (app, "check", group, name):
            return f"check {name} of {_name(app, group)} fails"
        case (_, "requests", what):
            return f"{_walked(journeys)}{what}"
        case (_, "slow", what):
            return f"{_walked(journeys)}{what} is slow"
        case (_, "log", _, template):
            return f"errors in the log: {_short(template)}"
        case (app, "image", group):
            return f"{_name(app, group)} runs another image than the release"
        case (_, "test", function, _):
            return _of_test(cause, function, journeys)
    return cause.title


def _of_test(cause: Cause, function: str, journeys: Collection[str]) -> str:
    """What a failed test says; its own name where what it says means nothing by itself."""
    walked = _walked(journeys)
    if walked or not _BARE.match(cause.title):
        return f"{walked}{_short(cause.title)}"
    name = function.rpartition("::")[2].removeprefix("test_").replace("_", " ")
    return f"{name}: {_short(cause.title)}"


def _walked(journeys: Collection[str]) -> str:
    return f"{next(iter(journeys))} fails: " if len(journeys) == 1 else ""


def _name(app: str, group: str) -> str:
    """What people call a process group: the app where it has no other, or breaks as a whole."""
    return app if app and group in {"", _DEFAULT_GROUP} else group


def _short(text: str) -> str:
    """A text without what varies, and cut where a word ends."""
    words = " ".join(_VARIES.sub(_UNKNOWN, _MASK.sub(_UNKNOWN, text)).split())
    words = words.removesuffix(f": {_UNKNOWN}")
    if len(words) <= _LONGEST_DETAIL:
        return words
    return words[:_LONGEST_DETAIL].rpartition(" ")[0].rstrip(",;:") + " " + _UNKNOWN


def _where(cause: Cause, machines: Sequence[MachineSeen]) -> str:
    """On how many Machines of which group and where; nothing when that is not known."""
    concerned = [machine for machine in machines if machine.machine in cause.seen_on]
    named = [machine for machine in concerned if machine.group in _groups(cause)]
    found = named or concerned
    groups = {(machine.app, machine.group) for machine in found}
    if not found:
        return ""
    fleet = [machine for machine in machines if (machine.app, machine.group) in groups]
    group = f"{found[0].group} " if len(groups) == 1 and not named else ""
    return _share(found, fleet, "" if group.strip() == _DEFAULT_GROUP else group)


def _groups(cause: Cause) -> Collection[str]:
    """The process groups that the title names."""
    match cause.identity:
        case (_, "out of memory" | "exits" | "state" | "check" | "image", group, *_):
            return group.split(" and ")
    return ()


def _share(found: Sequence[MachineSeen], fleet: Sequence[MachineSeen], group: str) -> str:
    regions = _regions(found)
    there = [machine for machine in fleet if machine.region in regions]
    is_everywhere = len(regions) == len(_regions(fleet))
    if len(found) == len(fleet):
        return f" on all {group}Machines" if len(fleet) > 1 else ""
    if len(found) == len(there) > 1 and not is_everywhere:
        return f" on all {group}Machines in {_listed(regions)}"
    return f" on {len(found)} of {len(fleet)} {group}Machines in {_listed(regions)}"


def _regions(machines: Iterable[MachineSeen]) -> list[str]:
    return sorted({machine.region for machine in machines})


def _listed(regions: Sequence[str]) -> str:
    if len(regions) > _SHOWN_REGIONS:
        return f"{len(regions)} regions"
    *most, last = regions
    return f"{', '.join(most)} and {last}" if most else last
