"""Makes foreign text inert: nothing in it mentions, closes, links, colours or commands.

The sinks are a terminal, the log of a CI runner, and GitHub's Markdown. In Markdown foreign text
stands in a fence (``fenced``) or is escaped (``inline``); a title is plain text on GitHub, but
mentions and references in it are live (``title``).
"""

import re
from typing import Final

from pytest_sre.redaction.secrets import redact

_BREAK: Final = "\u2060"  # word joiner: invisible, and no part of a name, a number or a command
_UNKNOWN: Final = "\ufffd"
_ELLIPSIS: Final = "\u2026"
_LONGEST_TITLE: Final = 250
_LONGEST_INLINE: Final = 300

# Escape sequences as ECMA-48 has them: CSI, strings such as OSC up to their end, the rest.
_ESCAPES: Final = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]{0,64}[ -/]{0,16}[@-~]?"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]{0,4096}(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]{0,8}[0-~]?"
)
# Controls but tab and newline; marks that turn or hide text; surrogates, which no encoding has.
_CONTROLS: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u115f\u180e\u200b-\u200f\u2028-\u202e\u2061-\u206f"
    "\ufe00-\ufe0f\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
)
# Commands of the runner of GitHub Actions: ``::name`` where a line begins, ``##[name]`` anywhere.
_COMMAND_AT_START: Final = re.compile(r"(?m)^(\s*):(?=:)")
_COMMAND_ANYWHERE: Final = re.compile(r"##(?=\[)")
_COMMENT: Final = re.compile(r"<(?=!--)|--(?=>)")
_MENTION: Final = re.compile(r"@(?=[\w-])")
_REFERENCE: Final = re.compile(r"#(?=\d)|\b(?<=GH)-(?=\d)", re.IGNORECASE)
_ADDRESS: Final = re.compile(
    r"\b[a-z][a-z0-9+.-]{1,20}:(?=//)|\bwww(?=\.)|\b(?:mailto|javascript|data|vbscript):(?!\u2060)",
    re.IGNORECASE,
)
# GitHub looks for mentions and references in what these stand for.
_ENTITY: Final = re.compile(
    r"&(?:(#0{0,9}64|#x0{0,9}40|commat)|#0{0,9}35|#x0{0,9}23|num);?", re.IGNORECASE
)
# The words by which GitHub closes what is named after them, each broken behind its first letter.
_CLOSING: Final = re.compile(
    r"\b([cfr])((?:lose[sd]?|ix(?:e[sd])?|esolve[sd]?)\b[\s:*_`~]{0,20}"
    r"(?:[\w./-]{0,140}#\d|gh-\d|https?:))",
    re.IGNORECASE,
)
_MARKDOWN: Final = re.compile(r"([\\`*_{}\[\]()<>#+!|~&-])")
_TICKS: Final = re.compile(r"`+")


def printable(text: str) -> str:
    """Give the text without escape sequences, controls and marks that turn or hide text."""
    text = _ESCAPES.sub("", text.replace("\r\n", "\n"))
    text = _CONTROLS.sub(_UNKNOWN, text)
    text = _COMMAND_AT_START.sub(rf"\1:{_BREAK}", text)
    return _COMMAND_ANYWHERE.sub(f"#{_BREAK}#{_BREAK}", text)


def one_line(text: str, longest: int = _LONGEST_INLINE) -> str:
    """Give foreign text as one printable line.

    Args:
        text: it.
        longest: how many characters the line may have; it is cut where it is longer.
    """
    words = " ".join(printable(text[: 8 * longest]).split())
    line = "".join(c if c.isprintable() or c == _BREAK else _UNKNOWN for c in words)
    return line if len(line) <= longest else line[: longest - 1] + _ELLIPSIS


def quote(text: str) -> str:
    """Give foreign text as one printable line of at most 300 characters, without secrets."""
    return one_line(redact(text))


def fenced(text: str) -> str:
    """Give foreign text as a block of code in Markdown, from which nothing in it can break out."""
    inside = _COMMENT.sub(lambda found: found.group() + _BREAK, printable(text)).rstrip("\n")
    ticks = max((len(run) for run in _TICKS.findall(inside)), default=0)
    fence = "`" * max(3, ticks + 1)
    return f"{fence}text\n{inside}\n{fence}"


def inline(text: str, longest: int = _LONGEST_INLINE) -> str:
    """Give foreign text as words within a line of Markdown, or within a table's cell."""
    line = one_line(text, longest)
    return _MARKDOWN.sub(r"\\\1", _without_references(line)).replace("\\<", "&lt;")


def markdown(text: str) -> str:
    """Give a person's Markdown, in which nobody is mentioned and nothing is closed.

    What it looks like is up to them; marks in comments of HTML, by which issues are known, are
    broken, too.
    """
    text = _COMMENT.sub(lambda found: found.group() + _BREAK, printable(text))
    text = _ENTITY.sub(lambda found: f"{'@' if found[1] else '#'}{_BREAK}", text)
    text = _MENTION.sub(f"@{_BREAK}", text)
    return _CLOSING.sub(lambda found: found[1] + _BREAK + found[2], text)


def title(text: str) -> str:
    """Give foreign text as the title of an issue: one line, at most 250 characters."""
    return one_line(_without_references(one_line(text)), _LONGEST_TITLE)


def _without_references(line: str) -> str:
    """Break what would be a mention, a reference or an address."""
    line = _ADDRESS.sub(lambda found: found.group() + _BREAK, line)
    line = _MENTION.sub(f"@{_BREAK}", line)
    return _REFERENCE.sub(lambda found: found.group() + _BREAK, line)
