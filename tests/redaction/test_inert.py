"""Nothing in foreign text acts: not in Markdown, not in a terminal, not in a CI runner."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from pytest_sre.redaction import fenced, inline, one_line, printable, title

HOSTILE: dict[str, str] = {
    "mention": "ping @octocat and @acme/engineering-director",
    "close": "Fixes #12, closes acme/shop#3, resolves GH-7",
    "close by url": "fixes https://github.com/acme/shop/issues/12",
    "image": "![x](https://evil.example/pixel.png)",
    "html image": '<img src="https://evil.example/p.png" onerror=alert(1)>',
    "script": "<script>alert(1)</script>",
    "details": "</details></table></div><h1>fake</h1>",
    "link": "[click](javascript:alert(1)) and [here](https://evil.example)",
    "autolink": "<https://evil.example> https://evil.example www.evil.example",
    "reference link": "[x]: https://evil.example\n[x]",
    "fence": "```\nbreak out\n```",
    "long fence": "``````````\nbreak out\n``````````",
    "tildes": "~~~\nbreak out\n~~~",
    "fence with space": "   ```js\nx\n   ```",
    "table": "a | b |\n| --- | --- |\n| c",
    "heading": "# fake\n## more",
    "setext": "fake\n====",
    "list": "- [ ] fake task\n1. fake",
    "quote": "> quoted\n>> more",
    "marker": "<!-- pytest-sre:1 e30= -->",
    "marker at once": "<!-- pytest-sre:1 e30= -->\nbody",
    "seen": "<!-- /pytest-sre:seen -->",
    "comment end": "--> text <!--",
    "ansi colour": "\x1b[31mred\x1b[0m",
    "ansi clear": "\x1b[2J\x1b[H",
    "osc title": "\x1b]0;owned\x07after",
    "osc link": "\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\",
    "csi of 8 bits": "\x9b31mred",
    "dcs": "\x1bPq#0\x1b\\after",
    "cut escape": "text \x1b[",
    "carriage return": "good\rbad",
    "backspace": "rm\b\bok",
    "bell": "a\x07b",
    "nul": "a\x00b",
    "vertical": "a\x0bb\x0cc",
    "bidi": "user\u202enimda",
    "isolate": "\u2066a\u2069",
    "zero width": "pay\u200bpal @octo\u200bcat",
    "line separator": "a\u2028::error::x\u2029b",
    "tags": "a\U000e0041b",
    "bom": "\ufeff::warning::x",
    "surrogate": "a\ud800b",
    "command": "::set-output name=x::y",
    "command after spaces": "   ::add-mask::x",
    "command in a later line": "x\n::stop-commands::t",
    "command after return": "x\r::error::y",
    "old command": "text ##[error]x",
    "group": "##[group]x",
    "save state": "::save-state name=a::b",
    "emoji": ":tada: :shipit:",
    "footnote": "[^1] [^1]: x",
    "math": "$x$ `$y$`",
    "html entity": "&lt;b&gt; &#64;octocat &commat;octocat",
    "backslash": "\\@octocat \\# \\",
    "long line": "x" * 1_000_000,
    "many ticks": "`" * 5_000,
    "many lines": "\n" * 5_000 + "::error::x",
    "empty": "",
    "spaces": " \t \n ",
}

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
