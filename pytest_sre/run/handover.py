"""What the process that began a run tells those that join it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Handover:
    """What to know of a run to join it, as primitives.

    ``machines`` holds, by app, the id, name, region and process group of each Machine, so that
    every process makes the same tests; ``own_fault`` the reason and the cause of what kept them
    from being listed.
    """

    recording: str
    platform: str
    machines: Mapping[str, list[tuple[str, str, str, str]]]
    since_at: float | None
    own_fault: tuple[str, str] | None = None

    def to_text(self) -> str:
        """Write it as JSON."""
        return json.dumps(self.__dict__)

    @property
    def recording_path(self) -> Path:
        """The file that the run is recorded in."""
        return Path(self.recording)

    @classmethod
    def from_text(cls, text: str) -> "Handover":
        """Read what ``to_text`` wrote."""
        return cls(**json.loads(text))
