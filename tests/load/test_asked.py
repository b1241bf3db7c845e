"""What is asked for as load workers, and what cannot be understood."""

import pytest

from pytest_sre.load.remote.asked import External, InMachines, read_address, read_workers


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("4", External(4)),
        ("2@10.0.0.5:6000", External(2, "10.0.0.5", 6000)),
        ("1@[fdaa::3]:5557", External(1, "fdaa::3", 5557)),
        ("fly:iad=2,ams=2", InMachines({"iad": 2, "ams": 2})),
        ("fly:iad", InMachines({"iad": 1})),
    ],
)
def test_workers_are_asked_for(text, asked):
    assert read_workers(text) == asked


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "expected a number of workers, found ''"),
        ("0", "expected 1 to 50 load workers, found 0"),
        ("51", "found 51"),
        ("fly:iad=30,ams=30", "found 60"),
        ("-1", "expected a number"),
        ("two", "found 'two'"),
        ("2@", "expected HOST:PORT, found ''"),
        ("2@fdaa::3", "expected HOST:PORT"),
        ("2@host:0", "from 1 to 65535, found 0"),
        ("2@host:65536", "found 65536"),
        ("2@0.0.0.0:5557", "expected one address, found 0.0.0.0"),
        ("2@[::]:5557", "expected one address"),
        ("fly:", "expected a region once"),
        ("fly:iad=2,iad=1", "found 'iad'"),
        ("fly:IAD=2", "found 'IAD'"),
        ("fly:iad=x", "found 'x'"),
    ],
)
def test_what_cannot_be_understood_is_told(text, told):
    with pytest.raises(ValueError, match=r".") as raised:
        read_workers(text)
    assert told in str(raised.value)


def test_an_address_is_read():
    assert read_address("master.internal:5557") == ("master.internal", 5557)
