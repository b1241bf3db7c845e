"""Undoes what processes left that were killed: from the journal, and from the tags of Machines."""

import time
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from pytest_sre.chaos.changes.change import Change
from pytest_sre.chaos.changes.known import UnknownChangeError
from pytest_sre.chaos.hands import Hands, Vanished, hands_of
from pytest_sre.chaos.undoing.intents import KIND, change_in, platform_in
from pytest_sre.chaos.undoing.settling import Open, Settled, settle
from pytest_sre.chaos.undoing.tags import PREFIX, Tag, find_tags, read_tag, tag_of
from pytest_sre.fly.errors import FlyError
from pytest_sre.local.platform import LocalPlatformError
from pytest_sre.undo.files import Journal, Kept


@dataclass(frozen=True)
class Recovered:
    """What came of undoing one thing that was left.

    Attributes:
        id: by which it is known in the journal, and in tags.
        target: the target's name; empty when that is not known.
        described: what was done, in a few words.
        is_clean: it was read back that nothing of it is left.
        why: what was in the way; empty when it is clean.
        by_hand: the commands by which a person undoes it.
        due_at: until then it is left to whoever did it, Unix seconds; None when it was not.
    """

    id: str
    target: str
    described: str
    is_clean: bool
    why: str = ""
    by_hand: tuple[str, ...] = ()
    due_at: float | None = None


def undo_left(
    journal: Journal, *, timeout_s: float, run: str | None = None
) -> tuple[Recovered, ...]:
    """Undo the changes that are in a journal and that no process holds.

    Args:
        journal: the journal.
        timeout_s: how long that may take, seconds.
        run: only those of this run; of all when None.

    Raises:
        OSError: the journal cannot be read, so that nobody knows what is left.
    """
    with ExitStack() as held:
        taken, found = [], []
        for intent in journal.left(run):
            if intent.kind != KIND:
                continue
            kept = held.enter_context(journal.taken(intent))
            if kept is None:
                continue
            try:
                taken.append((change_in(intent), kept))
            except UnknownChangeError as error:
                where = str(journal.folder / f"{intent.id}.json")
                found.append(_unknown(intent.id, intent.target, error, where))
        for platform in {platform_in(kept.intent) for _, kept in taken}:
            there = [each for each in taken if platform_in(each[1].intent) == platform]
            found += _undo_kept(there, platform, timeout_s)
    return tuple(found)


def undo_tagged(
    hands: Hands,
    apps: Collection[str],
    *,
    target: str,
    timeout_s: float,
    now: bool,
    held: Collection[str],
) -> tuple[Recovered, ...]:
    """Undo what tags of Machines tell of, and whose time is over.

    Args:
        hands: by what.
        apps: the apps whose Machines are looked at.
        target: their target's name.
        timeout_s: how long that may take, seconds.
        now: also what should be undone by whoever made it.
        held: the ids of what is in the journal of this machine, which tells more of it.

    Raises:
        FlyError: the platform does not say what tags there are.
    """
    due_before = float("inf") if now else time.time()
    due: list[tuple[Tag, Change]] = []
    found = []
    tags = [one for app in apps for one in find_tags(hands.fly, app).items()]
    for tag, text in tags:
        if _id_of(tag) in held:
            continue
        try:
            told = read_tag(text)
            change = told.read()
        except UnknownChangeError as error:
            where = f"fly machine status {tag.machine} --app {tag.app}   # metadata {tag.key}"
            found.append(_unknown(_id_of(tag), target, error, where))
            continue
        if told.until >= due_before:
            waits = Settled(is_clean=False, why="it is not due yet")
            not_due = _recovered(_id_of(tag), target, change, waits)
            found.append(replace(not_due, due_at=float(told.until)))
        else:
            due.append((tag, change))
    opened = [Open(change, None, tag) for tag, change in due]
    settled = settle(opened, hands, timeout_s=timeout_s, proven=lambda _number: None)
    found += [
        _recovered(_id_of(tag), target, change, each)
        for (tag, change), each in zip(due, settled, strict=True)
    ]
    return tuple(found)


def _undo_kept(
    taken: Sequence[tuple[Change, Kept]], platform: str, timeout_s: float
) -> list[Recovered]:
    opened = [Open(change, kept.made_at, tag_of(change, kept.intent.id)) for change, kept in taken]

    def proven(number: int) -> None:
        taken[number][1].done()

    try:
        with hands_of(platform) as hands:
            settled = settle(opened, hands, timeout_s=timeout_s, proven=proven)
    except Vanished:
        settled = [_removed(kept) for _, kept in taken]
    except (FlyError, LocalPlatformError) as error:
        why = "; ".join(str(error).splitlines())
        settled = [Settled(is_clean=False, why=why)] * len(taken)
    return [
        _recovered(kept.intent.id, kept.intent.target, change, each)
        for (change, kept), each in zip(taken, settled, strict=True)
    ]


def _removed(kept: Kept) -> Settled:
    try:
        kept.done()
    except OSError as error:
        return Settled(is_clean=False, why=str(error))
    return Settled(is_clean=True)


def _recovered(intent: str, target: str, change: Change, settled: Settled) -> Recovered:
    return Recovered(
        id=intent,
        target=target,
        described=change.described,
        is_clean=settled.is_clean,
        why=settled.why,
        by_hand=() if settled.is_clean else change.by_hand,
    )


def _unknown(intent: str, target: str, error: UnknownChangeError, where: str) -> Recovered:
    return Recovered(
        id=intent,
        target=target,
        described="something that this version does not know",
        is_clean=False,
        why=str(error),
        by_hand=(where,),
    )


def _id_of(tag: Tag) -> str:
    return tag.key.removeprefix(PREFIX)
