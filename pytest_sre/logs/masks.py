"""What varies between lines that say the same thing, replaced by its kind: ``<n>``, ``<ip>``."""

import re

# Longer texts are masked up to here, so that no line takes long.
_HEAD_CHARS = 4096

# Of a quoted request the method stays: it tells one kind of request from another.
_QUOTED = re.compile(
    r'"(?:(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) )?[^"\n]*"|(?<!\w)\'[^\'\n]*\'(?!\w)'
)

# All digits are alike to these patterns, which `digits_alike` relies on.
_IDENTIFIERS = re.compile(
    r"(?<![0-9A-Za-z_])(?:"
    r"(?P<uuid>[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12})"
    r"|(?P<hex>(?=[A-Fa-f]*[0-9])(?=[0-9]*[A-Fa-f])[0-9A-Fa-f]{8,}))(?![0-9A-Za-z_])"
)
# In this order: what is more telling is masked before its parts are.
_PATTERNS = {
    "email": r"(?<![\w.+-])[\w.+<>-]{1,64}@[\w-]+(?:\.[\w-]+)+",
    "path": r"(?<![^=:,;(\[{])(?:~|\.{1,2})?(?:/[\w.@%+<>-]+){2,}/?|\b[A-Za-z]:\\[\w.<>\\-]+",
    "time": r"\b\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d)?(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?\b"
    r"|\b\d{1,2}:\d\d:\d\d(?:[.,]\d+)?\b",
    "ip": r"\b(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?\b"
    r"|(?i:(?<![\w:])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{1,4}\b)",
    "hex": r"(?i:\b\dx[0-9a-f]+\b)",
    "duration": r"\b(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h|d))+\b",
    "n": r"(?:(?<![^\s=_(,:])[-+])?(?<![^\W_])\d+(?:[.,]\d+)*",
}
# One after the other: all in one pattern take ten times as long.
_MASKS = [(re.compile(pattern).sub, f"<{kind}>") for kind, pattern in _PATTERNS.items()]
_DAYS = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"}
_MONTHS = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"}
_CALENDAR = frozenset(_DAYS | _MONTHS)
_DIGIT = re.compile("[0-9]")
_DIGITS_ALIKE = str.maketrans("123456789", "000000000")
_KNOWN_WORDS = 100_000
_SHORTEST_IDENTIFIER = 8


def digits_alike(text: str) -> str:
    """The text with every digit a zero. Texts that agree in this have their masks in common."""
    return text.translate(_DIGITS_ALIKE)


class _MaskedWords(dict[str, str]):
    """Words and what they are when masked, worked out when first asked for."""

    def __init__(self) -> None:
        super().__init__()
        self._shapes: dict[str, str] = {}

    def __missing__(self, word: str) -> str:
        if word.isalpha():
            masked = "<time>" if word in _CALENDAR else word
        elif len(word) < _SHORTEST_IDENTIFIER:
            masked = self._by_shape(word)
        else:
            masked = self._by_shape(_IDENTIFIERS.sub(_kind, word))
        _keep(self, word, masked)
        return masked

    def _by_shape(self, word: str) -> str:
        shape = digits_alike(word)
        masked = self._shapes.get(shape)
        if masked is None:
            masked = word
            for substitute, mask in _MASKS:
                masked = substitute(mask, masked)
            if not _DIGIT.search(masked):
                _keep(self._shapes, shape, masked)
        return masked


def _keep(known: dict[str, str], key: str, value: str) -> None:
    if len(known) >= _KNOWN_WORDS:
        known.clear()
    known[key] = value


_WORDS = _MaskedWords()


def masked_words(text: str) -> tuple[str, ...]:
    """The words of a text, with what varies between occurrences replaced by its kind.

    Masked are quoted text, e-mail addresses, paths of two or more parts, UUIDs, times, IP
    addresses, hexadecimal numbers, durations and numbers. A number inside a word, as in
    ``[PR04]``, tells one message from another, and stays.
    """
    head = text[:_HEAD_CHARS]
    if '"' in head or "'" in head:
        head = _QUOTED.sub(r"\1<text>", head)
    return tuple(map(_WORDS.__getitem__, head.split()))


def masked(text: str) -> str:
    """The masked words of a text, one space between them."""
    return " ".join(masked_words(text))


def _kind(found: re.Match[str]) -> str:
    return f"<{found.lastgroup}>"
