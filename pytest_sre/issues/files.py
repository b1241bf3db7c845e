"""Issues as Markdown files in a folder: what is used until a tracker is configured.

``.sre/issues/0001-checkout-fails-on-web.md`` has front matter in TOML, then the body, then the
comments. People may edit any of it.
"""

import os
import re
import time
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from pytest_sre.issues.body import LABEL, fingerprint_label
from pytest_sre.issues.tracker import TrackerError
from pytest_sre.issues.values import Create, Edit, Issue

_FRONT: Final = re.compile(r"\A\+\+\+\n(.*?)\n\+\+\+\n", re.DOTALL)
_COMMENTS: Final = "\n<!-- pytest-sre:comments -->\n"
_COMMENT: Final = "\n<!-- pytest-sre:comment {} -->\n"
_BETWEEN: Final = re.compile(r"\n<!-- pytest-sre:comment [^>\n]* -->\n")
_TIMES: Final = ("created_at", "closed_at")
_NOT_NAME: Final = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True)
class _File:
    path: Path
    issue: Issue
    comments: str


class FileTracker:
    """Keeps issues in a folder.

    Args:
        root: what the folder's path is relative to.
        folder: where; made when there is something to keep.
    """

    def __init__(self, root: Path, folder: str) -> None:
        self._folder = root / folder
        self.name = f"files:{folder}"

    def open_issues(self) -> Sequence[Issue]:
        """All open issues that carry our label."""
        return [f.issue for f in self._files() if f.issue.state == "open" and _is_ours(f)]

    def open_with_label(self, label: str) -> Sequence[Issue]:
        """All open issues that carry a label, whoever opened them."""
        issues = (file.issue for file in self._files())
        return [each for each in issues if each.state == "open" and label in each.labels]

    def with_fingerprint(self, fingerprint: str) -> Sequence[Issue]:
        """All issues that carry the label of this fingerprint."""
        label = fingerprint_label(fingerprint)
        return [file.issue for file in self._files() if label in file.issue.labels]

    def issue(self, number: int) -> Issue | None:
        """The issue with this number; None when there is none."""
        return next((f.issue for f in self._files() if f.issue.number == number), None)

    def create(self, wanted: Create) -> Issue:
        """Open an issue.

        Raises:
            TrackerError: it cannot be written.
        """
        number = max((file.issue.number for file in self._files()), default=0) + 1
        slug = _NOT_NAME.sub("-", wanted.title.lower()).strip("-")[:60].strip("-")
        labels = frozenset(wanted.labels)
        issue = Issue(number, wanted.title, wanted.body, labels, created_at=_now())
        self._write(_File(self._folder / f"{number:04d}-{slug or 'issue'}.md", issue, ""))
        return issue

    def edit(self, change: Edit) -> None:
        """Change an issue.

        Raises:
            TrackerError: it is gone, or cannot be written.
        """
        file = self._file(change.number)
        issue = msgspec.structs.replace(file.issue, body=change.body)
        if change.state:
            closed_at = _now() if change.state == "closed" else 0.0
            issue = msgspec.structs.replace(
                issue, state=change.state, reason=change.reason, closed_at=closed_at
            )
        self._write(_File(file.path, issue, file.comments))

    def comments(self, number: int) -> Sequence[str]:
        """The texts of an issue's comments, oldest first."""
        return [text.rstrip("\n") for text in _BETWEEN.split(self._file(number).comments)[1:]]

    def trusted_comments(self, number: int) -> Sequence[str]:
        """The same: whoever can write the file may."""
        return self.comments(number)

    def comment(self, number: int, text: str) -> None:
        """Add a comment.

        Raises:
            TrackerError: the issue is gone, or cannot be written.
        """
        file = self._file(number)
        added = file.comments + _COMMENT.format(_iso(time.time())) + text + "\n"
        self._write(_File(file.path, file.issue, added))

    def _file(self, number: int) -> _File:
        for file in self._files():
            if file.issue.number == number:
                return file
        raise TrackerError(f"{self.name}: issue {number} is gone")

    def _files(self) -> list[_File]:
        found = (_read(path) for path in sorted(self._folder.glob("[0-9]*.md")))
        return [file for file in found if file]

    def _write(self, file: _File) -> None:
        partial = file.path.with_suffix(".partial")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with partial.open("w", encoding="utf-8", newline="\n") as out:
                out.write(_text(file))
                out.flush()
                os.fsync(out.fileno())
            partial.replace(file.path)
        except OSError as error:
            raise TrackerError(f"{file.path}: cannot be written: {error.strerror}") from error


def _is_ours(file: _File) -> bool:
    return LABEL in file.issue.labels


def _read(path: Path) -> _File | None:
    """Read an issue; None for a file that is none."""
    try:
        text = path.read_text("utf-8")
        found = _FRONT.match(text)
        front = tomllib.loads(found[1]) if found else {}
        body, _, comments = text[found.end() if found else 0 :].partition(_COMMENTS)
        return _File(path, _issue(front, body), comments)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError):
        return None


def _issue(front: dict[str, Any], body: str) -> Issue:
    times: dict[str, object] = {n: front[n].timestamp() for n in _TIMES if n in front}
    return msgspec.convert({**front, **times, "body": body}, Issue)


def _text(file: _File) -> str:
    issue = file.issue
    front = {
        "number": str(issue.number),
        "title": _quoted(issue.title),
        "state": _quoted(issue.state),
        "reason": _quoted(issue.reason),
        "labels": f"[{', '.join(map(_quoted, sorted(issue.labels)))}]",
        "created_at": _iso(issue.created_at),
    }
    if issue.closed_at:
        front["closed_at"] = _iso(issue.closed_at)
    lines = "\n".join(f"{name} = {value}" for name, value in front.items())
    return f"+++\n{lines}\n+++\n{issue.body}{_COMMENTS}{file.comments}"


def _quoted(text: str) -> str:
    # A JSON string is a TOML string.
    return msgspec.json.encode(text).decode()


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


def _now() -> float:
    """Unix seconds, as exact as they are written."""
    return round(time.time(), 3)
