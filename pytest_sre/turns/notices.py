"""The text of notices: until when it is whose turn. Pure."""

import re
import time
from dataclasses import dataclass

from pytest_sre.turns.purposes import Purpose

_TEXT = re.compile(r"(\d{1,15}) (.{1,100})", re.DOTALL)


@dataclass(frozen=True)
class Notice:
    """A notice.

    Attributes:
        until_at: when it no longer counts, Unix seconds.
        run: whose turn it is.
    """

    until_at: float
    run: str

    @property
    def text(self) -> str:
        """Its text, as others read it."""
        return f"{self.until_at:.0f} {self.run}"

    @property
    def holder(self) -> str:
        """Whose turn it is and until when, for people."""
        clock = time.strftime("%H:%M:%S UTC", time.gmtime(self.until_at))
        return f"the run {self.run}, until {clock} at the latest"


def key_prefix(purpose: Purpose) -> str:
    """Give what the keys of notices begin with."""
    return f"sre-{purpose.name}-"


def read_notice(text: str) -> Notice:
    """Read a notice; one that is none has ended long ago."""
    found = _TEXT.match(text)
    return Notice(float(found[1]), found[2]) if found else Notice(0.0, "")
