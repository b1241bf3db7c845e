"""The platform's HTTP APIs: Machines, releases, logs, and the stand-in's own few calls."""

from pytest_sre.local.api.application import build_api

__all__ = ["build_api"]
