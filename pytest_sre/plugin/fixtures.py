"""The fixtures. Each is a few lines; what they give lives in the rooms below.

They are sync on purpose, so that sync and async tests can use them alike.
"""

from typing import TYPE_CHECKING

import pytest

from pytest_sre.plugin.stash import EVIDENCE, RUN
from pytest_sre.verdict import Inconclusive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_sre.alerts.facade import Alerts
    from pytest_sre.bake.window import Bake
    from pytest_sre.chaos.facade import Chaos
    from pytest_sre.chaos.watching import Watch
    from pytest_sre.fly.fleet import FlyApp, FlyMachine
    from pytest_sre.journeys.run import Journeys
    from pytest_sre.load.facade import Load
    from pytest_sre.logs.facade import Logs
    from pytest_sre.probes.facade import Probe
    from pytest_sre.run.risks import Risks
    from pytest_sre.run.run import Run
    from pytest_sre.slo.facade import Slo

NO_TARGET = "needs a target: run pytest with --sre-target=local, or =prod"
NOT_ALONE = """expected the test to name chaos before it runs, found that it asked while it ran
other tests of this run may look at the target, so nothing was done
add @pytest.mark.usefixtures("chaos") to it, or run without pytest-xdist"""


@pytest.fixture
def sre_run(request: pytest.FixtureRequest) -> "Run":
    """Give the run against the target; skip the test when there is no target."""
    run = request.config.stash.get(RUN, None)
    if run is None:
        pytest.skip(NO_TARGET)
    return run


@pytest.fixture
def fly_machine(request: pytest.FixtureRequest, sre_run: "Run") -> "FlyMachine":
    """Give one Machine; the test is run once for each Machine of the target."""
    return sre_run.machine(request.param)


@pytest.fixture
def fly_app(request: pytest.FixtureRequest, sre_run: "Run") -> "FlyApp":
    """Give one app of the target: that of ``fly_machine`` when the test asks for both."""
    if "fly_machine" in request.fixturenames:
        machine: FlyMachine = request.getfixturevalue("fly_machine")
        return machine.app
    return sre_run.app(getattr(request, "param", None))


@pytest.fixture
def probe(request: pytest.FixtureRequest, sre_run: "Run") -> "Probe":
    """Give the probes: http, tcp, tls, dns, postgres, redis, s3. Each looks once, and records."""
    return sre_run.probe(request.node.stash[EVIDENCE])


@pytest.fixture
def journey(request: pytest.FixtureRequest, sre_run: "Run") -> "Journeys":
    """Give the target's journeys: ``journey.run("checkout")``."""
    return sre_run.journeys(request.node.stash[EVIDENCE])


@pytest.fixture
def journey_name(request: pytest.FixtureRequest, sre_run: "Run") -> str:
    """Give the name of a journey; the test is run once for each that is registered."""
    return sre_run.journey_name(request.param)


@pytest.fixture
def bake(sre_run: "Run") -> "Bake":
    """Give what was observed during the bake; waits until the window has ended."""
    return sre_run.bake()


@pytest.fixture
def slo(sre_run: "Run") -> "Slo":
    """Give objectives: ``slo.availability(0.999).check(bake)``, ``slo.budget("checkout")``."""
    return sre_run.objectives.slo


@pytest.fixture
def load(request: pytest.FixtureRequest, sre_run: "Run") -> "Load":
    """Give loads: ``load.run("checkout", rate=200, duration="30s")``."""
    # Imported here, since every pytest loads this file, with a target or without.
    from pytest_sre.run.loads import load_of

    keeps = request.config.getoption("sre_load_baseline") == "update"
    return load_of(sre_run, request.node.stash[EVIDENCE], keeps_baselines=keeps)


@pytest.fixture
def chaos(request: pytest.FixtureRequest, sre_run: "Run") -> "Iterator[Chaos]":
    """Do something to the target: ``with chaos.kill_machine(fly_app, any=1)``; always undone."""
    # Imported here, since every pytest loads this file, with a target or without.
    from pytest_sre.run.chaos import chaos_of

    if hasattr(request.config, "workerinput") and "chaos" not in request.node.fixturenames:
        # It began beside others, and must not wait for them now: one may wait for what it has.
        raise Inconclusive(NOT_ALONE, cause="own test: chaos beside others")
    final = (pytest.exit.Exception,)
    with chaos_of(sre_run, request.node.stash[EVIDENCE], final=final) as given:
        yield given


@pytest.fixture
def watch(request: pytest.FixtureRequest, sre_run: "Run") -> "Iterator[Watch]":
    """Give traffic that shows what users see: ``watch("checkout", rate=20)``, used in ``with``."""
    # Imported here, since every pytest loads this file, with a target or without.
    from pytest_sre.run.chaos import watch_of

    with watch_of(sre_run, request.node.stash[EVIDENCE]) as given:
        yield given


@pytest.fixture
def logs(request: pytest.FixtureRequest, sre_run: "Run") -> "Logs":
    """Give the log since the deploy, that of the bake included; waits until it has ended."""
    return sre_run.logs(request.node.stash[EVIDENCE])


@pytest.fixture
def alerts(sre_run: "Run") -> "Alerts":
    """Give the alerts: their rules, ``alerts.expect("Burn", within="2m")``, ``alerts.quiet()``."""
    return sre_run.alerts


@pytest.fixture
def eventually(request: pytest.FixtureRequest, sre_run: "Run") -> "Callable[..., object]":
    """Retry a check: ``eventually(check, within="30s")``; a late pass is counted as a flake."""
    return sre_run.eventually(request.node.stash[EVIDENCE])


@pytest.fixture
def risk(request: pytest.FixtureRequest, sre_run: "Run") -> "Risks":  # noqa: ARG001
    """Tell of a risk without failing: ``risk.report("one Machine in ams", evidence, "high")``."""
    # Imported here, since every pytest loads this file, with a target or without.
    from pytest_sre.run.risks import Risks

    return Risks(request.node.stash[EVIDENCE])
