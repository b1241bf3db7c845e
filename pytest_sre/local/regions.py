"""The regions that the platform knows: their names, and where they are."""

from collections.abc import Mapping
from typing import Final

REGIONS: Final[Mapping[str, str]] = {
    "ams": "Amsterdam, Netherlands",
    "arn": "Stockholm, Sweden",
    "bom": "Mumbai, India",
    "cdg": "Paris, France",
    "dfw": "Dallas, Texas (US)",
    "ewr": "Secaucus, NJ (US)",
    "fra": "Frankfurt, Germany",
    "gru": "Sao Paulo, Brazil",
    "iad": "Ashburn, Virginia (US)",
    "jnb": "Johannesburg, South Africa",
    "lax": "Los Angeles, California (US)",
    "lhr": "London, United Kingdom",
    "nrt": "Tokyo, Japan",
    "ord": "Chicago, Illinois (US)",
    "sin": "Singapore, Singapore",
    "sjc": "San Jose, California (US)",
    "syd": "Sydney, Australia",
    "yyz": "Toronto, Canada",
}

# Latitude and longitude in degrees, of the city.
COORDINATES: Final[Mapping[str, tuple[float, float]]] = {
    "ams": (52.4, 4.9),
    "arn": (59.3, 18.1),
    "bom": (19.1, 72.9),
    "cdg": (48.9, 2.4),
    "dfw": (32.8, -96.8),
    "ewr": (40.8, -74.1),
    "fra": (50.1, 8.7),
    "gru": (-23.5, -46.6),
    "iad": (39.0, -77.5),
    "jnb": (-26.2, 28.0),
    "lax": (34.1, -118.2),
    "lhr": (51.5, -0.1),
    "nrt": (35.7, 139.7),
    "ord": (41.9, -87.6),
    "sin": (1.4, 103.8),
    "sjc": (37.3, -121.9),
    "syd": (-33.9, 151.2),
    "yyz": (43.7, -79.4),
}
