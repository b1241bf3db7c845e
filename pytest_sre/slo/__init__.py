"""Objectives and honest verdicts on them: what a sample of a given size can and cannot say."""

from pytest_sre.slo.comparing import (
    Comparison,
    Relation,
    compare_latencies,
    compare_percentiles,
    compare_ratios,
)
from pytest_sre.slo.histogram import LatencyHistogram
from pytest_sre.slo.percentiles import Samples, bound_percentile, judge_percentile
from pytest_sre.slo.proportion import Judgement, judge_ratio, samples_to_settle
from pytest_sre.slo.sequences import RatioSequence, watch_ratio

__all__ = [
    "Comparison",
    "Judgement",
    "LatencyHistogram",
    "RatioSequence",
    "Relation",
    "Samples",
    "bound_percentile",
    "compare_latencies",
    "compare_percentiles",
    "compare_ratios",
    "judge_percentile",
    "judge_ratio",
    "samples_to_settle",
    "watch_ratio",
]
