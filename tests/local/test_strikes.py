"""A fault that strikes so often ends so many processes, however long each takes to end."""

import asyncio
from types import SimpleNamespace

import pytest

from pytest_sre.local.faults import strikes
from pytest_sre.local.faults.kinds import CrashLoop
from pytest_sre.local.faults.registry import Faults
from pytest_sre.local.faults.scopes import Scope, Site


class Execution:
    """A process that is told to end, and does so when the test says."""

    def __init__(self):
        self.goes_on = True
        self.crashes = []

    def crash(self, exit_code):
        self.crashes.append(exit_code)
        self.goes_on = False


@pytest.fixture
def struck(monkeypatch):
    """Have a fault of a count strike, while the process is started anew so often as told."""
    monkeypatch.setattr(strikes, "_PERIOD_S", 0)

    async def strike(count, starts):
        faults, execution = Faults(), Execution()
        faults.add(CrashLoop(exit_code=7), Scope(), count=count)
        site = Site("shop", "148e21aa", "iad", "web", "")
        record = SimpleNamespace(state="started", site=site, faults=faults)
        machine = SimpleNamespace(record=record, execution=execution)
        striking = asyncio.create_task(strikes.strike_processes(faults, lambda: [machine]))
        for _ in range(starts):
            execution.goes_on = True
            for _ in range(50):
                await asyncio.sleep(0)
        striking.cancel()
        return execution.crashes

    return lambda count, starts: asyncio.run(strike(count, starts))


def test_a_process_that_takes_long_to_end_is_struck_once(struck):
    assert struck(count=2, starts=1) == [7]


def test_each_process_is_struck_until_the_count_is_reached(struck):
    assert struck(count=2, starts=4) == [7, 7]
