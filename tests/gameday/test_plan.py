"""Plans of game days: what they say, and what is said of a mistake in one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.gameday.plan import read_plan
from pytest_sre.targets import ConfigError

PLAN = """
title = "Autumn"
target = "staging"
pause = "30s"

[[experiment]]
file = "chaos/one.yaml"
set = { region = "ams", count = 2, share = 0.5, all = true }

[[experiment]]
file = "chaos/two.yaml"
pause = "5m"

[[experiment]]
file = "chaos/one.yaml"
"""


@pytest.fixture
def plan_of(tmp_path):
    """Read the plan of a text, in a folder with two experiments."""
    (tmp_path / "chaos").mkdir()
    for name in ("one", "two"):
        (tmp_path / "chaos" / f"{name}.yaml").touch()

    def read(text):
        path = tmp_path / "plan.toml"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return read_plan(path)

    return read


def test_a_plan_has_steps_with_their_pauses_and_values(plan_of):
    plan = plan_of(PLAN)
    assert (plan.title, plan.target) == ("Autumn", "staging")
    assert [step.name for step in plan.steps] == ["one", "two", "one"]
    assert [step.pause_s for step in plan.steps] == [30, 300, 30]
    told = {"region": "ams", "count": "2", "share": "0.5", "all": "true"}
    assert plan.steps[0].told == told
    assert plan.steps[1].told == {}


def test_what_is_not_said_is_the_local_target_and_a_short_pause(plan_of):
    plan = plan_of('title = "Short"\n[[experiment]]\nfile = "chaos/one.yaml"\n')
    assert (plan.target, plan.steps[0].pause_s) == ("local", 10)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('title = "Autumn"', "", 'has no key "title"'),
        ('pause = "30s"', 'pause = "soon"', 'plan.toml: pause is "soon"'),
        ('pause = "30s"', "pause = 30", "expected a duration with its unit"),
        ('pause = "5m"', 'pauses = "5m"', 'did you mean "pause"?'),
        ("chaos/two.yaml", "chaos/tow.yaml", 'did you mean "two.yaml"?'),
        ("count = 2", "count = [2]", "experiment[0].set.count is a list"),
        ("[[experiment]]", "[[experiments]]", 'has an unknown key "experiments"'),
        ("title =", "title", "is not TOML"),
    ],
)
def test_a_mistake_is_told_with_its_place_in_a_few_lines(plan_of, old, new, said):
    with pytest.raises(ConfigError) as told:
        plan_of(PLAN.replace(old, new))
    assert said in str(told.value)
    assert "plan.toml" in str(told.value)
    assert len(str(told.value).splitlines()) <= 4


def test_a_plan_without_experiments_is_none(plan_of):
    with pytest.raises(ConfigError, match="from 1 to 50"):
        plan_of('title = "Empty"\nexperiment = []\n')


def test_a_plan_that_is_not_there_is_told(tmp_path):
    (tmp_path / "gameday.toml").touch()
    with pytest.raises(ConfigError, match=r'did you mean "gameday.toml"'):
        read_plan(tmp_path / "gamedya.toml")


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_no_text_is_answered_with_anything_but_a_mistake(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "any-plan.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigError):
        read_plan(path)
