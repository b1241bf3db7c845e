import itertools

import pytest

from pytest_sre.incidents.telling import IncidentTeller
from pytest_sre.issues.calls import Clock
from pytest_sre.issues.delivery import deliver
from pytest_sre.issues.files import FileTracker
from pytest_sre.issues.outbox import Outbox
from pytest_sre.issues.tracker import TrackerError
from pytest_sre.issues.values import Finding, Policy, Section, Sighting

AT = 1_800_000_000.0  # 2027-01-15 08:00:00 UTC
TRACKER = "files:issues"


class Killed(BaseException):
    """The process is killed."""


class Unsteady:
    """A tracker that fails as told: in a call by number, before or after it did its work."""

    def __init__(self, inner):
        self._inner = inner
        self.name = inner.name
        self.calls = 0
        self.faults = {}

    def __getattr__(self, name):
        act = getattr(self._inner, name)

        def call(*arguments):
            self.calls += 1
            fault = self.faults.pop(self.calls, "")
            if fault == "killed before":
                raise Killed
            if fault == "before":
                raise TrackerError("502", retry_after_s=1, uncertain=True)
            result = act(*arguments)
            if fault == "killed after":
                raise Killed
            if fault == "after":
                raise TrackerError("502", retry_after_s=1, uncertain=True)
            return result

        return call


class Desk:
    """A project whose runs and people tell a tracker of what goes wrong: in files, or another."""

    def __init__(self, root):
        self.root = root
        self.outbox = Outbox(root / ".sre" / "outbox")
        self.files = FileTracker(root, "issues")
        self.tracker = Unsteady(self.files)
        self.numbers = itertools.count(1)
        self.tracker_name = TRACKER
        self.policy = Policy()

    def deliver(self):
        teller = IncidentTeller(self.root, lambda _target: 0.01, lambda *_: (), (), str)
        clock = Clock(lambda: 0.0, lambda _s: None)
        return deliver(self.outbox, self.tracker, self.policy, tell_incident=teller, clock=clock)

    def put(self, event):
        self.outbox.put(event)
        return self.deliver()

    def sighting(self, *findings, passed=(), release="shop v1", target="prod", at=None, on=True):
        number = next(self.numbers)
        at = AT + 60 * number if at is None else at
        run = f"run-{number}"
        return Sighting(
            run, self.tracker_name, target, release, at, findings, frozenset(passed), on
        )

    def seen(self, *findings, **more):
        return self.put(self.sighting(*findings, **more))

    @property
    def issues(self):
        found = (self.files.issue(number) for number in range(1, 100))
        return [issue for issue in found if issue]

    def labelled(self, label):
        return [issue for issue in self.issues if label in issue.labels]

    def log(self, number):
        return list(self.files.comments(number))


def finding(name, *regions, severity="critical", apps=("shop",)):
    return Finding(
        name * 16,
        f"cause {name}",
        severity,
        (f"test_{name}",),
        (Section("Evidence", "seen", 10),),
        apps=apps,
        regions=regions,
    )


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


@pytest.fixture
def found():
    """Makes findings."""
    return finding


@pytest.fixture
def killed():
    """What is raised in place of a kill."""
    return Killed
