"""Calls about an app's log, and how a page of it is read."""

import datetime as dt

import msgspec

from pytest_sre.fly.connections import path_of
from pytest_sre.fly.models import LogEntry
from pytest_sre.fly.transport import Transport


class _Provider(msgspec.Struct, frozen=True):
    provider: str = ""


class _Fault(msgspec.Struct, frozen=True):
    code: int | None = None


class _LineMeta(msgspec.Struct, frozen=True):
    event: _Provider = _Provider()
    error: _Fault = _Fault()


class _Attributes(msgspec.Struct, frozen=True):
    timestamp: dt.datetime
    message: str = ""
    level: str = ""
    instance: str = ""
    region: str = ""
    meta: _LineMeta = _LineMeta()


class _Line(msgspec.Struct, frozen=True):
    attributes: _Attributes


class _PageMeta(msgspec.Struct, frozen=True):
    next_token: str | int = ""


class _Page(msgspec.Struct, frozen=True):
    data: list[_Line]
    meta: _PageMeta = _PageMeta()


class LogCalls:
    """The call about an app's log."""

    _web_api: Transport

    def logs(
        self,
        app: str,
        *,
        since_at: float | None = None,
        next_token: str = "",
        machine: str | None = None,
        region: str | None = None,
    ) -> tuple[list[LogEntry], str]:
        """Get one page of an app's log, and the token of the next page.

        A page may be empty, and may begin with lines of the one before. Fly keeps about seven
        days.

        Args:
            app: the app's name.
            since_at: where to begin, Unix seconds, when there is no token yet; by default
                Fly gives the newest lines.
            next_token: what the page before came with.
            machine: lines of this Machine only.
            region: lines from this region only.

        Raises:
            FlyError: the page could not be had.
        """
        begin = "" if since_at is None else str(int(since_at * 1_000_000_000))
        token = next_token or begin
        page = self._web_api.request(
            "GET",
            path_of("api", "v1", "apps", app, "logs"),
            into=_Page,
            params={"next_token": token, "instance": machine, "region": region},
        )
        entries = [_entry(line.attributes) for line in page.data]
        return entries, str(page.meta.next_token) or token


def _entry(line: _Attributes) -> LogEntry:
    at = line.timestamp if line.timestamp.tzinfo else line.timestamp.replace(tzinfo=dt.UTC)
    return LogEntry(
        at=at.timestamp(),
        message=line.message,
        level=line.level,
        machine=line.instance,
        region=line.region,
        provider=line.meta.event.provider,
        error_code=line.meta.error.code,
    )
