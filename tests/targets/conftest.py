"""A project's folder to write configuration files into."""

from collections.abc import Callable
from pathlib import Path

import pytest

WEB = 'app = "shop"\n[processes]\nweb = "run web"\nworker = "run worker"\n'

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path, monkeypatch) -> Write:
    """Write files into an empty project, which is also the working directory; gives the folder."""
    monkeypatch.chdir(tmp_path)

    def write_files(files: dict[str, str]) -> Path:
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        return tmp_path

    return write_files


@pytest.fixture
def web() -> str:
    """A fly.toml of the app ``shop`` with the process groups web and worker."""
    return WEB


@pytest.fixture(scope="session")
def scratch(tmp_path_factory) -> Path:
    """One folder that all examples of a property overwrite."""
    return tmp_path_factory.mktemp("scratch")
