"""Remembers what a test asked for, and whether it was begun: without its ``with`` nothing is."""

from typing import Final

from pytest_sre.verdict import Inconclusive

_NEVER_BEGUN: Final = '{call} was never begun: write "with {call}:"'
_MOST_TOLD: Final = 3


class Asked:
    """The blocks that a test asked for."""

    def __init__(self) -> None:
        self._calls: list[str] = []
        self._begun: set[int] = set()

    def ask(self, call: str) -> int:
        """Take in that a block was asked for, by a call such as ``watch(...)``; its number."""
        self._calls.append(call)
        return len(self._calls) - 1

    def begin(self, number: int) -> None:
        """Take in that one was entered, whatever came of it."""
        self._begun.add(number)

    def require_begun(self) -> None:
        """Pass when each was entered.

        Raises:
            Inconclusive: one was not: its ``with`` was forgotten, so nothing was tested.
        """
        missed = [call for number, call in enumerate(self._calls) if number not in self._begun]
        told = [_NEVER_BEGUN.format(call=call) for call in missed[:_MOST_TOLD]]
        more = len(missed) - len(told)
        if missed:
            lines = [*told, *[f"and {more} more"] * bool(more)]
            raise Inconclusive("\n".join(lines), cause="own test: a with was forgotten")
