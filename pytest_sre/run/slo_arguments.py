"""The arguments of ``pytest-sre slo``; light, since every command loads them."""

import argparse
from collections.abc import Callable

Command = Callable[[argparse.Namespace], int]


def add_slo_commands(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    *,
    status: Command,
    snapshot: Command,
) -> None:
    """Add ``slo status`` and ``slo snapshot`` to the command line.

    Args:
        commands: the command line's.
        status: does the first.
        snapshot: does the second.
    """
    slo = commands.add_parser("slo", help="where objectives stand over their windows")
    actions = slo.add_subparsers(title="actions", metavar="ACTION", required=True)
    shown = actions.add_parser(
        "status",
        help="show verdict, error budget and burn rate of each",
        description="Exit code 0: all are met; 1: one is breached or not known; 4: a mistake in "
        "the configuration.",
    )
    shown.add_argument("--json", action="store_true", help="as one JSON object")
    shown.set_defaults(command=status)
    kept = actions.add_parser(
        "snapshot",
        help="keep the days that metrics know, before they forget them",
        description="Run it once a day, or once a week: metrics on Fly are kept for about 15 "
        "days. A day that is kept twice counts once.",
    )
    kept.set_defaults(command=snapshot)
    for each in (shown, kept):
        each.add_argument("--target", metavar="NAME", required=True, help="the target")
