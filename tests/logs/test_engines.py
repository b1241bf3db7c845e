"""All engines give the same answers, and they are those of ``re`` on each line by itself."""

import dataclasses
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_sre.logs.engines import engine_of, installed_engines, matched_lines
from pytest_sre.logs.files import Chunk
from pytest_sre.logs.patterns import PatternError, factors, parse, written
from pytest_sre.logs.rules import Rule, shipped_rules, usable_rule
from pytest_sre.logs.scan import Scan
from pytest_sre.targets.settings import LogRule

ENGINES = installed_engines()
FEW = settings(max_examples=120)

# A small alphabet, so that patterns and texts meet; with bytes that are no UTF-8, and line ends.
ALPHABET = b'aAbB19_ -."\\\n\n\t\x00\xff\xc3'
TEXTS = st.lists(st.sampled_from(list(ALPHABET)), max_size=60).map(bytes)
LITERALS = [*"abAB19_ -", '"', r"\\", r"\."]
CLASSES = [".", r"\d", r"\w", r"\s", r"\D", r"\W", r"\S", "[ab]", "[^a]", "[a-b1]", r"[^\s\d]"]
ATOMS = st.sampled_from([*LITERALS, *CLASSES, r"[\w.-]", '[B"]', r"\b"])


def _grown(inner):
    repeats = st.sampled_from(["*", "+", "?", "{2}", "{1,3}", "{0,2}", "*?", "+?"])
    return st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda two: f"(?:{two[0]}|{two[1]})"),
        st.tuples(inner, repeats).map(lambda two: f"({two[0]}){two[1]}"),
    )


PATTERNS = st.recursive(ATOMS, _grown, max_leaves=8)


def rule_of(pattern: str, *, ignore_case: bool = False) -> Rule | None:
    """A rule without samples; None for a pattern that no rule may have."""
    try:
        node = parse(pattern, ignore_case=ignore_case)
    except PatternError:
        return None
    rule = shipped_rules()[0]
    stated = LogRule(pattern, "any", "low", pattern, "", (), (), ignore_case)
    compiled = re.compile(written(node).encode())
    return dataclasses.replace(
        rule, stated=stated, expression=written(node), compiled=compiled, factors=factors(node)
    )


def by_line(rules, data: bytes) -> list[tuple[bytes, frozenset[int]]]:
    """What ``re`` says of each line by itself."""
    found = [
        (line, frozenset(i for i, rule in enumerate(rules) if rule.compiled.search(line)))
        for line in data.split(b"\n")
    ]
    return [(line, matched) for line, matched in found if matched]


def by_engine(name, rules, data: bytes) -> list[tuple[bytes, frozenset[int]]]:
    hits = engine_of(rules, name).hits(data)
    return [(data[start:end], found) for start, end, found in matched_lines(data, hits)]


@given(st.lists(st.tuples(PATTERNS, st.booleans()), min_size=1, max_size=4), TEXTS)
@FEW
def test_all_engines_find_what_re_finds_line_by_line(stated, data):
    rules = [rule for one, fold in stated if (rule := rule_of(one, ignore_case=fold))]

    expected = by_line(rules, data)

    for name in ENGINES:
        assert by_engine(name, rules, data) == expected, name


@given(PATTERNS, TEXTS)
@FEW
def test_a_pattern_means_what_re_makes_of_it(pattern, data):
    rule = rule_of(pattern)
    # These are also found escaped, as they are in JSON: more than re finds.
    if rule is None or any(part in pattern for part in ('"', r"\\", r"\b")):
        return
    plain = re.compile(pattern.encode())

    for line in data.split(b"\n"):
        assert bool(plain.search(line)) == bool(rule.compiled.search(line))


SAMPLES = [text for rule in shipped_rules() for text in (*rule.stated.matches, *rule.stated.misses)]
NOISE = st.text(st.characters(codec="utf-8"), max_size=20)
LINES = st.tuples(NOISE, st.sampled_from(SAMPLES), NOISE).map(" ".join)


@given(st.lists(LINES | NOISE, max_size=12))
@settings(max_examples=40)
def test_all_engines_report_the_same_of_the_shipped_rules(lines):
    data = "\n".join(lines).encode()
    reports = []
    for name in ENGINES:
        scan = Scan(shipped_rules(), SHIPPED[name])
        scan.begin("log")
        scan.add(Chunk(data, len(data)))
        reports.append(scan.report())

    assert all(report == reports[0] for report in reports)
    expected = by_line(shipped_rules(), data)
    assert reports[0].matched == len(expected)
    assert sum(each.count for each in reports[0].findings) == sum(len(m) for _, m in expected)


SHIPPED = {name: engine_of(shipped_rules(), name) for name in ENGINES}


@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_without_rules_or_without_text_finds_nothing(name):
    assert engine_of([], name).hits(b"panic: x\n") == []
    assert SHIPPED[name].hits(b"") == []


@pytest.mark.parametrize("name", ENGINES)
def test_a_line_that_matches_everywhere_is_one_line(name):
    rule = rule_of("a")
    assert rule

    hits = engine_of([rule], name).hits(b"a" * 50_000 + b"\nb\n" + b"a" * 50_000)

    assert len(hits) < 10
    assert [len(line) for line, _ in by_engine(name, [rule], b"a" * 500 + b"\nb\na")] == [500, 1]


def test_re_is_always_there_and_comes_last():
    assert ENGINES[-1] == "re"


def test_samples_are_tried_by_the_same_expression_that_engines_get():
    rule = usable_rule(
        LogRule("x", "any", "low", r"a\sb", "", ("a b",), ("a\nb",), where="sre.toml: logs.rule[0]")
    )

    for name in ENGINES:
        assert by_engine(name, [rule], b"a\nb\na b\n") == [(b"a b", frozenset({0}))]
