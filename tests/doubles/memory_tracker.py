"""A tracker in memory, which fails or kills in a call as told."""

import itertools
from collections import defaultdict

from msgspec.structs import replace

from pytest_sre.issues.body import fingerprint_label
from pytest_sre.issues.tracker import TrackerError
from pytest_sre.issues.values import Issue

AT = 1_800_000_000.0


class KilledError(BaseException):
    """The process is killed."""


class MemoryTracker:
    """A tracker that fails once, as told."""

    name = "memory"

    def __init__(self):
        self.issues: dict[int, Issue] = {}
        self.said: dict[int, list[str]] = defaultdict(list)
        self.numbers = itertools.count(1)
        self.left, self.fault = 0, ""

    def _do(self, act):
        self.left -= 1
        fault = self.fault if self.left == 0 else ""
        if fault == "killed before":
            raise KilledError
        result = act()
        if fault == "killed after":
            raise KilledError
        if fault == "uncertain":
            raise TrackerError("502", retry_after_s=1, uncertain=True)
        return result

    def open_issues(self):
        return self._do(lambda: [each for each in self.issues.values() if each.state == "open"])

    def open_with_label(self, label):
        return [each for each in self.open_issues() if label in each.labels]

    def with_fingerprint(self, fingerprint):
        label = fingerprint_label(fingerprint)
        return self._do(lambda: [i for i in self.issues.values() if label in i.labels])

    def issue(self, number):
        return self._do(lambda: self.issues.get(number))

    def create(self, wanted):
        def act():
            issue = Issue(next(self.numbers), wanted.title, wanted.body, frozenset(wanted.labels))
            self.issues[issue.number] = issue
            return issue

        return self._do(act)

    def edit(self, change):
        def act():
            issue = replace(self.issues[change.number], body=change.body)
            if change.state:
                issue = replace(issue, state=change.state, reason=change.reason, closed_at=AT)
            self.issues[change.number] = issue

        self._do(act)

    def comments(self, number):
        return self._do(lambda: list(self.said[number]))

    trusted_comments = comments

    def comment(self, number, text):
        self._do(lambda: self.said[number].append(text))
