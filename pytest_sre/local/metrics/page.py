"""A page in Prometheus' text format."""

from collections.abc import Set as AbstractSet
from itertools import accumulate

from pytest_sre.local.metrics.families import Family
from pytest_sre.local.metrics.meter import BOUNDS_S, Histogram

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
_BOUNDS = tuple(f',le="{bound}"}}' for bound in (*(f"{each:g}" for each in BOUNDS_S), "+Inf"))
_NOTHING_YET = Histogram()


def labels(**values: str) -> str:
    """Labels as they stand between the braces; several of these are joined by commas.

    Source: the text format, https://prometheus.io/docs/instrumenting/exposition_formats/.
    """
    return ",".join(f'{name}="{value.translate(_ESCAPES)}"' for name, value in values.items())


class Page:
    """Collects samples in any order and writes them family by family.

    What is counted (``count``, ``count_times``) shows 0 when it is new, and its counts from the
    next page on. Prometheus' ``increase()`` takes a series' first sample for its beginning, so it
    would miss the first failures of a quiet app, which are the ones that matter. VictoriaMetrics,
    which Fly uses, counts them.

    The client library's writer gives every counter a name that ends in ``_total``; none of Fly's
    does.

    Args:
        known: what was counted on the page before.

    Attributes:
        counted: what is counted on this one.
    """

    def __init__(self, known: AbstractSet[str] = frozenset()) -> None:
        self._known = known
        self.counted: set[str] = set()
        self._families: dict[str, list[str]] = {}

    def show(self, family: Family, labelled: str, value: float) -> None:
        """Add one sample of a counter or gauge, as it is."""
        self._lines(family).append(f"{family.name}{{{labelled}}} {value}\n")

    def count(self, family: Family, labelled: str, value: int) -> None:
        """Add one sample of a counter."""
        series = f"{family.name}{{{labelled}}}"
        self._lines(family).append(f"{series} {value if self._is_known(series) else 0}\n")

    def count_times(self, family: Family, labelled: str, histogram: Histogram) -> None:
        """Add all series of a histogram."""
        name, lines = family.name, self._lines(family)
        shown = histogram if self._is_known(f"{name}{{{labelled}}}") else _NOTHING_YET
        begin = f"{name}_bucket{{{labelled}"
        totals = list(accumulate(shown.counts))
        lines += [f"{begin}{end} {total}\n" for end, total in zip(_BOUNDS, totals, strict=True)]
        lines.append(f"{name}_sum{{{labelled}}} {shown.sum_s}\n")
        lines.append(f"{name}_count{{{labelled}}} {totals[-1]}\n")

    def render(self) -> bytes:
        """The page's bytes."""
        return "".join("".join(lines) for lines in self._families.values()).encode()

    def _is_known(self, series: str) -> bool:
        self.counted.add(series)
        return series in self._known

    def _lines(self, family: Family) -> list[str]:
        lines = self._families.get(family.name)
        if lines is None:
            header = f"# HELP {family.name} {family.meaning}\n# TYPE {family.name} {family.kind}\n"
            lines = self._families[family.name] = [header]
        return lines
