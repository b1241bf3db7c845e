"""A local fleet for a search: deployed once, and begun anew for each schedule.

Nothing of what is done to it is written to the undo journal: it belongs to the search alone, ends
with its process in whatever way that ends, and is thrown away with all that was done to it.
"""

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import msgspec

from pytest_sre.chaos.actions import Action
from pytest_sre.chaos.changes.change import Change, NotInjected
from pytest_sre.chaos.ends import require_ends
from pytest_sre.chaos.hands import Hands, hands_of
from pytest_sre.chaos.planning import app_of, changes_of
from pytest_sre.deploys.rollout import deploy
from pytest_sre.fly.organization import PERSONAL
from pytest_sre.local.images import image_from_release
from pytest_sre.local.platform import LocalPlatform
from pytest_sre.logs.errors import error_groups
from pytest_sre.logs.source import LogTail
from pytest_sre.recording.rows import LogLine
from pytest_sre.targets import AppSpec, Settings
from pytest_sre.verdict import Inconclusive

_HEALTHY_WITHIN_S: Final = 60.0


@dataclass(frozen=True)
class Fleet:
    """The apps of a target, on a local platform of their own.

    Attributes:
        hands: what acts on them.
        settings: the target.
        seed: decides which Machines a fault hits.
    """

    hands: Hands
    settings: Settings
    seed: int

    @property
    def app(self) -> str:
        """The app that is meant when a fault names none, and that users ask."""
        return self.settings.target.apps[0].name

    @property
    def base_url(self) -> str:
        """Where users reach it."""
        return self.platform.app_url(self.app)

    @property
    def platform(self) -> LocalPlatform:
        """Where it runs."""
        assert self.hands.local
        return self.hands.local

    @classmethod
    @contextlib.contextmanager
    def deployed(cls, settings: Settings, *, release: str, seed: int) -> Iterator[Self]:
        """Deploy a target's apps as they are, or as a release of ``releases/NAME.toml``.

        Raises:
            Inconclusive: they do not become healthy.
            ConfigError: a file that the fly.toml names cannot be read.
            FlyError: the platform refuses a step.
            ReleaseFileError: there is no such release.
            LocalPlatformError: the platform does not start.
        """
        # The platform removes it, also when this process is killed.
        folder = Path(tempfile.mkdtemp(prefix="pytest-sre-explore-"))
        with (
            LocalPlatform.start(folder) as platform,
            hands_of(str(platform.state_dir)) as hands,
        ):
            for spec in settings.target.apps:
                _deploy(hands, platform, spec, release)
                platform.keep_beginning(spec.name)
            yield cls(hands, settings, seed)

    def begin_anew(self) -> None:
        """Have fresh processes, the data of the beginning and no faults.

        Raises:
            LocalPlatformError: not all Machines become healthy.
        """
        for spec in self.settings.target.apps:
            self.platform.begin_anew(spec.name)

    def changes(self, faults: Sequence[Action]) -> tuple[tuple[Change, ...], ...]:
        """Say what each fault changes, from the Machines that run now.

        Raises:
            NotInjected: one cannot be done here.
        """
        apps = {app_of(fault, self.app) for fault in faults}
        machines = {app: self.hands.fly.machines(app) for app in apps}
        return tuple(
            changes_of(fault, machines[app], app=app, seed=self.seed, local=True)
            for fault in faults
            for app in (app_of(fault, self.app),)
        )

    def require(self, faults: Sequence[Action]) -> None:
        """Pass when all of these faults can be injected here.

        Raises:
            Inconclusive: one cannot be.
        """
        try:
            for fault in faults:
                require_ends(fault, self.hands)
            self.changes(faults)
        except NotInjected as refusal:
            raise Inconclusive(f"a fault of the search cannot be injected: {refusal}") from None

    def is_whole(self) -> bool:
        """Whether all Machines run, and are routed to.

        Raises:
            FlyError: the platform does not say.
        """
        return all(
            machine.state == "started" and not machine.cordoned
            for spec in self.settings.target.apps
            for machine in self.hands.fly.machines(spec.name)
        )

    def errors(self, since_at: float) -> tuple[str, ...]:
        """Give one text for each kind of error that the log has since a time, Unix seconds.

        Raises:
            FlyError: the platform does not say.
        """
        return tuple(
            group.template
            for spec in self.settings.target.apps
            for group in error_groups(self._lines(spec.name, since_at), self.settings.logs.ignore)
        )

    def _lines(self, app: str, since_at: float) -> list[LogLine]:
        tail = LogTail(lambda token: self.hands.fly.logs(app, next_token=token), app, since_at)
        return tail.poll()


def _deploy(hands: Hands, platform: LocalPlatform, spec: AppSpec, release: str) -> None:
    root = spec.path.parent
    file = root / "releases" / f"{release}.toml" if release else None
    image = image_from_release(root, spec.name, file, commands=spec.processes)
    platform.register_image(msgspec.structs.replace(image, warm=True))
    ended = deploy(
        hands.fly,
        spec,
        image=image.ref,
        organization=PERSONAL,
        healthy_within_s=_HEALTHY_WITHIN_S,
    )
    if ended.failures:
        raise Inconclusive(f"{spec.name} cannot be searched: {'; '.join(ended.failures)}")
