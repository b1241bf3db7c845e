"""A body fits, remembers, and leaves what people wrote in it as it is."""

from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.issues.body import (
    LABEL,
    LONGEST_BODY,
    fingerprint_label,
    remembered,
    rewrite_body,
    write_body,
)
from pytest_sre.issues.values import Issue, Memory, Section

MEMORY = Memory("f" * 16, "prod", ("test_it",), 1.8e9, 1.8e9, "shop v1", "shop v1", runs=("r",))
LABELS = frozenset({LABEL, fingerprint_label(MEMORY.fingerprint)})


def issue(body, labels=LABELS):
    return Issue(1, "title", body, labels)


@given(
    st.lists(
        st.builds(Section, st.text(max_size=20), st.text(max_size=50), st.integers(0, 100)),
        max_size=6,
    ),
    st.integers(0, 3),
)
def test_a_body_fits_and_says_what_it_left_out(sections, long):
    big = [Section(f"Long {n}", "x" * 30_000, n) for n in range(long + 1)]

    body = write_body(MEMORY, "high", [*sections, *big])

    assert len(body) <= LONGEST_BODY
    assert remembered(issue(body)) == MEMORY
    kept = [f"## Long {n}" in body for n in range(long + 1)]
    assert kept == sorted(kept)
    assert all(kept) or "Left out, since it did not fit" in body


def test_what_people_wrote_stays():
    body = write_body(MEMORY, "high", [Section("Log", "text", 1)])
    edited = body.replace("## Log", "We look into it.\n\n## Log").replace("\n", "\r\n")
    later = Memory("f" * 16, "prod", ("test_it",), 1.8e9, 1.9e9, "shop v1", "shop v2", count=2)

    rewritten = rewrite_body(edited, later)

    assert "We look into it." in rewritten
    assert remembered(issue(rewritten)) == later
    assert "| seen in | 2 runs |" in rewritten
    assert "| severity | high |" in rewritten


def test_what_is_remembered_never_makes_a_body_too_long_for_github():
    body = write_body(MEMORY, "high", [Section("Log", f"<b>\n{'x' * 64_000}", 1)])
    grown = Memory(
        "f" * 16,
        "prod",
        tuple(f"suites/checkout/test_order.py::test_order_{n}" for n in range(100)),
        1.8e9,
        1.9e9,
        "shop v1",
        "shop v2",
        runs=tuple(f"2026-11-23T14-00-00-prod-{n}" for n in range(50)),
    )

    rewritten = rewrite_body(body, grown)

    assert len(rewritten) <= 65_536
    assert remembered(issue(rewritten)) == grown


def test_a_memory_is_believed_in_the_first_line_of_our_issues_only():
    body = write_body(MEMORY, "high", [])

    assert remembered(issue(body)) == MEMORY
    assert remembered(issue("\n" + body)) is None
    assert remembered(issue("someone says:\n" + body)) is None
    assert remembered(issue(body, frozenset({LABEL}))) is None
    assert remembered(issue(body, LABELS - {LABEL})) is None
    assert remembered(issue("<!-- pytest-sre:1 e30= -->")) is None


@given(st.text(max_size=200))
def test_any_text_is_an_issues_body(text):
    assert remembered(issue(text)) is None
    assert remembered(issue(f"<!-- pytest-sre:1 {text} -->")) is None
    rewrite_body(text, MEMORY)
