import csv
import itertools
from collections import defaultdict
from collections.abc import Hashable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.logs.drain import Drain, words_of
from pytest_sre.logs.masks import masked

LABELLED = sorted((Path(__file__).parent / "labelled").glob("*.csv"))

MESSAGES = st.lists(
    st.lists(st.sampled_from(["pay", "order", "7", "12", "for", "ann", "bob", "web1", "web2"])).map(
        " ".join
    ),
    max_size=30,
)


def templates(*messages: str) -> list[str]:
    return [group.template for group in Drain().groups(messages)]


def grouping_accuracy(expected: Sequence[Hashable], found: Sequence[Hashable]) -> float:
    """The share of lines whose group has exactly the lines that its label has."""

    def parts(labels: Sequence[Hashable]) -> set[tuple[int, ...]]:
        by_label: dict[Hashable, list[int]] = defaultdict(list)
        for index, label in enumerate(labels):
            by_label[label].append(index)
        return {tuple(indices) for indices in by_label.values()}

    return sum(map(len, parts(expected) & parts(found))) / len(expected)


@pytest.mark.parametrize("path", LABELLED, ids=lambda path: path.stem)
def test_lines_of_one_event_are_one_group(path: Path) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        rows = [*csv.DictReader(file)]
    groups = Drain().groups(row["Content"] for row in rows)

    assert grouping_accuracy([row["EventId"] for row in rows], groups) == 1.0


def test_there_are_labelled_lines_of_several_styles() -> None:
    assert len(LABELLED) >= 6


def test_a_word_that_differs_becomes_a_wildcard() -> None:
    assert set(templates("user ann is not known", "user bob is not known")) == {
        "user <*> is not known"
    }


def test_messages_that_share_little_stay_apart() -> None:
    assert templates("order 7 was paid late", "order 8 went missing today") == [
        "order <n> was paid late",
        "order <n> went missing today",
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ошибка оплаты", "ошибка склада"),
        ("支付失败", "库存不足"),
        ("503", "E42x"),
        ("-- 7", "== web1"),
        ("panic: oops", "panic: overflow"),
        ("refused", "reset"),
        ("connection refused", "connection reset"),
    ],
)
def test_each_word_of_a_short_message_tells(one: str, other: str) -> None:
    assert templates(one, other) == [masked(one), masked(other)]


def test_a_list_is_one_message_however_long() -> None:
    assert templates("lost web1 web2 in iad", "lost web7 web8 web9 in iad") == [
        "lost <*> in iad",
        "lost <*> in iad",
    ]


def test_a_log_in_which_no_two_lines_are_alike_takes_no_long_time() -> None:
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["".join(three) for three in itertools.product(letters, repeat=3)]
    found = Drain().groups(
        f"lost {a} {b} {c}" for a, b, c in zip(words, words[9:], words[99:], strict=False)
    )

    assert len({id(group) for group in found}) == len(found)


def test_masked_values_make_no_messages_alike() -> None:
    assert len(set(templates("a 1 2.5s 10.0.0.1 b", "a 1 2.5s 10.0.0.1 c"))) == 2


@given(MESSAGES)
def test_the_same_messages_give_the_same_templates(messages: list[str]) -> None:
    assert templates(*messages) == templates(*messages)


@given(MESSAGES)
def test_messages_of_the_same_words_are_one_group(messages: list[str]) -> None:
    groups = Drain().groups(messages * 2)
    by_words = {words_of(message): group for message, group in zip(messages, groups, strict=False)}

    assert [by_words[words_of(message)] for message in messages] == groups[len(messages) :]


@given(MESSAGES)
def test_a_template_has_only_words_that_all_its_messages_have(messages: list[str]) -> None:
    for message, group in zip(messages, Drain().groups(messages), strict=True):
        assert set(group.words) - {"<*>"} <= set(words_of(message))


def test_a_very_long_message_is_grouped_by_its_head() -> None:
    head = "cannot parse " + "word " * 1000

    assert len(set(templates(head + "x" * 1_000_000, head + "y" * 2_000_000))) == 1
