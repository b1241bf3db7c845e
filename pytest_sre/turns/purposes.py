"""What a turn can be taken for. Turns of different purposes do not keep each other out. Pure."""

from dataclasses import dataclass
from typing import Final

from pytest_sre.verdict import Inconclusive


@dataclass(frozen=True)
class Purpose:
    """What a turn is taken for.

    Attributes:
        name: in one word, also part of the names of locks and notices.
        why: why there is one at a time.
        ttl_s: for how long a notice counts that its process no longer renews, seconds; None for
            notices that are not renewed and count until the end that was foreseen.
    """

    name: str
    why: str
    ttl_s: float | None = None

    def taken(self, target: str, who: str) -> Inconclusive:
        """Say that it is somebody else's turn."""
        return Inconclusive(
            f"expected no other {self.name} on {target}, found that of {who}\n"
            f"{self.why}; run it again when that one has ended",
            cause=f"another {self.name} on {target}",
        )


LOAD: Final = Purpose("load", "two at once would judge each other")
CHAOS: Final = Purpose("chaos", "of two at once nobody could tell which did what", ttl_s=60.0)
