"""Queries of metrics: Fly's, the local platform's, and those of any other Prometheus."""

from types import TracebackType
from typing import Final, Self

from pytest_sre.fly.alert_states import AlertingRule, read_rules
from pytest_sre.fly.answers import Answer
from pytest_sre.fly.connections import path_of
from pytest_sre.fly.errors import Unreachable
from pytest_sre.fly.metric_answers import read_matrix, read_names, read_result
from pytest_sre.fly.metric_values import Matrix, Result
from pytest_sre.fly.tokens import NO_TOKEN, Token
from pytest_sre.fly.transport import Query, Transport

_TIMEOUT_S: Final = 30.0


class Prometheus:
    """One Prometheus, or what speaks its API. Safe to use from several threads.

    Made by ``Fly.metrics``, which closes its connections, or by ``at``.

    Args:
        transport: reaches the server.
        path: where the API begins at that server.
    """

    def __init__(self, transport: Transport, path: str = "") -> None:
        self._transport = transport
        self._path = path

    @classmethod
    def at(cls, base_url: str, token: Token = NO_TOKEN) -> Self:
        """Talk to the Prometheus of that address, such as ``http://127.0.0.1:9090``; close it.

        Raises:
            Unreachable: that is not an address.
        """
        return cls(Transport(base_url, token, timeout_s=_TIMEOUT_S))

    def query(self, promql: str, *, at: float | None = None) -> Result:
        """Evaluate a query at one moment.

        Args:
            promql: the query.
            at: the moment, Unix seconds; the server's now when None.

        Raises:
            Invalid: the query cannot be evaluated; the text has the server's reason.
            FlyError: there was no answer.
        """
        answer = self._get("query", {"query": promql, "time": _moment(at)})
        return read_result(answer, self._transport.token, promql)

    def query_range(self, promql: str, *, start_at: float, end_at: float, step_s: float) -> Matrix:
        """Evaluate a query at several moments.

        Args:
            promql: the query.
            start_at: the first moment, Unix seconds.
            end_at: the last, when it is a whole number of steps later.
            step_s: seconds from one to the next.

        Raises:
            Invalid: the query cannot be evaluated; the text has the server's reason.
            FlyError: there was no answer.
        """
        window = {"start": _moment(start_at), "end": _moment(end_at), "step": f"{step_s:.3f}"}
        answer = self._get("query_range", {"query": promql, **window})
        return read_matrix(answer, self._transport.token, promql)

    def label_values(self, label: str, *, matching: str | None = None) -> list[str]:
        """List the values of a label; those of ``__name__`` are the metrics that exist.

        Args:
            label: its name.
            matching: a selector, such as ``{app="shop"}``: only of the series it matches.

        Raises:
            FlyError: there was no answer.
        """
        call = path_of("label", label, "values").removeprefix("/")
        return read_names(self._get(call, {"match[]": matching}), self._transport.token)

    def rules(self) -> list[AlertingRule]:
        """List the alerting rules that it evaluates, with their alerts.

        Raises:
            FlyError: there was no answer.
        """
        return read_rules(self._get("rules", {"type": "alert"}), self._transport.token)

    def close(self) -> None:
        """Close the connections, where they are its own."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _get(self, call: str, params: Query) -> Answer:
        path = f"{self._path}/api/v1/{call}"
        try:
            return self._transport.exchange("GET", path, params=params, timeout_s=_TIMEOUT_S)
        except Unreachable as error:
            raise Unreachable(
                "an answer of Prometheus",
                error.found,
                error.where,
                "check the address and this machine's network",
            ) from None


class MetricCalls:
    """The way to an organization's metrics."""

    _web_api: Transport

    def metrics(self, organization: str) -> Prometheus:
        """Fly's metrics of an organization, by its slug; kept for about 15 days.

        Nothing is contacted. The token has to permit reading the organization.
        """
        return Prometheus(self._web_api, path_of("prometheus", organization))


def _moment(at: float | None) -> str | None:
    return None if at is None else f"{at:.3f}"
