"""How much of a target may be perturbed: as stated, and else next to nothing on Fly."""

import pytest

from pytest_sre.targets import ConfigError, load_settings
from pytest_sre.targets.settings import ChaosLimits


@pytest.fixture
def target(tmp_path):
    (tmp_path / "fly.toml").write_text('app = "shop"\n')

    def read(text, name="prod", **more):
        (tmp_path / "sre.toml").write_text(text)
        return load_settings(tmp_path, name, **more).target

    return read


def test_in_production_no_app_may_be_perturbed_unless_it_is_named(target):
    assert target("").chaos == ChaosLimits(
        apps=frozenset(),
        machines=1,
        share=0.5,
        regions=1,
        lasts_s=60.0,
        last_machine=False,
        min_budget_ratio=0.1,
    )
    named = target('[targets.prod.limits]\nchaos-apps = ["shop"]\n')
    assert named.chaos.apps == {"shop"}


def test_here_all_apps_may_be_perturbed_unless_some_are_named(target):
    usual = target("", "local").chaos
    assert usual.apps == {"shop"}
    assert usual.last_machine
    assert usual.min_budget_ratio == 0

    assert target("[targets.local.limits]\nchaos-apps = []\n", "local").chaos.apps == set()


def test_each_limit_is_as_stated(target):
    stated = target(
        "[targets.prod.limits]\nchaos-machines = 3\nchaos-share = 0.25\nchaos-regions = 2\n"
        "chaos-seconds = 90\nchaos-last-machine = true\nchaos-min-budget = 0\n"
    )

    assert stated.chaos == ChaosLimits(
        apps=frozenset(),
        machines=3,
        share=0.25,
        regions=2,
        lasts_s=90.0,
        last_machine=True,
        min_budget_ratio=0.0,
    )


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("chaos-machines = 0", "chaos-machines"),
        ("chaos-machines = 1.5", "chaos-machines"),
        ("chaos-share = 0", "a number above 0, and of at most 1"),
        ("chaos-share = 50", "a number from 0 to 1"),
        ("chaos-share = nan", "a number from 0 to 1"),
        ("chaos-regions = 0", "chaos-regions"),
        ("chaos-seconds = 3601", "chaos-seconds"),
        ('chaos-seconds = "forever"', "chaos-seconds"),
        ('chaos-last-machine = "yes"', "chaos-last-machine"),
        ("chaos-min-budget = 2", "a number from 0 to 1"),
        ('chaos-apps = ["sohp"]', 'did you mean "shop"'),
        ("chaos-machine = 1", "chaos-machines"),
    ],
)
def test_a_mistake_is_refused_before_anything_is_contacted(target, line, says):
    with pytest.raises(ConfigError) as refused:
        target(f"[targets.prod.limits]\n{line}\n")

    assert says in str(refused.value)


def test_another_name_typed_for_chaos_ends_it(target):
    assert target("", chaos_on="prod").chaos_on == "prod"

    with pytest.raises(ConfigError, match="--sre-chaos-on"):
        target("", chaos_on="local")
