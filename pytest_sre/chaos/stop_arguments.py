"""What ``pytest-sre chaos stop`` and ``go`` can be told; the command line does it."""

import argparse
from collections.abc import Callable

Command = Callable[[argparse.Namespace], int]


def add_chaos_commands(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", *, command: Command
) -> None:
    """Add ``chaos stop`` and ``chaos go`` to the command line.

    Args:
        commands: the command line's.
        command: does them; the namespace has ``act`` and ``all``.
    """
    chaos = commands.add_parser("chaos", help="stop all chaos, or let it go on")
    actions = chaos.add_subparsers(title="actions", metavar="ACTION", required=True)
    for act, what in (
        ("stop", "undo all chaos at once, and let none begin"),
        ("go", "let chaos begin again"),
    ):
        parser = actions.add_parser(act, help=what)
        parser.add_argument(
            "--all", action="store_true", help="of all your projects, not only of this one"
        )
        parser.set_defaults(command=command, act=act)
