"""The levels that log lines state, by word or by number."""

LEVELS = {
    word: level
    for level, words in {
        "debug": "trace debug dbg verbose",
        "info": "info information notice log",
        "warning": "warning warn",
        "error": "error err severe",
        "critical": "critical crit fatal alert emergency emerg panic",
    }.items()
    for word in words.split()
}
"""The level that each word stands for: debug, info, warning, error or critical."""

_ASCENDING = ("debug", "info", "warning", "error", "critical")
# Of syslog and of Go's klog, which write a letter.
_LETTERS = {
    "D": "debug",
    "I": "info",
    "W": "warning",
    "E": "error",
    "F": "critical",
    "A": "info",
    "U": "info",
}


def normal_level(value: object) -> str | None:
    """The level that a word or a number (10 to 60, as pino and bunyan count) stands for.

    Returns:
        debug, info, warning, error or critical; None when it stands for none.
    """
    if isinstance(value, str):
        word = value.strip().lower()
        if word.isascii() and word.isdecimal() and len(word) < 4:
            return _numeric_level(int(word))
        return LEVELS.get(word)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _numeric_level(value)
    return None


def level_of_letter(letter: str) -> str | None:
    """The level that the first letter of a line stands for, as in ``E1123 10:00:00``."""
    return _LETTERS.get(letter)


def worst_level(levels: list[str]) -> str:
    """The gravest of some levels, of which there is at least one."""
    return max(levels, key=_ASCENDING.index)


def _numeric_level(number: float) -> str | None:
    if not 10 <= number <= 60:
        return None
    names = ((60, "critical"), (50, "error"), (40, "warning"), (30, "info"), (10, "debug"))
    return next(name for least, name in names if number >= least)
