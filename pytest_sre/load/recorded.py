"""Loads in a recording: written second by second while they are made, and read back as results."""

import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping

import msgspec

from pytest_sre.load.frames import Answered, Frame, Health, Tally
from pytest_sre.load.gathering import Gathering
from pytest_sre.load.latencies import Buckets
from pytest_sre.load.plan import LoadPlan
from pytest_sre.load.result import LoadResult
from pytest_sre.recording import Recording
from pytest_sre.recording.rows import Exchange, LoadError, LoadRun, LoadSecond, Row

MOST_ERRORS = 20

_buckets: "msgspec.msgpack.Decoder[Buckets]" = msgspec.msgpack.Decoder(Buckets)


def seconds_of(frame: Frame, load: str, started_at: float) -> Iterator[LoadSecond]:
    """Give the rows of a frame; those of the same second and name add up.

    Args:
        frame: it.
        load: the id of the load.
        started_at: when it began, Unix seconds.
    """
    return (_second_of(one, load, started_at) for one in frame.tallies)


def unsent_of(result: LoadResult, load: str) -> Iterator[LoadSecond]:
    """Give the rows of what lost workers did not tell of; no frame had it.

    Args:
        result: what came of the load.
        load: its id.
    """
    for one in result.tallies:
        if one.unsent:
            lost = Tally(
                second=one.second, journey=one.journey, planned=one.unsent, unsent=one.unsent
            )
            yield _second_of(lost, load, result.started_at)


def _second_of(one: Tally, load: str, started_at: float) -> LoadSecond:
    return LoadSecond(
        at=started_at + one.second,
        load=load,
        second=one.second,
        journey=one.journey,
        request=one.request,
        planned=one.planned,
        dropped=one.dropped,
        started=one.started,
        late=one.late,
        done=one.done,
        failed=one.failed,
        own_faults=one.own_faults,
        errors=json.dumps(one.errors) if one.errors else "",
        intended=_packed(one.intended),
        sent=_packed(one.sent),
        failed_after=_packed(one.failed_after),
        unsent=one.unsent,
    )


def run_of(
    result: LoadResult, load: str, *, name: str, test: str, fleet: Mapping[str, int]
) -> LoadRun:
    """Give the row of a load as a whole.

    Args:
        result: what came of it.
        load: its id.
        name: what it is called.
        test: the node id of the test that made it.
        fleet: how many Machines of which kind there were.
    """
    return LoadRun(
        at=result.started_at,
        load=load,
        name=name,
        test=test,
        base_url=result.base_url,
        plan=msgspec.json.encode(result.plan).decode(),
        ended_at=result.ended_at,
        reason=result.reason,
        detail=result.detail,
        troubles="\n".join(result.troubles),
        doubts="\n".join(result.doubts),
        requests=sum(one.started for one in result.tallies if one.request),
        answered=msgspec.json.encode(result.answered).decode(),
        health=msgspec.json.encode(result.health).decode(),
        fleet=json.dumps(dict(fleet), sort_keys=True),
    )


def errors_of(result: LoadResult, load: str, *, app: str, test: str) -> Iterator[LoadError]:
    """Give the rows of some of the requests that the app failed.

    Args:
        result: what came of the load.
        load: its id.
        app: the app that was asked.
        test: the node id of the test that made it.
    """
    failed = [one for one in result.samples if one.request and not one.is_own]
    for one in failed[:MOST_ERRORS]:
        method, _, path = one.request.partition(" ")
        yield LoadError(
            at=one.at,
            load=load,
            app=app,
            method=method,
            url=f"{result.base_url.rstrip('/')}{path}" if path.startswith("/") else path,
            machine=one.machine,
            region=one.region,
            journey=one.journey,
            test=test,
            status=one.status,
            error_kind="" if one.status else one.kind,
            error=one.text,
            request_id=one.request_id,
        )


def exchange_of(error: LoadError) -> Exchange:
    """Give a failed request of a load as what a test saw."""
    names = set(Exchange.__struct_fields__) & set(LoadError.__struct_fields__)
    return Exchange(source="load", **{name: getattr(error, name) for name in names})


def recorded_loads(recording: Recording) -> list[tuple[LoadRun, LoadResult]]:
    """Read back the loads of a recording that came to an end, the first first.

    Raises:
        RecordingError: the file cannot be read.
    """
    return [(row, _result(recording, row)) for row in recording.rows(LoadRun)]


def requests_sent(recording: Recording) -> int:
    """Count the requests that the loads of a recording have sent."""
    return sum(row.requests for row in recording.rows(LoadRun))


class Writing:
    """Records a load while it is made.

    Args:
        load: its id.
        write: records a row.
        clock: tells the time, Unix seconds.
    """

    def __init__(self, load: str, write: Callable[[Row], None], clock: Callable[[], float]) -> None:
        self._load, self._write, self._clock = load, write, clock
        self._started_at: float | None = None

    def __call__(self, frame: Frame) -> None:
        """Record a frame."""
        if self._started_at is None:
            self._started_at = self._clock() - frame.elapsed_s
        for row in seconds_of(frame, self._load, self._started_at):
            self._write(row)


def _result(recording: Recording, row: LoadRun) -> LoadResult:
    plan = msgspec.json.decode(row.plan, type=LoadPlan)
    gathering = Gathering(plan, row.base_url, row.at)
    rows = recording.rows(LoadSecond, load=row.load)
    gathering.add(Frame(elapsed_s=0.0, tallies=list(map(tally_of, rows))))
    troubles = tuple(row.troubles.splitlines())
    made = gathering.result(row.ended_at, row.reason, row.detail, troubles)
    return dataclasses.replace(
        made,
        answered=msgspec.json.decode(row.answered, type=tuple[Answered, ...]),
        health=msgspec.json.decode(row.health, type=tuple[Health, ...]),
    )


def tally_of(row: LoadSecond) -> Tally:
    """Give the counts of a row; the inverse of ``seconds_of``."""
    return Tally(
        second=row.second,
        journey=row.journey,
        request=row.request,
        planned=row.planned,
        dropped=row.dropped,
        started=row.started,
        late=row.late,
        done=row.done,
        failed=row.failed,
        own_faults=row.own_faults,
        errors=json.loads(row.errors) if row.errors else {},
        intended=_unpacked(row.intended),
        sent=_unpacked(row.sent),
        failed_after=_unpacked(row.failed_after),
        unsent=row.unsent,
    )


def _packed(buckets: Buckets) -> bytes:
    return msgspec.msgpack.encode(buckets) if buckets else b""


def _unpacked(packed: bytes) -> Buckets:
    return _buckets.decode(packed) if packed else {}
