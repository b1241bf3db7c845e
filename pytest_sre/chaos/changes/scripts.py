"""What is done inside a Machine, as text for a POSIX shell. Pure.

What is made ends by itself: a watchdog in a session of its own, armed before, undoes it when the
time is over, whatever became of the shell that made it. The processes of a change have a mark in
their arguments by which they are found again, and ended, before anything else is undone.
"""

import math
import re
import shlex
from dataclasses import dataclass
from typing import Final

REFUSED: Final = 71
"""The exit code of a script that refuses; what it says is why."""
MADE: Final = "made"
READ: Final = "read"
"""What a script says last when it has come to its end."""

_MARK: Final = re.compile(r"sre-[a-z0-9-]{1,80}")
_ALWAYS: Final = ("grep", "setsid", "sleep")
_TRIES: Final = 60
# A command that fails has read nothing, which is no proof that nothing is there.
_WHEN_MAKING: Final = (
    f'refuse() {{ echo "$1"; exit {REFUSED}; }}',
    'fail() { refuse "$1"; }',
)
# Where making it would be refused it was never made.
_WHEN_READING: Final = (
    f"refuse() {{ echo {READ}; exit 0; }}",
    'fail() { echo "$1"; exit 1; }',
)
# It waits until what it leaves running has its own session, and outlives whoever ends this one.
_HOLD: Final = """mark="${0%make}hold"
hold() {
  up=$(setsid sh -c "echo up; exec >/dev/null 2>&1; $1" "$mark" </dev/null 2>/dev/null &)
  [ "$up" = up ]
}"""
# The local platform's Machines are processes of somebody's computer, whatever reaches them.
_NOT_HERE: Final = (
    '[ "${FLY_PRIVATE_IP:-}" != 127.0.0.1 ]'
    ' || refuse "this Machine has no network, disk and clock of its own"'
)
_ROOT: Final = (
    'user=$(id -u 2>&1) || fail "id ended with exit code $?: $user"',
    '[ "$user" = 0 ] || refuse "commands do not run as root here"',
)
_FIND: Final = 'command -v "$tool" >/dev/null 2>&1 || refuse "the image has no $tool"'
# grep's answers; of a process that has just ended it says 2, and nothing.
_HEARD: Final = (
    'case "$code:$held" in [01]:*|2:|2:/proc/*) ;;'
    ' *) fail "grep ended with exit code $code: $held"; esac'
)
_SEE: Final = '[ -r "/proc/$$/cmdline" ] || refuse "there is no /proc"'


@dataclass(frozen=True, kw_only=True)
class Deed:
    """What is done in a Machine; each text is commands on one line.

    Attributes:
        make: does it; ends with an error when it cannot. ``hold 'COMMANDS'`` leaves commands
            running, of which ``$0`` is the mark.
        undo: undoes it, also where it was never made, and says nothing; empty when there is
            nothing to undo but to end what ``hold`` left running.
        left: says what is left of it; nothing when nothing is. Ends with an error, and says which,
            when it cannot find out.
        first: ``refuse "why"`` in it keeps it from being made.
        tools: the programs it needs.
        needs_root: whether only root can do it.
    """

    make: str
    undo: str = ""
    left: str = ""
    first: str = ""
    tools: tuple[str, ...] = ()
    needs_root: bool = True


def making(deed: Deed, mark: str, lasts_s: float) -> tuple[str, ...]:
    """Give the command that makes it, and has it end by itself.

    Args:
        deed: what is done.
        mark: by which its processes are found.
        lasts_s: when it ends by itself, seconds.

    Returns:
        A program and its arguments. It ends with 0 and ``made``, or with `REFUSED`.
    """
    lines = [
        *_WHEN_MAKING,
        _HOLD,
        *_looking(deed, mark, "hold"),
        '[ -z "$left$held" ] || refuse "it is on already: $left$held"',
    ]
    if deed.first:
        lines.append(deed.first)
    if deed.undo:
        watchdog = shlex.quote(f"sleep {seconds(lasts_s)}; {_undoing_for_good(deed)}")
        lines.append(f'hold {watchdog} || refuse "no watchdog could be started"')
    give_up = f"{deed.undo or ':'}; {_ending(mark, 'hold')}; {_waiting(mark, 'hold')}"
    # Without the watchdog nothing would end what was made after its time was over.
    late = (
        f"[ -n \"$({_held(mark)})\" ] || {{ echo 'its time was over before it was made'; false; }}"
    )
    make = f"{{ {deed.make}; }} && {{ {late if deed.undo else ':'}; }}"
    lines += [
        f'why=$( {{ {make}; }} 2>&1 ) || {{ {give_up}; refuse "${{why:-it failed}}"; }}',
        f"echo {MADE}",
    ]
    return ("sh", "-c", "\n".join(lines), f"{_checked(mark)}-make")


def seconds(lasts_s: float) -> int:
    """Give a time as every ``sleep`` understands it: whole seconds, at least one."""
    return max(1, math.ceil(lasts_s))


def undoing(deed: Deed, mark: str) -> tuple[str, ...]:
    """Give the command that undoes it, and ends whatever still makes it."""
    end = f"{_ending(mark)}; {deed.undo or ':'}; {_waiting(mark)}"
    return ("sh", "-c", f"{end}; echo {READ}")


def reading(deed: Deed, mark: str) -> tuple[str, ...]:
    """Give the command that says what is left of it, and then ``read``.

    When something keeps it from finding out it says what, and nothing then.
    """
    lines = [*_WHEN_READING, *_looking(deed, mark), f'echo "$left" "$held"; echo {READ}']
    return ("sh", "-c", "\n".join(lines))


def _looking(deed: Deed, mark: str, what: str = "") -> list[str]:
    """Have ``$left`` and ``$held`` be what is left of it: what it did, and its processes."""
    tools = " ".join(map(shlex.quote, (*_ALWAYS, *deed.tools)))
    lines = [f"for tool in {tools}; do {_FIND}; done", _SEE]
    if deed.needs_root:
        lines += [_NOT_HERE, *_ROOT]
    return [
        *lines,
        f'left=$({deed.left or ":"}) || fail "$left"',
        f"held=$({_held(mark, what)} 2>&1); code=$?",
        _HEARD,
    ]


def _undoing_for_good(deed: Deed) -> str:
    """Undo it until nothing is left; at least twice, for it may just be being made."""
    is_left = f'{{ ! left=$({deed.left or ":"}) || [ -n "$left" ]; }}'
    more = f"while {is_left} && [ $n -lt {_TRIES} ]; do {deed.undo}; n=$((n+1)); sleep 1; done"
    return f"{deed.undo}; sleep 1; {deed.undo}; n=0; {more}"


def _held(mark: str, what: str = "hold") -> str:
    """List the processes that bear the mark; the pattern does not match itself."""
    first, rest = _checked(mark)[0], _checked(mark)[1:]
    return f"grep -slae '[{first}]{rest}-{what}' /proc/[0-9]*/cmdline"


def _ending(mark: str, what: str = "") -> str:
    return (
        f"for p in $({_held(mark, what)}); do p=${{p#/proc/}}; p=${{p%/cmdline}};"
        ' kill -9 "-$p" 2>/dev/null; kill -9 "$p" 2>/dev/null; done'
    )


def _waiting(mark: str, what: str = "") -> str:
    """Wait for processes that were killed, which need a moment until they are gone."""
    is_there = f'[ -n "$({_held(mark, what)})" ] && [ $n -lt 40 ]'
    return f"n=0; while {is_there}; do n=$((n+1)); sleep 0.05; done"


def _checked(mark: str) -> str:
    if not _MARK.fullmatch(mark):
        raise ValueError(f"expected a mark of a change, found {mark[:80]!r}")
    return mark
