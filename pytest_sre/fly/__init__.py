"""The platform's client: Fly's APIs as typed calls, values and errors.

The local platform speaks the same APIs, so the same client talks to it. The names are loaded
when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_sre.fly.client import Fly
    from pytest_sre.fly.config import MachineConfig
    from pytest_sre.fly.errors import (
        Conflict,
        FlyError,
        Forbidden,
        Invalid,
        NotFound,
        PreconditionFailed,
        RateLimited,
        TimedOut,
        TokenMissing,
        Unauthorized,
        UnexpectedAnswer,
        Unreachable,
    )
    from pytest_sre.fly.metric_values import Matrix, Sample, Scalar, Series, Vector
    from pytest_sre.fly.metrics import Prometheus
    from pytest_sre.fly.models import LogEntry, Machine, Release
    from pytest_sre.fly.tokens import Token, token_from_environment

_HOMES = {
    "Conflict": "errors",
    "Fly": "client",
    "FlyError": "errors",
    "Forbidden": "errors",
    "Invalid": "errors",
    "LogEntry": "models",
    "Machine": "models",
    "MachineConfig": "config",
    "Matrix": "metric_values",
    "NotFound": "errors",
    "PreconditionFailed": "errors",
    "Prometheus": "metrics",
    "RateLimited": "errors",
    "Release": "models",
    "Sample": "metric_values",
    "Scalar": "metric_values",
    "Series": "metric_values",
    "TimedOut": "errors",
    "Token": "tokens",
    "TokenMissing": "errors",
    "Unauthorized": "errors",
    "UnexpectedAnswer": "errors",
    "Unreachable": "errors",
    "Vector": "metric_values",
    "token_from_environment": "tokens",
}

__all__ = [
    "Conflict",
    "Fly",
    "FlyError",
    "Forbidden",
    "Invalid",
    "LogEntry",
    "Machine",
    "MachineConfig",
    "Matrix",
    "NotFound",
    "PreconditionFailed",
    "Prometheus",
    "RateLimited",
    "Release",
    "Sample",
    "Scalar",
    "Series",
    "TimedOut",
    "Token",
    "TokenMissing",
    "Unauthorized",
    "UnexpectedAnswer",
    "Unreachable",
    "Vector",
    "token_from_environment",
]


def __getattr__(name: str) -> object:
    try:
        home = _HOMES[name]
    except KeyError:
        raise AttributeError(f"module 'pytest_sre.fly' has no attribute {name!r}") from None
    return getattr(import_module(f"pytest_sre.fly.{home}"), name)
