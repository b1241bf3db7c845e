"""What a PromQL query evaluates to, as values.

Times are Unix seconds. A value may be NaN or infinite: 0 / 0 is NaN in PromQL, too.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of one series."""

    labels: Mapping[str, str]
    at: float
    value: float


@dataclass(frozen=True, slots=True)
class Series:
    """The values of one series in time: pairs of when and what, oldest first."""

    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Vector:
    """One value for each of several series.

    Attributes:
        samples: the values; none when no series matches.
        warnings: what the server says about the answer, such as that it is partial.
    """

    samples: tuple[Sample, ...] = ()
    warnings: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Sample]:
        return iter(self.samples)

    def __len__(self) -> int:
        return len(self.samples)


@dataclass(frozen=True, slots=True)
class Matrix:
    """Several values for each of several series.

    Attributes:
        series: the series; none when none matches.
        warnings: what the server says about the answer.
    """

    series: tuple[Series, ...] = ()
    warnings: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Series]:
        return iter(self.series)

    def __len__(self) -> int:
        return len(self.series)


@dataclass(frozen=True, slots=True)
class Scalar:
    """One number that belongs to no series."""

    at: float
    value: float
    warnings: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Text:
    """A string; only a query that is one evaluates to it."""

    at: float
    value: str
    warnings: tuple[str, ...] = field(default=())


Result = Vector | Matrix | Scalar | Text
