"""Objectives and honest verdicts on them: what a sample of a given size can and cannot say."""

from pytest_sre.slo.proportion import Judgement, judge_ratio, samples_to_settle

__all__ = ["Judgement", "judge_ratio", "samples_to_settle"]
