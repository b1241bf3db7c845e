"""Finds the suspects in what a run recorded: facts that can make its tests fail."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from pytest_sre.bake.window import Bake, Traffic
from pytest_sre.fly.images import same_image
from pytest_sre.judge.causes import Suspect
from pytest_sre.judge.left_out import LEFT_OUT
from pytest_sre.judge.platform_calls import Trouble
from pytest_sre.logs.errors import ErrorGroup
from pytest_sre.logs.events import events_of
from pytest_sre.logs.lines import read_line
from pytest_sre.recording.rows import (
    CheckSeen,
    EventSeen,
    Exchange,
    LogLine,
    MachineSeen,
    OwnFault,
)
from pytest_sre.verdict import ObjectiveVerdict

_SHOWN = 160
_DEFAULT_GROUP = "app"
_TAKE_DOWN = frozenset({"out of memory", "exits", "state"})
_SICK = frozenset({(kind,) for kind in (*_TAKE_DOWN, "check")})
LOST_HOST = "platform host"
"""The key of verdicts that are inconclusive because a Machine's host does not answer."""


@dataclass(frozen=True)
class Facts:
    """What a run recorded about one app, reduced to what causes are found in.

    ``machines`` and ``checks`` hold the latest of each; ``events`` and ``errors`` are those
    since the deploy; ``troubles`` those of the platform's APIs; ``left_out`` are Machines that
    its proxy leaves out although they are well; ``image`` is the release's;
    ``bake`` holds what was asked of this app.
    """

    app: str
    image: str
    machines: tuple[MachineSeen, ...]
    checks: tuple[CheckSeen, ...]
    events: tuple[EventSeen, ...]
    log_lines: tuple[LogLine, ...]
    errors: tuple[ErrorGroup, ...]
    own_faults: tuple[OwnFault, ...]
    troubles: tuple[Trouble, ...]
    left_out: frozenset[str]
    bake: Bake | None
    error_ratio: float
    latency_p95_s: float


def find_suspects(facts: Facts) -> tuple[Suspect, ...]:
    """List the suspects, the likeliest to be the origin of the others first."""
    finders: tuple[Callable[[Facts], Iterable[Suspect]], ...] = (
        _platform_troubles,
        _lost_hosts,
        _left_out,
        _own_faults,
        _out_of_memory,
        _exits,
        _not_started,
        _failing_checks,
        _failed_requests,
        _slow_requests,
        _error_lines,
        _other_image,
    )
    found = [suspect for finder in finders for suspect in finder(facts)]
    known = [suspect if suspect.own else _of_app(suspect, facts) for suspect in found]
    return _without_stopped_rollout(known, facts)


def _without_stopped_rollout(suspects: Sequence[Suspect], facts: Facts) -> tuple[Suspect, ...]:
    """Take Machines on another image for what follows when the first on the new one are not well.

    A rollout ends there, and leaves the others as they were.
    """
    others = [each for each in suspects if each.identity[1:2] == ("image",)]
    behind = frozenset[str]().union(*(each.machines for each in others))
    updated = frozenset(machine.machine for machine in facts.machines) - behind
    why = next((each for each in suspects if _is_sick(each) and each.machines <= updated), None)
    if why is None:
        return tuple(suspects)
    wider = replace(why, machines=why.machines | behind)
    return tuple(wider if each is why else each for each in suspects if each not in others)


def _is_sick(suspect: Suspect) -> bool:
    return bool(suspect.machines) and suspect.identity[1:2] in _SICK


def _of_app(suspect: Suspect, facts: Facts) -> Suspect:
    everything = frozenset(machine.machine for machine in facts.machines)
    is_gone = suspect.identity[0] in _TAKE_DOWN and suspect.machines >= everything
    hosts = (f"{facts.app}.internal", f"{facts.app}.flycast") if facts.app and is_gone else ()
    identity = (facts.app, *suspect.identity)
    return replace(
        suspect,
        app=facts.app,
        identity=identity,
        hosts=frozenset(hosts),
        seen_on=suspect.machines,
    )


def _platform_troubles(facts: Facts) -> Iterable[Suspect]:
    for trouble in facts.troubles:
        yield Suspect(str(trouble), own=trouble.cause)


def _lost_hosts(facts: Facts) -> Iterable[Suspect]:
    lost = {machine.machine for machine in facts.machines if machine.host_status != "ok"}
    shares = [_share(facts, group, found) for group, found in _by_group(facts, lost)]
    if shares:
        yield Suspect(f"Fly's host does not answer: {', '.join(shares)}", own=LOST_HOST)


def _left_out(facts: Facts) -> Iterable[Suspect]:
    shares = [_share(facts, group, found) for group, found in _by_group(facts, facts.left_out)]
    if shares:
        title = f"Fly's proxy leaves out {', '.join(shares)}, though their checks pass"
        yield Suspect(title, own=LEFT_OUT)


def _own_faults(facts: Facts) -> Iterable[Suspect]:
    by_cause: dict[str, list[OwnFault]] = {}
    for fault in facts.own_faults:
        by_cause.setdefault(fault.cause, []).append(fault)
    for cause, faults in by_cause.items():
        detail = _cut(faults[0].detail)
        yield Suspect(f"not the app's fault, {cause}: {detail}", own=cause)


def _out_of_memory(facts: Facts) -> Iterable[Suspect]:
    killed = [event for event in facts.events if event.oom_killed]
    for group, machines in _by_group(facts, {event.machine for event in killed}):
        times = sum(event.machine in machines for event in killed)
        share = _share(facts, group, machines)
        title = f"{group} ran out of memory on {share}, killed {_times(times)}"
        gone = _out_of_service(facts, group, machines)
        identity = ("out of memory", group)
        yield Suspect(title, machines, gone, identity=identity)


def _exits(facts: Facts) -> Iterable[Suspect]:
    ended = [
        event
        for event in facts.events
        if event.type == "exit" and not event.oom_killed and not event.requested_stop
    ]
    found: dict[tuple[str, ...], dict[str, frozenset[str]]] = {}
    for group, machines in _by_group(facts, {event.machine for event in ended}):
        codes = {str(event.exit_code) for event in ended if event.machine in machines}
        code = ", ".join(sorted(codes - {"None"})) or "unknown"
        exception = _exception(facts, machines)
        # One fault that ends several groups, such as a setting that all of them miss, is one.
        key = (code, exception) if exception else (code, exception, group)
        found.setdefault(key, {})[group] = machines
    for (code, exception, *_), groups in found.items():
        yield _exit(facts, groups, code, exception)


def _exit(facts: Facts, groups: Mapping[str, frozenset[str]], code: str, exception: str) -> Suspect:
    machines = frozenset[str]().union(*groups.values())
    words = _last_words(facts, machines, errors_only=code == "0")
    said = f": {words[-1]}" if words else ""
    shares = " and ".join(_share(facts, *each) for each in groups.items())
    names = " and ".join(groups)
    verb = "exits by itself" if len(groups) == 1 else "exit by themselves"
    gone = frozenset[str]().union(*(_out_of_service(facts, *each) for each in groups.items()))
    return Suspect(
        f"{names} {verb} on {shares}, exit code {code}{said}",
        machines,
        gone,
        evidence=words,
        identity=("exits", names, code, exception),
    )


def _not_started(facts: Facts) -> Iterable[Suspect]:
    down = {m.machine for m in facts.machines if _is_down(m)}
    groups = dict(_by_group(facts, down))
    if len(groups) > 1 and len(down) == len(facts.machines):
        # An app that is down as a whole is one fault, whatever its groups are.
        states = _states(facts, down)
        gone = frozenset(groups) - {_DEFAULT_GROUP}
        title = f"{facts.app or 'the app'} is {' or '.join(states)} on all {len(down)} Machines"
        yield Suspect(title, frozenset(down), gone, identity=("state", "", *states))
        return
    for group, machines in groups.items():
        states = _states(facts, machines)
        title = f"{group} is {' or '.join(states)} on {_share(facts, group, machines)}"
        gone = _out_of_service(facts, group, machines)
        identity = ("state", group, *states)
        yield Suspect(title, machines, gone, identity=identity)


def _states(facts: Facts, machines: Collection[str]) -> list[str]:
    seen = [machine for machine in facts.machines if machine.machine in machines]
    return sorted({"cordoned" if m.state == "started" else m.state for m in seen})


def _is_down(machine: MachineSeen) -> bool:
    asleep = machine.may_sleep and machine.state in {"stopped", "suspended"}
    return machine.cordoned or (machine.state != "started" and not asleep)


def _failing_checks(facts: Facts) -> Iterable[Suspect]:
    failing = [check for check in facts.checks if check.status != "passing"]
    by_check: dict[tuple[str, str], list[CheckSeen]] = {}
    groups = {machine.machine: machine.group for machine in facts.machines}
    for check in failing:
        by_check.setdefault((groups.get(check.machine, ""), check.check), []).append(check)
    for (group, name), seen in by_check.items():
        machines = frozenset(check.machine for check in seen)
        said = _cut(Counter(check.output for check in seen).most_common(1)[0][0])
        title = f"check {name} fails on {_share(facts, group, machines)}: {said}"
        outputs = tuple(sorted({check.output for check in seen}))
        yield Suspect(title, machines, evidence=outputs, identity=("check", group, name))


def _failed_requests(facts: Facts) -> Iterable[Suspect]:
    for traffic in _traffics(facts):
        judgement = traffic.judge_errors(facts.error_ratio)
        if judgement.verdict is ObjectiveVerdict.BREACHED:
            what, example = _commonest(traffic.failed, _answer)
            share = f"{judgement.observed:.1%} of requests ({judgement.bad} of {judgement.total})"
            evidence = _cut(example.body_head or example.error)
            machines = _machines_of(traffic.failed)
            title = f"{share} fail, mostly {what}"
            yield Suspect(title, machines, evidence=(evidence,), identity=("requests", what))


def _slow_requests(facts: Facts) -> Iterable[Suspect]:
    limit_s = facts.latency_p95_s
    for traffic in _traffics(facts):
        if traffic.judge_latency(95, limit_s).verdict is ObjectiveVerdict.BREACHED:
            slow = [exchange for exchange in traffic.judged if exchange.total_s > limit_s]
            what, _ = _commonest(slow, _request)
            p95 = f"p95 is {traffic.percentile_s(95):.2f} s, limit {limit_s:g} s"
            title = f"slow answers: {p95}, mostly {what}"
            yield Suspect(title, _machines_of(slow), identity=("slow", what))


def _error_lines(facts: Facts) -> Iterable[Suspect]:
    for group in facts.errors:
        where = f"{len(group.machines)} Machine{'s' if len(group.machines) > 1 else ''}"
        title = f"errors in the log, {_times(group.count)} on {where}: {_cut(_said(group.sample))}"
        identity = ("log", group.kind, group.template)
        yield Suspect(
            title, frozenset(group.machines), evidence=(_cut(group.sample),), identity=identity
        )


def _other_image(facts: Facts) -> Iterable[Suspect]:
    release = facts.image
    known = [machine for machine in facts.machines if machine.image and release]
    other = {machine.machine for machine in known if not same_image(machine.image, release)}
    for group, machines in _by_group(facts, other):
        image = next(m.image for m in facts.machines if m.machine in machines)
        share = _share(facts, group, machines)
        title = f"{group} runs another image than the release on {share}: {image}"
        yield Suspect(title, machines, identity=("image", group))


def _by_group(facts: Facts, machines: AbstractSet[str]) -> Iterable[tuple[str, frozenset[str]]]:
    for group in sorted({machine.group for machine in facts.machines}):
        of_group = {machine.machine for machine in facts.machines if machine.group == group}
        if of_group & machines:
            yield group, frozenset(of_group & machines)


def _out_of_service(facts: Facts, group: str, machines: frozenset[str]) -> frozenset[str]:
    """Name the group whose Machines are all concerned; what still has one serves its callers.

    The default group's name is a word of every other sentence, so a text that has it blames nobody.
    """
    of_group = {machine.machine for machine in facts.machines if machine.group == group}
    return frozenset({group} if of_group <= machines and group != _DEFAULT_GROUP else ())


def _share(facts: Facts, group: str, machines: frozenset[str]) -> str:
    """Say on how many of a group's Machines, naming it when it is one."""
    of_group = [machine for machine in facts.machines if machine.group == group]
    found = [machine for machine in of_group if machine.machine in machines]
    named = f" ({found[0].region} {found[0].machine[:6]})" if len(found) == 1 else ""
    return f"{len(found)} of {len(of_group)} {group} Machines{named}"


def _last_words(facts: Facts, machines: frozenset[str], *, errors_only: bool) -> tuple[str, ...]:
    """Give the last errors that these Machines' processes wrote, or else the last lines."""
    said = [line for line in facts.log_lines if line.machine in machines and line.provider == "app"]
    errors = [line for line in said if line.level in {"error", "critical"}]
    if errors_only:
        said = []
    return tuple(_cut(_said(line.message)) for line in (errors or said)[-3:])


def _exception(facts: Facts, machines: frozenset[str]) -> str:
    """What the last stack trace of these Machines has in common with others of its fault."""
    said = [line for line in facts.log_lines if line.machine in machines and line.provider == "app"]
    return next((event.cause for event in reversed(events_of(said)) if event.cause), "")


def _traffics(facts: Facts) -> tuple[Traffic, ...]:
    return (facts.bake.journeys, facts.bake.endpoints) if facts.bake else ()


def _commonest(
    exchanges: Sequence[Exchange], describe: Callable[[Exchange], str]
) -> tuple[str, Exchange]:
    """Give the description that most exchanges share, and the first that has it."""
    what = Counter(map(describe, exchanges)).most_common(1)[0][0]
    return what, next(exchange for exchange in exchanges if describe(exchange) == what)


def _request(exchange: Exchange) -> str:
    path = "/".join(
        "…" if any(character.isdigit() for character in part) else part
        for part in urlsplit(exchange.url).path.split("/")
    )
    return f"{exchange.method} {path}"


def _answer(exchange: Exchange) -> str:
    said = (
        f"answers {exchange.status}"
        if exchange.status
        else f"gets no answer ({exchange.error_kind})"
    )
    return f"{_request(exchange)} {said}"


def _machines_of(exchanges: Iterable[Exchange]) -> frozenset[str]:
    return frozenset(exchange.machine for exchange in exchanges if exchange.machine)


def _said(message: str) -> str:
    return read_line(message, "").text


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else f"{line[: _SHOWN - 1]}…"
