"""The one error of configuration, and how it names what was probably meant."""

import difflib
import re
from collections.abc import Iterable

_LONGEST_VALUE = 60
# Tokens of Fly and GitHub, and the credentials in an address.
_SECRET = re.compile(
    r"FlyV1\s+\S+|\bfm[12][ar]?_[^\s\"]+|\bgh[a-z]_\w+|\bgithub_pat_\w+|(?<=://)[^/\s@]+(?=@)"
)


class ConfigError(Exception):
    """A mistake in a fly.toml, in sre.toml or on the command line, found before any contact.

    Its text has at most four lines and no control characters, whatever the file holds.

    Args:
        where: the file and the key, such as ``sre.toml: bake.window``.
        found: what is there, to be read after *where*, such as ``is "soon"``.
        expected: what may be there, without the word "expected".
        hint: what to do, where there is more to say.
    """

    def __init__(self, where: str, found: str, expected: str, hint: str = "") -> None:
        super().__init__(where, found, expected, hint)
        self.where, self.found, self.expected, self.hint = where, found, expected, hint

    def __str__(self) -> str:
        lines = [f"{self.where} {self.found}", f"expected {self.expected}", self.hint]
        return "\n".join(printable(line) for line in lines if line)


def unknown_name(*, where: str, what: str, name: str, names: Iterable[str]) -> ConfigError:
    """Answer a name that does not exist with those that do, and the nearest.

    Args:
        where: the file and the section.
        what: what kind of name it is, with its verb: ``has an unknown key``.
        name: the one found.
        names: the valid ones.
    """
    valid = sorted(names)
    return ConfigError(
        where=where,
        found=f"{what} {quoted(name)}",
        expected=f"one of: {', '.join(valid)}" if valid else "none",
        hint=did_you_mean(name, valid),
    )


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """Ask for the nearest of the valid names; empty when none is near."""
    nearest = difflib.get_close_matches(name[:_LONGEST_VALUE], list(names), n=1, cutoff=0.5)
    return f"did you mean {quoted(nearest[0])}?" if nearest else ""


def quoted(text: str) -> str:
    """Put a text from a file into quotes, shortened."""
    shown = text if len(text) <= _LONGEST_VALUE else text[:_LONGEST_VALUE] + "…"
    return f'"{printable(shown)}"'


def printable(text: str) -> str:
    """Hide what looks like a secret; escape what would break the line or act on a terminal."""
    shown = _SECRET.sub("***", text)
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in shown)
