"""A post-mortem is read for names next to blame, and for items that nobody has."""

import pytest

from pytest_sre.incidents.blame import blaming, unready

NAMES = ("Ana Silva", "octo-cat")


@pytest.mark.parametrize(
    "text",
    [
        "Ana forgot to run the migration.",
        "Ana Silva should have looked at the dashboard.",
        "octo-cat broke checkout with the last deploy.",
        "The outage was caused by octo-cat.",
        "It was Ana's mistake.",
        "Nobody but Ana is to blame.",
        "Carelessly, ana silva rolled it out.",
        "@somebody failed to answer the page.",
        "@\u2060somebody ignored the alert.",
        "octo\\-cat forgot the flag",
        "The root cause is human error.",
        "- 14:02 · log · Ana\nforgot the flag",
        "`x` Ana overlooked `y`",
    ],
)
def test_blame_is_found(text):
    assert len(blaming(text, NAMES)) == 1, text


@pytest.mark.parametrize(
    "text",
    [
        "Ana rolled back to v41 and it recovered.",
        "Ana saw errors in ams. The store failed to start.",
        "octo-cat found the fault in the store's disk.",
        "web-ams failed to answer; 13 of 40 requests failed.",
        "The release broke checkout, since nothing tested the migration.",
        "Escalated to @acme/director.",
        "The error budget is spent. Owner: Ana.",
        "The fault injection began at 14:02, by octo-cat.",
        "Should have been caught by a test.",
        "- [ ] prevent: test migrations (owner: Ana)",
        "The anatomy of the mistake: a default that nobody knew of.",
        "```\nana forgot\n```",
    ],
)
def test_facts_are_no_blame(text):
    assert blaming(text, NAMES) == (), text


def test_without_names_nothing_is_suspected():
    assert blaming("Ana forgot to run it.") == ()


def test_an_action_item_has_a_kind_and_an_owner():
    text = """
- [ ] **prevent**: test migrations on a copy (owner: Ana)
- [x] detect: alert on failed carts (owner: to be named)
- [ ] look at it again (owner: octo-cat)
- [ ] mitigate: roll back by itself
- not an item
"""

    assert [each.what for each in unready(text)] == [
        "an action item has no owner",
        "an action item begins with none of prevent, detect, mitigate",
        "an action item has no owner",
    ]
