"""Queries of metrics: what Prometheus' answers become, and what its failures."""

import math

import pytest

from pytest_sre.fly import errors
from pytest_sre.fly.client import Fly
from pytest_sre.fly.metric_values import Matrix, Sample, Scalar, Series, Text, Vector
from pytest_sre.fly.metrics import Prometheus
from tests.fly.conftest import SECRET, Reply, ScriptedApi

UP = {"__name__": "fly_instance_up", "app": "shop"}


def answered(kind: str, result: object, **more: object) -> Reply:
    return Reply(body={"status": "success", "data": {"resultType": kind, "result": result}, **more})


@pytest.fixture
def prometheus(fly: Fly) -> Prometheus:
    return fly.metrics("acme")


def test_a_query_goes_to_the_organization_with_the_token(
    api: ScriptedApi, prometheus: Prometheus
) -> None:
    api.reply(answered("vector", []))
    assert prometheus.query("sum(up)", at=1500.25) == Vector()

    [seen] = api.requests
    assert (seen.method, seen.path) == ("GET", "/prometheus/acme/api/v1/query")
    assert seen.query == {"query": "sum(up)", "time": "1500.250"}
    assert seen.headers["authorization"] == f"FlyV1 {SECRET}"


def test_another_prometheus_needs_no_token(api: ScriptedApi) -> None:
    api.reply(answered("scalar", [1500, "1"]))
    with Prometheus.at(f"{api.url}/prom/") as prometheus:
        assert prometheus.query("1") == Scalar(1500, 1)

    assert api.requests[0].path == "/prom/api/v1/query"
    assert "authorization" not in api.requests[0].headers


def test_each_kind_of_result_is_a_value_of_its_own(
    api: ScriptedApi, prometheus: Prometheus
) -> None:
    api.reply(
        answered("vector", [{"metric": UP, "value": [1500.5, "0.25"]}]),
        answered("matrix", [{"metric": UP, "values": [[1500, "1"], [1515, "2"]]}]),
        answered("scalar", [1500, "2"]),
        answered("string", [1500, "hello"]),
    )
    assert prometheus.query("a") == Vector((Sample(UP, 1500.5, 0.25),))
    assert prometheus.query("a[1m]") == Matrix((Series(UP, ((1500, 1), (1515, 2))),))
    assert prometheus.query("2") == Scalar(1500, 2)
    assert prometheus.query('"hello"') == Text(1500, "hello")


def test_a_range_is_asked_for_in_seconds(api: ScriptedApi, prometheus: Prometheus) -> None:
    api.reply(answered("matrix", [{"metric": {}, "values": [[1500, "1"]]}]))
    [series] = prometheus.query_range("a", start_at=1500, end_at=1560, step_s=15)

    assert series.points == ((1500, 1),)
    assert api.requests[0].query == {
        "query": "a",
        "start": "1500.000",
        "end": "1560.000",
        "step": "15.000",
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [("+Inf", math.inf), ("-Inf", -math.inf), ("Inf", math.inf), ("1e-05", 1e-5), (3, 3)],
)
def test_values_are_read_as_prometheus_writes_them(
    api: ScriptedApi, prometheus: Prometheus, text: object, expected: float
) -> None:
    api.reply(answered("vector", [{"metric": {}, "value": [0, text]}]))
    found = prometheus.query("a")
    assert isinstance(found, Vector)
    assert [each.value for each in found] == [expected]


def test_no_number_stays_no_number(api: ScriptedApi, prometheus: Prometheus) -> None:
    api.reply(answered("scalar", [0, "NaN"]))
    found = prometheus.query("0 / 0")
    assert isinstance(found, Scalar)
    assert math.isnan(found.value)


def test_what_victoriametrics_adds_is_taken(api: ScriptedApi, prometheus: Prometheus) -> None:
    sample = {"metric": UP, "value": [1500, "1"], "group": 1}
    stats = {"seriesFetched": "1", "executionTimeMsec": 3}
    body = answered("vector", [sample], stats=stats, isPartial=True, trace=None).body
    api.reply(Reply(body={**body, "warnings": None}))
    found = prometheus.query("a")
    assert isinstance(found, Vector)
    assert len(found) == 1
    assert found.warnings == ("the answer is partial: some of the storage did not answer",)


def test_warnings_are_kept(api: ScriptedApi, prometheus: Prometheus) -> None:
    histogram = {"metric": {}, "histogram": [1500, {"count": "1", "sum": "1"}]}
    api.reply(answered("vector", [histogram], warnings=["slow store"], infos=["not a counter"]))
    found = prometheus.query("a")
    assert found.warnings == (
        "slow store",
        "not a counter",
        "1 series of native histograms are left out",
    )
    assert found == Vector((), found.warnings)


def test_the_metrics_that_exist_can_be_listed(api: ScriptedApi, prometheus: Prometheus) -> None:
    api.reply(
        Reply(body={"status": "success", "data": ["a", "b"]}), Reply(body={"status": "success"})
    )
    assert prometheus.label_values("__name__", matching='{app="shop"}') == ["a", "b"]
    assert prometheus.label_values("app") == []
    assert api.requests[0].path == "/prometheus/acme/api/v1/label/__name__/values"
    assert api.requests[0].query == {"match[]": '{app="shop"}'}


def refused(status: int, kind: str, text: str) -> Reply:
    return Reply(status, {"status": "error", "errorType": kind, "error": text})


@pytest.mark.parametrize(
    ("reply", "kind", "is_own_fault"),
    [
        (refused(400, "bad_data", "1:5: parse error: x"), errors.Invalid, False),
        (refused(422, "execution", "1:5: parse error: x"), errors.Invalid, False),
        (refused(422, "422", "1:5: parse error: x"), errors.Invalid, False),
        (refused(503, "timeout", "1:5: parse error: x"), errors.TimedOut, False),
        (refused(503, "unavailable", "1:5: parse error: x"), errors.UnexpectedAnswer, True),
        (refused(404, "not_found", "1:5: parse error: x"), errors.NotFound, False),
        (refused(500, "internal", "1:5: parse error: x"), errors.UnexpectedAnswer, True),
    ],
)
def test_a_failed_query_says_why_in_prometheus_words(
    api: ScriptedApi, prometheus: Prometheus, reply: Reply, kind: type, is_own_fault: bool
) -> None:
    api.reply(*[reply] * 3)
    with pytest.raises(errors.FlyError) as caught:
        prometheus.query("sum(")

    assert type(caught.value) is kind
    assert caught.value.is_own_fault is is_own_fault
    text = str(caught.value)
    assert "1:5: parse error: x" in text
    assert "/prometheus/acme/api/v1/query" in text
    assert len(text.splitlines()) <= 4


def test_an_invalid_query_is_shown(api: ScriptedApi, prometheus: Prometheus) -> None:
    api.reply(refused(400, "bad_data", "1:5: parse error"))
    with pytest.raises(errors.Invalid, match=r"sum\(up"):
        prometheus.query("sum(up")


@pytest.mark.parametrize(("status", "kind"), [(401, errors.Unauthorized), (403, errors.Forbidden)])
def test_a_token_that_is_refused_is_not_shown(
    api: ScriptedApi, prometheus: Prometheus, status: int, kind: type
) -> None:
    api.reply(Reply(status, f"no: {SECRET}".encode()))
    with pytest.raises(errors.Forbidden) as caught:
        prometheus.query("up")

    assert type(caught.value) is kind
    assert SECRET not in str(caught.value)
    assert "FLY_API_TOKEN" in str(caught.value)


def test_a_missing_token_is_said_to_be_missing(api: ScriptedApi) -> None:
    api.reply(Reply(401, b""))
    with (
        Prometheus.at(api.url) as prometheus,
        pytest.raises(errors.Unauthorized, match="none sent"),
    ):
        prometheus.query("up")


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, b"<html>Grafana</html>"),
        Reply(200, b'{"status": "success", "data": {"resultType": "vec'),
        Reply(200, {"status": "success", "data": {"resultType": "cube", "result": []}}),
        Reply(200, {"status": "success", "data": {"resultType": "scalar", "result": [1, "one"]}}),
        Reply(200, {"status": "success", "data": {"resultType": "vector", "result": [1]}}),
        Reply(200, {"status": "success"}),
        Reply(200, b""),
        Reply(200, b"null"),
        Reply(502, b"Bad Gateway"),
    ],
)
def test_what_is_no_answer_of_prometheus_is_not_taken_for_nothing(
    api: ScriptedApi, prometheus: Prometheus, reply: Reply
) -> None:
    api.reply(*[reply] * 3)
    with pytest.raises(errors.UnexpectedAnswer):
        prometheus.query("up")


def test_a_range_that_is_answered_by_a_vector_is_refused(
    api: ScriptedApi, prometheus: Prometheus
) -> None:
    api.reply(answered("vector", []))
    with pytest.raises(errors.UnexpectedAnswer, match="matrix"):
        prometheus.query_range("up", start_at=0, end_at=1, step_s=1)


def test_no_answer_names_prometheus_and_not_fly(api: ScriptedApi) -> None:
    api.reply(*[api.cut] * 3)
    with Prometheus.at(api.url) as prometheus, pytest.raises(errors.Unreachable) as caught:
        prometheus.query("up")

    assert "Prometheus" in str(caught.value)
    assert "status.flyio.net" not in str(caught.value)


def test_an_organization_is_one_segment_of_the_path(fly: Fly) -> None:
    with pytest.raises(ValueError, match="name"):
        fly.metrics("..")
