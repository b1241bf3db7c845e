"""What the platform remembers of a release, and how its two APIs show it."""

import time
from dataclasses import dataclass, field
from typing import Any, Final

from pytest_sre.local.naming import rfc3339, ulid

STATUSES: Final = ("pending", "running", "complete", "failed", "interrupted")
USER: Final = {"id": "local", "email": "local@localhost", "name": "local"}


@dataclass
class Release:
    """One release of an app; its status is the only thing that changes.

    Args:
        version: its number, from 1.
        image: what it brings onto the app's Machines.
        strategy: how, in capitals: ROLLING, CANARY, IMMEDIATE, BLUEGREEN.
        definition: the fly.toml it is made from, as a document; None when it was not sent.
        metadata: what the deploying program says about it.
    """

    version: int
    image: str
    strategy: str = "ROLLING"
    definition: dict[str, Any] | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    status: str = "pending"
    id: str = field(default_factory=lambda: f"rel_{ulid().lower()}")
    created_at: float = field(default_factory=time.time)
    updated_at: float = field(default_factory=time.time)

    @property
    def in_progress(self) -> bool:
        """Whether it is not over yet."""
        return self.status in ("pending", "running")

    @property
    def is_stable(self) -> bool:
        """Whether it came to a good end."""
        return self.status == "complete"

    def become(self, status: str) -> None:
        """Note how it stands.

        Raises:
            ValueError: there is no such status.
        """
        if status not in STATUSES:
            raise ValueError(f"unknown release status {status!r}")
        self.status = status
        self.updated_at = time.time()

    def view(self) -> dict[str, Any]:
        """As the REST API beside the Machines API shows it."""
        return {
            "id": self.id,
            "version": self.version,
            "stable": self.is_stable,
            "in_progress": self.in_progress,
            "status": self.status,
            "strategy": self.strategy,
            "user": USER["email"],
            "created_at": rfc3339(self.created_at),
            "image_ref": self.image,
        }

    def graph(self) -> dict[str, Any]:
        """As the GraphQL API shows it."""
        return {
            "id": self.id,
            "version": self.version,
            "status": self.status,
            "stable": self.is_stable,
            "inProgress": self.in_progress,
            "description": "Release",
            "reason": "change_image",
            "deploymentStrategy": self.strategy,
            "imageRef": self.image,
            "configDefinition": self.definition,
            "evaluationId": "",
            "user": {"__typename": "User", **USER},
            "metadata": self.metadata,
            "createdAt": rfc3339(self.created_at),
            "updatedAt": rfc3339(self.updated_at),
        }
