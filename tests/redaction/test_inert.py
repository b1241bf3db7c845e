"""Nothing in foreign text acts: not in Markdown, not in a terminal, not in a CI runner."""

import re

import pytest
from corpora import HOSTILE
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from pytest_sre.redaction import fenced, inline, one_line, printable, title

markdown = MarkdownIt("gfm-like", {"linkify": False})
texts = st.text(max_size=200) | st.lists(st.sampled_from(sorted(HOSTILE.values(), key=len)[:-3]),
    max_size=4).map(" ".join)  # fmt: skip
SINKS = {
    "block": lambda text: f"before\n\n{fenced(text)}\n\nafter",
    "cell": lambda text: f"| a | b |\n| --- | --- |\n| {inline(text)} | c |",
    "sentence": lambda text: f"It said: {inline(text)}.",
}
BIDI_AND_HIDDEN = re.compile("[\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\U000e0000-\U000e0fff]")


def tokens(text):
    """All of a rendered text's tokens, those within lines too."""
    for token in markdown.parse(text):
        yield token
        yield from token.children or ()


def runner_commands(text):
    """The lines that the runner of GitHub Actions would obey."""
    for line in re.split(r"\r\n|\r|\n", text):
        if re.match(r"\s*::[^:\s][^:]*::", line) or re.search(r"##\[[^\]]+\]", line):
            yield line


def assert_inert(shown):
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", shown)
    assert not BIDI_AND_HIDDEN.search(shown)
    assert not list(runner_commands(shown))
    shown.encode("utf-8")


@pytest.mark.parametrize("sink", SINKS.values(), ids=SINKS)
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_inert_in_markdown(text, sink):
    shown = sink(text)

    assert_inert(shown)
    kinds = {token.type for token in tokens(shown)}
    assert not kinds & {"html_block", "html_inline", "image", "link_open", "heading_open"}
    assert not kinds & {"bullet_list_open", "ordered_list_open", "blockquote_open", "hr"}
    assert live_references(shown) == []


def live_references(shown):
    """What GitHub would link or notify: it looks at text outside of code."""
    said = " ".join(t.content for t in tokens(shown) if t.type == "text")
    found = re.findall(r"@[A-Za-z0-9]|#\d|GH-\d|https?://|www\.", said, re.IGNORECASE)
    return [one for one in found if one]


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_block_holds_all_of_the_text_and_ends(text):
    shown = SINKS["block"](text)

    blocks = [token for token in markdown.parse(shown) if token.type == "fence"]
    assert len(blocks) == 1
    paragraphs = [t.content for t in markdown.parse(shown) if t.type == "inline"]
    assert paragraphs == ["before", "after"]


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_title_is_one_inert_line(text):
    shown = title(text)

    assert_inert(shown)
    assert "\n" not in shown
    assert len(shown) <= 250
    assert not re.search(r"@[A-Za-z0-9]|#\d|GH-\d", shown)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_terminal_shows_text_only(text):
    assert_inert(printable(text))
    assert "\n" not in one_line(text)
    assert len(one_line(text)) <= 300


@given(texts)
def test_any_text_is_inert(text):
    for sink in SINKS.values():
        shown = sink(text)
        assert_inert(shown)
        kinds = {token.type for token in tokens(shown)}
        assert not kinds & {"html_block", "html_inline", "image", "link_open", "heading_open"}
        assert live_references(shown) == []


@given(texts)
def test_made_inert_twice_it_is_the_same(text):
    assert printable(printable(text)) == printable(text)
    assert title(title(text)) == title(text)


def test_words_stay_readable():
    assert inline("checkout fails on 1 of 3 Machines") == "checkout fails on 1 of 3 Machines"
    assert fenced("line one\nline two") == "```text\nline one\nline two\n```"
