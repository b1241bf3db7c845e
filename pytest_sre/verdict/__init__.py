"""What a run concludes: three-valued verdicts, how they merge, and the probable causes."""

from pytest_sre.verdict.values import Inconclusive, NotAsked, ObjectiveVerdict, Verdict, worst

__all__ = ["Inconclusive", "NotAsked", "ObjectiveVerdict", "Verdict", "worst"]
