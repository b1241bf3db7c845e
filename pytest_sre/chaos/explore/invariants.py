"""What has to hold whatever goes wrong, judged from what was seen. Pure.

A judgement is one of three, as Jepsen's: it holds, it is broken, or nobody can tell; what was not
tested is never said to hold.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from pytest_sre.chaos.explore.history import Outcome, Played
from pytest_sre.chaos.explore.sets import check_set
from pytest_sre.targets.durations import Duration, parse_duration_s


@dataclass(frozen=True)
class Judgement:
    """What one invariant says of one schedule.

    Attributes:
        holds: None when nobody can tell.
        text: what is broken, in a few words; or why nobody can tell.
    """

    holds: bool | None
    text: str = ""


HOLDS = Judgement(holds=True)


@dataclass(frozen=True)
class Invariant:
    """Something that has to hold.

    Attributes:
        name: in a few words.
        judge: judges how a schedule went.
        recovers_within_s: how long it has to be watched whether all is well again after the last
            fault, seconds; 0 when it need not be.
        reads_log: whether it judges what the log says.
        is_of_users: whether it judges what users do alone.
    """

    name: str
    judge: Callable[[Played], Judgement]
    recovers_within_s: float = 0.0
    reads_log: bool = False
    is_of_users: bool = False


def judged(invariants: Iterable[Invariant], played: Played) -> tuple[Judgement, ...]:
    """Judge by all of them; one that cannot judge, for whatever reason, does not say it holds."""
    return tuple(_judged(each, played) for each in invariants)


def _judged(invariant: Invariant, played: Played) -> Judgement:
    try:
        return invariant.judge(played)
    except Exception as error:  # noqa: BLE001 - whatever a judge of the user's raises
        return Judgement(None, f"{invariant.name}: {type(error).__name__}: {error}")


def worst(judgements: Sequence[Judgement]) -> Judgement:
    """Merge several: broken over not known over holds; nothing at all is not known."""
    if not judgements:
        return Judgement(None, "nothing was judged")
    broken = [each for each in judgements if each.holds is False]
    unknown = [each for each in judgements if each.holds is None]
    found = broken or unknown
    if not found:
        return HOLDS
    return Judgement(found[0].holds, "; ".join(each.text for each in found))


def acknowledged_writes() -> Invariant:
    """What users were told is done can be read afterwards, once, and nothing that was refused."""
    return Invariant("acknowledged writes are readable", _acknowledged_writes, is_of_users=True)


def _acknowledged_writes(played: Played) -> Judgement:
    told = [each.item for each in played.invocations if each.outcome is Outcome.OK and each.item]
    open_ = [each.item for each in played.invocations if each.outcome is Outcome.INFO and each.item]
    verdict = check_set(told, readable=played.readable, indeterminate=open_)
    if verdict.holds is None:
        return Judgement(None, f"{len(verdict.unread)} acknowledged not read, {len(told)} in all")
    wrong = [
        _of_items(verdict.lost, "acknowledged {} lost"),
        _of_items(verdict.duplicated, "{} duplicated"),
        _of_items(verdict.unexpected, "unexpected {}"),
    ]
    return Judgement(verdict.holds, "; ".join(filter(None, wrong)))


def availability(at_least: float) -> Invariant:
    """This share of what users ask for is done, over the whole schedule.

    Args:
        at_least: from 0 to 1.

    Raises:
        ValueError: it is not.
    """
    if not 0 <= at_least <= 1:
        raise ValueError(f"expected a share from 0 to 1, such as 0.99, found {at_least:g}")

    def judge(played: Played) -> Judgement:
        asked = len(played.invocations)
        if not asked:
            return Judgement(None, "nobody asked for anything")
        done = sum(each.outcome is Outcome.OK for each in played.invocations)
        text = f"{done} of {asked} operations done, expected {at_least:.3%}"
        return HOLDS if done / asked >= at_least else Judgement(holds=False, text=text)

    return Invariant(f"availability of {at_least:.3%}", judge, is_of_users=True)


def recovers(within: Duration) -> Invariant:
    """All Machines run and the first operation is done again so soon after the last fault.

    Args:
        within: a duration, such as ``10s``; seconds when it is a number.
    """
    within_s = parse_duration_s(within)

    def judge(played: Played) -> Judgement:
        if played.recovered_s is None:
            return Judgement(holds=False, text=f"not recovered within {within_s:g} s")
        if played.recovered_s > within_s:
            text = f"recovered after {played.recovered_s:.1f} s, expected {within_s:g} s"
            return Judgement(holds=False, text=text)
        return HOLDS

    return Invariant(f"recovers within {within_s:g} s", judge, recovers_within_s=within_s)


def no_new_errors(allowed: Sequence[str] = ()) -> Invariant:
    """The log has no error but those that one of these patterns is found in.

    Args:
        allowed: regular expressions.
    """
    patterns = [re.compile(each) for each in allowed]

    def judge(played: Played) -> Judgement:
        found = [each for each in played.errors if not any(p.search(each) for p in patterns)]
        return Judgement(holds=False, text=f"error in the log: {found[0]}") if found else HOLDS

    return Invariant("no new errors", judge, reads_log=True)


def no_request_to_cordoned() -> Invariant:
    """No Machine serves a request that was sent while it was cordoned.

    Answers have to tell by ``fly-machine-id`` who served them.
    """
    return Invariant("no request to a cordoned Machine", _no_request_to_cordoned, is_of_users=True)


def _no_request_to_cordoned(played: Played) -> Judgement:
    if played.cordoned and not any(each.machine for each in played.requests):
        return Judgement(None, "no answer told which Machine served it, by fly-machine-id")
    for out in played.cordoned:
        for request in played.requests:
            if request.machine == out.machine and out.from_at < request.sent_at < out.until_at:
                late_s = request.sent_at - out.from_at
                text = f"Machine {out.machine} served a request {late_s:.2f} s after its cordon"
                return Judgement(holds=False, text=text)
    return HOLDS


def _of_items(items: Sequence[str], form: str) -> str:
    """Say how many, by what their paths name: ``1 acknowledged order lost``."""
    if not items:
        return ""
    first, _, rest = items[0].strip("/").partition("/")
    noun = first.removesuffix("s") if rest else "write"
    plural = noun if len(items) == 1 else f"{noun}s"
    return f"{len(items)} {form.format(plural)}"
