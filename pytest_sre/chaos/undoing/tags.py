"""What it takes to undo a change, in the metadata of the Machine that it concerns.

It is there before the change is made, so that a machine that has no journal of ours can undo it,
and is removed after the proof. It has its time in it: before that, whoever made the change undoes
it. Metadata changes neither a Machine's process nor its version.
"""

import contextlib
from dataclasses import dataclass
from typing import Final

import msgspec

from pytest_sre.chaos.changes.change import Change
from pytest_sre.chaos.changes.known import UnknownChangeError, read_change, write_change
from pytest_sre.fly.client import Fly
from pytest_sre.fly.errors import NotFound

PREFIX: Final = "sre-undo-"
"""Begins the keys of tags."""


@dataclass(frozen=True)
class Tag:
    """Where a tag is.

    Attributes:
        app: the app.
        machine: the id of its Machine in whose metadata it is.
        key: by which.
    """

    app: str
    machine: str
    key: str


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What a tag says.

    Attributes:
        until: when whoever made the change should have undone it, Unix seconds.
        run: which run that is.
        change: the change, as text.
    """

    until: int
    run: str
    change: str

    def read(self) -> Change:
        """Give the change.

        Raises:
            UnknownChangeError: this version does not know it.
        """
        return read_change(self.change)


# Made once, and here: two threads that did so at once would crash.
_TOLD: Final = msgspec.json.Decoder(Told)


def tag_of(change: Change, intent: str) -> Tag | None:
    """Say where a change is told of; None when there is no Machine for that.

    Args:
        change: the change.
        intent: the id of its intent.
    """
    if change.carrier is None:
        return None
    app, machine = change.carrier
    return Tag(app, machine, f"{PREFIX}{intent}")


def put_tag(fly: Fly, tag: Tag, change: Change, *, run: str, until: float) -> None:
    """Tell of a change.

    Raises:
        FlyError: the platform does not take it.
    """
    told = Told(until=round(until), run=run, change=write_change(change))
    text = msgspec.json.encode(told).decode()
    fly.set_metadata(tag.app, tag.machine, tag.key, text)


def remove_tag(fly: Fly, tag: Tag) -> None:
    """Tell of it no more; nothing happens when nothing does.

    Raises:
        FlyError: the platform does not say that it is removed.
    """
    with contextlib.suppress(NotFound):
        fly.delete_metadata(tag.app, tag.machine, tag.key)


def find_tags(fly: Fly, app: str) -> dict[Tag, str]:
    """Find the tags of an app, each with its text; none when there is no such app.

    Raises:
        FlyError: the platform does not say.
    """
    try:
        machines = fly.machines(app)
    except NotFound:
        return {}
    return {
        Tag(app, machine.id, key): text
        for machine in machines
        for key, text in machine.settings.metadata.items()
        if key.startswith(PREFIX)
    }


def read_tag(text: str) -> Told:
    """Read what a tag says.

    Raises:
        UnknownChangeError: it is none of ours.
    """
    try:
        return _TOLD.decode(text)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise UnknownChangeError(
            f"expected what it takes to undo a change, found {len(text)} characters: {error}"
        ) from None
