"""An app's secrets: names, values and digests, and the version that each change makes."""

import hashlib
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pytest_sre.local.naming import rfc3339

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DIGEST_DIGITS: Final = 16


@dataclass(frozen=True)
class StoredSecret:
    """A secret; its value goes to Machines and is never shown. Times in Unix seconds."""

    value: str
    created_at: float
    updated_at: float

    @property
    def digest(self) -> str:
        """What tells one value from another without telling the value."""
        return hashlib.sha256(self.value.encode()).hexdigest()[:_DIGEST_DIGITS]

    def view(self, name: str) -> dict[str, Any]:
        """As the API shows it: name and digest."""
        return {
            "name": name,
            "digest": self.digest,
            "created_at": rfc3339(self.created_at),
            "updated_at": rfc3339(self.updated_at),
        }


class SecretBook(Mapping[str, StoredSecret]):
    """The secrets of one app. A Machine gets those of the time when it is created or updated.

    Attributes:
        version: how often they were changed; one call is one change.
    """

    def __init__(self) -> None:
        self.version = 0
        self._stored: dict[str, StoredSecret] = {}

    def __getitem__(self, name: str) -> StoredSecret:
        return self._stored[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._stored)

    def __len__(self) -> int:
        return len(self._stored)

    def environment(self) -> dict[str, str]:
        """Name to value, for a Machine's environment."""
        return {name: secret.value for name, secret in self._stored.items()}

    def views(self) -> list[dict[str, Any]]:
        """As the API shows them, by name."""
        return [secret.view(name) for name, secret in sorted(self._stored.items())]

    def change(self, values: Mapping[str, str | None]) -> int:
        """Set secrets; None removes one.

        Returns:
            The version that has them.

        Raises:
            ValueError: a name or a value cannot be that of an environment variable; nothing
                was changed.
        """
        for name, value in values.items():
            _check(name, value)
        now = time.time()
        for name, value in values.items():
            before = self._stored.get(name)
            if value is None:
                self._stored.pop(name, None)
            else:
                self._stored[name] = StoredSecret(value, before.created_at if before else now, now)
        self.version += 1
        return self.version


def _check(name: str, value: str | None) -> None:
    if not _NAME.fullmatch(name):
        raise ValueError(f"invalid secret name {name!r}: expected letters, digits and _")
    if value is not None and "\0" in value:
        raise ValueError(f"invalid value of secret {name!r}: it has a NUL character")
