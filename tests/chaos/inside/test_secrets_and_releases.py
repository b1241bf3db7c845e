"""Wrong secrets and releases deployed on purpose: what Machines run with, then and afterwards."""

import contextlib
from dataclasses import replace

import msgspec
import pytest

from pytest_sre.chaos.actions import BadSecret, DeployRelease
from pytest_sre.chaos.changes.change import NotInjected
from pytest_sre.chaos.changes.known import read_change, write_change
from pytest_sre.chaos.changes.secrets import WRONG
from pytest_sre.chaos.changes.versions import those_left
from pytest_sre.fly.errors import Conflict, PreconditionFailed, UnexpectedAnswer
from tests.patience import until

RIGHT = "the-right-value-0451"
BAD = BadSecret(name="TOKEN", restore_from="RIGHT_TOKEN")
RELEASES = {
    "other": 'description = "Another one."\n[env]\nTOKEN = "of the other release"\n',
    "broken": 'description = "It never listens."\n[env]\nPORT_OF = "none"\n',
}


@pytest.fixture(scope="module")
def shop(shop, tmp_path_factory):
    (image,) = shop.hands.local.images()
    folder = tmp_path_factory.getbasetemp()
    releases = folder.joinpath(image.root, "releases")
    releases.mkdir()
    for name, text in RELEASES.items():
        (releases / f"{name}.toml").write_text(text)
    return shop


@pytest.fixture
def secret(shop, monkeypatch):
    """The secret has its right value, which is at hand."""
    monkeypatch.setenv("RIGHT_TOKEN", RIGHT)
    version = shop.fly.set_secrets("shop", {"TOKEN": RIGHT})
    for machine in shop.machines:
        shop.fly.update_machine("shop", machine.id, machine.settings, min_secrets_version=version)
    until(shop.is_well)
    yield RIGHT
    shop.fly.unset_secrets("shop", [each.name for each in shop.fly.secrets("shop")])


def serving(shop):
    """What each Machine that serves says its secret is, once all are well."""
    until(shop.is_well)
    return {shop.get("/secret", each.id) for each in shop.machines if each.group == "web"}


def undone(shop, change):
    read = read_change(write_change(change))

    def has_been_undone():
        # A Machine that is being replaced still takes no other change.
        with contextlib.suppress(PreconditionFailed):
            read.undo(shop.hands)
            return True

    for _ in range(2):
        until(has_been_undone)
    until(lambda: read.is_undone(shop.hands))


def names(shop):
    return {each.name for each in shop.fly.secrets("shop")}


def test_machines_run_with_a_wrong_secret_and_then_with_the_right_one(shop, secret):
    (change,) = shop.plan(BAD)
    assert secret not in write_change(change)
    change.make(shop.hands)
    assert not change.is_undone(shop.hands)
    assert serving(shop) == {WRONG}
    undone(shop, change)
    assert serving(shop) == {secret}
    assert names(shop) == {"TOKEN"}


@pytest.mark.usefixtures("secret")
def test_a_value_that_is_not_at_hand_or_not_the_right_one_is_refused(shop, monkeypatch):
    (change,) = shop.plan(BAD)
    monkeypatch.setenv("RIGHT_TOKEN", "another")
    with pytest.raises(NotInjected, match="found another digest"):
        change.make(shop.hands)
    # Undoing what was refused must not write the wrong value over the right one.
    undone(shop, change)
    monkeypatch.delenv("RIGHT_TOKEN")
    with pytest.raises(NotInjected, match=r"expected the value of secret TOKEN in \$RIGHT_TOKEN"):
        change.make(shop.hands)
    undone(shop, change)
    assert serving(shop) == {RIGHT}
    assert names(shop) == {"TOKEN"}


@pytest.mark.usefixtures("secret")
def test_a_secret_that_is_none_is_refused(shop):
    (change,) = shop.plan(BadSecret(name="OTHER", restore_from="RIGHT_TOKEN"))
    with pytest.raises(NotInjected, match="expected a secret OTHER of shop, found none"):
        change.make(shop.hands)


@pytest.mark.usefixtures("secret")
def test_without_the_value_nothing_is_called_undone(shop, monkeypatch):
    (change,) = shop.plan(BAD)
    change.make(shop.hands)
    monkeypatch.delenv("RIGHT_TOKEN")
    with pytest.raises(PreconditionFailed, match="fly secrets set TOKEN="):
        change.undo(shop.hands)
    assert not change.is_undone(shop.hands)
    monkeypatch.setenv("RIGHT_TOKEN", RIGHT)
    undone(shop, change)
    assert serving(shop) == {RIGHT}


@pytest.mark.usefixtures("secret")
def test_a_value_that_somebody_set_meanwhile_is_left_alone(shop):
    (change,) = shop.plan(BAD)
    change.make(shop.hands)
    shop.fly.set_secrets("shop", {"TOKEN": "rotated"})
    undone(shop, change)
    assert serving(shop) == {"rotated"}


@pytest.mark.usefixtures("secret")
def test_a_wrong_value_that_comes_late_is_found_and_undone(shop):
    """The call was in flight when whoever made it was killed, and all was undone already."""
    (change,) = shop.plan(BAD)
    undone(shop, change)
    shop.fly.set_secrets("shop", {"TOKEN": WRONG})
    undone(shop, change)
    assert serving(shop) == {RIGHT}


@pytest.mark.usefixtures("secret")
def test_what_is_restored_is_the_right_value_or_nothing_is_called_undone(shop, monkeypatch):
    """Whoever undoes it may have another value at hand than whoever made it."""
    (change,) = shop.plan(BAD)
    change.make(shop.hands)
    monkeypatch.setenv("RIGHT_TOKEN", "another")
    for _ in range(2):
        with pytest.raises(PreconditionFailed, match="found another value"):
            change.undo(shop.hands)
        assert not change.is_undone(shop.hands)
    monkeypatch.setenv("RIGHT_TOKEN", RIGHT)
    undone(shop, change)
    assert serving(shop) == {RIGHT}


class Behind:
    """A platform whose list of secrets is as it was, unless a later version is asked for.

    Args:
        fly: the platform's client.
        minds: whether it minds which version is asked for.
    """

    def __init__(self, fly, *, minds):
        self._fly, self._minds = fly, minds
        self._then = fly.secrets("shop")

    def __getattr__(self, name):
        return getattr(self._fly, name)

    def secrets(self, app, *, min_version=None):
        is_new = self._minds and min_version
        return self._fly.secrets(app, min_version=min_version) if is_new else self._then


@pytest.mark.usefixtures("secret")
def test_a_wrong_value_that_is_not_listed_yet_is_undone_or_not_called_so(shop):
    (change,) = shop.plan(BAD)
    late = {"TOKEN": WRONG, "SRE_WRONG_TOKEN": WRONG}
    minding, careless = (replace(shop.hands, fly=Behind(shop.fly, minds=m)) for m in (True, False))
    shop.fly.set_secrets("shop", late)
    with pytest.raises(PreconditionFailed, match="SRE_WRONG_TOKEN of shop, which was just set"):
        change.undo(careless)
    change.undo(minding)
    until(lambda: change.is_undone(shop.hands))
    assert serving(shop) == {RIGHT}


@pytest.mark.usefixtures("secret")
def test_machines_get_the_right_value_though_the_first_try_ends_before_that(shop):
    (change,) = shop.plan(BAD)
    shop.fly.set_secrets("shop", {"TOKEN": WRONG})
    for machine in shop.machines:
        shop.fly.update_machine("shop", machine.id, machine.settings)
    until(shop.is_well)
    updates = {"kind": "api-5xx", "endpoint": "POST */machines/*", "count": 1, "for": "1h"}
    shop.hands.local.add_fault(updates)
    with pytest.raises(UnexpectedAnswer):
        change.undo(shop.hands)
    undone(shop, change)
    assert serving(shop) == {RIGHT}


def test_a_release_is_deployed_and_the_former_comes_back(shop):
    (change,) = shop.plan(DeployRelease(release="other"))
    former = {each.id: each.settings.image for each in shop.machines}
    change.make(shop.hands)
    newest = shop.fly.releases("shop", 1)[0]
    assert (newest.image_ref, newest.status) == ("registry.local/shop:other", "complete")
    assert serving(shop) == {"of the other release"}
    assert not change.is_undone(shop.hands)
    undone(shop, change)
    assert {each.id: each.settings.image for each in shop.machines} == former
    assert serving(shop) == {"none"}
    released = shop.fly.releases("shop")
    assert [each.status for each in released] == ["complete", "complete"]


def test_a_release_that_never_gets_well_stops_at_the_first_machine(shop):
    (change,) = shop.plan(DeployRelease(image="registry.local/unwell:1", lasts_s=1))
    (image, *_) = shop.hands.local.images()
    commands = dict.fromkeys(image.commands, "sleep 100000")
    unwell = msgspec.structs.replace(image, ref="registry.local/unwell:1", commands=commands)
    shop.hands.local.register_image(unwell)
    change.make(shop.hands)
    assert [each.settings.image for each in shop.machines].count("registry.local/unwell:1") == 1
    assert shop.fly.releases("shop", 1)[0].status == "failed"
    undone(shop, change)
    until(shop.is_well)


def test_a_deploy_that_is_to_be_undone_goes_no_further(shop):
    (change,) = shop.plan(DeployRelease(release="other"))

    def brought():
        return [each.id for each in shop.machines if each.settings.image == change.image]

    change.make(replace(shop.hands, is_ending=lambda: bool(brought())))

    assert len(brought()) == 1
    assert shop.fly.releases("shop", 1)[0].status == "failed"
    undone(shop, change)
    until(shop.is_well)


def test_a_deploy_that_was_cut_off_is_ended(shop):
    (change,) = shop.plan(DeployRelease(release="other"))
    shop.fly.create_release("shop", image=change.image)
    assert not change.is_undone(shop.hands)
    undone(shop, change)
    assert [each.status for each in shop.fly.releases("shop", 2)] == ["complete", "interrupted"]


FIX = "registry.local/shop:fix"


@pytest.fixture
def fix(shop):
    """The image of a fix; the Machines run what they ran afterwards."""
    (first, *_) = shop.hands.local.images()
    shop.hands.local.register_image(msgspec.structs.replace(first, ref=FIX))
    former = shop.machines[0].settings.image
    yield FIX
    # A Machine that is being replaced takes no other image.
    until(shop.is_well)
    deploy(shop, former, shop.machines)
    until(shop.is_well)


def deploy(shop, image, machines, status="complete"):
    """Deploy an image, as others do."""
    release = shop.fly.create_release("shop", image=image)
    bring(shop, image, machines)
    shop.fly.update_release(release.id, status)
    return release


def bring(shop, image, machines):
    for machine in machines:
        shop.fly.wait("shop", machine.id, "started")
        config = msgspec.structs.replace(machine.settings, image=image)
        shop.fly.update_machine("shop", machine.id, config)


def images(shop):
    return [each.settings.image for each in shop.machines]


def test_what_somebody_has_deployed_since_stays(shop, fix):
    (change,) = shop.plan(DeployRelease(release="other"))
    former = images(shop)
    change.make(shop.hands)
    deployed = deploy(shop, fix, shop.machines[:2])
    undone(shop, change)
    # The one that the fix was not brought to ran the release still.
    assert images(shop) == [fix, fix, former[2]]
    assert shop.fly.releases("shop", 1)[0].id == deployed.id


def test_a_deploy_of_somebody_that_goes_on_is_left_alone(shop, fix):
    (change,) = shop.plan(DeployRelease(release="other"))
    change.make(shop.hands)
    deployed = deploy(shop, fix, shop.machines, status="running")
    undone(shop, change)
    assert set(images(shop)) == {fix}
    (newest,) = shop.fly.releases("shop", 1)
    assert (newest.id, newest.status) == (deployed.id, "running")


def test_each_machine_is_looked_at_when_its_turn_comes(shop, fix):
    first, second, _ = shop.machines
    left = those_left(shop.hands, "shop", [first.id, second.id])
    assert next(left).id == first.id
    bring(shop, fix, [second])
    assert next(left).settings.image == fix


def test_an_undo_that_was_cut_off_is_ended_though_somebody_has_deployed_since(shop, fix):
    (change,) = shop.plan(DeployRelease(release="other"))
    former = images(shop)
    change.make(shop.hands)
    begun = shop.fly.create_release("shop", image=former[0])
    deploy(shop, fix, shop.machines[:1])
    undone(shop, change)
    assert images(shop) == [fix, *former[1:]]
    assert {each.id: each.status for each in shop.fly.releases("shop", 2)}[begun.id] == "complete"


def test_a_machine_that_had_the_image_before_keeps_it(shop, fix):
    bring(shop, fix, shop.machines[:1])
    until(shop.is_well)
    former = images(shop)
    (change,) = shop.plan(DeployRelease(image=fix))
    change.make(shop.hands)
    until(shop.is_well)
    assert set(images(shop)) == {fix}
    kept = shop.machines[0].instance_id
    undone(shop, change)
    assert images(shop) == former
    assert shop.machines[0].instance_id == kept


def test_the_image_that_all_had_before_is_not_taken_away(shop, fix):
    deploy(shop, fix, shop.machines)
    until(shop.is_well)
    (change,) = shop.plan(DeployRelease(image=fix))
    change.make(shop.hands)
    until(shop.is_well)
    before = [each.instance_id for each in shop.machines], len(shop.fly.releases("shop"))
    undone(shop, change)
    assert ([each.instance_id for each in shop.machines], len(shop.fly.releases("shop"))) == before


def test_undoing_goes_on_when_the_api_fails_meanwhile(shop):
    (change,) = shop.plan(DeployRelease(release="other"))
    change.make(shop.hands)
    shop.hands.local.add_fault({"kind": "api-5xx", "count": 2, "for": 60})
    shop.hands.local.add_fault({"kind": "lease-conflict", "count": 1, "for": 60})
    failed = 0
    while not (failed and change.is_undone(shop.hands)):
        try:
            change.undo(shop.hands)
            until(lambda: change.is_undone(shop.hands))
        except (UnexpectedAnswer, Conflict):
            failed += 1
    assert failed
    shop.hands.local.clear_faults()


def test_what_makes_no_sense_is_refused(shop):
    for action, why in (
        (DeployRelease(), "expected an image or a release to deploy"),
        (DeployRelease(release="../other"), "expected the name of a release"),
        (BadSecret(name="a b", restore_from="X"), "expected letters, digits and _"),
    ):
        with pytest.raises(NotInjected, match=why):
            shop.plan(action)
    (change,) = shop.plan(DeployRelease(release="none"))
    with pytest.raises(NotInjected, match="releases there: broken, other"):
        change.make(shop.hands)
