"""The matcher that the other tests of this folder stand on finds what does not match."""

import re

import pytest


@pytest.mark.parametrize(
    ("shape", "found"),
    [
        ({"a": int}, {}),
        ({"a": int}, {"a": "1"}),
        ({"a": int}, {"a": True}),
        ({"a": [str]}, {"a": []}),
        ({"a": [str]}, {"a": [1]}),
        ({"a": [str, ...]}, {"a": [1]}),
        ({"a": re.compile("b+")}, {"a": "bc"}),
        ({"a": "b"}, {"a": "c"}),
        ({"a": (str, None)}, {"a": 1}),
        ({"a": []}, {"a": [1]}),
        ({"a": str}, []),
    ],
)
def test_a_mismatch_is_found(mismatches, shape, found):
    assert len(mismatches(shape, found)) == 1


@pytest.mark.parametrize(
    ("shape", "found"),
    [
        ({"a": int}, {"a": 1, "b": 2}),
        ({"a": [str, ...]}, {"a": []}),
        ({"a": (str, None)}, {"a": None}),
        ({"a": []}, {"a": []}),
    ],
)
def test_a_match_is_left_alone(mismatches, shape, found):
    assert mismatches(shape, found) == []
