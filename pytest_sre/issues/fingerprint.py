"""The name of a cause: the same in every run that sees it, another for another cause."""

import hashlib
from typing import Final

_DIGITS: Final = 16


def fingerprint(*identity: str) -> str:
    """Give 16 hexadecimal digits for what a cause is.

    Args:
        identity: what it is, the kind first, without anything that differs from run to run.
    """
    joined = "\0".join(identity)
    return hashlib.sha256(joined.encode("utf-8", "replace")).hexdigest()[:_DIGITS]
