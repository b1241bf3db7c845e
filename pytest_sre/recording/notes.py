"""The keys of what is noted with a run, beside its rows."""

from typing import Final

TARGET: Final = "target"
VERDICT: Final = "verdict"
VERSION: Final = "version"
STARTED_AT: Final = "started_at"
"""When the run began, Unix seconds."""
PROCESS: Final = "process"
"""The id of the process that began the run."""
ENDED_AT: Final = "ended_at"
"""When it came to its verdict, Unix seconds."""
DEPLOYED: Final = "deployed:"
"""Begins the key of what is deployed of an app, as JSON."""
LIFTED: Final = "freeze lifted: "
"""Begins the key of why the freeze of releases by an objective was overridden."""
