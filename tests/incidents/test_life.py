"""One incident for what breaks together; all of its log, once, whatever happens in between."""

import contextlib

import pytest
from msgspec.structs import replace

from pytest_sre.incidents.appending import append
from pytest_sre.incidents.memory import remembered
from pytest_sre.issues.events import IncidentEntry, IncidentOpened, IncidentSeen, PostmortemWanted
from pytest_sre.issues.values import RISK

AT = 1_800_000_000.0
TRACKER = "files:issues"


def entry(act, number, text="", at=AT, key="", **more):
    return IncidentEntry(key or f"{act}-{at:.0f}", TRACKER, at, act, text, number, **more)


def opened(title="checkout fails", at=AT, **more):
    return IncidentOpened(f"open-{at:.0f}", TRACKER, at, title, "critical", **more)


def state_of(desk, number):
    issue = desk.files.issue(number)
    return issue.state, remembered(issue)


def test_a_critical_cause_begins_an_incident_that_names_its_issue(desk, found):
    told = desk.seen(found("a", "ams", "iad"))

    (cause, incident) = desk.issues
    assert told.incidents == ("incident #2 opened: cause a",)
    assert incident.title == "Incident: cause a"
    assert {"sre", "incident", "critical", "app:shop"} <= incident.labels
    assert f"| causes | #{cause.number} cause a: failing in ams, iad |" in incident.body
    assert "| status | **open** |" in incident.body


def test_a_critical_risk_begins_none(desk, found):
    told = desk.seen(replace(found("a"), labels=(RISK,)))

    assert told.incidents == ()
    assert [issue.title for issue in desk.issues] == ["cause a"]


def test_only_a_critical_cause_on_a_target_with_incidents_does(desk, found):
    desk.seen(found("a", severity="high"))
    desk.seen(found("b"), on=False)

    assert desk.labelled("incident") == []


def test_who_wrote_what_is_new_is_not_to_be_blamed(desk, found):
    authors = ("Ana Silva", "renovate[bot]", "Deploy Bot")
    desk.put(replace(desk.sighting(found("a")), authors=authors))
    desk.put(entry("note", 2, "Ana forgot it", key="one"))
    desk.put(entry("note", 2, "Deploy failed to finish; renovate broke nothing", key="two"))

    told = desk.put(entry("resolve", 2, postmortem=True))

    blamed = [line for line in told.incidents if "next to blame" in line]
    assert len(blamed) == 1
    assert "Ana forgot it" in blamed[0]


def test_later_runs_append_what_changed_only(desk, found):
    desk.seen(found("a", "ams", "iad"))
    desk.seen(found("a", "ams", "iad"))
    assert desk.log(2) == []

    desk.seen(found("a", "iad"))
    desk.seen(found("a", "iad"))
    desk.seen(found("a", "iad"), release="shop v2")
    desk.seen(passed=["test_a"], release="shop v2")

    said = [comment.partition("\n")[2] for comment in desk.log(2)]
    assert said == [
        (
            "**2027-01-15 08:03:00 UTC**\n\nA run on shop v1 saw:\n\n"
            "- recovered in ams, still failing in iad: cause a"
        ),
        "**2027-01-15 08:05:00 UTC**\n\nA run on shop v2 saw:\n\n- now on shop v2, was shop v1",
        "**2027-01-15 08:06:00 UTC**\n\nA run on shop v2 saw:\n\n- recovered in iad: cause a",
    ]
    state, memory = state_of(desk, 2)
    assert (state, memory.status) == ("open", "recovered")


def test_a_run_that_cannot_tell_the_release_says_nothing_of_it(desk, found):
    desk.seen(found("a"), release="a killed run")
    desk.seen(found("a"), release="shop v1")
    desk.seen(found("a"), release="shop")
    assert desk.log(2) == []

    desk.seen(found("a"), release="shop v2")

    assert "now on shop v2, was shop v1" in desk.log(2)[0]


def test_what_fails_again_is_no_longer_recovered(desk, found):
    desk.seen(found("a"))
    desk.seen(passed=["test_a"])
    desk.seen(found("a"))

    assert state_of(desk, 2)[1].status == "open"
    assert "failing again: cause a" in desk.log(2)[-1]


def test_a_second_cause_of_the_same_app_joins_and_one_of_another_does_not(desk, found):
    desk.seen(found("a"))
    desk.seen(found("a"), found("b", "ams"))
    desk.seen(found("a"), found("b", "ams"), found("c", apps=("worker",)))

    assert [issue.title for issue in desk.labelled("incident")] == [
        "Incident: cause a",
        "Incident: cause c",
    ]
    assert "also failing: cause b in ams" in desk.log(2)[0]


def test_causes_that_begin_together_are_one_incident(desk, found):
    desk.seen(found("a"), found("b"))

    (incident,) = desk.labelled("incident")
    assert [each.title for each in remembered(incident).causes] == ["cause a", "cause b"]


def test_each_target_has_its_own(desk, found):
    desk.seen(found("a"))
    desk.seen(found("b"), target="staging")

    assert len(desk.labelled("incident")) == 2


def test_what_was_resolved_and_still_fails_begins_no_other(desk, found):
    desk.seen(found("a"))
    desk.put(entry("resolve", 2))
    desk.seen(found("a"))
    assert len(desk.labelled("incident")) == 1


def test_what_comes_back_after_it_was_closed_begins_another(desk, found):
    desk.seen(found("a"))
    for _ in range(2):
        desk.seen(passed=["test_a"])
    desk.put(entry("resolve", 2))
    desk.seen(found("a"))

    assert [issue.state for issue in desk.labelled("incident")] == ["closed", "open"]


def test_the_life_of_causes_leaves_incidents_alone(desk):
    desk.put(opened(target="prod", apps=("shop",)))
    for _ in range(5):
        desk.seen(passed=["test_a"])

    assert state_of(desk, 1)[0] == "open"


def test_one_opened_by_hand_takes_in_what_runs_see(desk, found):
    desk.put(opened(target="prod", apps=("shop",), impact="1 in 3 | carts", commander="Ana"))
    desk.seen(found("a", "ams"))

    (incident,) = desk.labelled("incident")
    assert [each.title for each in remembered(incident).causes] == ["cause a"]
    assert "| impact | 1 in 3 \\| carts |" in incident.body
    assert "| commander | Ana |" in incident.body


def test_a_person_leads_it_to_its_end(desk):
    desk.put(opened())
    desk.put(entry("acknowledge", 1, at=AT + 60))
    desk.put(entry("note", 1, "rolled back to **v41**", at=AT + 120))
    desk.put(entry("escalate", 1, mention="@acme/director", every_s=1800.0, at=AT + 180))
    early = desk.put(entry("escalate", 1, mention="@acme/director", every_s=1800.0, at=AT + 1979))
    desk.put(entry("escalate", 1, mention="@acme/director", every_s=1800.0, at=AT + 1980))
    desk.put(entry("resolve", 1, "for good", at=AT + 3600))
    late = desk.put(entry("acknowledge", 1, at=AT + 3700))

    assert [text.partition(" UTC** ")[2] for text in desk.log(1)] == [
        "Acknowledged.",
        "rolled back to **v41**",
        "Escalated to @acme/director.",
        "Escalated to @acme/director.",
        "Resolved. for good",
    ]
    assert "again from 2027-01-15 08:33:00 UTC on" in early.incidents[0]
    assert late.incidents == ("incident #1 is resolved",)
    issue = desk.files.issue(1)
    assert (issue.state, issue.reason) == ("closed", "completed")


def test_what_people_write_into_the_issue_stays(desk):
    from pytest_sre.issues.values import Edit

    desk.put(opened())
    body = desk.files.issue(1).body
    desk.files.edit(Edit(1, body.replace("The log is below", "See the call\n\nThe log is below")))
    desk.put(entry("acknowledge", 1))

    assert "See the call" in desk.files.issue(1).body
    assert "**acknowledged**" in desk.files.issue(1).body


def test_whoever_acts_on_a_target_adds_to_its_log(desk, found):
    desk.seen(found("a"))
    append(desk.outbox, TRACKER, "prod", "rolled back, fixes #3 @eve", at=AT + 600, clean=str)
    append(desk.outbox, TRACKER, "staging", "elsewhere", at=AT + 600, clean=str)
    desk.deliver()

    (said,) = desk.log(2)
    assert "rolled back" in said
    assert "@eve" not in said
    assert list(desk.outbox.waiting()) == []


def test_its_post_mortem_is_drafted_once_and_linked_both_ways(desk, found):
    desk.seen(found("a"))
    desk.put(entry("resolve", 2, postmortem=True))
    again = desk.put(PostmortemWanted("again", TRACKER, AT + 7200, 2))

    (written,) = desk.labelled("post-mortem")
    assert written.state == "open"
    assert "Incident: #2." in written.body
    assert f"| post-mortem | #{written.number} |" in desk.files.issue(2).body
    assert again.incidents[0] == f"incident #2: its post-mortem is #{written.number}"
    assert sum("no owner" in line for line in again.incidents) == 3


def test_what_is_no_incident_has_no_post_mortem(desk, found):
    desk.seen(found("a"), on=False)

    told = desk.put(PostmortemWanted("x", TRACKER, AT, 1))

    assert told.incidents == ("#1 is no incident",)


@pytest.mark.parametrize("fault", ["killed before", "killed after", "before", "after"])
def test_nothing_is_lost_or_said_twice_wherever_it_breaks_off(desk, found, killed, fault):
    events = [
        desk.sighting(found("a", "ams", "iad")),
        desk.sighting(found("a", "iad"), found("b")),
        entry("acknowledge", 2, at=AT + 300),
        desk.sighting(passed=["test_a", "test_b"]),
        entry("resolve", 2, "well", at=AT + 400, postmortem=True),
    ]
    for number, event in enumerate(events):
        desk.outbox.put(event)
        for at_call in range(1, 60):
            before = desk.tracker.calls
            desk.tracker.faults = {before + at_call: fault}
            with contextlib.suppress(killed):
                desk.deliver()
            if not list(desk.outbox.waiting()) and desk.tracker.faults:
                break
        desk.tracker.faults = {}
        assert list(desk.outbox.waiting()) == [], number

    titles = sorted(issue.title for issue in desk.issues)
    assert titles == ["Incident: cause a", "Post-mortem (draft): cause a", "cause a", "cause b"]
    (incident,) = desk.labelled("incident")
    last_lines = [text.splitlines()[-1] for text in desk.log(incident.number)]
    assert [line.rpartition("UTC** ")[2] for line in last_lines] == [
        "- also failing: cause b",
        "Acknowledged.",
        "- recovered: cause b",
        "Resolved. well",
        "Post-mortem: #4.",
    ]


def test_two_runs_that_begin_one_at_once_end_with_one(desk, found, tmp_path):
    rival = type(desk)(tmp_path)
    rival.outbox = type(desk.outbox)(tmp_path / "rival")
    same = rival.sighting(found("a", "ams"), found("b"), at=AT + 61)
    # Both runs opened the issues of the causes, of which the older stay; both begin an incident.
    rival.outbox.put(IncidentSeen.of(same, frozenset({"a" * 16, "b" * 16})))
    create = desk.files.create

    def create_with_rival(wanted):
        if "incident" in wanted.labels and list(rival.outbox.waiting()):
            rival.deliver()
        return create(wanted)

    desk.files.create = create_with_rival
    told = desk.seen(found("b"), found("a", "ams"), at=AT + 60)

    first, second = desk.labelled("incident")
    assert (first.state, second.state, second.reason) == ("open", "closed", "duplicate")
    assert told.incidents[-1] == f"incident #{second.number}: closed, the same as #{first.number}"
    assert "which goes on" in desk.log(second.number)[0]
