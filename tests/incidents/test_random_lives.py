"""Whatever runs, people and crashes do: no cause is left out, none is told of in two incidents."""

import contextlib
import itertools
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from memory_tracker import KilledError, MemoryTracker

from pytest_sre.incidents.memory import INCIDENT
from pytest_sre.incidents.memory import remembered as incident_of
from pytest_sre.incidents.telling import IncidentTeller
from pytest_sre.issues.body import remembered as cause_of
from pytest_sre.issues.calls import Clock
from pytest_sre.issues.delivery import deliver
from pytest_sre.issues.events import IncidentEntry
from pytest_sre.issues.outbox import Outbox
from pytest_sre.issues.values import Finding, Policy, Section, Sighting

AT = 1_800_000_000.0
APPS = {"a": "web", "b": "web", "c": "mail", "d": "mail"}
regions = st.frozensets(st.sampled_from(["ams", "iad"]), min_size=1)


class Lives(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.root = Path(self.folder.name)
        self.outbox = Outbox(self.root / "outbox")
        self.tracker = MemoryTracker()
        self.numbers = itertools.count(1)
        self.last: dict[str, frozenset[str]] = {}

    def teardown(self):
        self.folder.cleanup()

    @property
    def incidents(self):
        ours = [each for each in self.tracker.issues.values() if INCIDENT in each.labels]
        return [(each, incident_of(each)) for each in ours]

    def deliver(self):
        teller = IncidentTeller(self.root, lambda _target: None, lambda *_: (), (), str)
        clock = Clock(lambda: 0.0, lambda _s: None)
        with contextlib.suppress(KilledError):
            deliver(self.outbox, self.tracker, Policy(), tell_incident=teller, clock=clock)

    @rule(failing=st.dictionaries(st.sampled_from(sorted(APPS)), regions))
    def a_run_ends(self, failing):
        number = next(self.numbers)
        found = tuple(
            Finding(
                name * 16,
                f"cause {name}",
                "critical",
                (f"test_{name}",),
                (Section("", "seen", 1),),
                apps=(APPS[name],),
                regions=tuple(sorted(where)),
            )
            for name, where in failing.items()
        )
        passed = frozenset(f"test_{name}" for name in APPS if name not in failing)
        at, run = AT + number, f"run-{number}"
        self.last = failing
        self.outbox.put(
            Sighting(run, "memory", "prod", "shop v1", at, found, passed, incidents=True)
        )

    @precondition(lambda self: self.incidents)
    @rule(
        data=st.data(),
        act=st.sampled_from(["note", "acknowledge", "resolve"]),
        postmortem=st.booleans(),
    )
    def a_person_acts(self, data, act, postmortem):
        issue, _ = data.draw(st.sampled_from(self.incidents))
        number = next(self.numbers)
        self.outbox.put(
            IncidentEntry(
                f"key-{number}",
                "memory",
                AT + number,
                act,
                f"said {number}",
                issue.number,
                postmortem=postmortem and act == "resolve",
            )
        )

    @rule(
        at_call=st.integers(0, 16),
        fault=st.sampled_from(["killed before", "killed after", "uncertain"]),
    )
    def all_is_delivered_though_it_broke_off(self, at_call, fault):
        self.tracker.left, self.tracker.fault = at_call, fault
        self.deliver()
        self.deliver()
        assert not list(self.outbox.waiting())
        told = {each.fingerprint for _, memory in self.incidents for each in memory.causes}
        for issue in self.tracker.issues.values():
            memory = cause_of(issue)
            assert memory is None or memory.fingerprint in told
        for issue, memory in self.incidents:
            for cause in memory.causes if issue.state == "open" else ():
                where = self.last.get(cause.fingerprint[0])
                assert cause.is_failing == (where is not None)
                assert set(cause.regions) == set(where or ())

    @invariant()
    def a_cause_is_in_one_open_incident(self):
        mine = [memory for issue, memory in self.incidents if issue.state == "open"]
        causes = [each.fingerprint for memory in mine for each in memory.causes]
        assert len(causes) == len(set(causes))

    @invariant()
    def nothing_is_said_twice(self):
        for said in self.tracker.said.values():
            keys = [text.partition("\n")[0] for text in said]
            assert len(keys) == len(set(keys))

    @invariant()
    def an_incident_has_one_post_mortem(self):
        labels = [each.labels for each in self.tracker.issues.values()]
        ours = [each for each in labels if "post-mortem" in each]
        assert len(ours) == len(set(ours))


Lives.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestLives = Lives.TestCase
