import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.probes import HttpResult, Results
from pytest_sre.probes.headers import Headers
from pytest_sre.verdict import Inconclusive

URL = "http://127.0.0.1:8080/readyz"


def answer(status=200, **fields):
    fields = {"machine": "148e21", "label": "web-iad-148e21", "region": "iad", **fields}
    return HttpResult(at=1.0, url=URL, status=status, total_s=0.012, **fields)


def own_fault():
    return answer(0, error_kind="dns", error="our DNS is down", own_fault=True)


def document(body):
    return answer(body=body if isinstance(body, bytes) else json.dumps(body).encode())


@pytest.mark.parametrize(("status", "ok"), [(200, True), (204, True), (302, False), (503, False)])
def test_only_a_2xx_answer_is_ok(status, ok):
    assert answer(status).ok is ok
    assert bool(answer(status)) is ok


def test_an_answer_that_was_cut_is_not_ok():
    assert not answer(200, error_kind="reset", error="connection cut").ok


def test_our_own_fault_is_inconclusive_not_an_outage():
    with pytest.raises(Inconclusive, match="our DNS is down") as caught:
        _ = own_fault().ok

    assert caught.value.cause == "own dns"


@pytest.mark.parametrize(
    "read",
    [bool, lambda r: r.json, lambda r: r.number("a")],
    ids=["truth", "json", "number"],
)
def test_nothing_can_be_read_from_what_was_not_observed(read):
    with pytest.raises(Inconclusive):
        read(own_fault())


def test_the_repr_says_who_was_asked_and_what_came():
    assert repr(answer(503)) == "<GET /readyz on web-iad-148e21: 503 in 12 ms>"
    refused = answer(0, error_kind="refused", error="connection refused")
    assert repr(refused) == (
        "<GET /readyz on web-iad-148e21: refused after 12 ms (connection refused)>"
    )


def test_a_number_is_never_cut():
    assert document({"queue": {"ratio": 0.9, "depth": 2**60 + 1}}).number("queue.ratio") == 0.9
    assert document({"depth": 2**60 + 1}).number("depth") == 2**60 + 1


@pytest.mark.parametrize("found", ["7", "", True, False, None, [], {}, [1], math.nan, math.inf])
def test_what_is_not_a_number_is_inconclusive(found):
    with pytest.raises(Inconclusive, match=r"expected a number at 'queue\.depth'"):
        document({"queue": {"depth": found}}).number("queue.depth")


@pytest.mark.parametrize("path", ["missing", "queue.missing", "queue.depth.deeper", "list.2", ""])
def test_a_missing_key_is_inconclusive(path):
    with pytest.raises(Inconclusive, match="no value at"):
        document({"queue": {"depth": 1}, "list": [0, 1]}).value(path)


def test_a_value_is_found_through_objects_and_lists():
    assert document({"items": [{"name": "tea"}]}).value("items.0.name") == "tea"


@pytest.mark.parametrize(
    "body", [b"", b"<html>502</html>", b'{"cut": ', b"\xff\xfe\xfa", b"[" * 60_000]
)
def test_a_body_that_is_not_json_is_a_failure_that_shows_it(body):
    result = answer(502, body=body, headers=Headers([("Content-Type", "text/html")]))

    with pytest.raises(AssertionError, match="expected JSON") as caught:
        _ = result.json

    assert "502 in 12 ms" in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 4


def test_a_capped_body_is_never_read_as_a_document():
    with pytest.raises(Inconclusive, match="longer than"):
        answer(body=b"123", truncated=True).number("0")


documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc.", max_size=3), inner),
    max_leaves=10,
)


@given(documents, st.text("abc.01", max_size=6))
def test_a_number_read_from_any_document_is_one_that_is_in_it(content, path):
    result = document(content)
    try:
        number = result.number(path)
    except Inconclusive:
        return
    assert type(number) in (int, float)
    assert math.isfinite(number)
    assert json.dumps(number) in json.dumps(content)


@given(st.binary(max_size=40))
def test_any_body_is_either_a_number_or_a_verdict(body):
    result = answer(body=body)
    try:
        number = result.number("a")
    except (Inconclusive, AssertionError):
        return
    assert math.isfinite(number)


@given(st.binary(max_size=40), st.sampled_from(["utf-8", "latin-1", "utf-16", "no-such", "", "\0"]))
def test_any_body_has_a_text(body, charset):
    headers = Headers([("content-type", f"text/plain; charset={charset}")])

    assert isinstance(answer(body=body, headers=headers).text, str)


def test_a_text_is_decoded_as_the_answer_says():
    headers = Headers([("content-type", 'text/plain; charset="ISO-8859-1"')])

    assert answer(body=b"caf\xe9", headers=headers).text == "café"


def test_headers_are_found_in_any_case_and_none_is_lost():
    headers = Headers([("Set-Cookie", "a=1"), ("set-cookie", "b=2"), ("X-One", "1")])

    assert headers["x-ONE"] == "1"
    assert "SET-COOKIE" in headers
    assert headers.every("Set-Cookie") == ("a=1", "b=2")
    assert headers["set-cookie"] == "a=1, b=2"
    assert len(headers) == 2
    assert headers.get("absent") is None


def test_the_row_keeps_the_evidence_of_a_failure():
    result = answer(503, body=b"store is down", request_id="01J-iad", app="shop")

    row = result.exchange("probe", "test_x")

    assert (row.status, row.ok, row.body_head) == (503, False, "store is down")
    assert (row.machine, row.region, row.app) == ("148e21", "iad", "shop")
    assert (row.source, row.test, row.request_id, row.at) == ("probe", "test_x", "01J-iad", 1.0)


def test_the_row_of_a_good_answer_keeps_no_body():
    assert answer(200, body=b"personal").exchange("bake").body_head == ""


def test_the_row_of_our_own_fault_says_so():
    row = own_fault().exchange("bake")

    assert (row.ok, row.own_fault, row.error_kind) == (False, True, "dns")


def test_many_are_ok_when_each_is():
    assert Results([answer(), answer(204)]).ok
    assert not Results([answer(), answer(503)]).ok


@pytest.mark.parametrize("read", ["ok", "failed"])
@pytest.mark.parametrize("results", [[], [own_fault()], [answer(), own_fault()]])
def test_no_failure_is_claimed_absent_without_evidence(results, read):
    with pytest.raises(Inconclusive):
        getattr(Results(results), read)


def test_a_failure_outweighs_our_own_fault():
    bad = answer(503)

    assert Results([own_fault(), bad]).failed == (bad,)


def test_the_table_shows_each_machine_once_with_its_worst_answer():
    ams = {"machine": "7d1", "label": "web-ams-7d1", "region": "ams"}
    table = Results([answer(503), answer(200), answer(200, **ams)]).table()

    assert table == [
        ("Machine", "region", "GET /readyz"),
        ("web-iad-148e21", "iad", "503 in 12 ms"),
        ("web-ams-7d1", "ams", "200 in 12 ms"),
    ]


def test_the_repr_of_many_is_one_line_naming_the_first_failure():
    assert repr(Results([answer(), answer(503)])) == (
        "<1 of 2 answers good; first: <GET /readyz on web-iad-148e21: 503 in 12 ms>>"
    )
