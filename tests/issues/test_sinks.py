"""Whatever a target says: no issue, comment, outbox or terminal shows a secret, or acts."""

import tempfile
from pathlib import Path

import github
import pytest
from corpora import HOSTILE, KNOWN, NAMED, OTHER, SECRETS
from github_double import GithubDouble
from inertness import assert_dead, assert_dead_in_title, assert_does_nothing

from pytest_sre.issues.delivery import deliver
from pytest_sre.issues.evidence import Seen, sections
from pytest_sre.issues.github import GithubTracker
from pytest_sre.issues.outbox import Outbox
from pytest_sre.issues.telling import foreseen, told
from pytest_sre.issues.values import Finding, Policy, Sighting
from pytest_sre.judge.causes import Failure, group_by_cause
from pytest_sre.recording.rows import Exchange, LogLine
from pytest_sre.redaction import Redactor, title
from pytest_sre.verdict import Verdict

CLEAN = Redactor([KNOWN, OTHER])
SECRET_TEXTS = {
    **{kind: (f"refused {secret} today", secret) for kind, secret in SECRETS.items()},
    **{f"named, {kind}": (place.format(secret), secret) for kind, (place, secret) in NAMED.items()},
}


def finding_of(number, text):
    """A cause all of whose evidence is one foreign text."""
    test = f"suites/test_a.py::test_{number}[{text[:2_000]}]"
    failure = Failure(test, Verdict.UNHEALTHY, text or "nothing was said")
    (cause,) = group_by_cause([failure], ())
    exchange = Exchange(
        at=1.8e9,
        test=test,
        source="test",
        app="shop",
        method="GET",
        url=f"https://shop.example/{text[:500]}",
        ok=False,
        error=text[:5_000],
        body_head=text[:5_000],
    )
    line = LogLine(
        at=1.8e9, app="shop", machine="148e21", region="iad", level="error", message=text
    )
    seen = Seen(
        target="prod",
        evidence="recording",
        exchanges=(exchange,),
        log_lines=(line,),
        signatures=(text[:5_000],),
    )
    parts = sections(cause, seen, CLEAN)
    return Finding(f"{number:016x}", title(CLEAN(cause.title)), "high", (f"test_{number}",), parts)


def seen_twice(texts):
    """File the texts, and see them again on another release of another day: with a comment."""
    found = tuple(finding_of(number, text) for number, text in enumerate(texts))
    release = CLEAN(texts[0])
    return [
        Sighting(f"run-{n}", "github:acme/shop", "prod", f"v{n} {release}", at, found, frozenset())
        for n, at in enumerate([1.8e9, 1.8e9 + 86_400])
    ]


@pytest.fixture(scope="module")
def filed():
    """Everything filed: the repository, what lay in the outbox, what a terminal was shown."""
    texts = [*HOSTILE.values(), *(text for text, _ in SECRET_TEXTS.values())]
    with GithubDouble() as double, tempfile.TemporaryDirectory() as folder:
        double.limits.writes_per_min = 10_000
        outbox = Outbox(Path(folder))
        tracker = GithubTracker(
            "acme/shop", github.Auth.Token(double.token), api_url=double.url, between_writes_s=0
        )
        sightings = seen_twice(texts)
        for sighting in sightings:
            outbox.put(sighting)
        kept = "".join(path.read_text("utf-8") for path, _ in outbox.waiting())
        delivered = deliver(outbox, tracker, Policy(max_per_run=500))
        assert delivered.problem == ""
        shown = "\n".join([*told(delivered, tracker.name), *foreseen(sightings[0])])
        yield double.repository, kept, shown


def written(issue):
    """All that people read of an issue."""
    return [issue.title, issue.body or "", *(each.body for each in issue.comments)]


def test_each_text_became_an_issue_with_a_comment(filed):
    repository, _, _ = filed

    assert len(repository.issues) == len(HOSTILE) + len(SECRET_TEXTS)
    assert all(len(issue.comments) == 1 for issue in repository.issues.values())


def test_no_secret_is_in_an_issue_a_comment_the_outbox_or_the_terminal(filed):
    repository, kept, shown = filed
    read = "\n".join(text for issue in repository.issues.values() for text in written(issue))

    for sink in (read, kept, shown):
        assert [kind for kind, (_, secret) in SECRET_TEXTS.items() if secret in sink] == []


def test_nothing_hostile_is_live_in_an_issue_or_a_comment(filed):
    repository, _, _ = filed
    for issue in repository.issues.values():
        assert_dead_in_title(issue.title)
        for text in written(issue)[1:]:
            assert_dead(text)


def test_nothing_hostile_acts_in_a_terminal_or_a_runner(filed):
    _, _, shown = filed

    assert_does_nothing(shown)
