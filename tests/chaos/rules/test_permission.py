"""Production needs saying so: of 40 ways to ask, only those that are written down here run."""

import itertools

import pytest

from pytest_sre.chaos.permission import require_allowed
from pytest_sre.chaos.radius import Reach, require_within
from pytest_sre.verdict import Inconclusive, NotAsked
from tests.chaos.rules.conftest import machine

PLATFORMS = ("local", "fly")
PERMISSIONS = ("as it is", "allow", "--sre-allow", "deny")
REST = ("all said", "app not named", "name not typed", "nothing said", "too long")

RUN = {
    ("local", "as it is", "all said"),
    ("local", "as it is", "name not typed"),
    ("local", "allow", "all said"),
    ("local", "allow", "name not typed"),
    ("local", "--sre-allow", "all said"),
    ("local", "--sre-allow", "name not typed"),
    ("fly", "allow", "all said"),
    ("fly", "--sre-allow", "all said"),
}
FLEET = [machine("148e21"), machine("39a0b2")]


@pytest.mark.parametrize(
    ("platform", "permission", "rest"), list(itertools.product(PLATFORMS, PERMISSIONS, REST))
)
def test_only_what_is_written_down_runs(read_target, platform, permission, rest):
    lines = {"allow": 'allow = ["observe", "chaos"]', "deny": 'deny = ["chaos"]'}
    is_named, is_typed = rest not in SILENT, rest not in UNTYPED
    target = read_target(
        f'[targets.here]\nplatform = "{platform}"\napps = ["fly.toml", "fly.other.toml"]\n'
        f"{lines.get(permission, '')}\n"
        f"[targets.here.limits]\nchaos-seconds = 60\n"
        f'chaos-apps = ["{"shop" if is_named else "other"}"]\n',
        "here",
        allow=frozenset({"chaos"} if permission == "--sre-allow" else ()),
        chaos_on="here" if is_typed else "",
    )

    assert runs(target, 61 if rest == "too long" else 60) == ((platform, permission, rest) in RUN)


SILENT = {"app not named", "nothing said"}
UNTYPED = {"name not typed", "nothing said"}


def runs(target, lasts_s):
    try:
        require_allowed(target, "shop")
        reach = Reach(app="shop", fleet=FLEET, machines=(FLEET[0],), lasts_s=lasts_s)
        require_within(target, reach)
    except (NotAsked, Inconclusive):
        return False
    return True


@pytest.mark.parametrize(
    ("text", "typed", "says"),
    [
        ("", "", 'put allow = ["observe", "chaos"] into [targets.prod], or give --sre-allow=chaos'),
        ('[targets.prod]\ndeny = ["chaos"]', "", '[targets.prod] denies chaos: deny = ["chaos"]'),
        (
            '[targets.prod]\nallow = ["chaos"]',
            "prod",
            'put chaos-apps = ["shop"] into [targets.prod.limits]',
        ),
        (
            '[targets.prod]\nallow = ["chaos"]\nlimits = { chaos-apps = ["shop"] }',
            "",
            "give pytest --sre-chaos-on=prod on the command line, or chaos run PYTEST_SRE_CH",
        ),
    ],
)
def test_a_refusal_says_what_would_allow_it(read_target, text, typed, says):
    with pytest.raises(NotAsked) as refused:
        require_allowed(read_target(text, chaos_on=typed), "shop")

    assert says in refused.value.reason
    assert len(refused.value.reason.splitlines()) <= 4
