"""A private key that a program writes into its log comes a line at a time."""

from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.redaction import KeyLines

KEY = ["-----BEGIN RSA PRIVATE " + "KEY-----", "Proc-Type: 4,ENCRYPTED", "", "MIIEow" * 10, "ab=="]
END = "-----END RSA PRIVATE " + "KEY----- and on"


def cleaned(*said):
    keys = KeyLines()
    return [keys.clean(writer, line) for writer, line in said]


def test_lines_of_a_key_are_taken_out_up_to_its_end():
    lines = cleaned(*(("web", line) for line in ["before", *KEY, END, "order placed", "abcd"]))

    assert lines[:2] == ["before", KEY[0]]
    assert lines[2:7] == ["[redacted]", "", "[redacted]", "[redacted]", "[redacted] and on"]
    assert lines[7:] == ["order placed", "abcd"]


def test_a_key_that_was_cut_ends_with_the_first_line_that_is_none():
    assert cleaned(("web", KEY[0]), ("web", "order 7 of today is lost"), ("web", KEY[3]))[1:] == [
        "order 7 of today is lost",
        KEY[3],
    ]


def test_other_writers_lines_in_between_are_left():
    lines = cleaned(("web", KEY[0]), ("worker", KEY[3]), ("web", KEY[3]), ("web", END))

    assert lines[1:] == [KEY[3], "[redacted]", "[redacted] and on"]


def test_a_key_in_one_line_is_left_to_who_cleans_lines():
    whole = "\n".join([*KEY, END])

    assert cleaned(("web", whole), ("web", "abcd")) == [whole, "abcd"]


def test_it_ends_by_itself():
    lines = cleaned(("web", KEY[0]), *[("web", "abcd")] * 1_000)

    assert lines[-1] == "abcd"


@given(st.lists(st.text()))
def test_what_has_no_key_is_as_it_was(lines):
    assert cleaned(*(("web", line) for line in lines)) == lines
