"""What a run has to add to an incident's log: only what is not as it was. All of it pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from pytest_sre.incidents.memory import KnownCause
from pytest_sre.incidents.merging import MOST_CAUSES, MOST_TESTS
from pytest_sre.issues.events import Sign
from pytest_sre.redaction import inline, one_line

# What an issue remembers has to fit into its body.
_LONGEST_NAME: Final = 160
_LONGEST_TITLE: Final = 100


@dataclass(frozen=True)
class Changes:
    """What is new, a sentence each, and the causes as they are from now on.

    ``changed`` are those of them that are new, or no longer as they were.
    """

    said: tuple[str, ...]
    causes: tuple[KnownCause, ...]
    changed: tuple[KnownCause, ...]


def find_changes(
    known: Sequence[KnownCause],
    signs: Sequence[Sign],
    joined: Sequence[Sign],
    passed: frozenset[str],
    at: float,
) -> Changes:
    """Compare what a run saw with what is known.

    A cause that the run did not see is well when it passed all of the cause's tests, and as it was
    otherwise: it was not tested. What a run saw before what is known of a cause changes nothing.

    Args:
        known: the causes of the incident.
        signs: what the run saw.
        joined: those of them that are new to the incident and belong to it.
        passed: functions of tests that passed with all their parameters.
        at: when the run ended, Unix seconds.
    """
    seen = {sign.fingerprint: sign for sign in signs}
    said: list[str] = []
    causes: list[KnownCause] = []
    for cause in known:
        renewed = _renewed(cause, seen.get(cause.fingerprint), passed, at)
        said += _compared(cause, renewed)
        causes.append(renewed)
    for sign in joined[: max(0, MOST_CAUSES - len(causes))]:
        said.append(f"also failing: {inline(sign.title)}{_where(sign.regions)}")
        causes.append(_cause(sign, at))
    before = {cause.fingerprint: cause for cause in known}
    changed = tuple(each for each in causes if before.get(each.fingerprint) != each)
    return Changes(tuple(said), tuple(causes), changed)


def _cause(sign: Sign, at: float) -> KnownCause:
    title = one_line(sign.title, _LONGEST_TITLE)
    tests, regions = _names(sign.tests), _sorted(sign.regions)
    return KnownCause(sign.fingerprint, title, tests, regions, since_at=at)


def _renewed(cause: KnownCause, sign: Sign | None, passed: frozenset[str], at: float) -> KnownCause:
    if at < cause.since_at:
        return cause
    now = _seen_again(cause, sign) if sign else _not_seen(cause, passed)
    is_as_it_was = (now.is_failing, now.regions) == (cause.is_failing, cause.regions)
    return now if is_as_it_was else replace(now, since_at=at)


def _seen_again(cause: KnownCause, sign: Sign) -> KnownCause:
    tests = _names((*cause.tests, *sign.tests))
    return replace(cause, is_failing=True, regions=_sorted(sign.regions), tests=tests)


def _not_seen(cause: KnownCause, passed: frozenset[str]) -> KnownCause:
    if not cause.tests or not passed.issuperset(cause.tests):
        return cause
    return replace(cause, is_failing=False, regions=())


def _compared(before: KnownCause, now: KnownCause) -> Iterator[str]:
    what = inline(before.title)
    if before.is_failing and not now.is_failing:
        yield f"recovered{_where(before.regions)}: {what}"
    elif now.is_failing and not before.is_failing:
        yield f"failing again{_where(now.regions)}: {what}"
    elif before.regions != now.regions:
        yield f"{', '.join(_moved(before.regions, now.regions))}: {what}"


def _moved(before: Sequence[str], now: Sequence[str]) -> Iterator[str]:
    if not before or not now:
        yield f"failing{_where(now)}" if now else "failing, no longer in certain regions only"
        return
    parts = (
        ("recovered", [each for each in before if each not in now]),
        ("still failing", [each for each in before if each in now]),
        ("now also failing", [each for each in now if each not in before]),
    )
    yield from (f"{verb}{_where(regions)}" for verb, regions in parts if regions)


def _where(regions: Sequence[str]) -> str:
    return f" in {', '.join(map(inline, regions))}" if regions else ""


def _names(tests: Sequence[str]) -> tuple[str, ...]:
    # One that was cut is never seen to pass, so that its cause stays until a person says so.
    return tuple(dict.fromkeys(test[:_LONGEST_NAME] for test in tests))[:MOST_TESTS]


def _sorted(regions: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(set(regions)))
