"""The log of an incident: comments that begin with the time, written and read again."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from pytest_sre.incidents.memory import exact_text

_EVENT: Final = re.compile(r"\A<!-- pytest-sre:event [^>\n]* -->\r?\n")
_ENTRY: Final = re.compile(
    r"\A\*\*(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC\*\*[ \r\n]+(.*)\Z", re.DOTALL
)


@dataclass(frozen=True)
class Entry:
    """Something that the log says.

    Attributes:
        at: when it happened, Unix seconds; of a comment that a person wrote on the issue, when
            what stands before it did.
        text: Markdown, as it was written.
        is_ours: whether it came by this program.
    """

    at: float
    text: str
    is_ours: bool


def write_entry(at: float, text: str) -> str:
    """Write an entry.

    Args:
        at: when it happened, Unix seconds.
        text: Markdown in which nothing foreign is live.
    """
    # A text that does not begin in the time's own line may begin with a list, or a fence.
    between = "\n\n" if "\n" in text else " "
    return f"**{exact_text(at)}**{between}{text}"


def read_log(comments: Iterable[str], opened_at: float) -> Iterator[Entry]:
    """Read the comments of an incident's issue, oldest first.

    Args:
        comments: their texts.
        opened_at: when the incident was opened, Unix seconds.
    """
    at = opened_at
    for comment in comments:
        said = _EVENT.sub("", comment, count=1)
        found = _ENTRY.match(said) if said != comment else None
        stated_at = _at(found[1]) if found else None
        if found and stated_at is not None:
            at = stated_at
            yield Entry(at, found[2].strip(), is_ours=True)
        elif said.strip():
            yield Entry(at, said.strip(), is_ours=False)


def _at(text: str) -> float | None:
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None
