"""PromQL as OpenSLO files have it, made into counts over a window."""

import re

from pytest_sre.targets.errors import ConfigError
from pytest_sre.targets.objectives import WINDOW
from pytest_sre.targets.reading import Place

# How other generators of rules write the window.
_TEMPLATE = re.compile(r"\{\{\s*\.[Ww]indow\s*\}\}")
_STRING = r'"(?:[^"\\]|\\.)*"|' + r"'(?:[^'\\]|\\.)*'"
_SELECTOR = rf"[A-Za-z_:][A-Za-z0-9_:]*\s*(?:\{{(?:[^{{}}\"']|{_STRING})*\}})?"
_COUNTER = re.compile(rf"\s*(?P<sum>sum\s*\(\s*)?(?P<series>{_SELECTOR})\s*(?P<end>\))?\s*")


def with_window(query: str) -> str:
    """Write a template's window as ours."""
    return _TEMPLATE.sub(WINDOW, query)


def counted(query: str, place: Place, *, is_counter: bool) -> str:
    """Make a query that counts over the window.

    A query that has the window is taken as it is. A counter, alone or summed, is counted by its
    increase, so that a restart of one Machine is no loss.

    Args:
        query: PromQL.
        place: of it.
        is_counter: whether its value only ever grows.

    Raises:
        ConfigError: it is neither; a number that goes up and down counts no events.
    """
    ranged = with_window(query)
    if WINDOW in ranged:
        return ranged
    found = _COUNTER.fullmatch(ranged)
    if is_counter and found and bool(found["sum"]) == bool(found["end"]):
        return f"sum(increase({found['series'].strip()}[{WINDOW}]))"
    if not is_counter:
        raise ConfigError(
            where=str(place),
            found=f"has no {WINDOW}, and is not said to be a counter",
            expected=f"counter: true, or a query with {WINDOW} such as increase(x[{WINDOW}])",
        )
    raise ConfigError(
        where=str(place),
        found=f"has no {WINDOW}, and is more than a counter or its sum",
        expected=f"a query with {WINDOW}, such as sum(increase(x[{WINDOW}]))",
    )
