"""Keeps chaostoolkit's journals of experiments, without secrets, in ``.sre/chaos``."""

import datetime as dt
import os
from pathlib import Path
from typing import Final

from pytest_sre.redaction import Redactor, secret_values

_KEPT: Final = 50


def keep_journal(root: Path, name: str, journal: str) -> Path | None:
    """Write a journal, and forget the oldest ones; None when there is none, or no room for it.

    Args:
        root: the project's folder.
        name: the experiment's.
        journal: the journal as JSON text.
    """
    if not journal:
        return None
    folder = root / ".sre" / "chaos"
    now = dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%S.%f")
    path = folder / f"{now}-{name}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(Redactor(secret_values(os.environ))(journal), encoding="utf-8")
        for old in sorted(folder.glob("*.json"))[:-_KEPT]:
            old.unlink(missing_ok=True)
    except OSError:
        return None
    return path
