import random

from pytest_sre.logs.novelty import new_error_signatures, rate_changed
from pytest_sre.recording.rows import LogLine

NAMES = [f"{first}{last}" for first in ("an", "bo", "ka", "li") for last in ("na", "ri", "to")]


def line(message: str, level: str = "error", provider: str = "app", at: float = 1.0) -> LogLine:
    about = {"app": "shop", "machine": "m1", "region": "iad"}
    return LogLine(at=at, level=level, message=message, provider=provider, **about)


def healthy(seed: int, lines: int = 400) -> list[LogLine]:
    """A log with errors of its own, whose values never come again."""
    rng = random.Random(seed)
    kinds = (
        lambda: f"payment {rng.randrange(10**6)} refused for order {rng.randrange(10**6)}",
        lambda: f"user {rng.choice(NAMES)} gave a wrong password from 10.0.0.{rng.randrange(255)}",
        lambda: (
            f"no answer from store within {rng.randrange(1, 30)}s, trace {rng.getrandbits(64):016x}"
        ),
        lambda: "disk slow",
    )
    return [line(rng.choice(kinds)(), at=float(at)) for at in range(lines)]


def new(baseline: list[LogLine], *messages: str) -> list[str]:
    found = new_error_signatures(baseline, [*healthy(2), *map(line, messages)])
    return [one.template for one in found]


def test_the_errors_of_the_baseline_are_not_new_with_other_values() -> None:
    assert new(healthy(1)) == []


def test_a_single_new_error_is_found() -> None:
    assert new(healthy(1), "cannot book order 7: stock is negative") == [
        "cannot book order <n>: stock is negative"
    ]


def test_a_short_new_error_is_found_beside_one_that_resembles_it() -> None:
    assert new(healthy(1), "disk full") == ["disk full"]


def test_an_error_that_differs_in_a_telling_word_is_found() -> None:
    assert new(healthy(1), "payment 4 declined for order 9") == [
        "payment <n> declined for order <n>"
    ]


def test_a_name_that_was_not_seen_before_is_no_new_error() -> None:
    few = [one for one in healthy(1) if "password" in one.message]
    known = [one for one in healthy(1) if "password" not in one.message]

    assert new([*known, *few[:30]], "user zoe gave a wrong password from 10.0.0.9") == []


def test_with_an_empty_baseline_every_error_is_new() -> None:
    assert len(new_error_signatures([], healthy(2))) == 4


def test_an_error_that_was_informational_before_is_new() -> None:
    before = [line("store is slow", level="info")] * 1000

    assert [one.count for one in new_error_signatures(before, [line("store is slow")])] == [1]


def test_only_errors_of_the_app_and_the_proxy_count() -> None:
    current = [
        line("a warning that was never seen", level="warning"),
        line("a check that was never seen", provider="health"),
        line("a refusal that was never seen", provider="proxy", level="critical"),
    ]

    assert [one.level for one in new_error_signatures([], current)] == ["critical"]


def test_a_rate_that_rose_beyond_chance_is_named_with_its_factor() -> None:
    before = [line(f"order {n} late", level="warning") for n in range(40)]
    now = [line(f"order {n} late", level="warning") for n in range(40)]
    steady = [line(f"order {n} paid", level="info") for n in range(500)]
    found = rate_changed([*before, *steady * 10], [*now, *steady], baseline_s=600.0, current_s=60.0)

    assert [(one.signature.template, one.baseline_count) for one in found] == [
        ("order <n> late", 40)
    ]
    assert found[0].factor == 10.0
    assert found[0].p_value < 1e-9


def test_a_rise_below_the_factor_or_within_chance_is_not_named() -> None:
    doubled = [line("order late today again")] * 400
    once = [line("store asked again and again")]
    found = rate_changed(
        [*doubled[:200], *once], [*doubled, *once * 4], baseline_s=60.0, current_s=60.0
    )

    assert found == []
    named = rate_changed(doubled[:200], doubled, baseline_s=60.0, current_s=60.0, factor=1.5)
    assert [one.factor for one in named] == [2.0]


def test_what_is_new_and_frequent_has_no_finite_factor() -> None:
    found = rate_changed([], [line("order lost for good")] * 9, baseline_s=60.0, current_s=60.0)

    assert [one.factor for one in found] == [float("inf")]
