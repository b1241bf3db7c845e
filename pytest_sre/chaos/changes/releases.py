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
from pytest_sre.chaos.changes.versions import all_run, renew, those_left
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
        hands.fly.update_release(release.id, "complete")

    def undo(self, hands: Hands) -> None:
        """Deploy the former image again, at once to all Machines that run another one."""
        try:
            release = self._newest(hands)
        except NotFound:
            return
        begun = release.in_progress
        if not same_image(release.image_ref, self._usual):
            if begun:
                hands.fly.update_release(release.id, "interrupted")
            release, begun = hands.fly.create_release(self.app, image=self._usual), True
        for machine in those_left(hands, self.app, self.former):
            image = self.former[machine.id]
            if not same_image(machine.settings.image, image):
                self._bring(hands, machine, image, release)
        if begun:
            hands.fly.update_release(release.id, "complete")

    def is_undone(self, hands: Hands) -> bool:
        """Whether all Machines run what they ran, and the newest release says so."""
        try:
            release = self._newest(hands)
        except NotFound:
            return True
        return (
            not release.in_progress
            and same_image(release.image_ref, self._usual)
            and all(
                same_image(machine.settings.image, self.former[machine.id])
                for machine in those_left(hands, self.app, self.former)
            )
            and all_run(hands, self.app, self.former)
        )

    @property
    def _usual(self) -> str:
        """What most of the Machines ran."""
        return Counter(self.former.values()).most_common(1)[0][0]

    def _newest(self, hands: Hands) -> Release:
        """The app's newest release; one of what it ran where it has none."""
        hands.fly.app(self.app)
        return next(iter(hands.fly.releases(self.app, 1)), Release(image_ref=self._usual))

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
        while time.monotonic() < until:
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
