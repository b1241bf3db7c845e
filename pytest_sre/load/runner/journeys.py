"""Walks journeys as load: the users, their clients, and what each walk counts as."""

import time
from collections.abc import Callable

from pytest_sre.journeys import Journey
from pytest_sre.journeys.run import walk
from pytest_sre.load.frames import Order
from pytest_sre.load.runner.client import LoadClient
from pytest_sre.load.runner.counting import Counter, Run, Trouble
from pytest_sre.load.runner.hosts import Hosts
from pytest_sre.load.runner.wire import Wire
from pytest_sre.verdict import Inconclusive


class Walker:
    """Walks journeys, each over a client that no other walk uses at the time."""

    def __init__(
        self,
        order: Order,
        journeys: dict[str, Journey],
        counter: Counter,
        *,
        connections: int,
        hosts: Hosts,
        spend: Callable[[], None],
    ) -> None:
        self._order, self._journeys, self._counter = order, journeys, counter
        self._wire = Wire(connections=connections, hosts=hosts, ca=order.ca)
        self._spend = spend
        self._free: list[LoadClient] = []

    def walk(self, run: Run, *, planned: bool = True) -> None:
        """Walk a journey once and count it; nothing that the journey raises gets out."""
        client = self._free.pop() if self._free else self._client()
        client.renew(run)
        self._counter.began(run, planned=planned)
        began = time.perf_counter()
        try:
            trouble = self._walked(client, run.journey)
            self._counter.ended(run, time.perf_counter() - began, trouble)
        finally:
            self._free.append(client)

    def _walked(self, client: LoadClient, name: str) -> Trouble | None:
        try:
            walk(self._journeys[name], client)
        except AssertionError as error:
            return Trouble("journey", str(error) or "an assertion failed")
        except Inconclusive as error:
            return Trouble("inconclusive", error.reason, is_own=True)
        except Exception as error:  # noqa: BLE001 - whatever the user's code raises
            return Trouble("crash", f"{type(error).__name__}: {error}", is_own=True)
        return None

    def _client(self) -> LoadClient:
        plan = self._order.plan
        return LoadClient(
            self._order.base_url,
            self._wire,
            self._counter,
            timeout_s=plan.timeout_s,
            headers=plan.headers,
            spend=self._spend,
        )
