"""What ``pytest-sre load worker`` and ``recover`` can be told; the command line does it."""

import argparse
from collections.abc import Callable

Command = Callable[[argparse.Namespace], int]


def add_load_commands(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    *,
    work: Command,
    recover: Command,
) -> None:
    """Add ``load worker`` and ``recover`` to the command line.

    Args:
        commands: the command line's.
        work: does the first.
        recover: does the second.
    """
    load = commands.add_parser("load", help="load from more than one machine")
    actions = load.add_subparsers(title="actions", metavar="ACTION", required=True)
    worker = actions.add_parser(
        "worker",
        help="make a share of the loads of a session elsewhere",
        description="For a session with --sre-load-workers. Both need the same secret in "
        "SRE_LOAD_SECRET. Exit code 0: the session ended; 1: there was none; 4: a mistake.",
    )
    worker.add_argument("--master", metavar="HOST:PORT", required=True, help="where it listens")
    worker.add_argument("--name", default="", help="for reports (default: the host's)")
    worker.add_argument(
        "--for", dest="lasts", metavar="TIME", default="6h", help="end then (default: 6h)"
    )
    worker.set_defaults(command=work)
    left = commands.add_parser(
        "recover",
        help="undo what runs left that were killed",
        description="Undoes what the journal in .sre/undo has, and waits for what others are "
        "undoing. Exit code 0: nothing is left; 1: something is, is not due, or belongs to a run "
        "that is not over, or nobody knows; 4: a mistake in the configuration.",
    )
    left.add_argument(
        "--target",
        metavar="NAME",
        default="",
        help="also what this target's Machines tell of, in their metadata, and whose time is over",
    )
    left.add_argument("--now", action="store_true", help="also that whose time is not over yet")
    left.add_argument("--json", action="store_true", help="as one JSON object")
    left.set_defaults(command=recover)
