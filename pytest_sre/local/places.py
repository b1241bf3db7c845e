"""Where the local platforms of a project keep their state."""

from pathlib import Path


def local_dir(root: Path) -> Path:
    """Where local platforms keep their state, each in a folder of its own."""
    return root / ".sre" / "local"


def by_hand_dir(root: Path) -> Path:
    """Where a platform started by hand keeps its state."""
    return local_dir(root) / "by-hand"
