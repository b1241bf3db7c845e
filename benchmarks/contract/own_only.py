"""P15: only what was filed by us is ever changed, and only closed when its tests have passed.

Random runs, people and recoveries work on a repository that holds other people's issues too: some
of them carry our label, our marker, or both but for a detail.

Run as ``python benchmarks/contract/own_only.py``.
"""

import dataclasses
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "doubles"))

import msgspec
from github_double import Access, GithubDouble
from github_double.world import Issue as Held

from benchmarks.contract.filing import deliver_all, fingerprint, server, sighting
from benchmarks.form import Target, report, wants_quick
from pytest_sre.issues.body import fingerprint_label, remembered
from pytest_sre.issues.outbox import Outbox
from pytest_sre.issues.values import Issue

OPERATIONS, QUICK_OPERATIONS = 10_000, 150
CAUSES = 12
SEED = 15
PERSON = Access("octo-dev")


def main() -> None:
    operations = QUICK_OPERATIONS if wants_quick(__doc__ or "") else OPERATIONS
    chance, began = random.Random(SEED), time.monotonic()
    with server(SEED) as double, tempfile.TemporaryDirectory() as folder:
        play = _Play(double, Outbox(Path(folder)), chance)
        for _ in range(operations):
            play.step()
        play.told(operations, time.monotonic() - began)


class _Play:
    """A repository in use, and what must stay as it is.

    Args:
        double: serves it.
        outbox: of our runs.
        chance: what happens next.
    """

    def __init__(self, double: GithubDouble, outbox: Outbox, chance: random.Random) -> None:
        self._double, self._outbox, self._chance = double, outbox, chance
        self._held = double.repository
        self._run = 0
        self._done = Counter[str]()
        self._passed = Counter[int]()
        self.wrong = Counter[str]()
        outbox.put(sighting(0, [0]))
        self._deliver()
        marker = (self._held.issues[1].body or "").partition("\n")[0]
        own = ["sre", fingerprint_label(fingerprint(0))]
        foreign = [
            ("theirs", "nothing of ours", ["bug"]),
            ("with our label", "text", ["sre"]),
            ("with labels of ours", "text", own),
            ("with our marker", marker, []),
            ("with our marker in a later line", f"quoted:\n{marker}", own),
            ("with our marker and another label", marker, ["sre", "sre-0000"]),
            ("with a broken marker", "<!-- pytest-sre:1 e30= -->", own),
        ]
        for title, body, labels in foreign:
            self._held.create(title, body, PERSON, labels=labels)
        self._held.create("a pull request", marker, PERSON, labels=own, is_pull=True)
        self._foreign = {
            number: _frozen(each) for number, each in self._held.issues.items() if number > 1
        }

    def step(self) -> None:
        """Do one thing, and look whether all is as it has to be."""
        kinds = {self._sees: 5, self._passes: 6, self._closes: 1, self._keeps: 1, self._edits: 1}
        act = self._chance.choices([*kinds], [*kinds.values()])[0]
        self._done[act.__name__.strip("_")] += 1
        act()
        for number, before in self._foreign.items():
            self.wrong["touched"] += _frozen(self._held.issues[number]) != before

    def _sees(self) -> None:
        causes = self._chance.sample(range(CAUSES), self._chance.randint(1, 3))
        for cause in causes:
            self._passed[cause] = 0
        self._report(causes, [])

    def _passes(self) -> None:
        """Some tests pass; what is closed by that was ours, and had passed before."""
        passed = self._chance.sample(range(CAUSES), self._chance.randint(1, CAUSES))
        was_open = {each.number for each in self._held.open_issues}
        for cause in passed:
            self._passed[cause] += 1
        self._report([], passed)
        for number in was_open - {each.number for each in self._held.open_issues}:
            issue = self._held.issues[number]
            memory = remembered(_issue(issue))
            self.wrong["closed unasked"] += (
                memory is None
                or "keep-open" in issue.labels
                or any(self._passed[int(test[5:])] < 2 for test in memory.tests)
            )

    def _closes(self) -> None:
        issue = self._own()
        reason = self._chance.choice(["completed", "not_planned"])
        self._held.edit(issue, {"state": "closed", "state_reason": reason}, PERSON)

    def _keeps(self) -> None:
        issue = self._own()
        labels = [each for each in issue.labels if each != "keep-open"]
        if labels == issue.labels:
            labels.append("keep-open")
        self._held.edit(issue, {"labels": labels}, PERSON)

    def _edits(self) -> None:
        issue = self._own()
        self._held.edit(issue, {"body": f"{issue.body}\nlooked at it"[-60_000:]}, PERSON)
        if len(issue.body or "") > 5_000:
            self._held.edit(issue, {"body": (issue.body or "")[:2_500]}, PERSON)

    def _own(self) -> Held:
        return self._chance.choice(
            [i for n, i in self._held.issues.items() if n not in self._foreign]
        )

    def _report(self, causes: list[int], passed: list[int]) -> None:
        self._run += 1
        # The server closes by the real time; runs have to be of the same days.
        seen = sighting(self._run, causes, passed)
        self._outbox.put(msgspec.structs.replace(seen, at=time.time()))
        self._deliver()

    def _deliver(self) -> None:
        problem = deliver_all(self._outbox.folder, self._double.url, self._double.token)
        assert not problem, problem

    def told(self, operations: int, taken_s: float) -> None:
        """Print what came of it."""
        touched = [each for each in self._double.exchanges if each.is_write]
        paths = Counter(each.path.split("/")[5] for each in touched if each.path.count("/") > 4)
        asked = sum(paths[str(number)] for number in self._foreign)
        report(
            "closes only its own",
            titles=("what", "figure"),
            rows=[
                *((name, str(n)) for name, n in sorted(self._done.items())),
                ("issues of ours", str(len(self._held.issues) - len(self._foreign))),
                ("requests that change", str(len(touched))),
                ("taken", f"{taken_s:.0f} s"),
            ],
            targets=[
                Target("operations", operations, "", ">=", operations),
                Target("changes to foreign issues", self.wrong["touched"], "", "<=", 0),
                Target("requests to change foreign issues", asked, "", "<=", 0),
                Target("closed without having passed", self.wrong["closed unasked"], "", "<=", 0),
            ],
            libraries=["PyGithub"],
        )


def _frozen(issue: Held) -> str:
    return repr(dataclasses.asdict(issue))


def _issue(held: Held) -> Issue:
    return Issue(held.number, held.title, held.body or "", frozenset(held.labels))


if __name__ == "__main__":
    main()
