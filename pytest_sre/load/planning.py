"""From what a test asks for to a plan of load. Pure."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import pytest_sre
from pytest_sre.load.plan import Closed, LoadPlan, Open, Spacing, Stage
from pytest_sre.targets.durations import Duration, parse_duration_s

StatedStage = tuple[Duration, float | tuple[float, float]]
"""How long, and the rate; or the rates at its beginning and at its end."""

RUN_HEADER: Final = "x-sre-run"
_NONE: Mapping[str, str] = MappingProxyType({})


def workload_of(
    *,
    rate: float | None = None,
    users: int | None = None,
    duration: Duration | None = None,
    stages: Sequence[StatedStage] = (),
    spacing: Spacing = "even",
    ramp: Duration = 0.0,
    pause: Duration = 0.0,
) -> Open | Closed:
    """Give the workload that is meant by what was stated.

    Raises:
        ValueError: more or less than one kind of workload is stated, or a number is out of range.
    """
    stated = [rate is not None, users is not None, bool(stages)]
    if stated.count(True) != 1:
        raise ValueError(
            "expected one of rate=, stages= and users=, found "
            f"{'none' if not any(stated) else 'several'}\n"
            "give rate= or stages= for arrivals a second, users= for users who take turns"
        )
    if stages:
        if duration is not None:
            raise ValueError("expected no duration= beside stages=: each stage has its own")
        return Open(stages=tuple(map(_stage, stages)), spacing=spacing)
    if duration is None:
        raise ValueError('expected how long the load lasts, such as duration="30s", found nothing')
    duration_s = parse_duration_s(duration)
    if users is not None:
        return Closed(
            users=users,
            duration_s=duration_s,
            ramp_s=parse_duration_s(ramp),
            pause_s=parse_duration_s(pause),
        )
    assert rate is not None
    return Open(stages=(Stage(duration_s=duration_s, from_rate=rate),), spacing=spacing)


def plan_of(
    workload: Open | Closed,
    *,
    run: str,
    mix: Mapping[str, float] | None = None,
    locustfile: str = "",
    delay: Duration = 0.0,
    warm_up: Duration = 0.0,
    timeout: Duration = 30.0,
    headers: Mapping[str, str] = _NONE,
    seed: int = 1,
) -> LoadPlan:
    """Give the plan of a load, whose requests are marked with the run that makes it.

    Raises:
        ValueError: a number is out of range, or there is nothing to do.
    """
    return LoadPlan(
        workload=workload,
        mix=dict(mix or {}),
        locustfile=locustfile,
        delay_s=parse_duration_s(delay),
        warm_up_s=parse_duration_s(warm_up),
        timeout_s=parse_duration_s(timeout),
        headers={
            "user-agent": f"pytest-sre/{pytest_sre.__version__} (load)",
            RUN_HEADER: run,
            **headers,
        },
        seed=seed,
    )


def _stage(stated: StatedStage) -> Stage:
    duration, rate = stated
    from_rate, to_rate = rate if isinstance(rate, tuple) else (rate, None)
    return Stage(duration_s=parse_duration_s(duration), from_rate=from_rate, to_rate=to_rate)
