"""Finds the Machines that are meant. Pure.

They are told apart by group, region and age before by id, so that the same seed chooses alike in
two fleets of the same kind, whose ids differ.
"""

import datetime as dt
import math
import random
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Final

from pytest_sre.chaos.actions import Which
from pytest_sre.chaos.changes.change import NotInjected
from pytest_sre.fly.models import Machine

_MOST_NAMED: Final = 6


def choose(which: Which, machines: Sequence[Machine], seed: int) -> tuple[Machine, ...]:
    """Choose the Machines that are meant, among those that may be.

    Args:
        which: who is meant; its ``app`` is not looked at.
        machines: an app's Machines to which what is asked for can be done; their order is
            of no account.
        seed: the same seed chooses the same among the same.

    Returns:
        At least one, each of them once, ordered by group, region, age and id.

    Raises:
        NotInjected: there are none or too few of them, an id is of none or of several, or the
            count or the share makes no sense.
    """
    _require_sense(which)
    fitting = sorted((m for m in machines if _fits(m, which)), key=_place)
    if which.ids:
        ids = {machine.id for machine in machines}
        named = {_by_id(text, fitting, which, is_whole=text in ids).id for text in which.ids}
        fitting = [machine for machine in fitting if machine.id in named]
    if not fitting:
        raise NotInjected(f"expected {_described(which)}, found {_listed(machines)}")
    wanted = _how_many(which, len(fitting))
    if wanted > len(fitting):
        raise NotInjected(
            f"expected {wanted} to choose of {_described(which)}, found {_listed(fitting)}"
        )
    # Reproducible on purpose; nothing secret hangs on it.
    chosen = random.Random(seed).sample(fitting, wanted)  # noqa: S311
    return tuple(sorted(chosen, key=_place))


def labels_of(machines: Iterable[Machine]) -> str:
    """Name Machines for people, such as ``web-ams-148e21, web-fra-39a0b2``; not too many."""
    names = [f"{m.group}-{m.region}-{m.id[:6]}" for m in sorted(machines, key=_place)]
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _require_sense(which: Which) -> None:
    """Refuse what is no number of Machines; values made in code are not validated before."""
    count, share = which.count, which.share
    if count is not None and share is not None:
        raise NotInjected(
            f"expected a count or a share of Machines, found both: {count} and {share:g}"
        )
    if count is not None and count < 1:
        raise NotInjected(f"expected a count of Machines of at least 1, found {count}")
    if share is not None and not 0 < share <= 1:
        raise NotInjected(f"expected a share of Machines above 0 and of at most 1, found {share:g}")


def _fits(machine: Machine, which: Which) -> bool:
    return (not which.group or machine.group == which.group) and (
        not which.region or machine.region == which.region
    )


def _place(machine: Machine) -> tuple[str, str, float, str]:
    made = machine.created_at
    # A time without a zone is never sent; it is taken as UTC, so that sorting cannot fail.
    made = made.replace(tzinfo=made.tzinfo or dt.UTC) if made else None
    return machine.group, machine.region, made.timestamp() if made else 0.0, machine.id


def _by_id(text: str, fitting: Sequence[Machine], which: Which, *, is_whole: bool) -> Machine:
    """Find the one that is named by its id, or by how its id, and no other's, begins."""
    begins = [m for m in fitting if text and m.id.startswith(text)]
    found = [m for m in begins if m.id == text] if is_whole else begins
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(m.id for m in found[:_MOST_NAMED])
        raise NotInjected(
            f"expected one Machine whose id begins with {text!r}, found {len(found)}: {ids}"
        )
    without_ids = Which(group=which.group, region=which.region)
    raise NotInjected(
        f"expected the Machine {text!r} among {_described(without_ids)}, found {_listed(fitting)}"
    )


def _how_many(which: Which, there: int) -> int:
    if which.count is not None:
        return which.count
    if which.share is not None:
        # As it was written: 7 % of 100 are 7, where binary fractions would make it 8.
        return math.ceil(Fraction(repr(which.share)) * there)
    return there if which.ids or which.region else 1


def _described(which: Which) -> str:
    words = [
        f"of the group {which.group}" if which.group else "",
        f"in {which.region}" if which.region else "",
    ]
    return " ".join(["Machines", *filter(None, words)])


def _listed(machines: Sequence[Machine]) -> str:
    return labels_of(machines) or "none"
