"""Reads the recording of a run into what its report shows."""

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from pytest_sre.recording import Recording
from pytest_sre.recording.notes import (
    DEPLOYED,
    ENDED_AT,
    LIFTED,
    STARTED_AT,
    TARGET,
    VERDICT,
    VERSION,
)
from pytest_sre.recording.rows import (
    CheckSeen,
    Flake,
    JourneyRun,
    LogLine,
    MachineSeen,
    ObjectiveSeen,
    OwnFault,
    Reason,
    Risk,
    Row,
    Span,
    TestRun,
)
from pytest_sre.report.html.exchanges import BAKE, count_exchanges
from pytest_sre.report.html.loads import read_loads
from pytest_sre.report.html.values import (
    Counted,
    Deployed,
    Machine,
    Objective,
    Report,
    Some,
    Suite,
    Walked,
)
from pytest_sre.verdict import Verdict

# What the page can show without getting large, whatever each of them says.
_REASONS: Final = 40
_SUITES: Final = 50
_TESTS_OF_SUITE: Final = 200
_TESTS: Final = 300
_MACHINES: Final = 150
_OBJECTIVES: Final = 60
_KINDS: Final = 40
_REMARKS: Final = 20
_OBJECTIVE_TESTS: Final = "slo::"
_GRAVITY: Final = {Verdict.UNHEALTHY.value: 0, Verdict.INCONCLUSIVE.value: 1}


class _Release(msgspec.Struct):
    app: str
    version: int = 0
    image: str = ""
    revision: str = ""


def read_report(recording: Recording) -> Report:
    """Read what a report shows.

    Raises:
        RecordingError: the recording cannot be read.
    """
    meta = recording.meta()
    counts = count_exchanges(recording)
    tests = _Tests(recording)
    loads, of_loads = read_loads(recording)
    bake = next(iter(recording.rows(Span, name=BAKE)), None)
    return Report(
        recording=recording.path.name,
        target=meta.get(TARGET, ""),
        verdict=meta.get(VERDICT, ""),
        version=meta.get(VERSION, ""),
        began_at=_time(meta.get(STARTED_AT)),
        ended_at=_time(meta.get(ENDED_AT)),
        deployed=tuple(_deployed(meta)),
        reasons=Some.of(recording.rows(Reason), _REASONS),
        suites=Some.of(tests.suites, _SUITES),
        machines=Some.of(_machines(recording, counts.machines), _MACHINES),
        objectives=Some.of(_objectives(recording, tests), _OBJECTIVES),
        bake=(bake.at, bake.ended_at) if bake else None,
        requests=counts.requests,
        over_time=counts.over_time,
        errors=Some.of(counts.errors, _KINDS),
        journeys=Some.of(_journeys(recording), _KINDS),
        loads=loads,
        log=Some.of(_counted(recording, LogLine, "app", "level"), _KINDS),
        flakes=Some.of(_counted(recording, Flake, "what", sample="first_failure"), _KINDS),
        risks=Some.of(recording.rows(Risk), _KINDS),
        own_faults=Some.of(_counted(recording, OwnFault, "cause", sample="detail"), _KINDS),
        remarks=tuple(itertools.islice((*_remarks(meta), *of_loads), _REMARKS)),
    )


class _Tests:
    """The tests of a run: all of them counted, some of them kept."""

    def __init__(self, recording: Recording) -> None:
        self.objectives: dict[str, TestRun] = {}
        self._verdicts: dict[str, dict[str, int]] = {}
        self._kept: dict[tuple[str, int], list[TestRun]] = {}
        for test in recording.each(TestRun):
            self._add(test)

    def _add(self, test: TestRun) -> None:
        verdicts = self._verdicts.setdefault(test.suite, {})
        verdicts[test.verdict] = verdicts.get(test.verdict, 0) + 1
        kept = self._kept.setdefault((test.suite, _GRAVITY.get(test.verdict, 2)), [])
        if len(kept) < _TESTS_OF_SUITE:
            kept.append(test)
        if test.test.startswith(_OBJECTIVE_TESTS):
            self.objectives[test.test.removeprefix(_OBJECTIVE_TESTS)] = test

    @property
    def suites(self) -> tuple[Suite, ...]:
        """The suites by name; of many tests, those that are not healthy come first."""
        room = dict.fromkeys(sorted(self._verdicts), 0)
        free = _TESTS
        for gravity, suite in itertools.product(range(3), room):
            taken = min(free, len(self._kept.get((suite, gravity), ())))
            taken = min(taken, _TESTS_OF_SUITE - room[suite])
            room[suite] += taken
            free -= taken
        return tuple(self._suite(name, most) for name, most in room.items())

    def _suite(self, name: str, most: int) -> Suite:
        kept = [test for gravity in range(3) for test in self._kept.get((name, gravity), ())]
        verdicts = self._verdicts[name]
        shown = tuple(kept[:most])
        return Suite(name, verdicts, Some(shown, sum(verdicts.values()) - len(shown)))


def _objectives(recording: Recording, tests: _Tests) -> list[Objective]:
    seen = {row.objective: row for row in recording.newest(ObjectiveSeen, "objective")}
    names = dict.fromkeys((*tests.objectives, *seen))
    return [_objective(name, seen.get(name), tests.objectives.get(name)) for name in names]


def _objective(name: str, seen: ObjectiveSeen | None, test: TestRun | None) -> Objective:
    if seen:
        return Objective(name, seen.verdict, seen.detail, seen)
    return Objective(name, test.verdict if test else "", test.message if test else "")


def _machines(recording: Recording, counts: Mapping[str, tuple[int, int]]) -> list[Machine]:
    checks: dict[str, list[CheckSeen]] = {}
    for check in recording.newest(CheckSeen, "machine", "check"):
        checks.setdefault(check.machine, []).append(check)
    found = recording.newest(MachineSeen, "machine")
    return [
        Machine(seen, tuple(checks.get(seen.machine, ())), *counts.get(seen.machine, (0, 0)))
        for seen in sorted(found, key=lambda row: (row.app, row.group, row.region, row.machine))
    ]


def _journeys(recording: Recording) -> list[Walked]:
    counts: dict[str, list[int]] = {}
    for journey, ok, own in recording.values(JourneyRun, "journey", "ok", "own_fault"):
        counted = counts.setdefault(str(journey), [0, 0, 0])
        counted[0] += 1
        counted[1] += not ok and not own
        counted[2] += bool(own)
    return [Walked(name, *counted) for name, counted in sorted(counts.items())]


def _counted(
    recording: Recording, row_type: type[Row], *columns: str, sample: str = ""
) -> list[Counted]:
    """Count rows by some of their columns, the most frequent first."""
    counts: Counter[str] = Counter()
    first: dict[str, tuple[float, str]] = {}
    for at, *values in recording.values(row_type, "at", *columns, *filter(None, [sample])):
        told = str(values.pop()) if sample else ""
        what = " ".join(map(str, values))
        counts[what] += 1
        first.setdefault(what, (float(at or 0), told))
    return [Counted(what, count, *first[what]) for what, count in counts.most_common()]


def _remarks(meta: Mapping[str, str]) -> Iterator[str]:
    for key, text in sorted(meta.items()):
        if key.startswith(LIFTED):
            yield f"the freeze of releases by {key.removeprefix(LIFTED)} was overridden: {text}"


def _deployed(meta: Mapping[str, str]) -> Iterator[Deployed]:
    for key, text in sorted(meta.items()):
        if key.startswith(DEPLOYED):
            try:
                found = msgspec.json.decode(text, type=_Release)
            except msgspec.MsgspecError:
                found = _Release(key.removeprefix(DEPLOYED))
            yield Deployed(found.app, found.version, found.image, found.revision)


def _time(text: str | None) -> float:
    try:
        return float(text or 0)
    except ValueError:
        return 0.0
