"""What an answer of Prometheus' HTTP API means: the values it holds, or the error that it is.

Source: https://prometheus.io/docs/prometheus/latest/querying/api/. VictoriaMetrics, which Fly uses,
answers alike and adds fields.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from pytest_sre.fly import errors
from pytest_sre.fly.answers import Answer, failure, unexpected
from pytest_sre.fly.metric_values import Matrix, Result, Sample, Scalar, Series, Text, Vector
from pytest_sre.fly.tokens import Token
from pytest_sre.fly.wire import prepare

T = TypeVar("T")
_NULL: Final = msgspec.Raw(b"null")
_LATE: Final = frozenset({"timeout", "canceled"})
_READ_PERMISSION: Final = (
    "give a token that may read the organization (`fly tokens create org`), or the server's own"
)


class _Point(NamedTuple):
    at: float
    value: str | float


class _OneValue(msgspec.Struct, frozen=True):
    metric: dict[str, str] | None = None
    value: _Point | None = None


class _ManyValues(msgspec.Struct, frozen=True):
    metric: dict[str, str] | None = None
    values: list[_Point] | None = None


class _Data(msgspec.Struct, frozen=True, rename="camel"):
    result_type: str = ""
    result: msgspec.Raw = msgspec.Raw(b"null")


class _Body(msgspec.Struct, frozen=True, rename="camel"):
    status: str = ""
    data: msgspec.Raw = msgspec.Raw(b"null")
    error_type: str | None = None
    error: str | None = None
    warnings: list[str] | None = None
    infos: list[str] | None = None
    is_partial: bool | None = None


def read_result(answer: Answer, token: Token, promql: str) -> Result:
    """Read what a query evaluates to.

    Values that are native histograms are left out; a warning says of how many series.

    Args:
        answer: the server's.
        token: what was sent with the call.
        promql: the query, for the text of an error.

    Raises:
        FlyError: it is an error, or nothing that Prometheus would answer.
    """
    body = _body(answer, token, promql)
    try:
        data = _decoded(body.data, _Data)
        return _read(data, _warnings(body))
    except ValueError as error:
        raise _misshapen(answer, token, error) from None


def read_matrix(answer: Answer, token: Token, promql: str) -> Matrix:
    """Read what a query evaluates to over a range.

    Raises:
        FlyError: it is an error, or nothing that Prometheus would answer.
    """
    found = read_result(answer, token, promql)
    if isinstance(found, Matrix):
        return found
    problem = f"{answer.status} (a {type(found).__name__.lower()})"
    raise unexpected(answer, token, "a matrix from Prometheus", problem)


def read_names(answer: Answer, token: Token) -> list[str]:
    """Read a list of names, or of a label's values.

    Raises:
        FlyError: it is an error, or nothing that Prometheus would answer.
    """
    return read_data(answer, token, list[str])


def read_data(answer: Answer, token: Token, into: type[T]) -> T:
    """Read what another call than a query answers with.

    Args:
        answer: the server's.
        token: what was sent with the call.
        into: the type of the data.

    Raises:
        FlyError: it is an error, or nothing that Prometheus would answer.
    """
    body = _body(answer, token, "")
    try:
        # An empty list is written as null by some.
        return _decoded(body.data, into | None) or into()
    except ValueError as error:
        raise _misshapen(answer, token, error) from None


def _read(data: _Data, warnings: tuple[str, ...]) -> Result:
    match data.result_type:
        case "vector":
            return _vector(_decoded(data.result, list[_OneValue] | None), warnings)
        case "matrix":
            found = _decoded(data.result, list[_ManyValues] | None)
            return _matrix(found, warnings)
        case "scalar":
            at, value = _decoded(data.result, _Point)
            return Scalar(at, float(value), warnings)
        case "string":
            at, text = _decoded(data.result, _Point)
            return Text(at, str(text), warnings)
    raise ValueError(f"a result of the unknown type {data.result_type!r}")


def _vector(found: Sequence[_OneValue] | None, warnings: tuple[str, ...]) -> Vector:
    series = found or ()
    samples = tuple(
        Sample(each.metric or {}, each.value.at, float(each.value.value))
        for each in series
        if each.value
    )
    return Vector(samples, _noting(len(series) - len(samples), warnings))


def _matrix(found: Sequence[_ManyValues] | None, warnings: tuple[str, ...]) -> Matrix:
    every = found or ()
    series = tuple(
        Series(each.metric or {}, tuple((at, float(value)) for at, value in each.values))
        for each in every
        if each.values
    )
    return Matrix(series, _noting(len(every) - len(series), warnings))


def _noting(left_out: int, warnings: tuple[str, ...]) -> tuple[str, ...]:
    note = f"{left_out} series of native histograms are left out"
    return (*warnings, note) if left_out else warnings


def _warnings(body: _Body) -> tuple[str, ...]:
    partial = ["the answer is partial: some of the storage did not answer"]
    said = [*(body.warnings or ()), *(body.infos or ())]
    return (*said, *(partial if body.is_partial else ()))


def _body(answer: Answer, token: Token, promql: str) -> _Body:
    try:
        body: _Body = _decoded(answer.body, _Body)
    except ValueError as error:
        if 200 <= answer.status < 300:
            raise _misshapen(answer, token, error) from None
        body = _Body()
    if body.status == "success" and 200 <= answer.status < 300:
        return body
    raise _failure(answer, body, token, promql)


def _decoded(data: bytes | msgspec.Raw, into: object) -> Any:  # noqa: ANN401 - what into says
    prepare(into)
    return msgspec.json.decode(data, type=into)


def _failure(answer: Answer, body: _Body, token: Token, promql: str) -> errors.FlyError:
    if answer.status in (401, 403):
        return _refused(answer, token)
    if body.status != "error" or answer.status == 429:
        return failure(answer, token)
    said = token.hide_in(body.error or "no reason given")
    found = f"{answer.status}: {body.error_type or 'error'}: {said}"
    if body.error_type in _LATE:
        hint = "ask for less: a shorter range, a larger step, fewer series"
        return errors.TimedOut("the query to be done in time", found, answer.where, hint)
    if answer.status in (400, 422):
        return errors.Invalid("a query that can be evaluated", found, answer.where, promql)
    if answer.status == 404:
        hint = "check the organization and the address"
        return errors.NotFound("metrics at this address", found, answer.where, hint)
    hint = "try again; if it stays, look at the Prometheus server"
    return errors.UnexpectedAnswer("an answer of Prometheus", found, answer.where, hint)


def _refused(answer: Answer, token: Token) -> errors.Forbidden:
    kind = errors.Unauthorized if answer.status == 401 else errors.Forbidden
    sent = f"{token.kind} from {token.source}" if token.value else "none sent"
    found = f"{sent}, answered by {answer.status}: {token.hide_in(answer.text)}"
    return kind("a token that may query metrics", found, answer.where, _READ_PERMISSION)


def _misshapen(answer: Answer, token: Token, error: ValueError) -> errors.UnexpectedAnswer:
    return unexpected(answer, token, "an answer of Prometheus", f"{answer.status} ({error})")
