"""What the shop sells when it opens."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Product:
    """A product; its price in cents, and how many can still be sold."""

    id: str
    name: str
    price_cents: int
    stock: int


CATALOGUE = (
    Product("gift-card", "Gift card", 2500, 1_000_000_000),
    Product("mug", "Mug with a burn-rate chart", 1290, 100_000),
    Product("notebook", "Notebook for running logs", 890, 100_000),
    Product("pager", "Pager, refurbished", 4900, 5_000),
    Product("poster", "Poster of a quiet dashboard", 1950, 20_000),
    Product("signed-handbook", "On-call handbook, signed", 5900, 10),
    Product("socks", "Socks, one pair, redundant", 990, 100_000),
    Product("umbrella", "Umbrella for the next outage", 2190, 20_000),
)
