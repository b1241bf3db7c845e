"""Two releases side by side: whose requests were whose, and is the new one worse? Pure.

During a rolling deploy both serve. A request names its Machine, and the platform says which release
a Machine was of when.
"""

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pytest_sre.recording.rows import Exchange, MachineSeen
from pytest_sre.slo.comparing import (
    Comparison,
    PairSequence,
    Relation,
    compare_latencies,
    compare_ratios,
)
from pytest_sre.slo.counts import Counts
from pytest_sre.slo.percentiles import Samples
from pytest_sre.verdict import Inconclusive


@dataclass(frozen=True)
class ReleaseSamples:
    """What was asked of one release.

    Attributes:
        counts: its requests; those lost on our side are in none.
        times_s: how long each good answer took, in seconds, in the order of the requests.
    """

    counts: Counts
    times_s: tuple[float, ...] = ()

    @classmethod
    def of(cls, exchanges: Sequence[Exchange]) -> "ReleaseSamples":
        """Take requests as samples."""
        judged = [row for row in exchanges if not row.own_fault]
        times_s = tuple(row.total_s for row in judged if row.ok and math.isfinite(row.total_s))
        bad = sum(not row.ok for row in judged)
        return cls(Counts(bad, len(judged)), times_s)


@dataclass(frozen=True)
class ReleaseComparison:
    """The new release against the old one, by failed requests and by time."""

    failures: Comparison
    latency: Comparison

    @property
    def relation(self) -> Relation:
        """The worse of the two; what neither shows cannot be told yet."""
        relations = {self.failures.relation, self.latency.relation}
        if Relation.WORSE in relations:
            return Relation.WORSE
        is_shown = relations == {Relation.NO_WORSE}
        return Relation.NO_WORSE if is_shown else Relation.CANNOT_TELL

    def check(self) -> None:
        """Pass when the new release is no worse.

        Raises:
            AssertionError: it is worse.
            Inconclusive: the samples cannot tell.
        """
        text = f"the new release is {self}"
        if self.relation is Relation.WORSE:
            raise AssertionError(text)
        if self.relation is Relation.CANNOT_TELL:
            raise Inconclusive(text, cause="too few samples of two releases")

    def __str__(self) -> str:
        return f"{self.relation.value}\nfailed requests: {self.failures}\ntime: {self.latency}"


def compare_releases(
    new: ReleaseSamples,
    old: ReleaseSamples,
    *,
    failures: float,
    slower: float,
    anytime: bool = False,
) -> ReleaseComparison:
    """Compare two releases.

    Args:
        new: of the new one.
        old: of the old one.
        failures: by how much the share of failed requests may be higher, from 0 and below 1.
        slower: by how much the probability that an answer of the new one takes longer than one
            of the old one may exceed one half, from 0 and below 0.5.
        anytime: whether the answer is to hold however often one looks, for who stops when it
            suits; then answers are compared in pairs, the first with the first.

    Raises:
        ValueError: a margin is out of range.
    """
    return ReleaseComparison(
        compare_ratios(new.counts, old.counts, failures, anytime=anytime),
        _latency(new, old, slower, anytime=anytime),
    )


def _latency(
    new: ReleaseSamples, old: ReleaseSamples, margin: float, *, anytime: bool
) -> Comparison:
    if anytime:
        pairs = zip(new.times_s, old.times_s, strict=False)
        return PairSequence.begin(margin).fold(pairs).comparison
    return compare_latencies(Samples.of(new.times_s), Samples.of(old.times_s), margin)


def by_release(
    exchanges: Sequence[Exchange], seen: Sequence[MachineSeen]
) -> Mapping[int, ReleaseSamples]:
    """Sort requests by the release of their Machine at their time, the oldest release first.

    Requests without a Machine, and those before their Machine was seen, belong to none.

    Args:
        exchanges: requests.
        seen: the Machines as the platform described them, in the order of time.
    """
    changes: dict[str, list[tuple[float, int]]] = {}
    for row in sorted(seen, key=lambda row: row.at):
        changes.setdefault(row.machine, []).append((row.at, row.release_version))
    found: dict[int, list[Exchange]] = {}
    for exchange in exchanges:
        known = changes.get(exchange.machine, [])
        place = bisect_right(known, exchange.at, key=lambda change: change[0])
        if place and known[place - 1][1]:
            found.setdefault(known[place - 1][1], []).append(exchange)
    return {version: ReleaseSamples.of(rows) for version, rows in sorted(found.items())}
