"""Opens the tracker that a project names."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pytest_sre.issues.files import FileTracker
from pytest_sre.issues.history import History
from pytest_sre.issues.tracker import Project, Tracker, TrackerError
from pytest_sre.targets.settings import IssueSettings

LOCAL: Final = IssueSettings.tracker


def is_live(tracker: str) -> bool:
    """Whether issues of this tracker are seen by others than who works in this folder."""
    return not tracker.startswith("files:")


def open_tracker(
    tracker: str, settings: IssueSettings, root: Path, environment: Mapping[str, str]
) -> Tracker:
    """Open a tracker; nothing is contacted.

    Args:
        tracker: ``files:FOLDER`` or ``github:OWNER/NAME``.
        settings: how it is reached.
        root: the project's folder.
        environment: the process's; tokens are in it.

    Raises:
        TrackerError: nothing says who asks.
    """
    kind, _, place = tracker.partition(":")
    if kind == "files":
        return FileTracker(root, place)
    # PyGithub takes long to import, and is not needed for files.
    from pytest_sre.issues.github import (
        APP_VARIABLES,
        PUBLIC_API,
        TOKEN_VARIABLES,
        GithubTracker,
        auth_from,
    )

    auth = auth_from(environment)
    if auth is None:
        raise TrackerError(
            f"{tracker}: expected a token, found none of {', '.join(TOKEN_VARIABLES)}\n"
            f"set one that may write issues there, or a GitHub App's {', '.join(APP_VARIABLES)}"
        )
    return GithubTracker(place, auth, api_url=settings.api_url or PUBLIC_API)


def open_project(tracker: Tracker, settings: IssueSettings) -> Project | None:
    """Open the project that a tracker's issues are put on; None when there is none.

    Args:
        tracker: as it was opened.
        settings: which project it is.
    """
    if settings.project is None or not is_live(tracker.name):
        return None
    # PyGithub takes long to import.
    from pytest_sre.issues.github import GithubTracker
    from pytest_sre.issues.github_project import GithubProject

    if not isinstance(tracker, GithubTracker):
        return None
    return GithubProject(tracker, tracker.name.partition(":")[2], settings.project)


def open_history(
    tracker: str, settings: IssueSettings, environment: Mapping[str, str]
) -> History | None:
    """Open what a tracker knows of the code; None when it knows nothing. Nothing is contacted.

    Args:
        tracker: ``files:FOLDER`` or ``github:OWNER/NAME``.
        settings: how it is reached.
        environment: the process's; tokens are in it.
    """
    kind, _, place = tracker.partition(":")
    if kind == "files":
        return None
    # PyGithub takes long to import.
    from pytest_sre.issues.github import PUBLIC_API, GithubTracker, auth_from
    from pytest_sre.issues.github_history import GithubHistory

    auth = auth_from(environment)
    if auth is None:
        return None
    return GithubHistory(GithubTracker(place, auth, api_url=settings.api_url or PUBLIC_API))
