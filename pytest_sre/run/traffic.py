"""Asks a target's metrics how many events its objectives have, and by which buckets they count."""

import contextlib
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from pytest_sre.fly.client import Fly
from pytest_sre.fly.errors import FlyError, Invalid
from pytest_sre.fly.metric_values import Scalar, Vector
from pytest_sre.fly.metrics import Prometheus
from pytest_sre.fly.organization import organization_of
from pytest_sre.local.places import by_hand_dir
from pytest_sre.local.platform import LocalPlatform, LocalPlatformError
from pytest_sre.run.platforms import client_of
from pytest_sre.slo.feasibility import Traffic, asked_buckets
from pytest_sre.slo.queries import event_queries, is_asked, selector
from pytest_sre.targets import Settings
from pytest_sre.targets.objectives import Edge, Objective
from pytest_sre.verdict import Inconclusive

_DAY_S: Final = 86_400.0


@dataclass(frozen=True)
class Measurement:
    """The traffic by objective, and why some of it is not known."""

    traffic: Mapping[str, Traffic] = field(default_factory=lambda: MappingProxyType({}))
    unknown: tuple[str, ...] = ()


def measure_traffic(settings: Settings) -> Measurement:
    """Ask a target's metrics about the last day. What could not be asked is in ``unknown``."""
    asked = [one for one in settings.objectives if is_asked(one)]
    if not asked:
        return Measurement()
    found: dict[str, Traffic] = {}
    unknown: list[str] = []
    try:
        with open_metrics(settings) as prometheus:
            for objective in asked:
                app = objective.app or settings.target.apps[0].name
                try:
                    found[objective.name] = _traffic(prometheus, objective, app)
                except (Inconclusive, Invalid, ValueError) as error:
                    unknown.append(_line(f"{objective.name}: {error}"))
    except (FlyError, LocalPlatformError, Inconclusive) as error:
        unknown.append(_line(str(error)))
    return Measurement(MappingProxyType(found), tuple(unknown))


def _traffic(prometheus: Prometheus, objective: Objective, app: str) -> Traffic:
    return Traffic(
        events_per_s=_last_day(prometheus, objective, app) / _DAY_S,
        bounds=_bounds(prometheus, objective, app),
    )


def _last_day(prometheus: Prometheus, objective: Objective, app: str) -> float:
    query = event_queries(objective, app).over(_DAY_S).total
    found = prometheus.query(query)
    match found:
        case Vector(samples=samples):
            values = [sample.value for sample in samples]
        case Scalar(value=value):
            values = [value]
        case _:
            values = []
    if not values or not math.isfinite(sum(values)):
        raise Inconclusive(f"the metrics tell of no events: no value for {query}")
    return max(0.0, sum(values))


def _bounds(prometheus: Prometheus, objective: Objective, app: str) -> tuple[float, ...] | None:
    buckets = asked_buckets(objective)
    if buckets is None:
        return None
    of_app = {"app": app} if isinstance(objective.source, Edge) else {}
    names = prometheus.label_values("le", matching=selector(buckets.metric, **of_app))
    return tuple(float(name) for name in names)


@contextlib.contextmanager
def open_metrics(settings: Settings) -> Iterator[Prometheus]:
    """Open a target's metrics; a local platform has to run already.

    Raises:
        Inconclusive: no local platform runs.
        FlyError: there is no token, or the target's organization is not known.
        LocalPlatformError: the local platform cannot be talked to.
    """
    if settings.target.platform == "local":
        with contextlib.closing(_by_hand(settings)) as platform, client_of(platform) as fly:
            yield fly.metrics(organization_of(fly, settings.target))
        return
    with Fly.from_environment(os.environ) as fly:
        yield fly.metrics(organization_of(fly, settings.target))


def _by_hand(settings: Settings) -> LocalPlatform:
    platform = LocalPlatform.attach(by_hand_dir(settings.root))
    if platform is None:
        raise Inconclusive("no local platform runs: pytest-sre local up starts one")
    return platform


def _line(text: str) -> str:
    return "; ".join(text.splitlines())
