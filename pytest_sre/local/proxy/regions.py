"""Names that stand for several regions in routing headers: ``eu``, ``us`` and their like."""

from typing import Final

ANYWHERE: Final = "any"
_US: Final = frozenset({"atl", "bos", "den", "dfw", "ewr", "iad", "lax", "mia", "ord", "phx"})
_ALIASES: Final = {
    "us": _US | {"sea", "sjc"},
    "na": _US | {"sea", "sjc", "yul", "yyz", "gdl", "qro"},
    "sa": frozenset({"bog", "eze", "gig", "gru", "scl"}),
    "eu": frozenset({"ams", "arn", "cdg", "fra", "lhr", "mad", "otp", "waw"}),
    "apac": frozenset({"bom", "hkg", "nrt", "sin", "syd"}),
}


def is_in(region: str, wished: str) -> bool:
    """Whether a region is the wished for, or one of those that its alias stands for."""
    return wished in (ANYWHERE, region) or region in _ALIASES.get(wished, ())


def read_regions(text: str) -> tuple[str, ...]:
    """Read ``iad,eu,any``: regions and aliases in order of preference."""
    return tuple(region for part in text.split(",") if (region := part.strip().lower()))
