"""Which rules match where in a buffer of many lines: three engines that give the same answers.

Hyperscan is the fastest by far, RE2 comes next; both are optional, ``re`` is always there.
"""

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import Any, Literal, Protocol

from pytest_sre.logs.rules import Rule

EngineName = Literal["hyperscan", "re2", "re"]
Hit = tuple[int, int]
"""The position of a byte in a line that matches, and the index of the rule that it matches."""

_MODULES: dict[EngineName, str] = {"hyperscan": "hyperscan", "re2": "re2", "re": "re"}
_RE2_MEMORY_BYTES = 64 * 2**20


class Engine(Protocol):
    """Finds the lines that match rules."""

    @property
    def name(self) -> EngineName:
        """What it is called."""
        ...

    def hits(self, data: bytes) -> list[Hit]:
        """Each rule and line that match, at least once, in any order.

        Args:
            data: any number of lines; what is no UTF-8 is looked at as bytes.
        """
        ...


def installed_engines() -> tuple[EngineName, ...]:
    """The engines that can be used here, the fastest first."""
    return tuple(name for name, module in _MODULES.items() if find_spec(module))


def engine_of(rules: Sequence[Rule], name: EngineName | None = None) -> Engine:
    """Make the engine that finds rules.

    Args:
        rules: what to find; a hit has an index into them.
        name: which engine; the fastest installed one if None.
    """
    match name or installed_engines()[0]:
        case "hyperscan":
            return _Hyperscan(rules)
        case "re2":
            return _Re2(rules)
        case "re":
            return _Re(rules)


class _Hyperscan:
    """All rules at once, over the whole buffer."""

    name: EngineName = "hyperscan"

    def __init__(self, rules: Sequence[Rule]) -> None:
        import hyperscan

        self._count = len(rules)
        self._database: Any = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        if rules:
            self._database.compile(
                expressions=[rule.expression.encode() for rule in rules],
                ids=list(range(len(rules))),
                flags=[0] * len(rules),
            )

    def hits(self, data: bytes) -> list[Hit]:
        found: list[Hit] = []
        # A rule may match a line as often as the line has bytes: one of them is enough.
        firsts, line_ends = [0] * self._count, [-1] * self._count

        def on_match(rule: int, _from: int, to: int, _flags: int, _context: object) -> None:
            at = to - 1
            if firsts[rule] <= at <= line_ends[rule]:
                return
            end = data.find(b"\n", at)
            firsts[rule], line_ends[rule] = at, end if end >= 0 else len(data)
            found.append((at, rule))

        if data and self._count:
            self._database.scan(data, match_event_handler=on_match)
        return found


class _Re2:
    """Lines that match any rule are found in the buffer; then which rules those are."""

    name: EngineName = "re2"

    def __init__(self, rules: Sequence[Rule]) -> None:
        import re2

        options = re2.Options()
        options.encoding = re2.Options.Encoding.LATIN1
        options.max_mem = _RE2_MEMORY_BYTES
        options.log_errors = False
        expressions = [rule.expression.encode() for rule in rules]
        self._any: Any = re2.compile(b"|".join(expressions), options) if rules else None
        self._each: Any = re2.Set.SearchSet(options)
        for expression in expressions:
            self._each.Add(expression)
        self._each.Compile()

    def hits(self, data: bytes) -> list[Hit]:
        found: list[Hit] = []
        at = 0
        while self._any and (match := self._any.search(data, at)):
            start, at = _line_around(data, match.start())
            found.extend((start, rule) for rule in self._each.Match(data[start:at]))
        return found


class _Re:
    """Rule by rule: the texts that its matches hold are looked for, then the lines around them."""

    name: EngineName = "re"

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = tuple(rules)

    def hits(self, data: bytes) -> list[Hit]:
        lowered = data.lower()
        found: list[Hit] = []
        for index, rule in enumerate(self._rules):
            for start, end in _candidates(rule, lowered):
                if rule.compiled.search(data, start, end):
                    found.append((start, index))
        return found


def _candidates(rule: Rule, lowered: bytes) -> Iterator[tuple[int, int]]:
    """The lines that may match: those that hold one of the rule's factors, or all."""
    for factor in rule.factors or (b"",):
        at = lowered.find(factor)
        while 0 <= at < len(lowered):
            start, end = _line_around(lowered, at)
            yield start, end
            at = lowered.find(factor, end + 1)


def _line_around(data: bytes, at: int) -> tuple[int, int]:
    """Where the line begins that the byte is in, and where it ends, before its line end."""
    end = data.find(b"\n", at)
    return data.rfind(b"\n", 0, at) + 1, end if end >= 0 else len(data)


def matched_lines(data: bytes, hits: Sequence[Hit]) -> Iterator[tuple[int, int, frozenset[int]]]:
    """The lines that match: where each begins and ends, and the rules, each once.

    Args:
        data: the buffer.
        hits: what an engine found in it.
    """
    ordered = sorted(hits)
    index = 0
    while index < len(ordered):
        start, end = _line_around(data, ordered[index][0])
        rules: set[int] = set()
        while index < len(ordered) and ordered[index][0] <= end:
            rules.add(ordered[index][1])
            index += 1
        yield start, end, frozenset(rules)
