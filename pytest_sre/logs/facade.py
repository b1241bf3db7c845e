"""The logs of a run, as the ``logs`` fixture gives them to one test."""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, Protocol

from pytest_sre.logs.baselines import Baseline
from pytest_sre.logs.events import LogEvent
from pytest_sre.logs.origins import Origins
from pytest_sre.logs.pace import MUTE
from pytest_sre.logs.recorded import CAUSE, recorded_lines, require_read_to_its_end
from pytest_sre.logs.rules import Rule, usable_rules
from pytest_sre.logs.silence import find_silences
from pytest_sre.logs.since import LogsSince, Pattern, as_pattern
from pytest_sre.logs.structure import Structured, structured
from pytest_sre.recording import Recording
from pytest_sre.recording.rows import EventSeen, Exchange, LogLine, MachineSeen
from pytest_sre.targets.durations import Duration, parse_duration_s
from pytest_sre.targets.errors import unknown_name
from pytest_sre.targets.settings import LogRule
from pytest_sre.verdict import Inconclusive

_LOOK_EVERY_S = 0.25
_SHOWN_CHARS = 120


class App(Protocol):
    """What is asked of an app here."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def since_at(self) -> float:
        """From when on its log is judged, Unix seconds."""
        ...


class Window(Protocol):
    """A stretch of time, such as a bake."""

    @property
    def started_at(self) -> float:
        """When it began, Unix seconds."""
        ...

    @property
    def ended_at(self) -> float:
        """When it ended, Unix seconds."""
        ...


class Stretch(NamedTuple):
    """A stretch of time by its ends, Unix seconds."""

    started_at: float
    ended_at: float


@dataclass(frozen=True)
class Reading:
    """How a test's logs are read.

    Attributes:
        apps: the apps of the target.
        began_at: when the test began, Unix seconds.
        watched: from when to when the app was asked steadily, as in a bake; None if it was not.
        read_on: reads an app's log, by its name, to its present end into the recording.
    """

    apps: Sequence[App] = ()
    began_at: float = 0.0
    watched: Window | None = None
    read_on: Callable[[str], None] = lambda _app: None


class Logs:
    """The logs of a run, read from its recording.

    Args:
        recording: the run's.
        ignore: patterns of lines that are not judged.
        find_baseline: gives what the log of an app said before; None when that is not known.
        rules: the project's own.
        reading: how they are read on.
    """

    def __init__(
        self,
        recording: Recording,
        ignore: Sequence[re.Pattern[str]],
        find_baseline: Callable[[App], Baseline | None] = lambda _app: None,
        *,
        rules: Sequence[LogRule] = (),
        reading: Reading | None = None,
    ) -> None:
        self._recording, self._ignore = recording, tuple(ignore)
        self._find_baseline, self._rules = find_baseline, tuple(rules)
        self._reading = reading or Reading()

    def since_deploy(
        self, app: App, *, ignore: Sequence[str] = (), without: Sequence[str] = ()
    ) -> LogsSince:
        """Give the app's log since the deploy, or since ``--sre-since``.

        Args:
            app: the app.
            ignore: patterns of lines that this test does not judge, beside those of the target.
            without: ids of rules that this test does not look for.

        Raises:
            Inconclusive: no line at all was read, or the last ones could not be, or the log
                fell silent while the app answered; the absence of errors then shows nothing.
        """
        require_read_to_its_end(self._recording, app.name)
        lines = recorded_lines(self._recording, app.name, app.since_at)
        if not lines:
            what = f"Fly's logs API: no log line of {app.name} was read since the deploy"
            raise Inconclusive(what, cause=CAUSE)
        self._require_said_something(app, lines)
        self._require_no_silence(app.name, lines)
        return LogsSince(
            lines,
            (*self._ignore, *map(re.compile, ignore)),
            partial(self._find_baseline, app),
            self._origins(app.name),
            partial(self._usable_rules, without),
        )

    def during(
        self, window: Window | None = None, app: App | None = None, *, ignore: Sequence[str] = ()
    ) -> LogsSince:
        """Give what was logged during a stretch of time: while this test has run, or a bake.

        Args:
            window: the stretch; from the beginning of the test until now if None.
            app: the app; all of the target if None, and they have no baseline.
            ignore: patterns of lines that this test does not judge, beside those of the target.

        Raises:
            Inconclusive: the log could not be read to its end.
        """
        apps = self._apps(app)
        until_at = window.ended_at if window else time.time()
        began_at = window.started_at if window else self._reading.began_at
        for each in apps:
            if window is None:
                self._reading.read_on(each.name)
            require_read_to_its_end(self._recording, each.name)
        found = [
            line
            for each in apps
            for line in recorded_lines(self._recording, each.name, began_at, until_at)
        ]
        return LogsSince(
            tuple(sorted(found, key=lambda line: line.at)),
            (*self._ignore, *map(re.compile, ignore)),
            partial(self._find_baseline, app) if app else lambda: None,
            Origins(seen for each in apps for seen in self._seen(each.name)),
            partial(self._usable_rules, ()),
        )

    def expect(self, what: Pattern, within: Duration = "10s", app: App | None = None) -> LogEvent:
        """Wait for a line that is written after the test began.

        Args:
            what: a text that it is to contain, in upper or lower case; or a pattern.
            within: how long to wait: a duration such as ``"5s"``, or seconds.
            app: the app; any of the target if None.

        Returns:
            The first such line, or the stack trace that has it.

        Raises:
            AssertionError: it did not come, and others did.
            Inconclusive: no line of any kind came, or the log could not be read.
        """
        pattern, within_s = as_pattern(what), parse_duration_s(within)
        deadline = time.monotonic() + within_s
        while True:
            is_last = time.monotonic() >= deadline
            try:
                events = self.during(None, app).events
            except Inconclusive:
                if is_last:
                    raise
                events = []
            found = next((event for event in events if event.has(pattern)), None)
            if found:
                return found
            if is_last:
                raise _not_written(what, within_s, events)
            time.sleep(min(_LOOK_EVERY_S, max(deadline - time.monotonic(), 0.0)))

    def structured(self, app: App, fields: Sequence[str] = ()) -> Structured:
        """Tell how much of what the app printed since the deploy is JSON or logfmt.

        Args:
            app: the app.
            fields: names of fields that each line is to have.

        Raises:
            Inconclusive: as of ``since_deploy``.
        """
        return structured(self.since_deploy(app).lines, fields)

    def _apps(self, app: App | None) -> Sequence[App]:
        return (app,) if app else self._reading.apps

    def _seen(self, app: str) -> list[MachineSeen]:
        return self._recording.rows(MachineSeen, app=app)

    def _origins(self, app: str) -> Origins:
        return Origins(self._seen(app))

    def _usable_rules(self, without: Sequence[str]) -> list[Rule]:
        rules = {rule.id: rule for rule in usable_rules(self._rules)}
        for name in without:
            if name not in rules:
                raise unknown_name(
                    where="since_deploy(without=…)", what="has the rule", name=name, names=rules
                )
        return [rule for name, rule in rules.items() if name not in without]

    def _require_said_something(self, app: App, lines: Sequence[LogLine]) -> None:
        """Refuse to judge a log without a line of the bake when such a bake leaves lines."""
        watched = self._reading.watched
        if watched is None or any(
            line.provider == "app" and watched.started_at <= line.at <= watched.ended_at
            for line in lines
        ):
            return
        asked = self._recording.rows(Exchange, app=app.name, source="bake")
        before = self._find_baseline(app)
        usual = before.bursts_a_request if before else None
        if usual and usual * len(asked) >= MUTE:
            raise Inconclusive(
                f"Fly's logs API: no line of {app.name} came during the bake, in which "
                f"{len(asked)} requests were made\nin the last healthy run such a number left "
                f"lines at about {usual * len(asked):.0f} moments: they are missing or late",
                cause=CAUSE,
            )

    def _require_no_silence(self, app: str, lines: Sequence[LogLine]) -> None:
        """Refuse to judge a log that lacks lines although the app went on."""
        watched = self._reading.watched
        if watched is None:
            return
        answered = self._recording.rows(Exchange, app=app, since_at=watched.started_at)
        silences = find_silences(
            self._written_at(app, watched, lines),
            watched.ended_at,
            [one.at for one in answered if one.status and one.at <= watched.ended_at],
        )
        if silences:
            first = silences[0]
            who = f"of the Machine {first.machine}" if first.machine else f"of {app}"
            at = time.strftime("%H:%M:%S", time.gmtime(first.since_at))
            raise Inconclusive(
                f"Fly's log {who} has nothing of {first.length_s:.1f} s from {at} UTC on, while "
                "the app answered\nbefore that a line came at least every "
                f"{first.length_s / 10:.1f} s: lines are missing, or the app stopped logging",
                cause=CAUSE,
            )

    def _written_at(
        self, app: str, watched: Window, lines: Sequence[LogLine]
    ) -> dict[str, list[float]]:
        """When lines were written while the app was watched, by Machine; of those that ran."""
        events = self._recording.rows(EventSeen, app=app, since_at=watched.started_at)
        latest = {seen.machine: seen for seen in self._seen(app)}
        odd = {event.machine for event in events if event.type in {"exit", "stop", "suspend"}}
        odd |= {machine for machine, seen in latest.items() if seen.state != "started"}
        found: dict[str, list[float]] = {}
        for line in lines:
            is_own = line.provider == "app" and line.machine not in odd
            if is_own and watched.started_at <= line.at <= watched.ended_at:
                found.setdefault(line.machine, []).append(line.at)
        return found


def _not_written(what: Pattern, within_s: float, events: Sequence[LogEvent]) -> Exception:
    """Say that a line did not come: a finding where others came, else nothing is known."""
    text = what if isinstance(what, str) else what.pattern
    wanted = f"expected a log line with {text!r} within {within_s:g} s"
    if not events:
        return Inconclusive(f"{wanted}, found no line of any kind: is the log still delivered?")
    last = " ".join(events[-1].message.split())[:_SHOWN_CHARS]
    return AssertionError(f"{wanted}, found {len(events)} others\nthe last: {last}")
