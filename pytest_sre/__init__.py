"""Reliability work written and run as ordinary pytest tests.

The names for authors of suites and journeys; each is loaded when it is first used, so that
importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_sre.alerts.facade import Alerts
    from pytest_sre.bake.window import Bake
    from pytest_sre.chaos.facade import Chaos
    from pytest_sre.chaos.fly import discover
    from pytest_sre.chaos.watching import Traffic, Watch
    from pytest_sre.fly.fleet import FlyApp, FlyMachine
    from pytest_sre.journeys import journey
    from pytest_sre.journeys.run import Journeys
    from pytest_sre.load.facade import Load
    from pytest_sre.load.result import LoadResult
    from pytest_sre.logs.facade import Logs
    from pytest_sre.probes.eventually import eventually
    from pytest_sre.probes.facade import Probe
    from pytest_sre.run.risks import Risks
    from pytest_sre.slo.facade import Slo
    from pytest_sre.verdict.values import Inconclusive, NotAsked, Verdict

__version__ = "0.1.0"

_HOMES = {
    "Alerts": "pytest_sre.alerts.facade",
    "Bake": "pytest_sre.bake.window",
    "Chaos": "pytest_sre.chaos.facade",
    "FlyApp": "pytest_sre.fly.fleet",
    "FlyMachine": "pytest_sre.fly.fleet",
    "Inconclusive": "pytest_sre.verdict.values",
    "Journeys": "pytest_sre.journeys.run",
    "Load": "pytest_sre.load.facade",
    "LoadResult": "pytest_sre.load.result",
    "Logs": "pytest_sre.logs.facade",
    "NotAsked": "pytest_sre.verdict.values",
    "Probe": "pytest_sre.probes.facade",
    "Risks": "pytest_sre.run.risks",
    "Slo": "pytest_sre.slo.facade",
    "Traffic": "pytest_sre.chaos.watching",
    "Verdict": "pytest_sre.verdict.values",
    "Watch": "pytest_sre.chaos.watching",
    "discover": "pytest_sre.chaos.fly",
    "eventually": "pytest_sre.probes.eventually",
    "journey": "pytest_sre.journeys",
}

__all__ = [
    "Alerts",
    "Bake",
    "Chaos",
    "FlyApp",
    "FlyMachine",
    "Inconclusive",
    "Journeys",
    "Load",
    "LoadResult",
    "Logs",
    "NotAsked",
    "Probe",
    "Risks",
    "Slo",
    "Traffic",
    "Verdict",
    "Watch",
    "__version__",
    "discover",
    "eventually",
    "journey",
]


def __getattr__(name: str) -> object:
    try:
        home = _HOMES[name]
    except KeyError:
        raise AttributeError(f"module 'pytest_sre' has no attribute {name!r}") from None
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
