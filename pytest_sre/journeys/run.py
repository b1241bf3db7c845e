"""Runs journeys over HTTP and records each exchange and each run."""

import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

import httpx

import pytest_sre
from pytest_sre.journeys.registry import Journey
from pytest_sre.probes.faults import Fault, fault_of, own_cause
from pytest_sre.probes.requests import shown_url
from pytest_sre.recording.rows import Exchange, JourneyRun, Row
from pytest_sre.verdict import Inconclusive

BODY_HEAD = 2048
_SERVER_ERROR = 500

Write = Callable[[Row], None]


class JourneyClient(httpx.Client):
    """An HTTP client that records what it does under a journey's name.

    A fault of the app's side of the network fails the journey (``AssertionError``); a fault
    of ours makes it ``Inconclusive``.
    """

    def __init__(
        self, base_url: str, *, app: str, source: str, write: Write, timeout_s: float = 5.0
    ) -> None:
        super().__init__(
            base_url=base_url,
            timeout=timeout_s,
            trust_env=False,
            headers={"user-agent": f"pytest-sre/{pytest_sre.__version__}"},
        )
        self._app, self._source, self._write = app, source, write
        self.journey = ""
        self.test = ""
        self.is_cut = False

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:  # noqa: ANN401
        """Send a request and record what came back, or why nothing did."""
        if self.is_cut:
            raise Inconclusive("the journey was cut off when the observation ended")
        at, started = time.time(), time.perf_counter()
        try:
            response = super().send(request, **options)
            if response.status_code >= _SERVER_ERROR:
                response.read()
        except httpx.HTTPError as error:
            fault = fault_of(error)
            self._record(request, at, started, fault=fault)
            raise unanswered(request.method, request.url.path, fault) from error
        self._record(request, at, started, response=response)
        return response

    def _record(
        self,
        request: httpx.Request,
        at: float,
        started: float,
        *,
        response: httpx.Response | None = None,
        fault: Fault | None = None,
    ) -> None:
        headers = response.headers if response is not None else httpx.Headers()
        status = response.status_code if response is not None else 0
        failed = response is None or status >= _SERVER_ERROR
        self._write(
            Exchange(
                at=at,
                source=self._source,
                app=self._app,
                method=request.method,
                url=shown_url(str(request.url)),
                machine=headers.get("fly-machine-id", ""),
                region=headers.get("fly-region", ""),
                journey=self.journey,
                test=self.test,
                status=status,
                ok=not failed,
                own_fault=bool(fault and fault.own),
                error_kind=fault.kind if fault else "",
                error=fault.text if fault else "",
                total_s=time.perf_counter() - started,
                request_id=headers.get("fly-request-id", ""),
                body_head=response.text[:BODY_HEAD] if response is not None and failed else "",
            )
        )


class Journeys:
    """The target's journeys, as a test runs them."""

    def __init__(
        self, known: Mapping[str, Journey], runner: Callable[[], "JourneyRunner"], *, test: str
    ) -> None:
        self._known, self._runner, self._test = known, runner, test

    def run(self, name: str) -> None:
        """Walk the journey of this name once, from its first request to its last assertion.

        Raises:
            AssertionError: the app did not do what the journey expects.
            Inconclusive: there is no such journey, or a fault of our own kept it from being
                walked.
        """
        if name not in self._known:
            names = ", ".join(sorted(self._known)) or "none"
            raise Inconclusive(f"there is no journey {name!r}; registered: {names}")
        with self._runner() as runner:
            runner.run(self._known[name], test=self._test)


class JourneyRunner:
    """Runs journeys against one app, keeping the connection between runs. A context manager."""

    def __init__(self, base_url: str, *, app: str, source: str, write: Write) -> None:
        self._app, self._source, self._write = app, source, write
        self._client = JourneyClient(base_url, app=app, source=source, write=write)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def cut(self) -> None:
        """End a run that is under way in another thread at its next request; it decides nothing."""
        self._client.is_cut = True

    def run(self, journey: Journey, *, test: str = "") -> str | None:
        """Walk a journey once and record the run.

        Returns:
            The path of what the app acknowledged, if the journey gives one.

        Raises:
            AssertionError: the app did not do what the journey expects.
            Inconclusive: a fault of our own kept the journey from being walked.
            Exception: whatever else the journey raises; a judge that crashed.
        """
        self._client.journey, self._client.test = journey.name, test
        self._client.cookies.clear()
        at, started = time.time(), time.perf_counter()
        error: BaseException | None = None
        try:
            return walk(journey, self._client)
        except BaseException as raised:
            error = raised
            raise
        finally:
            self._write(
                JourneyRun(
                    at=at,
                    source=self._source,
                    app=self._app,
                    journey=journey.name,
                    ok=error is None,
                    own_fault=isinstance(error, Inconclusive),
                    total_s=time.perf_counter() - started,
                    error=f"{type(error).__name__}: {error}" if error else "",
                    test=test,
                )
            )


def walk(journey: Journey, client: httpx.Client) -> str | None:
    """Walk a journey once over a client.

    Returns:
        The path of what the app acknowledged, if the journey gives one.

    Raises:
        AssertionError: the app did not do what the journey expects.
    """
    try:
        return journey.flow(client)
    except httpx.HTTPStatusError as error:
        # What raise_for_status() raises is the journey's own assertion on the app's answer.
        where = f"{error.request.method} {error.request.url.path}"
        raise AssertionError(f"{where} was answered {error.response.status_code}") from error


def unanswered(method: str, path: str, fault: Fault) -> AssertionError | Inconclusive:
    """Give what a request without an answer means for the journey that made it."""
    where = f"{method} {path}"
    if fault.own:
        cause = own_cause(fault.kind)
        return Inconclusive(f"{where} could not be sent from here: {fault.text}", cause=cause)
    return AssertionError(f"{where} got no answer: {fault.kind} ({fault.text})")
