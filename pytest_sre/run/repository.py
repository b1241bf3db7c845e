"""The repository that a project is in: where GitHub shows its files, and who owns them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from pytest_sre.issues.codeowners import PLACES

_GITHUB = "https://github.com"


@dataclass(frozen=True)
class Repository:
    """A checkout.

    Attributes:
        root: its folder.
        address: where GitHub shows it; empty when that is not known.
    """

    root: Path
    address: str = ""

    def link_to(self, path: Path) -> str:
        """Where GitHub shows a file of it; empty for others, and when that is not known."""
        name = self.name_of(path)
        return f"{self.address}/blob/HEAD/{quote(name)}" if name and self.address else ""

    def name_of(self, path: Path) -> str:
        """A file's path in it; empty when it is elsewhere."""
        file = path.resolve()
        return file.relative_to(self.root).as_posix() if file.is_relative_to(self.root) else ""

    def codeowners(self) -> str:
        """The text of its CODEOWNERS file; empty when it has none that can be read."""
        for place in PLACES:
            try:
                return (self.root / place).read_text("utf-8", errors="replace")
            except OSError:
                continue
        return ""


def find_repository(
    project: Path, tracker: str, api_url: str | None, environment: Mapping[str, str]
) -> Repository | None:
    """Find the checkout that a project is in; None when it is in none.

    A runner of GitHub Actions says where its repository is shown; else it is taken for the one that
    keeps the issues.

    Args:
        project: its folder.
        tracker: as in the settings.
        api_url: of a GitHub Enterprise server.
        environment: the process's.
    """
    folders = (project.resolve(), *project.resolve().parents)
    root = next((folder for folder in folders if (folder / ".git").exists()), None)
    if root is None:
        return None
    server = environment.get("GITHUB_SERVER_URL", "")
    name = environment.get("GITHUB_REPOSITORY", "")
    if server.startswith("https://") and name:
        return Repository(root, f"{server}/{name}")
    kind, _, place = tracker.partition(":")
    return Repository(root, f"{_web(api_url)}/{place}" if kind == "github" else "")


def _web(api_url: str | None) -> str:
    """Where people look at a server whose API this is."""
    parts = urlsplit(api_url or "")
    # The API of an Enterprise server is at /api/v3, that of one in the cloud at api.NAME.ghe.com.
    host = parts.netloc.removeprefix("api.")
    return f"{parts.scheme}://{host}" if host else _GITHUB
