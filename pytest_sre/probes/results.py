"""What an HTTP request was answered with, for one request and for many."""

from collections.abc import Iterable, Iterator, Sequence
from typing import overload
from urllib.parse import urlsplit

import msgspec

from pytest_sre.probes.documents import Json, number_at, parse_document, value_at
from pytest_sre.probes.headers import Headers
from pytest_sre.probes.outcome import Outcome, shown_time
from pytest_sre.recording.rows import Exchange
from pytest_sre.verdict import Inconclusive

_BODY_HEAD_CHARS = 300


class Timings(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How long each phase took, in seconds.

    A phase that was not needed (a connection that was kept) or not reached is 0.
    ``first_byte_s`` runs from the start to the answer's headers.
    """

    dns_s: float = 0.0
    connect_s: float = 0.0
    tls_s: float = 0.0
    first_byte_s: float = 0.0
    total_s: float = 0.0


class HttpResult(Outcome, frozen=True, kw_only=True):
    """What one request was answered with.

    ``machine`` is the id of the Machine asked for, empty when any could answer, and ``label``
    its name in texts. ``status`` is 0 when no answer came. ``body`` is capped at 64 KiB, and
    ``truncated`` says that there was more. ``request_id`` is the answer's fly-request-id.
    """

    url: str
    method: str = "GET"
    machine: str = ""
    label: str = ""
    region: str = ""
    app: str = ""
    status: int = 0
    headers: Headers = msgspec.field(default_factory=Headers)
    body: bytes = b""
    truncated: bool = False
    timings: Timings = Timings()
    request_id: str = ""

    def _is_good(self) -> bool:
        return not self.error_kind and 200 <= self.status < 300

    @property
    def was_answered(self) -> bool:
        """Whether the app answered at all: completely, and not with a server error."""
        return not self.error_kind and 200 <= self.status < 500

    @property
    def path(self) -> str:
        """The URL's path."""
        return urlsplit(self.url).path or "/"

    @property
    def place(self) -> str:
        """Who was asked: the Machine's name, or else the app's, or else the host's."""
        return self.label or self.machine or self.app or urlsplit(self.url).netloc

    @property
    def seen(self) -> str:
        """What came, in few words: ``503 in 12 ms``."""
        took = shown_time(self.total_s)
        if not self.error_kind:
            return f"{self.status} in {took}"
        answered = f"{self.status}, then " if self.status else ""
        return f"{answered}{self.error_kind} after {took} ({self.error})"

    @property
    def text(self) -> str:
        """The body as text; what cannot be decoded is replaced."""
        try:
            return self.body.decode(self._charset, errors="replace")
        except (LookupError, ValueError):
            return self.body.decode(errors="replace")

    @property
    def json(self) -> Json:
        """The body as a JSON document.

        Raises:
            AssertionError: when it is none.
            Inconclusive: when it was not seen, or not to its end.
        """
        self.require_observed()
        if self.truncated:
            raise Inconclusive(f"{self!r}: the body is longer than the {len(self.body)} bytes kept")
        try:
            return parse_document(self.body)
        except ValueError as error:
            raise AssertionError(
                f"{self!r}\nexpected JSON ({error})\nfound {self._shown_body}"
            ) from None

    def value(self, path: str) -> Json:
        """Return the JSON value at a dotted path such as ``release.version``.

        Raises:
            AssertionError: when the body is not JSON.
            Inconclusive: when there is no such value.
        """
        return value_at(self.json, path)

    def number(self, path: str) -> int | float:
        """Return the JSON number at a dotted path such as ``queue.depth``, never rounded.

        Raises:
            AssertionError: when the body is not JSON.
            Inconclusive: when there is no such value, or it is not a finite number.
        """
        return number_at(self.json, path)

    def exchange(self, source: str, test: str = "") -> Exchange:
        """Return the row that records it; the body's beginning is kept when it is not good."""
        good = self._is_good()
        return Exchange(
            at=self.at,
            source=source,
            test=test,
            app=self.app,
            method=self.method,
            url=self.url,
            machine=self.machine,
            region=self.region,
            status=self.status,
            ok=good,
            own_fault=self.own_fault,
            error_kind=self.error_kind,
            error=self.error,
            dns_s=self.timings.dns_s,
            connect_s=self.timings.connect_s,
            tls_s=self.timings.tls_s,
            first_byte_s=self.timings.first_byte_s,
            total_s=self.total_s,
            request_id=self.request_id,
            body_head="" if good else self.text[:_BODY_HEAD_CHARS],
        )

    def __repr__(self) -> str:
        return f"<{self.method} {self.path} on {self.place}: {self.seen}>"

    @property
    def _charset(self) -> str:
        _, found, rest = self.headers.get("content-type", "").lower().partition("charset=")
        return rest.split(";")[0].strip(" \"'") if found else "utf-8"

    @property
    def _shown_body(self) -> str:
        head = " ".join(self.text[:_BODY_HEAD_CHARS].split())
        return f"{self.headers.get('content-type', 'no content-type')}: {head or '(empty)'}"


class Results(Sequence[HttpResult]):
    """What many requests were answered with, such as one to each Machine."""

    __slots__ = ("_results",)

    def __init__(self, results: Iterable[HttpResult]) -> None:
        self._results = tuple(results)

    def __bool__(self) -> bool:
        return self.ok

    @property
    def ok(self) -> bool:
        """Whether each of them is good; what a bare ``assert results`` asks.

        Raises:
            Inconclusive: when none failed but some, or all, were not observed.
        """
        return not self.failed

    @property
    def failed(self) -> tuple[HttpResult, ...]:
        """Those that are not good, through a fault of the app.

        Raises:
            Inconclusive: when none failed but some, or all, were not observed.
        """
        observed = [result for result in self._results if not result.own_fault]
        failed = tuple(result for result in observed if not result.ok)
        if not failed:
            self._require_observed()
        return failed

    def table(self) -> list[tuple[str, ...]]:
        """Return Machines × what was seen: a row of titles, then a row for each Machine."""
        requests = list(dict.fromkeys(_asked(result) for result in self._results))
        rows: dict[tuple[str, str], dict[str, HttpResult]] = {}
        for result in self._results:
            cells = rows.setdefault((result.place, result.region), {})
            kept = cells.get(_asked(result))
            if kept is None or _is_bad(result) or not _is_bad(kept):
                cells[_asked(result)] = result
        titles = ("Machine", "region", *requests)
        return [titles, *(_row(who, cells, requests) for who, cells in rows.items())]

    def _require_observed(self) -> None:
        if not self._results:
            raise Inconclusive("nothing was probed: there was no Machine to ask")
        for result in self._results:
            result.require_observed()

    @overload
    def __getitem__(self, index: int) -> HttpResult: ...
    @overload
    def __getitem__(self, index: slice) -> "Results": ...
    def __getitem__(self, index: int | slice) -> "HttpResult | Results":
        if isinstance(index, slice):
            return Results(self._results[index])
        return self._results[index]

    def __iter__(self) -> Iterator[HttpResult]:
        return iter(self._results)

    def __len__(self) -> int:
        return len(self._results)

    def __repr__(self) -> str:
        good = sum(1 for result in self._results if not _is_bad(result))
        worst = next((f"; first: {r!r}" for r in self._results if _is_bad(r)), "")
        return f"<{good} of {len(self)} answers good{worst}>"


def _is_bad(result: HttpResult) -> bool:
    return result.own_fault or not result.ok


def _asked(result: HttpResult) -> str:
    return f"{result.method} {result.path}"


def _row(
    who: tuple[str, str], cells: dict[str, HttpResult], requests: Sequence[str]
) -> tuple[str, ...]:
    return (*who, *(cells[asked].seen if asked in cells else "not asked" for asked in requests))
