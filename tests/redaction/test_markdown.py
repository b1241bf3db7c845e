"""A person's Markdown looks as they wrote it, and neither mentions nor closes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.redaction import markdown


@pytest.mark.parametrize(
    "text",
    [
        "rolled back to **v41**, see `fly releases`",
        "- one\n- two\n\n> quoted",
        "see #12 and https://shop.example.com/a?b=c",
        "it closes at 18:00, the fix is in, resolved",
        "mail ana at example",
        "```\nfly status\n```",
        "fixed 3 of 4",
    ],
)
def test_what_does_nothing_is_left_as_it_is(text):
    assert markdown(text) == text


@pytest.mark.parametrize(
    ("text", "live"),
    [
        ("@octocat", "@octocat"),
        ("\\@octocat", "@octocat"),
        ("@acme/team", "@acme"),
        ("&#64;octocat", "&#64;"),
        ("&#x40;octocat &commat;octocat", "&"),
        ("fixes &#35;12", "&#35;"),
        ("Fixes #12", "Fixes"),
        ("closed: #12", "closed"),
        ("resolves acme/shop#12", "resolves"),
        ("close GH-12", "close"),
        ("fix https://github.com/acme/shop/issues/12", "fix"),
        ("**fixes** #12", "fixes"),
        ("<!-- pytest-sre:comment x -->", "<!--"),
        ("::error::x", "::error"),
        ("\x1b[31mred", "\x1b"),
    ],
)
def test_what_would_act_is_broken(text, live):
    assert live not in markdown(text)


pieces = st.sampled_from(["fixes", " #1", "@", "a", "&#64;", "<!--"])


@given(st.text() | st.lists(pieces).map("".join))
def test_twice_is_no_other_than_once(text):
    assert markdown(markdown(text)) == markdown(text)
