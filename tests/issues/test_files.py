"""Issues as Markdown files: what is written is read back, also after people edited it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.issues.body import LABEL, fingerprint_label
from pytest_sre.issues.files import FileTracker
from pytest_sre.issues.tracker import TrackerError
from pytest_sre.issues.values import Create, Edit

FINGERPRINT = "0123456789abcdef"
LABELS = (LABEL, fingerprint_label(FINGERPRINT), "high")
# What `redaction.printable` lets through.
texts = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n"), max_size=80
)


@pytest.fixture
def tracker(tmp_path):
    return FileTracker(tmp_path, "issues")


def opened(tracker, title="checkout fails", body="the body\n"):
    return tracker.create(Create(FINGERPRINT, title, body, LABELS))


def test_an_issue_is_read_back_as_it_was_written(tracker, tmp_path):
    made = opened(tracker, 'checkout "fails" \\ on web')

    assert list(tracker.open_issues()) == [made]
    assert list(tracker.with_fingerprint(FINGERPRINT)) == [made]
    (path,) = (tmp_path / "issues").iterdir()
    assert path.name == "0001-checkout-fails-on-web.md"


@given(title=texts.filter(str.strip), body=texts, comments=st.lists(texts, max_size=3))
def test_any_text_is_kept(tmp_path_factory, title, body, comments):
    tracker = FileTracker(tmp_path_factory.mktemp("any"), "issues")
    one_line = " ".join(title.split()) or "x"
    number = opened(tracker, one_line, body).number
    for comment in comments:
        tracker.comment(number, f"said: {comment}".rstrip("\n"))

    (issue,) = tracker.open_issues()

    assert (issue.title, issue.body) == (one_line, body)
    assert list(tracker.comments(number)) == [f"said: {each}".rstrip("\n") for each in comments]


def test_it_is_closed_and_opened_again(tracker):
    number = opened(tracker).number

    tracker.edit(Edit(number, "well again", "closed", "completed"))
    (closed,) = tracker.with_fingerprint(FINGERPRINT)
    tracker.edit(Edit(number, "not well", "open", "reopened"))
    (back,) = tracker.open_issues()

    assert (closed.state, closed.reason, closed.body) == ("closed", "completed", "well again")
    assert closed.closed_at >= closed.created_at
    assert (back.state, back.reason, back.body) == ("open", "reopened", "not well")


def test_what_people_write_into_the_folder_does_no_harm(tracker, tmp_path):
    opened(tracker)
    folder = tmp_path / "issues"
    (folder / "notes.md").write_text("mine", encoding="utf-8")
    (folder / "0002-broken.md").write_bytes(b"+++\nnumber = \xff\n+++\n")
    (folder / "0003-mine.md").write_text('+++\nnumber = 3\ntitle = "a"\n+++\n', encoding="utf-8")

    assert [issue.number for issue in tracker.open_issues()] == [1]
    assert opened(tracker).number == 2


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "issues").write_text("a file")

    with pytest.raises(TrackerError, match="cannot be written"):
        opened(FileTracker(tmp_path, "issues"))
