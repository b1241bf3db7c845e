"""Groups messages that say the same thing, and finds the template of each group.

Source: P. He, J. Zhu, Z. Zheng and M. R. Lyu, "Drain: An Online Log Parsing Approach with Fixed
Depth Tree", ICWS 2017. A tree of fixed depth (number of words, then first word) leads to a few
groups, of which the most similar is taken.
"""

import functools
import itertools
import operator
import re
from collections.abc import Iterable
from typing import TypeVar

from pytest_sre.logs.masks import masked_words

ANY = "<*>"
"""Stands in a template for a word that differs between the messages of a group."""

# Of the words that tell, more than two in three: one word of a short message makes another of it.
_SIMILARITY = 0.67
_BRANCHES = 100
# With so many groups of a leaf a message is compared, so that no log takes long.
_COMPARED = 100
_KNOWN = 100_000
_BLOCK = 1_000
_DIGITS_ALIKE = bytes.maketrans(b"123456789", b"000000000")

_VARIES = re.compile(r"[0-9]|<[a-z*]+>")
_DIGITS = re.compile("[0-9]+")
_ONLY_MASKS = re.compile(r"(?:<[a-z*]+>|[\W\d_])+")
_KEPT = re.compile("[0-9]|<hex>|<uuid>")

_K = TypeVar("_K")


class Group:
    """Messages that say the same thing; ``words`` is what all of them so far share."""

    __slots__ = ("words",)

    def __init__(self, words: tuple[str, ...]) -> None:
        self.words = words

    @property
    def template(self) -> str:
        """What the messages share, such as ``no route to <ip>``; any run of others is one `ANY`."""
        kept = [
            word
            for word, before in zip(self.words, ("", *self.words), strict=False)
            if word != ANY or before != ANY
        ]
        return " ".join(kept)


class Drain:
    """Finds the group of each message, as messages come.

    The same messages in the same order give the same groups and templates, in any process. A
    message that was seen before stays in its group.
    """

    def __init__(self) -> None:
        self._leaves: dict[int, dict[str, list[Group]]] = {}
        self._by_words: dict[tuple[str, ...], Group] = {}
        self._by_shape: dict[bytes, Group] = {}

    def groups(self, messages: Iterable[str]) -> list[Group]:
        """The group of each message, in their order; a group of its own when it resembles none."""
        found: list[Group] = []
        rest = iter(messages)
        while block := list(itertools.islice(rest, _BLOCK)):
            known = self._by_shape.get
            # Most messages differ from one before in digits only, and need no further look.
            found += [
                known(shape) or self._group(message, shape)
                for message, shape in zip(block, _shapes(block), strict=True)
            ]
        return found

    def _group(self, message: str, shape: bytes) -> Group:
        words = masked_words(message)
        group = self._by_words.get(words)
        if group is None:
            group = self._place(_without_runs(words))
            _remember(self._by_words, words, group)
        # A shape stands for one message only when no digit stays, and comes again only when
        # there is no identifier in it.
        if not _KEPT.search(" ".join(words)):
            _remember(self._by_shape, shape, group)
        return group

    def _place(self, words: tuple[str, ...]) -> Group:
        leaf = self._leaf(words)
        group = _most_similar(leaf, words)
        if group is None:
            group = Group(words)
            leaf.append(group)
        elif group.words != words:
            pairs = zip(group.words, words, strict=True)
            group.words = tuple(one if one == other else ANY for one, other in pairs)
        return group

    def _leaf(self, words: tuple[str, ...]) -> list[Group]:
        branches = self._leaves.setdefault(len(words), {})
        first = words[0] if words and not _VARIES.search(words[0]) else ANY
        if first not in branches and len(branches) >= _BRANCHES:
            first = ANY
        return branches.setdefault(first, [])


def _shapes(messages: list[str]) -> list[bytes]:
    """Each message with every digit a zero; all at once, which is faster by far."""
    shapes = _shape("\n".join(messages)).split(b"\n")
    return shapes if len(shapes) == len(messages) else [_shape(message) for message in messages]


def _shape(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass").translate(_DIGITS_ALIKE)


def words_of(message: str) -> tuple[str, ...]:
    """The words that decide on a message's group: masked, lists shortened to their first."""
    return _without_runs(masked_words(message))


def _remember(known: dict[_K, Group], key: _K, group: Group) -> None:
    if len(known) >= _KNOWN:
        known.clear()
    known[key] = group


def _without_runs(words: tuple[str, ...]) -> tuple[str, ...]:
    """The words with a list such as ``web1 web2 web3`` shortened to its first, however long."""
    shapes = [*map(_list_shape, words)]
    return tuple(
        word
        for word, shape, before in zip(words, shapes, ("", *shapes), strict=False)
        if shape != before or not shape
    )


@functools.lru_cache(_KNOWN)
def _list_shape(word: str) -> str:
    """What the words of a list have in common; nothing for a word that is never one of a list."""
    return _DIGITS.sub("0", word) if _VARIES.search(word) else ""


@functools.lru_cache(_KNOWN)
def _tells(word: str) -> bool:
    return not _ONLY_MASKS.fullmatch(word)


def _most_similar(groups: list[Group], words: tuple[str, ...]) -> Group | None:
    """The group that shares most words with a message, when it shares enough.

    What is masked in both is not shared: that each holds a number makes no two messages alike.
    """
    tells = [*map(_tells, words)]
    best, most = None, (_SIMILARITY * sum(tells), -1)
    for group in groups[:_COMPARED]:
        same = sum(map(operator.and_, tells, map(str.__eq__, group.words, words)))
        found = (same, group.words.count(ANY))
        if group.words == words:
            return group
        if same and found >= most:
            best, most = group, found
    return best
