"""``pytest-sre``: what there is to do outside a test run."""

import argparse
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest_sre
from pytest_sre.chaos.stop_arguments import add_chaos_commands
from pytest_sre.gameday.arguments import add_gameday_command
from pytest_sre.local.fault_arguments import add_fault_actions
from pytest_sre.run.load_arguments import add_load_commands
from pytest_sre.run.slo_arguments import add_slo_commands

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_sre.local.commands import Outcome
    from pytest_sre.logs.commands import Outcome as LogsOutcome
    from pytest_sre.slo.generated.command import Outcome as Generated


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; give the exit code: 0 done, 1 not done, 2 or 4 usage."""
    arguments = _parser().parse_args(argv)
    try:
        code: int = arguments.command(arguments)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pytest-sre",
        description="Verify releases on Fly.io, or on a stand-in of it on this machine. "
        "The verification itself is pytest: pytest --sre-target=NAME.",
    )
    parser.add_argument("--version", action="version", version=pytest_sre.__version__)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    suites = commands.add_parser(
        "suites", help="list the shipped suites, or copy them to be edited"
    )
    suites.add_argument("--copy", metavar="DIR", type=Path, help="copy them to this folder")
    suites.set_defaults(command=_suites)

    demo = commands.add_parser(
        "demo", help="set up the demo shop in this empty folder and verify it locally"
    )
    demo.set_defaults(command=_demo)

    local = commands.add_parser("local", help="the local platform, for use by hand")
    actions = local.add_subparsers(title="actions", metavar="ACTION", required=True)
    up = actions.add_parser("up", help="start it and deploy the target's apps; it stays up")
    up.add_argument("--target", default="local", help="the target to deploy (default: local)")
    up.add_argument("--release", metavar="NAME", help="deploy releases/NAME.toml")
    up.add_argument("--rate-limits", action="store_true", help="hold callers to Fly's limits")
    up.set_defaults(command=_up)
    status = actions.add_parser("status", help="show its address, apps and Machines")
    status.add_argument("--json", action="store_true", help="as JSON")
    status.set_defaults(command=_status)
    env = actions.add_parser(
        "env",
        help="print what makes flyctl talk to it",
        description='For a shell: eval "$(pytest-sre local env)". It prints a token.',
    )
    env.add_argument("--json", action="store_true", help="as one JSON object")
    env.set_defaults(command=_env)
    down = actions.add_parser("down", help="stop it, and all that it started")
    down.set_defaults(command=_down)
    add_fault_actions(actions, switch_on=_add_fault, show=_list_faults, switch_off=_clear_faults)

    tell = commands.add_parser(
        "deliver",
        help="file what runs found and could not file",
        description="Exit code 0: nothing waits any more; 1: something does.",
    )
    tell.set_defaults(command=_deliver)

    doctor = commands.add_parser(
        "doctor",
        help="say which objectives cannot be decided, or cannot alert",
        description="Contacts nothing without --target. Exit code 0: nothing of weight was found; "
        "1: something was, or the target's metrics could not be asked; 4: a mistake in a file.",
    )
    doctor.add_argument("--target", metavar="NAME", help="ask its metrics how much traffic it has")
    doctor.add_argument("--json", action="store_true", help="as one JSON object")
    doctor.set_defaults(command=_doctor)

    _add_incident_commands(commands)
    _add_generate_command(commands)
    add_slo_commands(commands, status=_slo_status, snapshot=_slo_snapshot)
    add_load_commands(commands, work=_work, recover=_recover)
    add_chaos_commands(commands, command=_chaos)
    add_gameday_command(commands, hold=_hold_gameday)

    report = commands.add_parser("report", help="write the recording of a run as one HTML page")
    report.add_argument("recording", metavar="RECORDING", type=Path, help="such as of .sre/runs")
    report.add_argument("--output", metavar="FILE", type=Path, required=True, help="the page")
    report.set_defaults(command=_report)

    logs = commands.add_parser("logs", help="what logs say, also those of elsewhere")
    actions = logs.add_subparsers(title="actions", metavar="ACTION", required=True)
    scan = actions.add_parser(
        "scan",
        help="look in log files for what usually means a fault",
        description="Exit code 0: nothing of severity high or critical; 1: something; 4: a file "
        "or a rule could not be read.",
    )
    scan.add_argument(
        "files", nargs="+", metavar="FILE", help="plain, gz or zst; - is standard input"
    )
    scan.add_argument("--json", action="store_true", help="as one JSON object")
    scan.set_defaults(command=_scan)
    compare = actions.add_parser(
        "compare",
        help="name the errors in log files that a baseline never had",
        description="Exit code 0: no new error; 1: some; 4: a file could not be read.",
    )
    compare.add_argument(
        "files", nargs="+", metavar="FILE", help="plain, gz or zst; - is standard input"
    )
    compare.add_argument(
        "--baseline",
        action="append",
        default=[],
        metavar="FILE",
        help="a log to compare with, such as of the release before; may be given several times",
    )
    compare.add_argument("--json", action="store_true", help="as one JSON object")
    compare.set_defaults(command=_compare)
    return parser


def _add_incident_commands(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
) -> None:
    incident = commands.add_parser("incident", help="the running log of what is going wrong")
    actions = incident.add_subparsers(title="actions", metavar="ACTION", required=True)
    opening = actions.add_parser("open", help="open one")
    opening.add_argument("title", metavar="TITLE", help="in a few words, what is wrong")
    opening.add_argument(
        "--severity",
        choices=("critical", "high", "medium", "low"),
        default="critical",
        help="(default: critical)",
    )
    opening.add_argument("--impact", metavar="TEXT", default="", help="what users notice")
    opening.add_argument("--commander", metavar="NAME", default="", help="who leads")
    opening.set_defaults(command=_open_incident)
    acts = {
        "note": "say what happened, was tried, or was found",
        "acknowledge": "say that somebody is on it",
        "escalate": "mention whom [issues] escalate-to names",
        "resolve": "close it, and draft its post-mortem",
    }
    entries = {act: actions.add_parser(act, help=what) for act, what in acts.items()}
    for act, entry in entries.items():
        entry.add_argument("number", metavar="N", type=int, help="the number of its issue")
        is_needed = None if act == "note" else "?"
        entry.add_argument("text", metavar="TEXT", nargs=is_needed, default="", help="Markdown")
        entry.set_defaults(command=_add_entry, act=act, drafts=act == "resolve")
    entries["resolve"].add_argument(
        "--no-postmortem", action="store_false", dest="drafts", default=True, help="draft none"
    )
    status = actions.add_parser("status", help="show the open ones")
    status.add_argument("--json", action="store_true", help="as JSON")
    status.set_defaults(command=_incident_status)
    postmortem = commands.add_parser(
        "postmortem", help="draft an incident's post-mortem, or check the one there is"
    )
    postmortem.add_argument("number", metavar="N", type=int, help="the number of the incident")
    postmortem.set_defaults(command=_postmortem)
    for each in (opening, *entries.values(), status, postmortem):
        each.add_argument("--target", metavar="NAME", default="", help="the target it is on")


def _add_generate_command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
) -> None:
    made = commands.add_parser(
        "generate",
        help="make alert rules, their tests, dashboards, routing or OpenSLO from the objectives",
        description="Exit code 0: done, or nothing is stale; 1: something is stale; 4: not done.",
    )
    made.add_argument(
        "kind",
        choices=("rules", "rule-tests", "dashboard", "alertmanager", "openslo"),
        help="what to make",
    )
    made.add_argument("--target", metavar="NAME", default="prod", help="(default: prod)")
    made.add_argument(
        "--output", metavar="DIR", default="-", help="where files go (default: standard output)"
    )
    made.add_argument("--check", action="store_true", help="fail when the files there are stale")
    made.set_defaults(command=_generate)


def _suites(arguments: argparse.Namespace) -> int:
    from pytest_sre.shipping import SetupError, copy_suites, shipped_suites

    if arguments.copy is None:
        print("\n".join(shipped_suites()))
        return 0
    try:
        copied = copy_suites(arguments.copy)
    except SetupError as error:
        print(error, file=sys.stderr)
        return 4
    print(f"copied {', '.join(copied)} to {arguments.copy}")
    print("a folder in your suites/ replaces the shipped suite of the same name")
    return 0


def _demo(_arguments: argparse.Namespace) -> int:  # noqa: RET503 - it becomes pytest
    from pytest_sre.shipping import SetupError, set_up_demo

    try:
        set_up_demo(Path.cwd())
    except SetupError as error:
        print(error, file=sys.stderr)
        return 4
    print("the demo shop is here; running: pytest --sre-target=local", flush=True)
    # Becomes pytest, so that Ctrl-C and the exit code are pytest's own.
    command = [sys.executable, "-m", "pytest", "--sre-target=local"]
    os.execv(sys.executable, command)  # noqa: S606


def _up(arguments: argparse.Namespace) -> int:
    from pytest_sre.run.by_hand import up

    print("starting the local platform", file=sys.stderr)
    limit_rates: bool = arguments.rate_limits
    return _show(up(Path.cwd(), arguments.target, arguments.release, limit_rates=limit_rates))


def _status(arguments: argparse.Namespace) -> int:
    from pytest_sre.local.commands import status
    from pytest_sre.local.places import by_hand_dir

    return _show(status(by_hand_dir(Path.cwd()), as_json=arguments.json))


def _env(arguments: argparse.Namespace) -> int:
    from pytest_sre.local.commands import env
    from pytest_sre.local.places import by_hand_dir

    return _show(env(by_hand_dir(Path.cwd()), as_json=arguments.json))


def _down(_arguments: argparse.Namespace) -> int:
    from pytest_sre.local.commands import down
    from pytest_sre.local.places import by_hand_dir

    return _show(down(by_hand_dir(Path.cwd())))


def _add_fault(arguments: argparse.Namespace) -> int:
    from pytest_sre.local.fault_commands import add_fault
    from pytest_sre.local.places import by_hand_dir

    given = {name: value for name, value in vars(arguments).items() if value is not None}
    del given["command"]
    return _show(add_fault(by_hand_dir(Path.cwd()), given))


def _list_faults(arguments: argparse.Namespace) -> int:
    from pytest_sre.local.fault_commands import list_faults
    from pytest_sre.local.places import by_hand_dir

    return _show(list_faults(by_hand_dir(Path.cwd()), as_json=arguments.json))


def _clear_faults(arguments: argparse.Namespace) -> int:
    from pytest_sre.local.fault_commands import clear_faults
    from pytest_sre.local.places import by_hand_dir

    return _show(clear_faults(by_hand_dir(Path.cwd()), arguments.id))


def _deliver(_arguments: argparse.Namespace) -> int:
    from pytest_sre.run.filing import deliver_by_hand

    return _show(deliver_by_hand(Path.cwd()))


def _doctor(arguments: argparse.Namespace) -> int:
    from pytest_sre.run.doctor import doctor

    outcome = doctor(Path.cwd(), arguments.target, as_json=arguments.json)
    print("\n".join(outcome.lines), file=sys.stderr if outcome.exit_code == 4 else sys.stdout)
    return outcome.exit_code


def _slo_status(arguments: argparse.Namespace) -> int:
    from pytest_sre.run.slo_commands import status

    outcome = status(Path.cwd(), arguments.target, as_json=arguments.json, tell=_tell_waiting)
    print("\n".join(outcome.lines), file=sys.stderr if outcome.exit_code == 4 else sys.stdout)
    return outcome.exit_code


def _slo_snapshot(arguments: argparse.Namespace) -> int:
    from pytest_sre.run.slo_commands import snapshot

    return _show(snapshot(Path.cwd(), arguments.target, tell=_tell_waiting))


def _tell_waiting(what: str) -> None:
    print(f"asking about {what}", file=sys.stderr)


def _open_incident(arguments: argparse.Namespace) -> int:
    from pytest_sre.run.incident_commands import Said, open_incident

    said = Said(arguments.title, arguments.severity, arguments.impact, arguments.commander)
    return _show(open_incident(Path.cwd(), said, arguments.target))


def _add_entry(arguments: argparse.Namespace) -> int:
    from pytest_sre.run.incident_commands import add_entry

    outcome = add_entry(
        Path.cwd(),
        arguments.act,
        arguments.number,
        arguments.text,
        arguments.target,
        postmortem=arguments.drafts,
    )
    return _show(outcome)


def _incident_status(arguments: argparse.Namespace) -> int:
    from pytest_sre.run.incident_commands import incident_status

    return _show(incident_status(Path.cwd(), arguments.target, as_json=arguments.json))


def _postmortem(arguments: argparse.Namespace) -> int:
    from pytest_sre.run.incident_commands import draft_postmortem

    return _show(draft_postmortem(Path.cwd(), arguments.number, arguments.target))


def _generate(arguments: argparse.Namespace) -> int:
    from pytest_sre.slo.generated.command import generate

    folder = None if arguments.output == "-" else Path(arguments.output)
    outcome = generate(Path.cwd(), arguments.kind, arguments.target, folder, check=arguments.check)
    return _show_logs(outcome, None)


def _report(arguments: argparse.Namespace) -> int:
    from pytest_sre.report.html.writing import report_of

    code, said = report_of(arguments.recording, arguments.output)
    print(said, file=sys.stderr if code else sys.stdout)
    return code


def _work(arguments: argparse.Namespace) -> int:
    from pytest_sre.load.commands import work

    return _show(work(arguments.master, arguments.name, arguments.lasts, os.environ))


def _recover(arguments: argparse.Namespace) -> int:
    from pytest_sre.run.recovering import recover

    outcome = recover(
        Path.cwd(),
        arguments.target,
        now=arguments.now,
        as_json=arguments.json,
        tell=lambda line: print(line, file=sys.stderr, flush=True),
    )
    print("\n".join(outcome.lines), file=sys.stderr if outcome.exit_code == 4 else sys.stdout)
    return outcome.exit_code


def _chaos(arguments: argparse.Namespace) -> int:
    from pytest_sre.chaos import stop_commands

    act = stop_commands.stop if arguments.act == "stop" else stop_commands.go
    return _show(act(Path.cwd(), os.environ, of_all=arguments.all))


def _hold_gameday(arguments: argparse.Namespace) -> int:
    from pytest_sre.gameday.command import hold_gameday

    outcome = hold_gameday(
        Path.cwd(), arguments.plan, arguments.target, arguments.pytest, json=arguments.json
    )
    print("\n".join(outcome.lines), file=sys.stderr if outcome.exit_code == 4 else sys.stdout)
    return outcome.exit_code


def _scan(arguments: argparse.Namespace) -> int:
    from pytest_sre.logs.commands import scan

    tell = _tell_progress if sys.stderr.isatty() else None
    outcome = scan(Path.cwd(), arguments.files, as_json=arguments.json, tell=tell)
    return _show_logs(outcome, tell)


def _compare(arguments: argparse.Namespace) -> int:
    from pytest_sre.logs.commands import compare

    tell = _tell_progress if sys.stderr.isatty() else None
    outcome = compare(
        Path.cwd(), arguments.files, arguments.baseline, as_json=arguments.json, tell=tell
    )
    return _show_logs(outcome, tell)


def _show_logs(outcome: "LogsOutcome | Generated", tell: "Callable[[str], None] | None") -> int:
    if tell:
        tell("")
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A log may hold any character, a terminal may not be able to show it.
        sys.stdout.reconfigure(errors="backslashreplace")
    for line in outcome.warnings:
        print(line, file=sys.stderr)
    for line in outcome.lines:
        print(line)
    return outcome.exit_code


def _tell_progress(text: str) -> None:
    """Replace the last line of a terminal's standard error."""
    print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def _show(outcome: "Outcome") -> int:
    """Print what a command has to say, a failure to standard error; give its exit code."""
    print("\n".join(outcome.lines), file=sys.stderr if outcome.exit_code else sys.stdout)
    return outcome.exit_code
