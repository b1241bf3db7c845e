"""The log is read as it was written, among what people wrote."""

from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.incidents.log import Entry, read_log, write_entry
from pytest_sre.issues.body import write_comment

OPENED_AT = 1_800_000_000.0
texts = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n"), max_size=60
)
times = st.integers(1_700_000_000, 1_900_000_000).map(float)


@given(said=st.lists(st.tuples(times, texts.map(str.strip).filter(bool))))
def test_entries_are_read_as_they_were_written(said):
    comments = [write_comment(write_entry(at, text), "key") for at, text in said]

    assert list(read_log(comments, OPENED_AT)) == [Entry(at, text, True) for at, text in said]


@given(comments=st.lists(st.text(max_size=80)))
def test_any_comment_of_a_person_is_kept_in_its_place(comments):
    first = write_comment(write_entry(1_800_000_060.0, "noted"), "key")

    found = list(read_log([first, *comments], OPENED_AT))

    assert found[0] == Entry(1_800_000_060.0, "noted", True)
    assert [each.text for each in found[1:]] == [c.strip() for c in comments if c.strip()]
    assert all(each.at == 1_800_000_060.0 and not each.is_ours for each in found[1:])


def test_a_person_cannot_write_in_our_name():
    (entry,) = read_log([write_entry(1_700_000_000.0, "all is well")], OPENED_AT)

    assert not entry.is_ours
    assert entry.at == OPENED_AT


def test_a_time_that_is_none_is_taken_for_text():
    comment = write_comment("**2026-13-77 14:31:05 UTC** x", "key")

    (entry,) = read_log([comment], OPENED_AT)

    assert entry == Entry(OPENED_AT, "**2026-13-77 14:31:05 UTC** x", False)
