"""Where a request goes next, as the apps that it came to have it replayed."""

import time
from collections.abc import AsyncIterator, Mapping
from typing import Final

from pytest_sre.local.machines.records import MachineRecord
from pytest_sre.local.proxy.balancer import LONGEST_WAIT_S, Balancer
from pytest_sre.local.proxy.exchange import Body
from pytest_sre.local.proxy.heads import AnswerHead, Headers, first_value, with_replaced
from pytest_sre.local.proxy.replay import (
    CONTENT_TYPE,
    LONGEST_BODY,
    MOST_REPLAYS,
    Failed,
    InvalidReplayError,
    Reason,
    Replay,
    Transform,
    read_replay_body,
    read_replay_header,
    replay_source,
)
from pytest_sre.local.proxy.routing import Wish

_HEADER: Final = b"fly-replay"
_LONGEST_SAID: Final = 64 * 1024


class ReplayRefusedError(Exception):
    """The request cannot be replayed; the text has the code that Fly documents.

    Args:
        code: the code.
        text: what is wrong.
    """

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"[{code}] {text}")
        self.brief = text


class Replays:
    """Where a request is to go: at first as its client wishes, then as apps say.

    Attributes:
        balancer: of the app that it goes to.
        wish: the Machine or regions there.
        excluded: Machines that it must not come back to.
        transform: how it was changed by the last replay.

    Args:
        balancers: of all apps, by name.
        balancer: of the app that it came to.
        wish: the client's.
    """

    def __init__(self, balancers: Mapping[str, Balancer], balancer: Balancer, wish: Wish) -> None:
        self.balancer = balancer
        self.wish = wish
        self.excluded: set[str] = set()
        self.transform = Transform()
        self._balancers = balancers
        self._added: Headers = []
        self._count = 0
        self._current: Replay | None = None
        self._source: tuple[Balancer, MachineRecord] | None = None
        self._since = time.monotonic()

    def left_s(self) -> float:
        """How long a Machine may be looked for, from now."""
        if self._current is None or self._current.timeout_s is None:
            return LONGEST_WAIT_S
        return max(0.0, self._since + self._current.timeout_s - time.monotonic())

    def headers(self, given: Headers) -> Headers:
        """A request's headers, as the replays change them."""
        return with_replaced(self.transform.headers(given), self._added) if self._count else given

    def follow(self, replay: Replay, record: MachineRecord, body: Body) -> None:
        """Send the request elsewhere.

        Args:
            replay: as the app said.
            record: the Machine that said so.
            body: the request's.

        Raises:
            ReplayRefusedError: it cannot be.
        """
        if body.size > LONGEST_BODY:
            raise ReplayRefusedError("PA01", f"request is larger than {LONGEST_BODY} bytes")
        self._count += 1
        if self._count > MOST_REPLAYS:
            raise ReplayRefusedError("PA02", f"request was replayed more than {MOST_REPLAYS} times")
        target = self._target(replay.app)
        source = replay_source(record.id, record.region, time.time_ns() // 1000, replay.state)
        self._added = [(b"fly-replay-src", source)]
        self._source = (self.balancer, record)
        self.balancer, self.wish = target, replay.wish
        self.excluded = {record.id} if replay.elsewhere else set()
        self.transform = replay.transform
        self._current, self._since = replay, time.monotonic()

    def go_back(self, *, refused: bool) -> bool:
        """Send the request back to the Machine that had it replayed, if it wants that.

        Args:
            refused: Machines were tried.
        """
        replay = self._current
        if replay is None or replay.fallback is None or self._source is None:
            return False
        balancer, record = self._source
        elapsed_s = time.monotonic() - self._since
        late = replay.timeout_s is not None and elapsed_s >= replay.timeout_s
        reason: Reason = "timeout" if late else "retries_exhausted" if refused else "no_candidate"
        app = replay.app or balancer.app.name
        failed = Failed(replay, app, record.id, reason, round(elapsed_s * 1000))
        self._added = [(b"fly-replay-failed", failed.header())]
        forced = replay.fallback == "force_self"
        self.wish = Wish(force_machine=record.id) if forced else Wish(prefer_machine=record.id)
        self.balancer, self.excluded, self.transform = balancer, set(), Transform()
        self._current = None
        return True

    def _target(self, app: str | None) -> Balancer:
        if app is None:
            return self.balancer
        target = self._balancers.get(app)
        if target is None:
            raise ReplayRefusedError("PA04", f"there is no app {app!r} to replay to")
        if target.app.organization != self.balancer.app.organization:
            raise ReplayRefusedError("PA05", f"app {app!r} belongs to another organization")
        return target


def is_replay(head: AnswerHead) -> bool:
    """Whether an answer asks for a replay."""
    kind = first_value(head.headers, b"content-type") or b""
    return first_value(head.headers, _HEADER) is not None or kind.startswith(CONTENT_TYPE)


async def read_replay(head: AnswerHead, parts: AsyncIterator[bytes]) -> Replay:
    """Read what an answer asks for.

    Args:
        head: the answer.
        parts: its body, which counts when there is no header.

    Raises:
        ReplayRefusedError: it cannot be read.
    """
    header = first_value(head.headers, _HEADER)
    try:
        if header is not None:
            return read_replay_header(header.decode("latin-1"))
        return read_replay_body(await _bounded(parts))
    except InvalidReplayError as error:
        raise ReplayRefusedError("PA03", f"invalid replay: {str(error)[:200]}") from None


async def _bounded(parts: AsyncIterator[bytes]) -> bytes:
    said = b""
    async for part in parts:
        said += part
        if len(said) > _LONGEST_SAID:
            raise InvalidReplayError(f"it is longer than {_LONGEST_SAID} bytes")
    return said
