"""An incident's issue remembers itself, whatever it is about, and fits where it is kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.incidents.changes import find_changes
from pytest_sre.incidents.life import Incident, plan_opened, plan_seen
from pytest_sre.incidents.log import Entry
from pytest_sre.incidents.memory import INCIDENT, Memory, remembered, rewrite_body, write_body
from pytest_sre.incidents.merging import changes_in
from pytest_sre.incidents.postmortem import Facts, draft, duration_text
from pytest_sre.issues import body as causes
from pytest_sre.issues.body import LABEL, fingerprint_label
from pytest_sre.issues.events import IncidentOpened, IncidentSeen, Sign
from pytest_sre.issues.values import Issue
from pytest_sre.redaction import title

AT = 1_800_000_000.0
GITHUB_TAKES = 65_536
LABELS = frozenset({LABEL, INCIDENT, fingerprint_label("f" * 16)})


def issue(body, labels=LABELS):
    return Issue(2, "Incident", body, labels)


def memory(**more):
    return Memory("f" * 16, "checkout fails", "critical", AT, AT, **more)


@given(
    name=st.text(max_size=300).map(title),
    impact=st.text(max_size=100),
    apps=st.lists(st.text(max_size=20), max_size=3).map(tuple),
)
def test_it_remembers_what_it_was_told(name, impact, apps):
    told = Memory("f" * 16, name, "critical", AT, AT, impact=impact, apps=apps)

    first = issue(write_body(told, "the text"))
    again = issue(rewrite_body(first.body, memory(escalated_at=AT)))

    assert remembered(first) == told
    assert remembered(again) == memory(escalated_at=AT)
    assert again.body.count("<!-- pytest-sre:status -->") == 1
    assert again.body.endswith("\n\nthe text\n")
    assert causes.remembered(first) is None


@pytest.mark.parametrize("missing", sorted(LABELS))
def test_it_is_believed_under_our_labels_only(missing):
    assert remembered(issue(write_body(memory()), LABELS - {missing})) is None


@pytest.mark.parametrize(
    "body", ["", "x\n" + write_body(memory()), "<!-- pytest-sre:incident:1 e30= -->"]
)
def test_other_bodies_remember_nothing(body):
    assert remembered(issue(body)) is None


def test_the_largest_incident_fits_into_an_issue():
    regions = tuple(f"r{n:02d}" for n in range(40))
    tests = tuple(f"{n}" + "t" * 400 for n in range(200))
    signs = [
        Sign(f"{n:016x}", "*" * 250, "critical", tests, ("shop",), regions) for n in range(100)
    ]

    found = find_changes((), signs, signs, frozenset(), AT)
    written = write_body(
        memory(causes=found.causes, taken=("k" * 90,) * 30, authors=("n" * 60,) * 20), "text"
    )

    assert len(written) <= GITHUB_TAKES
    assert remembered(issue(written)).causes == found.causes

    there = Incident(issue(write_body(memory(target="prod"))), memory(target="prod"))
    event = IncidentSeen(
        "run", "files:x", "prod", "v1", AT, tuple(signs), frozenset(), frozenset(), ("n" * 60,) * 20
    )
    ((comment, _),) = (plan.actions for plan in plan_seen(event, [there], {}))
    said = causes.write_comment(comment.text, comment.key, comment.carries)
    assert len(said) <= GITHUB_TAKES
    (change,) = changes_in([said])
    assert len(change.causes) == len(found.causes)


def test_the_longest_post_mortem_fits_into_an_issue():
    entries = tuple(Entry(AT + n, "*" * 20_000, is_ours=True) for n in range(1000))
    incident = Incident(issue(write_body(memory())), memory())

    written = draft(Facts(incident, entries, (), None, AT + 5000), str)

    assert len(written.body) <= GITHUB_TAKES
    assert "and 901 more that say less" in written.body


def test_titles_fit_into_what_github_takes():
    opened = IncidentOpened("k", "files:x", AT, "x" * 250, "critical")

    assert len(plan_opened(opened).title) <= 256


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.6, "1 min"), (3661, "1 h 1 min"), (90_000, "1 d 1 h"), (7200, "2 h")],
)
def test_a_duration_is_two_units_long(seconds, text):
    assert duration_text(seconds) == text


@pytest.mark.parametrize(
    ("spent", "row"),
    [
        ((("checkout", 0.254), ("search", 0.0)), "25.4% of checkout, 0.0% of search"),
        ((), "not measured: no events of an objective are kept of this time"),
    ],
)
def test_a_post_mortem_says_what_the_incident_cost_in_error_budget(spent, row):
    incident = Incident(issue(write_body(memory())), memory())

    written = draft(Facts(incident, (), (), None, AT + 5000, spent), str)

    assert f"| error budget spent | {row} |" in written.body
