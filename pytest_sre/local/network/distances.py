"""How long a round trip between two regions takes.

Fly publishes no such table. Ours is made from where the regions are: the great-circle distance at
the speed of light in fibre, times what cables go around, which comes close to what users measure.
"""

import math
from functools import cache
from typing import Final

from pytest_sre.local.regions import COORDINATES

_EARTH_RADIUS_KM: Final = 6371.0
_LIGHT_IN_FIBRE_KM_S: Final = 200_000.0
_DETOUR: Final = 1.5
_WITHIN_A_REGION_S: Final = 0.0005


@cache
def round_trip_s(one: str, other: str) -> float:
    """Seconds from one region to the other and back; 0 when a region is unknown."""
    if one not in COORDINATES or other not in COORDINATES:
        return 0.0
    if one == other:
        return _WITHIN_A_REGION_S
    return 2 * _DETOUR * _distance_km(COORDINATES[one], COORDINATES[other]) / _LIGHT_IN_FIBRE_KM_S


def is_known(region: str) -> bool:
    """Whether there is such a region."""
    return region in COORDINATES


def _distance_km(one: tuple[float, float], other: tuple[float, float]) -> float:
    """The great-circle distance, by the haversine formula."""
    (lat1, lon1), (lat2, lon2) = (tuple(map(math.radians, each)) for each in (one, other))
    half = (
        math.sin((lat2 - lat1) / 2) ** 2
        + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    )
    return 2 * _EARTH_RADIUS_KM * math.asin(math.sqrt(half))
