"""Who owns what changed, by a CODEOWNERS file as GitHub reads it. Pure.

The package ``codeowners`` matches patterns. What GitHub does not support in them, such as ``!`` and
``[ ]``, makes it ignore the line, and so do we.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from codeowners import CodeOwners

PLACES: Final = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")
"""Where GitHub looks for the file, in this order, from the root of the repository."""

_UNSUPPORTED: Final = ("!", "\\#")


def owners_of(text: str, paths: Iterable[str]) -> tuple[str, ...]:
    """Give the people who own these paths, those of the most paths first, as GitHub names them.

    The last line that matches a path decides alone. Teams and e-mail addresses are left out: an
    issue cannot be assigned to them.

    Args:
        text: a CODEOWNERS file.
        paths: relative to the root of the repository.
    """
    rules = CodeOwners("\n".join(filter(_is_valid, map(_without_comment, text.splitlines()))))
    found = Counter(
        name.removeprefix("@")
        for path in paths
        for kind, name in rules.of(path)
        if kind == "USERNAME"
    )
    return tuple(name for name, _ in sorted(found.items(), key=lambda each: (-each[1], each[0])))


def _without_comment(line: str) -> str:
    return line.partition(" #")[0].partition("\t#")[0].strip()


def _is_valid(line: str) -> bool:
    pattern = line.partition(" ")[0]
    return not pattern.startswith(_UNSUPPORTED) and "[" not in pattern
