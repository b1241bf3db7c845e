"""What is made from the objectives for other programs: rules, their tests, dashboards, routing.

All of it is a function of the objectives alone: the same ones give the same text, so that it can
be committed, and be checked for being stale.
"""

from pytest_sre.slo.generated.rules import RuleFile, rule_file
from pytest_sre.slo.generated.watched import Timing, Watched

__all__ = ["RuleFile", "Timing", "Watched", "rule_file"]
