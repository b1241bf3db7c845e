"""The arguments of ``pytest-sre local fault``; light, since every command loads them."""

import argparse
from collections.abc import Callable

Command = Callable[[argparse.Namespace], int]


def add_fault_actions(
    local: "argparse._SubParsersAction[argparse.ArgumentParser]",
    *,
    switch_on: Command,
    show: Command,
    switch_off: Command,
) -> None:
    """Add ``local fault`` to the command line.

    Args:
        local: the actions of ``pytest-sre local``.
        switch_on: does ``add``.
        show: does ``list``.
        switch_off: does ``clear``.
    """
    fault = local.add_parser("fault", help="have it suffer a bad day, which ends by itself")
    actions = fault.add_subparsers(title="actions", metavar="ACTION", required=True)
    add = actions.add_parser("add", help="switch a fault on")
    add.add_argument("kind", metavar="KIND", help="such as api-5xx; see docs/local-platform.md")
    for name, what in (
        ("app", "of this app only"),
        ("machine", "of this Machine only: its id, or the beginning of it"),
        ("region", "in this region only"),
        ("group", "of this process group only"),
        (
            "endpoint",
            "of this API only (machines, releases, logs), or 'GET /v1/apps/*'",
        ),
    ):
        add.add_argument(f"--{name}", help=what)
    add.add_argument("--for", metavar="TIME", help="such as 30s (default: 60s, at most 1h)")
    add.add_argument("--count", type=int, metavar="N", help="strike at most so often")
    add.add_argument("--status", type=int, help="of api-5xx (default: 503)")
    add.add_argument(
        "--delay",
        metavar="SECONDS",
        dest="delay_s",
        type=float,
        help="of api-slow, slow-boot, log-delay",
    )
    add.add_argument(
        "--retry-after",
        metavar="SECONDS",
        dest="retry_after_s",
        type=int,
        help="of api-429 (default: it does not say)",
    )
    for name, what in (
        ("from", "of link: a point such as client, edge, region:ams, group:shop/web, machine:ID"),
        ("to", "of link: the other point (default: anywhere)"),
    ):
        add.add_argument(f"--{name}", metavar="POINT", help=what)
    for name, unit, what in (
        ("latency_s", "SECONDS", "of link: added to each round trip"),
        ("jitter_s", "SECONDS", "of link: up to so much more, by chance"),
        ("loss_ratio", "RATIO", "of link: share of exchanges that end with a reset, 0 to 1"),
        ("bandwidth_bytes_s", "BYTES", "of link: how much passes in a second"),
    ):
        option = f"--{name.rpartition('_')[0].replace('_', '-')}"
        add.add_argument(option, metavar=unit, dest=name, type=float, help=what)
    add.add_argument(
        "--blackhole", action="store_true", default=None, help="of link: nothing passes"
    )
    add.add_argument(
        "--refused", action="store_true", default=None, help="of link: connections are refused"
    )
    add.add_argument(
        "--every", metavar="SECONDS", dest="every_s", type=float, help="of check-flap (default: 2)"
    )
    add.add_argument(
        "--host",
        metavar="NAME",
        dest="hosts",
        action="append",
        help="of dns-failure, and again for more (default: all names)",
    )
    add.add_argument(
        "--by",
        metavar="SECONDS",
        dest="by_s",
        type=float,
        help="of clock-skew, behind when negative (default: 3600)",
    )
    add.add_argument("--exit-code", type=int, help="of crash-loop (default: 1)")
    add.set_defaults(command=switch_on)
    listed = actions.add_parser("list", help="show which are on")
    listed.add_argument("--json", action="store_true", help="as JSON")
    listed.set_defaults(command=show)
    clear = actions.add_parser("clear", help="switch one off, or all")
    clear.add_argument("id", nargs="?", metavar="ID")
    clear.set_defaults(command=switch_off)
