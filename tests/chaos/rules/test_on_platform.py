"""The same rules by a run on a real platform: its releases, its Machines' metadata, its silence."""

import contextlib
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pytest_sre.chaos.actions import (
    CordonMachines,
    DegradeNetwork,
    DependencyOutage,
    LoseRegion,
    Partition,
    PlatformFault,
    Scale,
    Which,
)
from pytest_sre.chaos.changes.change import NotInjected
from pytest_sre.chaos.faults import Faults
from pytest_sre.chaos.ground import Ground
from pytest_sre.chaos.guardian.standing import dismiss_guardians
from pytest_sre.chaos.hands import hands_of
from pytest_sre.chaos.injecting import NotClean
from pytest_sre.fly.config import MachineConfig, MachineInit
from pytest_sre.local.images import Image
from pytest_sre.local.platform import LocalPlatform
from pytest_sre.recording import Recorder
from pytest_sre.recording.rows import Span
from pytest_sre.run.chaos_terms import readiness_of
from pytest_sre.run.platforms import Platform
from pytest_sre.run.run import Run
from pytest_sre.targets import load_settings
from pytest_sre.undo.files import Journal, undo_dir
from pytest_sre.verdict import Inconclusive, NotAsked
from tests.patience import until

IMAGE = "registry.local/sleeper:1"
CONFIG = MachineConfig(image=IMAGE, init=MachineInit(exec=["sleep", "100000"]))


@pytest.fixture(scope="module")
def platform(tmp_path_factory):
    started = LocalPlatform.up(tmp_path_factory.mktemp("state") / "local")
    try:
        started.register_image(Image(IMAGE, str(tmp_path_factory.mktemp("app"))))
        with hands_of(str(started.state_dir)) as hands:
            hands.fly.create_app("shop", "personal")
            for _ in range(2):
                made = hands.fly.create_machine("shop", CONFIG, region="ams")
                hands.fly.wait("shop", made.id, "started")
        yield started
    finally:
        started.stop()


@pytest.fixture
def hands(platform):
    with hands_of(str(platform.state_dir)) as found:
        yield found


@pytest.fixture
def fly(hands):
    return hands.fly


@pytest.fixture
def begin(platform, hands, tmp_path):
    """Begin a run on the platform, whose bake is over."""
    (tmp_path / "fly.toml").write_text('app = "shop"\n')
    runs = []

    def begin_run(name):
        handle = str(platform.state_dir)
        opened = Platform(hands.fly, {"shop": platform.app_url("shop")}, handle, 0.0, lambda: None)
        recorder = Recorder(tmp_path / f"{name}.db")
        run = Run.begin(load_settings(tmp_path, "local"), opened, recorder, None)
        runs.append(run)
        recorder.write(Span(at=time.time(), name="bake", ended_at=time.time()))
        recorder.flush()
        return readiness_of(run, hands, Journal(undo_dir(tmp_path)), lambda: None)

    yield begin_run
    for run in runs:
        run.end()


def notices(fly):
    found = (each.settings.metadata for each in fly.machines("shop"))
    return [key for metadata in found for key in metadata if key.startswith("sre-chaos-")]


def test_one_run_at_a_time(begin, fly):
    one, other = begin("run-1"), begin("run-2")

    with one.ready(60):
        assert len(notices(fly)) == 1
        assert one.stopped() == ""
        with pytest.raises(Inconclusive, match="found that of the run run-1"), other.ready(60):
            pytest.fail("two at once")
    assert notices(fly) == []
    with other.ready(60):
        pass


def test_a_notice_that_somebody_removes_stops_it(begin, fly):
    run = begin("run-1")
    with run.ready(60):
        oldest = min(fly.machines("shop"), key=lambda each: (each.created_at, each.id))
        [key] = notices(fly)
        fly.delete_metadata("shop", oldest.id, key)
        until(run.stopped)
        assert f"its notice {key} was removed" in run.stopped()


def test_while_a_release_is_on_its_way_nothing_is_done(begin, fly):
    run, release = begin("run-1"), fly.create_release("shop", image=IMAGE)

    refused = pytest.raises(Inconclusive, match=f"the release v{release.version} of shop is")
    with refused, run.ready(60):
        pytest.fail("in the middle of a deploy")
    assert notices(fly) == []

    fly.update_release(release.id, "complete")
    with run.ready(60):
        pass


def test_while_the_platform_is_silent_nothing_is_done(begin, platform):
    run = begin("run-1")
    fault = platform.add_fault({"kind": "api-5xx", "for": "10m"})
    try:
        with pytest.raises(Inconclusive) as refused, run.ready(60):
            pytest.fail("on doubt")
    finally:
        platform.remove_fault(fault["id"])

    assert "expected to know whose turn it is" in refused.value.reason
    assert len(refused.value.reason.splitlines()) <= 4


class Here(Faults):
    """Faults, where they are, and what is on record of them."""

    def __init__(self, ground, rows):
        super().__init__(ground)
        self.ground, self.rows = ground, rows


@pytest.fixture
def faults(hands, tmp_path):
    """Make the faults of a test on a target with these limits."""
    serving = 'app = "shop"\n[http_service]\ninternal_port = 8080\n'
    (tmp_path / "fly.toml").write_text(serving)
    made = []

    def make(limits):
        (tmp_path / "sre.toml").write_text(f"[targets.local.limits]\n{limits}\n")
        settings = load_settings(tmp_path, "local")
        journal = Journal(undo_dir(tmp_path))
        rows = []
        ground = Ground(
            settings=settings,
            hands=hands,
            journal=journal,
            app="shop",
            run="run-1",
            seed=1,
            test="test_it",
            ready=lambda _lasts_s: contextlib.nullcontext(),
            stopped=str,
            write=rows.append,
            tell=lambda _line: None,
        )
        made.append(Here(ground, rows))
        return made[-1]

    yield make
    for each in made:
        each.end_all()
    dismiss_guardians()


ONE, BOTH = Which(count=1), Which(count=2)


@pytest.mark.parametrize(
    ("limits", "action"),
    [
        ("chaos-machines = 1", CordonMachines(which=BOTH)),
        ("chaos-share = 0.5", CordonMachines(which=BOTH)),
        ("chaos-seconds = 5", CordonMachines(which=ONE, lasts_s=6)),
        ("chaos-last-machine = false", CordonMachines(which=BOTH)),
        ("chaos-machines = 1", LoseRegion(region="ams")),
        ("chaos-machines = 1", Scale(group="app", count=4)),
        ("chaos-apps = []", CordonMachines(which=ONE)),
    ],
)
def test_what_would_reach_too_far_is_not_begun(faults, fly, tmp_path, limits, action):
    before = [(each.id, each.state, each.cordoned) for each in fly.machines("shop")]

    with pytest.raises((Inconclusive, NotAsked), match=r"targets\.local\.limits"):
        faults(limits).begin(action)

    assert [(each.id, each.state, each.cordoned) for each in fly.machines("shop")] == before
    assert Journal(undo_dir(tmp_path)).all() == ()


def test_what_leads_nowhere_is_not_begun(faults, fly, hands, tmp_path):
    """On the platform such a fault would be on, and change nothing."""
    here = faults("chaos-machines = 9")
    (one, *_) = fly.machines("shop")

    for to in ("group:shop/ap", "app:shopp", "machine:000", "host:shopp.internal"):
        for action in (
            DependencyOutage(to=to),
            Partition(to=to),
            DegradeNetwork(to=to, loss_ratio=1),
        ):
            with pytest.raises(NotInjected, match="there are: "):
                here.begin(action)
    with pytest.raises(NotInjected, match="there are: shop"):
        here.begin(PlatformFault(fault="link", told={"to": "app:shopp", "refused": 1}))
    assert hands.local.faults() == []
    assert Journal(undo_dir(tmp_path)).all() == ()

    for to in ("group:shop/app", "app:shop", f"machine:{one.id}", "client", "host:pay.example"):
        here.begin(DependencyOutage(to=to))
    assert len(hands.local.faults()) == 5


def test_faults_that_are_on_together_are_counted_together(faults, fly):
    here = faults("chaos-machines = 1")
    first = here.begin(CordonMachines(which=ONE))
    [other] = [each.id for each in fly.machines("shop") if not each.cordoned]

    with pytest.raises(Inconclusive, match="found 2"):
        here.begin(CordonMachines(which=Which(ids=(other,))))
    # Those of an experiment that the test runs count, too.
    with pytest.raises(Inconclusive, match="found 2"):
        Faults(here.ground).begin(CordonMachines(which=Which(ids=(other,))))
    here.end(first)
    here.begin(CordonMachines(which=Which(ids=(other,))))


def test_what_is_stuck_half_way_is_not_forgotten(faults, fly, platform):
    here = faults("chaos-undo-timeout = 1")
    first, other = sorted(each.id for each in fly.machines("shop"))[:2]
    kinds = [("POST */uncordon", first), ("POST */cordon", other)]
    for endpoint, machine in kinds:
        told = {"kind": "api-5xx", "machine": machine, "endpoint": endpoint, "for": "10m"}
        platform.add_fault(told)
    try:
        with pytest.raises(NotClean):
            here.begin(CordonMachines(which=Which(ids=(first, other))))
        here.end_all()

        with pytest.raises(NotClean, match=f"fly machine uncordon {first} --app shop"):
            here.require_clean()
        (row,) = here.rows
        assert (row.clean, row.left) == (False, f"fly machine uncordon {first} --app shop")
    finally:
        platform.clear_faults()
        fly.uncordon("shop", first)


_HOLDER = """
import sys
from pathlib import Path
from pytest_sre.chaos.guardian.standing import standing_guardian
from pytest_sre.chaos.hands import hands_of
from pytest_sre.chaos.readiness import Readiness
from pytest_sre.chaos.terms import terms_of
from pytest_sre.targets import load_settings
from pytest_sre.undo.files import Journal, undo_dir

handle, root = sys.argv[1], Path(sys.argv[2])
journal = Journal(undo_dir(root))
with hands_of(handle) as hands:
    standing_guardian(journal.folder, run="run-0", undo_timeout_s=30.0)
    terms = terms_of(
        load_settings(root, "local"), hands, journal, run="run-0", button=str, budgets=dict
    )
    with Readiness(terms).ready(60):
        print("held", flush=True)
        sys.stdin.read()
"""


def test_of_a_run_that_is_killed_the_turn_is_free_at_once(begin, platform, fly, tmp_path):
    run = begin("run-1")
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(platform.state_dir), str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[3],
    )
    with holder:
        assert holder.stdout.readline() == b"held\n"
        assert len(notices(fly)) == 1
        holder.kill()
        holder.wait()

        until(lambda: not (notices(fly) or Journal(undo_dir(tmp_path)).all()))

    with run.ready(60):
        pass
