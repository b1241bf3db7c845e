"""Releases that are deployed on purpose, and the former one that comes back."""

import re
import time
from collections import Counter
from pathlib import Path
from typing import Final

import msgspec

from pytest_sre.chaos.actions import DeployRelease
from pytest_sre.chaos.changes.change import Change, ChangeStruct, NotInjected
from pytest_sre.chaos.changes.scene import Scene
from pytest_sre.chaos.changes.versions import renew, those_left
from pytest_sre.chaos.hands import Hands
from pytest_sre.deploys.health import Wanted, failure, is_as_wanted
from pytest_sre.fly.errors import NotFound
from pytest_sre.fly.images import same_image
from pytest_sre.fly.models import Machine, Release
from pytest_sre.local.images import ReleaseFileError, image_from_release
from pytest_sre.local.platform import LocalPlatform

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_POLL_S: Final = 0.1


class DeployedImage(ChangeStruct, frozen=True, tag="deployed-image"):
    """Bring an image onto the Machines that run, one after another, until one does not get well.

    No lease is held meanwhile: one that a dead process left would keep others from undoing it.

    Attributes:
        app: the app's name.
        image: what they are to run.
        former: what each Machine ran, by its id.
        healthy_within_s: how long all that may take, seconds.
        release: the name of the local release that it is made from; empty for another image.
    """

    app: str
    image: str
    former: dict[str, str]
    healthy_within_s: float
    release: str = ""

    @property
    def described(self) -> str:
        """What it does, in a few words."""
        return f"deploy {self.image} to {self.app}"

    @property
    def by_hand(self) -> tuple[str, ...]:
        """The commands by which a person undoes it, exactly."""
        return tuple(
            f"fly machine update {machine} --image {image} --app {self.app} --yes"
            for machine, image in self.former.items()
        )

    @property
    def carrier(self) -> tuple[str, str] | None:
        """The first of the Machines."""
        return self.app, min(self.former)

    def make(self, hands: Hands) -> None:
        """Deploy it, as far as it gets; a release that does not come up is what was asked for."""
        if hands.local and self.release:
            _make_known(hands.local, self.release, self.app, self.image, self._usual)
        until = time.monotonic() + self.healthy_within_s
        release = hands.fly.create_release(self.app, image=self.image)
        for machine in those_left(hands, self.app, self.former):
            wanted = Wanted(self._bring(hands, machine, self.image, release), self.image)
            if not self._gets_well(hands, machine.id, wanted, until):
                hands.fly.update_release(release.id, "failed")
                return
        hands.fly.update_release(release.id, "failed" if hands.is_ending() else "complete")

    def undo(self, hands: Hands) -> None:
        """Deploy the former image again, at once to all Machines that run this one.

        What somebody else has deployed since stays.
        """
        try:
            release = self._release_back(hands)
        except NotFound:
            return
        for machine in those_left(hands, self.app, self.former):
            former = self.former[machine.id]
            if self._is_left(machine.settings.image, former):
                self._bring(hands, machine, former, release)
        if release.in_progress:
            hands.fly.update_release(release.id, "complete")

    def is_undone(self, hands: Hands) -> bool:
        """Whether nothing runs it that did not before, and the newest release is another one."""
        try:
            newest, *_ = self._releases(hands) or [Release()]
        except NotFound:
            return True
        is_ended = not newest.in_progress or not same_image(newest.image_ref, self._usual)
        return (
            is_ended
            and not self._is_left(newest.image_ref, self._usual)
            and all(self._is_back(each) for each in those_left(hands, self.app, self.former))
        )

    @property
    def _usual(self) -> str:
        """What most of the Machines ran."""
        return Counter(self.former.values()).most_common(1)[0][0]

    def _is_left(self, image: str, former: str) -> bool:
        """Whether an image that runs now is this one, and not there as it was before."""
        return same_image(image, self.image) and not same_image(image, former)

    def _is_back(self, machine: Machine) -> bool:
        """Whether a Machine runs as it did; what it runs by somebody else's deploy is theirs."""
        image, former = machine.settings.image, self.former[machine.id]
        if same_image(image, former):
            return machine.state == "started"
        return not same_image(image, self.image)

    def _release_back(self, hands: Hands) -> Release:
        """The release by which Machines get back what they ran: a new one after that of ours."""
        releases = self._releases(hands)
        if releases and self._is_left(releases[0].image_ref, self._usual):
            if releases[0].in_progress:
                hands.fly.update_release(releases[0].id, "interrupted")
            begun = hands.fly.create_release(self.app, image=self._usual)
            return msgspec.structs.replace(begun, in_progress=True)
        return next((r for r in releases if same_image(r.image_ref, self._usual)), Release())

    def _releases(self, hands: Hands) -> list[Release]:
        """The app's releases, newest first.

        Raises:
            NotFound: the app is gone.
        """
        hands.fly.app(self.app)
        return hands.fly.releases(self.app)

    def _bring(self, hands: Hands, machine: Machine, image: str, release: Release) -> str:
        """Have a Machine run an image; its version then."""
        metadata = {
            **machine.settings.metadata,
            "fly_release_id": release.id,
            "fly_release_version": str(release.version),
        }
        config = msgspec.structs.replace(machine.settings, image=image, metadata=metadata)
        return renew(hands, self.app, machine, config).instance_id

    def _gets_well(self, hands: Hands, machine_id: str, wanted: Wanted, until: float) -> bool:
        while time.monotonic() < until and not hands.is_ending():
            machine = hands.fly.machine(self.app, machine_id)
            if is_as_wanted(machine, wanted):
                return True
            if failure(machine, wanted):
                return False
            time.sleep(_POLL_S)
        return False


def _make_known(platform: LocalPlatform, release: str, app: str, ref: str, former: str) -> None:
    """Make a release's image known, of the folder that the former image is of.

    Raises:
        NotInjected: there is no such release, or no such folder.
    """
    known = {image.ref: image for image in platform.images()}
    base = known.get(former.partition("@")[0])
    if base is None or not base.root:
        raise NotInjected(f"expected an image of a folder to find {release} in, found {former}")
    root = Path(base.root)
    try:
        image = image_from_release(
            root, app, root / "releases" / f"{release}.toml", commands=base.commands
        )
    except ReleaseFileError as error:
        raise NotInjected(str(error)) from None
    platform.register_image(msgspec.structs.replace(image, ref=ref, warm=base.warm))


def plan_deploy(action: DeployRelease, scene: Scene) -> tuple[Change, ...]:
    """Deploy an image, or locally one of the app's releases by its name.

    Raises:
        NotInjected: there is nothing to deploy, or no Machine that runs.
    """
    if not scene.running:
        raise NotInjected(f"expected Machines of {scene.app} that run, found none")
    return (
        DeployedImage(
            app=scene.app,
            image=_image_of(action, scene),
            release=action.release,
            takes_s=scene.slow_call_s,
            former={machine.id: machine.settings.image for machine in scene.running},
            healthy_within_s=action.lasts_s,
        ),
    )


def _image_of(action: DeployRelease, scene: Scene) -> str:
    if bool(action.image) == bool(action.release):
        raise NotInjected("expected an image or a release to deploy, and not both")
    if action.image:
        return action.image
    if not scene.local:
        raise NotInjected("expected an image to deploy: releases by name are local")
    if not _NAME.fullmatch(action.release):
        raise NotInjected(f"expected the name of a release, found {action.release[:60]!r}")
    return f"registry.local/{scene.app}:{action.release}"
