"""From an objective to counts of its events: of what runs observe, of logs, of metrics.

``events`` takes rows of a recording, ``lines`` lines of a log, ``metrics`` asks a Prometheus, and
``days`` completes what metrics have forgotten from the ledger. Each gives a `Measured`.
"""

from pytest_sre.slo.measuring.values import Measurable, Measured, Part

__all__ = ["Measurable", "Measured", "Part"]
