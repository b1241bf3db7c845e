r"""The patterns of rules: what regular expressions of all engines have in common.

A pattern is read into a tree over bytes and written out again with every class spelled out, so
that Hyperscan, RE2 and ``re`` cannot differ in what ``\s``, ``[^x]`` or upper case mean, and so
that nothing matches a line's end: a pattern can then run over a buffer of many lines.
"""

import string
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

_LINE_END = 0x0A
_ANY = frozenset(range(256)) - {_LINE_END}
_DIGITS = frozenset(string.digits.encode())
_WORDS = frozenset((string.ascii_letters + string.digits + "_").encode())
_SPACES = frozenset(b" \t\r\f\v")
_CLASSES = {
    "d": _DIGITS,
    "D": _ANY - _DIGITS,
    "w": _WORDS,
    "W": _ANY - _WORDS,
    "s": _SPACES,
    "S": _ANY - _SPACES,
}
_CONTROLS = {"t": 0x09, "r": 0x0D, "f": 0x0C, "v": 0x0B}
_MOST_REPEATS = 200
_MOST_POSITIONS = 1_000
_DEEPEST = 20


class PatternError(ValueError):
    """A pattern is outside what all engines have in common; the text says why."""


@dataclass(frozen=True, slots=True)
class Chars:
    """One byte out of several."""

    values: frozenset[int]


@dataclass(frozen=True, slots=True)
class Boundary:
    """The edge of a word."""


@dataclass(frozen=True, slots=True)
class Repeat:
    """A node, ``low`` to ``high`` times; without end where ``high`` is None."""

    node: "Node"
    low: int
    high: int | None


@dataclass(frozen=True, slots=True)
class Sequenced:
    """Nodes one after another."""

    nodes: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Either:
    """One node out of several."""

    nodes: tuple["Node", ...]


Node = Chars | Boundary | Repeat | Sequenced | Either


def parse(pattern: str, *, ignore_case: bool) -> Node:
    r"""Read a pattern.

    It may hold ASCII text, ``.``, ``[...]``, ``\d \w \s`` and their opposites, ``\b``,
    groups, ``|``, and the repeats ``* + ? {m} {m,n}``. A quotation mark and a backslash in it
    also match themselves escaped, and ``\b`` also matches after an escaped line end or tab:
    a line is often written inside JSON.

    Raises:
        PatternError: it holds anything else, matches the empty text, or is too large.
    """
    reader = _Reader(pattern, ignore_case=ignore_case)
    node = reader.whole()
    if _is_empty_match(node):
        raise PatternError("it matches the empty text, so every line")
    if _positions(node) > _MOST_POSITIONS:
        raise PatternError(f"its repeats unfold to more than {_MOST_POSITIONS} characters")
    return _shortest_end(node)


def written(node: Node) -> str:
    """The tree as an expression that every engine reads alike."""
    match node:
        case Chars(values):
            return _written_class(values)
        case Boundary():
            return r"(?:\b|\\[nrt])"
        case Repeat(_, _, 0):
            return ""
        case Repeat(inner, low, high):
            most = "" if high is None else str(high)
            return f"(?:{written(inner)}){{{low},{most}}}"
        case Sequenced(nodes):
            return "".join(map(written, nodes))
        case Either(nodes):
            return f"(?:{'|'.join(map(written, nodes))})"


def factors(node: Node) -> tuple[bytes, ...]:
    """Texts, in lower case, of which every match holds at least one; empty when there are none."""
    match node:
        case Chars(values):
            lowered = bytes(values).lower()
            return (lowered[:1],) if len(set(lowered)) == 1 else ()
        case Repeat(inner, low, _):
            return factors(inner) if low else ()
        case Sequenced(nodes):
            return max(_factors_in_turn(nodes), key=_telling, default=())
        case Either(nodes):
            found = [factors(each) for each in nodes]
            return tuple({text for texts in found for text in texts}) if all(found) else ()
        case Boundary():
            return ()


def _telling(texts: tuple[bytes, ...]) -> int:
    return min(map(len, texts), default=0)


def _factors_in_turn(nodes: Sequence[Node]) -> Iterator[tuple[bytes, ...]]:
    run = b""
    for node in (*nodes, Boundary()):
        own = factors(node)
        if isinstance(node, Chars) and own:
            run += own[0]
            continue
        yield from filter(None, ((run,) if run else (), own))
        run = b""


def _written_class(values: frozenset[int]) -> str:
    if len(values) == 1:
        return _written_byte(*values)
    parts: list[str] = []
    for first, last in _ranges(sorted(values)):
        parts.append(_written_byte(first))
        if last > first:
            parts.append(f"-{_written_byte(last)}")
    return f"[{''.join(parts)}]"


def _written_byte(value: int) -> str:
    return chr(value) if value in _WORDS or value == 0x20 else f"\\x{value:02x}"


def _ranges(values: Sequence[int]) -> Iterator[tuple[int, int]]:
    first = previous = values[0]
    for value in values[1:]:
        if value != previous + 1:
            yield first, previous
            first = value
        previous = value
    yield first, previous


def _is_empty_match(node: Node) -> bool:
    match node:
        case Chars():
            return False
        case Boundary():
            return True
        case Repeat(inner, low, _):
            return low == 0 or _is_empty_match(inner)
        case Sequenced(nodes):
            return all(map(_is_empty_match, nodes))
        case Either(nodes):
            return any(map(_is_empty_match, nodes))


def _positions(node: Node) -> int:
    match node:
        case Chars() | Boundary():
            return 1
        case Repeat(inner, low, high):
            return _positions(inner) * max(low + 1 if high is None else high, 1)
        case Sequenced(nodes) | Either(nodes):
            return sum(map(_positions, nodes))


def _shortest_end(node: Node) -> Node:
    """The same matches, ending as early as they can: each end is reported, and one is enough."""
    match node:
        case Repeat(inner, low, _):
            return Repeat(inner, low, low)
        case Sequenced((*first, last)):
            end = _shortest_end(last)
            is_gone = isinstance(end, Repeat) and end.high == 0
            return _shortest_end(Sequenced((*first,))) if is_gone else Sequenced((*first, end))
        case Either(nodes):
            return Either(tuple(map(_shortest_end, nodes)))
    return node


class _Reader:
    """A pattern, read from left to right."""

    def __init__(self, pattern: str, *, ignore_case: bool) -> None:
        self._text, self._at, self._depth = pattern, 0, 0
        self._ignore_case = ignore_case

    def whole(self) -> Node:
        if not self._text.isascii() or not self._text.isprintable():
            raise PatternError("it holds characters other than printable ASCII")
        node = self._either()
        if self._at < len(self._text):
            raise self._wrong('an unopened ")"')
        return node

    def _wrong(self, what: str) -> PatternError:
        return PatternError(f"it has {what} at character {self._at + 1}")

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self, expected: str = "") -> str:
        char = self._peek()
        if not char or (expected and char != expected):
            raise self._wrong(f'no "{expected}"' if expected else "an unfinished end")
        self._at += 1
        return char

    def _either(self) -> Node:
        branches = [self._sequence()]
        while self._peek() == "|":
            self._take()
            branches.append(self._sequence())
        return branches[0] if len(branches) == 1 else Either(tuple(branches))

    def _sequence(self) -> Node:
        nodes: list[Node] = []
        while self._peek() not in {"", "|", ")"}:
            nodes.append(self._repeated(self._one()))
        return Sequenced(tuple(nodes))

    def _one(self) -> Node:
        char = self._peek()
        if char in {"^", "$"}:
            raise self._wrong(f'"{char}", while a line may stand inside JSON,')
        if char in {"*", "+", "?", "{", "}", "]"}:
            raise self._wrong(f'a "{char}" that repeats nothing; write it as \\{char}')
        self._take()
        match char:
            case "(":
                return self._group()
            case "[":
                return self._class()
            case ".":
                return Chars(_ANY)
            case "\\":
                return self._escape()
        return self._literal(ord(char))

    def _group(self) -> Node:
        if self._peek() == "?":
            self._take()
            if self._peek() != ":":
                raise self._wrong('a group that begins with "(?" but not "(?:"')
            self._take()
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._wrong("groups too deep in each other")
        node = self._either()
        self._take(")")
        self._depth -= 1
        return node

    def _escape(self) -> Node:
        char = self._peek()
        if char == "b":
            self._take()
            return Boundary()
        values = self._escaped()
        return self._literal(*values) if len(values) == 1 else Chars(values)

    def _escaped(self) -> frozenset[int]:
        char = self._peek()
        if char in _CLASSES:
            self._take()
            return _CLASSES[char]
        if char in _CONTROLS:
            self._take()
            return frozenset({_CONTROLS[char]})
        if not char or char.isalnum():
            raise self._wrong(f"\\{char}, which not all engines know,")
        self._take()
        return frozenset({ord(char)})

    def _literal(self, value: int) -> Node:
        chars = Chars(self._folded((value,)))
        if value == ord('"'):
            return Sequenced((Repeat(Chars(frozenset(b"\\")), 0, 3), chars))
        return Repeat(chars, 1, 4) if value == ord("\\") else chars

    def _class(self) -> Node:
        is_negated = self._peek() == "^"
        if is_negated:
            self._take()
        values: set[int] = set()
        while self._peek() != "]":
            values |= self._class_item()
        self._take("]")
        found = self._folded(values)
        found = _ANY - found if is_negated else found & _ANY
        if not found:
            raise self._wrong("a class without characters")
        return Chars(found)

    def _class_item(self) -> frozenset[int]:
        first = self._class_char()
        if self._peek() != "-" or self._text[self._at + 1 : self._at + 2] in {"]", ""}:
            return first
        self._take("-")
        last = self._class_char()
        if len(first) != 1 or len(last) != 1 or min(first) > min(last):
            raise self._wrong("a range that does not run upwards")
        return frozenset(range(min(first), min(last) + 1))

    def _class_char(self) -> frozenset[int]:
        char = self._take()
        if char == "[":
            raise self._wrong(r'a "[" in a class; write it as \[')
        return self._escaped() if char == "\\" else frozenset({ord(char)})

    def _folded(self, values: Iterable[int]) -> frozenset[int]:
        found = bytes(values)
        return frozenset(found + found.lower() + found.upper() if self._ignore_case else found)

    def _repeated(self, node: Node) -> Node:
        bounds = self._bounds()
        if bounds is None:
            return node
        if isinstance(node, Boundary):
            raise self._wrong(r"a repeated \b")
        if self._peek() == "?":
            # Lazy or not, the same lines match.
            self._take()
        if self._peek() in {"*", "+", "?", "{"}:
            raise self._wrong("a repeat of a repeat")
        low, high = bounds
        if low > (low if high is None else high) or max(low, high or 0) > _MOST_REPEATS:
            raise self._wrong(f"a repeat that is not within 0 to {_MOST_REPEATS}")
        return Repeat(node, low, high)

    def _bounds(self) -> tuple[int, int | None] | None:
        simple = {"*": (0, None), "+": (1, None), "?": (0, 1)}
        char = self._peek()
        if char in simple:
            self._take()
            return simple[char]
        if char != "{":
            return None
        self._take()
        low = self._number()
        high: int | None = low
        if self._peek() == ",":
            self._take()
            high = self._number() if self._peek() != "}" else None
        self._take("}")
        return low, high

    def _number(self) -> int:
        digits = ""
        while self._peek().isdecimal():
            digits += self._take()
        if not 0 < len(digits) < 5:
            raise self._wrong("no number of times, or one too large,")
        return int(digits)
