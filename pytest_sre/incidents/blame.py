"""Reads a post-mortem for what should not stand there: names next to blame, items nobody has.

A post-mortem asks what let it happen, not who did it; a name is no cause. The check is of words
alone: it warns, and people decide.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

KINDS: Final = ("prevent", "detect", "mitigate")
NOBODY: Final = "to be named"

_SHORTEST_PART: Final = 3
_PROGRAM: Final = re.compile(r"\bbot\b", re.IGNORECASE)
# What is said of whom stands before it, such as "ana forgot to".
_DEEDS: Final = (
    r"forgot|forgets|neglected|overlooked|broke|caused|ignored|messed|screwed|failed to"
    r"|(?:should|could|ought|must)(?:n['’]t| not)? (?:to )?have"
)
_NOUNS: Final = r"(?:faults?|mistakes?|errors?|oversights?|negligence|carelessness|failure)"
# What judges a person, wherever the name stands in the sentence.
_JUDGING: Final = (
    r"blam(?:e[ds]?|ing)|mistakenly|careless(?:ly)?|negligent(?:ly)?|sloppy|lazy|incompetent"
    r"|culprit|guilty|at fault|wrongly"
)
_NEAR: Final = r"(?:\W+\w+){0,5}?\W+"
_ALONE: Final = re.compile(r"\b(?:human|operator|user|pilot) error\b", re.IGNORECASE)
# Mentions that were made inert have a mark between the sign and the name.
_LOGIN: Final = re.compile(r"@\u2060?([A-Za-z0-9][A-Za-z0-9-]{0,38})\b(?!/)")
_CODE: Final = re.compile(r"```.*?```|`[^`\n]*`|<!--.*?-->", re.DOTALL)
_PARAGRAPH: Final = re.compile(r"\n\s*\n|\n(?=\s*(?:[-*|>#]|\d+\.))")
_SENTENCE: Final = re.compile(r"(?<=[.!?;])\s+")
_ITEM: Final = re.compile(r"^[ \t]{0,8}[-*] \[[ xX]\] (.+)$", re.MULTILINE)
_OWNER: Final = re.compile(r"\bowner: *_?([^_)\n]*)", re.IGNORECASE)
_WORD: Final = re.compile(r"[A-Za-z]+")
_SHOWN: Final = 120


@dataclass(frozen=True)
class Complaint:
    """Something to be written otherwise: what it is, and the words it is about."""

    what: str
    words: str

    def __str__(self) -> str:
        return f"{self.what}: {self.words}"


def blaming(text: str, names: Collection[str] = ()) -> tuple[Complaint, ...]:
    """Find sentences that blame someone.

    Args:
        text: Markdown; code in it is not read.
        names: of people, as they may be written; what is mentioned with an ``@`` is found without.
    """
    readable = re.sub(r"\\(?=\W)", "", _CODE.sub(" ", text))
    people = _people(names) | {login.lower() for login in _LOGIN.findall(readable)}
    named = _about(people) if people else None
    return tuple(
        complaint
        for paragraph in _PARAGRAPH.split(readable)
        for sentence in _SENTENCE.split(" ".join(paragraph.split()))
        for complaint in _complaints(sentence, named)
    )


def unready(text: str) -> tuple[Complaint, ...]:
    """Find action items without an owner, or without a kind.

    Args:
        text: Markdown; action items are its task lists.
    """
    return tuple(each for item in _ITEM.findall(text) for each in _wanting(item))


def _complaints(sentence: str, named: re.Pattern[str] | None) -> Iterator[Complaint]:
    if _ALONE.search(sentence):
        yield Complaint("a person's error explains nothing", _shortened(sentence))
    elif named and named.search(sentence):
        yield Complaint("a name stands next to blame", _shortened(sentence))


def _people(names: Collection[str]) -> set[str]:
    """The names, whole, and their parts that are written as names; programs are no people."""
    names = [name for name in names if not _PROGRAM.search(name)]
    parts = (part for name in names for part in name.split())
    proper = {part for part in parts if part[0].isupper() and len(part) >= _SHORTEST_PART}
    return {each.lstrip("@").lower() for each in (*names, *proper)} - {""}


def _about(people: Collection[str]) -> re.Pattern[str]:
    """What blames one of these people."""
    longest_first = sorted(people, key=lambda name: (-len(name), name))
    name = rf"(?<![\w-])(?:{'|'.join(map(re.escape, longest_first))})(?![\w-])"
    return re.compile(
        rf"{name}(?:\W+\w+){{0,3}}?\W+(?:{_DEEDS})\b"
        rf"|{name}['’]s?\W+(?:\w+\W+){{0,2}}?{_NOUNS}\b"
        rf"|\b{_NOUNS} (?:of|by|was) @?\u2060?{name}"
        rf"|\b(?:caused|broken|forgotten|overlooked|missed|ignored) by @?\u2060?{name}"
        rf"|{name}{_NEAR}(?:{_JUDGING}|mistakes?)\b"
        rf"|\b(?:{_JUDGING}|mistakes?){_NEAR}@?\u2060?{name}",
        re.IGNORECASE,
    )


def _wanting(item: str) -> Iterator[Complaint]:
    owner = _OWNER.search(item)
    if owner is None or owner[1].strip().lower() in ("", NOBODY):
        yield Complaint("an action item has no owner", _shortened(item))
    first = _WORD.search(item)
    if first is None or first[0].lower() not in KINDS:
        yield Complaint(f"an action item begins with none of {', '.join(KINDS)}", _shortened(item))


def _shortened(sentence: str) -> str:
    return sentence if len(sentence) <= _SHOWN else sentence[: _SHOWN - 1] + "…"
