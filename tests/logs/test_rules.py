"""Rules: the shipped ones do what their samples say, and a rule that cannot be used says why."""

import dataclasses
import re

import pytest

from pytest_sre.logs.patterns import PatternError, factors, parse, written
from pytest_sre.logs.rules import RuleError, shipped_rules, usable_rule, usable_rules
from pytest_sre.targets.settings import LogRule

OWN = LogRule(
    id="payment-declined",
    kind="payments",
    severity="high",
    pattern=r"\bpayment \d+ declined",
    explanation="The bank declined.",
    matches=("payment 12 declined",),
    misses=("payment 12 accepted",),
    where="sre.toml: logs.rule[0]",
)


def own(**changes) -> LogRule:
    return dataclasses.replace(OWN, **changes)


def matching_ids(line: str) -> set[str]:
    return {rule.id for rule in shipped_rules() if rule.compiled.search(line.encode())}


def test_many_kinds_of_fault_are_shipped_each_explained():
    rules = [rule.stated for rule in shipped_rules()]

    assert len(rules) >= 40
    assert {
        "crash",
        "out-of-memory",
        "dependency-refused",
        "timeout",
        "disk-full",
        "tls",
        "deadlock",
        "pool-exhausted",
        "http-5xx",
        "unhandled-exception",
        "permission",
        "rate-limited",
        "config",
        "secret",
        "proxy",
        "health-check",
    } <= {rule.kind for rule in rules}
    assert len({rule.id for rule in rules}) == len(rules)
    assert all(rule.explanation.endswith(".") for rule in rules)


@pytest.mark.parametrize(
    ("line", "id_"),
    [
        ("Main child exited normally with code: 137", "child-exit-code"),
        ("Out of memory: Killed process 318 (python)", "oom-killed"),
        ("machine has reached its max restart count of 10", "max-restarts"),
        ("[PR03] could not find a good candidate within 40 attempts", "fly-no-candidate"),
        ("[PC01] instance refused connection. is your app listening on", "fly-refused"),
        ("[PU02] could not complete HTTP request to instance", "fly-proxy-error"),
        (
            "Health check 'servicecheck-00-http-8000' on port 8000 has failed.",
            "fly-check-failed",
        ),
    ],
)
def test_what_fly_says_of_a_fault_is_found(line, id_):
    assert matching_ids(line) == {id_}


@pytest.mark.parametrize(
    "line",
    [
        "Machine created and started in 3.946s",
        "Starting init (commit: 3b3bdc7)...",
        "Preparing to run: `python -m shop web` as root",
        "Main child exited normally with code: 0",
        "Health check 'servicecheck-00-http-8000' on port 8000 is now passing.",
        "Virtual machine has been suspended",
        '10.0.0.1 - - "GET /cart HTTP/1.1" 200 5021',
        '{"level":"info","status":200,"path":"/","timeout_s":30,"retries":0}',
        "connected to postgres://shop@db.internal:5432/shop",
        "INFO Application startup complete.",
        "pool_size=5 max_overflow=10 timeout=30",
    ],
)
def test_what_a_healthy_app_writes_matches_nothing(line):
    assert matching_ids(line) == set()


def test_a_rule_matches_inside_json_what_it_matches_in_plain_text():
    rule = usable_rule(
        own(pattern=r'\bsaid "no"', matches=('she said "no" again',), misses=("said no",))
    )

    for line in (r"a\nsaid \"no\" b", r"a\\nsaid \\\"no\\\"", 'said "no"'):
        assert rule.compiled.search(line.encode()), line
    assert not rule.compiled.search(b'unsaid "no"')


def test_own_rules_are_added_and_may_replace_shipped_ones():
    replacement = own(id="timed-out")

    rules = {rule.id: rule for rule in usable_rules([OWN, replacement])}

    assert len(rules) == len(shipped_rules()) + 1
    assert rules["timed-out"].stated is replacement
    assert rules["payment-declined"].compiled.search(b"payment 7 declined")


def test_case_counts_unless_it_is_to_be_ignored():
    lines = [b"Payment 1 DECLINED", b"payment 1 declined"]

    found = [usable_rule(own(ignore_case=ignore)) for ignore in (True, False)]

    assert [bool(found[0].compiled.search(line)) for line in lines] == [True, True]
    assert [bool(found[1].compiled.search(line)) for line in lines] == [False, True]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"matches": ()}, ["rule[0].matches", '"payment-declined" is empty', "must match"]),
        ({"misses": ()}, ["rule[0].misses", "must not match"]),
        ({"matches": ("payment 1 ok",)}, ["matches[0] does not match", '"payment 1 ok"']),
        ({"misses": ("x", "payment 1 declined")}, ["misses[1] matches", "correct the pattern"]),
        ({"pattern": "(?=x)a"}, ["rule[0].pattern", '"(?"', "docs/logs.md"]),
        ({"pattern": r"(a)\1"}, ["\\1", "not all engines know"]),
        ({"pattern": "^payment"}, ['"^"', "JSON"]),
        ({"pattern": "a*"}, ["matches the empty text"]),
        ({"pattern": "(a"}, ['no ")"']),
        ({"pattern": "bezahlt für"}, ["printable ASCII"]),
        ({"pattern": "(?:(?:a{200}){200}){200}"}, ["unfold to more than"]),
        ({"pattern": "a{5,2}"}, ["a repeat that is not within"]),
        ({"pattern": "[z-a]"}, ["does not run upwards"]),
        ({"pattern": "a**"}, ["a repeat of a repeat"]),
    ],
)
def test_a_rule_that_cannot_be_used_says_where_and_why(changes, said):
    with pytest.raises(RuleError) as caught:
        usable_rule(own(**changes))

    text = str(caught.value)
    assert len(text.splitlines()) <= 4
    assert "sre.toml: logs.rule[0]" in text
    assert [part for part in said if part not in text] == []


def test_two_own_rules_of_one_id_are_refused():
    with pytest.raises(RuleError, match=r"rule\[1\]\.id is \"payment-declined\""):
        usable_rules([OWN, own(where="sre.toml: logs.rule[1]")])


@pytest.mark.parametrize("depth", [19, 10_000])
def test_groups_in_groups_end_in_an_answer(depth):
    pattern = "(" * depth + "a" + ")" * depth

    if depth < 20:
        assert re.search(written(parse(pattern, ignore_case=False)), "xay")
    else:
        with pytest.raises(PatternError, match="too deep"):
            parse(pattern, ignore_case=False)


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("Connection refused", {b"connection refused"}),
        (r"ab+cde", {b"cde"}),
        (r"(?:one|three) \d", {b"one", b"three"}),
        (r"\d{3}-\d", {b"-"}),
        (r"\d\w", set()),
        (r"(?:one|\d)x?", set()),
    ],
)
def test_the_texts_that_each_match_holds_are_known(pattern, found):
    assert set(factors(parse(pattern, ignore_case=True))) == found
