"""What ``pytest-sre gameday`` can be told; the command line does it."""

import argparse
from collections.abc import Callable
from pathlib import Path


def add_gameday_command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    hold: Callable[[argparse.Namespace], int],
) -> None:
    """Add ``gameday`` to the command line.

    Args:
        commands: the command line's.
        hold: does it.
    """
    gameday = commands.add_parser(
        "gameday",
        help="do a list of experiments with pauses between them, and report",
        description="Each experiment is a pytest session of its own. Ctrl-C undoes and ends. Exit "
        "code 0: all held; 1: one did not; 4: a mistake in the plan, or in an experiment; 130: it "
        "was ended by Ctrl-C or SIGTERM.",
    )
    gameday.add_argument("plan", metavar="PLAN", type=Path, help="such as gameday.toml")
    gameday.add_argument("--target", metavar="NAME", default="", help="instead of the plan's")
    gameday.add_argument("--json", action="store_true", help="the report as one JSON object")
    gameday.add_argument(
        "--pytest",
        metavar="ARGUMENT",
        action="append",
        default=[],
        help="an argument for each session, such as --pytest=--sre-allow=chaos; may be repeated",
    )
    gameday.set_defaults(command=hold)
