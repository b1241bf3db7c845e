"""What a run gives to chaos: by what the target is perturbed, when it may be, who is told."""

import contextlib
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_sre.chaos.ground import Ground
from pytest_sre.chaos.hands import Hands
from pytest_sre.local.platform import LocalPlatform, LocalPlatformError
from pytest_sre.run.evidence import Evidence
from pytest_sre.run.platforms import Platform
from pytest_sre.undo.files import Journal, undo_dir
from pytest_sre.verdict import Inconclusive, NotAsked

if TYPE_CHECKING:
    from pytest_sre.run.run import Run

# How long a call that was given up may still take effect, seconds, by platform.
_IN_FLIGHT_S = {"fly": 10.0, "local": 0.6}


@contextlib.contextmanager
def chaos_ground(run: "Run", evidence: Evidence) -> Iterator[Ground]:
    """Give the ground on which one test of a run perturbs the target, for as long as it does.

    Args:
        run: the run.
        evidence: the test's; what is done is recorded in its name.

    Raises:
        LocalPlatformError: the local platform of the run is gone.
    """
    settings = run.settings
    public = next((app for app in run.apps.values() if app.serving), None)
    first = next(iter(run.apps.values()))
    journal = Journal(undo_dir(settings.root))
    with _hands(run.platform) as hands:
        yield Ground(
            settings=settings,
            hands=hands,
            journal=journal,
            app=first.name,
            base_url=(public or first).url,
            journeys=frozenset(run.known_journeys),
            journey_files=settings.journeys,
            run=run.recorder.path.stem,
            seed=zlib.crc32(run.recorder.path.stem.encode()),
            test=evidence.test,
            ready=_readiness(run, journal),
            stopped=lambda: "",
            write=evidence.write,
            tell=lambda line: run.on_wait(line) if run.on_wait else None,
        )


@contextlib.contextmanager
def _hands(platform: Platform) -> Iterator[Hands]:
    if not platform.handle:
        yield Hands(platform.fly, in_flight_s=_IN_FLIGHT_S["fly"])
        return
    local = LocalPlatform.attach(Path(platform.handle))
    if local is None:
        raise LocalPlatformError(f"the local platform of this run is gone: {platform.handle}")
    with contextlib.closing(local):
        yield Hands(platform.fly, local, in_flight_s=_IN_FLIGHT_S["local"])


def _readiness(
    run: "Run", journal: Journal
) -> Callable[[float], contextlib.AbstractContextManager[None]]:
    @contextlib.contextmanager
    def ready(_lasts_s: float) -> Iterator[None]:
        target = run.settings.target
        if "chaos" not in target.allow:
            raise NotAsked(f"chaos is not allowed on {target.name}; see allow in sre.toml")
        # The bake is not to observe what is done on purpose.
        run.wait_for_bake()
        left = journal.left()
        if left:
            raise Inconclusive(
                f"expected nothing left to undo, found {len(left)}: {left[0].kind} on "
                f"{left[0].target or '?'}\nrun: pytest-sre recover",
                cause="left to undo",
            )
        yield

    return ready
