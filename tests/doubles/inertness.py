"""What may not be seen anywhere, whatever a target says: oracles for what people read."""

import re

from markdown_it import MarkdownIt

_OURS = re.compile(r"<!-- /?pytest-sre:[^>]*-->")
_MARKDOWN = MarkdownIt("gfm-like", {"linkify": False})
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_REFERENCE = re.compile(r"@[A-Za-z0-9]|(?<!in )#\d|GH-\d|https?://|www\.")


def assert_dead_in_title(text: str) -> None:
    """Nothing in an issue's title mentions, refers or moves the cursor."""
    assert not re.search(r"@[A-Za-z0-9]|#\d|GH-\d", text)
    assert not _CONTROLS.search(text)


def assert_dead(text: str) -> None:
    """Nothing in Markdown is live but what we write ourselves."""
    text = _OURS.sub("", text)
    assert not _CONTROLS.search(text)
    assert "<!--" not in re.sub("<\u2060?!--\u2060", "", text)
    tokens = [t for whole in _MARKDOWN.parse(text) for t in (whole, *(whole.children or ()))]
    kinds = {token.type for token in tokens}
    assert not kinds & {"html_block", "html_inline", "image", "link_open"}
    said = " ".join(token.content for token in tokens if token.type == "text")
    assert _REFERENCE.findall(said) == []


def assert_does_nothing(shown: str) -> None:
    """Nothing in what a terminal, or a runner's log, is shown acts."""
    assert not _CONTROLS.search(shown)
    assert "##[" not in shown
    assert [line for line in shown.splitlines() if re.match(r"\s*::[^:\s]", line)] == []
