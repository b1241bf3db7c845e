"""A mistake in what the user said: answered in four lines, before anything is contacted."""

from dataclasses import dataclass, field

import psutil
import pytest

# pytester forgets what a run imported; imported here, it is imported once.
import pytest_sre.plugin.taking  # noqa: F401
from pytest_sre.journeys import registry

LOCAL = ("--sre-target=local",)
PROD = ("--sre-target=prod",)
TOKEN = {"FLY_API_TOKEN": "fo1_a-secret-of-ours"}


@dataclass(frozen=True)
class Mistake:
    """What is wrong, and what the answer has to name."""

    says: tuple[str, ...]
    arguments: tuple[str, ...] = LOCAL
    files: dict[str, str] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=lambda: dict(TOKEN))


PASSES = "def test_home(probe):\n    assert probe.get('/').ok\n"

TWO_JOURNEYS = """
from pytest_sre import journey

@journey("home")
def home(client): pass

@journey("home")
def another(client): pass
"""

RULE_THAT_MISSES = """
[[logs.rule]]
id = "payment-declined"
kind = "payments"
severity = "high"
pattern = "declined"
explanation = "The bank declined."
matches = ["payment refused"]
misses = ["payment accepted"]
"""

EXPERIMENT = """
title: It answers
description: Nothing is done to it.
configuration: {region: ams, latency_s: 0.5}
steady-state-hypothesis:
  title: It answers
  probes:
    - type: probe
      name: home
      tolerance: true
      provider:
        type: python
        module: pytest_sre.chaos.fly.probes
        func: journey_passes
        arguments: {name: home}
method: [{ref: home}]
"""
BROKEN = f"{EXPERIMENT}rolbacks: []\n"
CHAOS = {"chaos/slow.yaml": EXPERIMENT}

MISTAKES = {
    "a parameter that is not set to anything": Mistake(
        ("--sre-chaos-set", '"region"', "NAME=VALUE"), (*LOCAL, "--sre-chaos-set=region")
    ),
    "a parameter that no experiment has": Mistake(
        ("--sre-chaos-set", '"regoin"', 'did you mean "region"?'),
        (*LOCAL, "--sre-chaos-set=regoin=iad"),
        files=CHAOS,
    ),
    "a parameter where there is no experiment": Mistake(
        ("--sre-chaos-set", '"region"'), (*LOCAL, "--sre-chaos-set=region=iad")
    ),
    "a parameter of another type": Mistake(
        ("--sre-chaos-set latency_s", '"slow"', "a number"),
        (*LOCAL, "--sre-chaos-set=latency_s=slow"),
        files=CHAOS,
    ),
    "an experiment that is broken": Mistake(
        ("chaos/deep/broken.yaml:", '"rolbacks"', "rollbacks"),
        files={"chaos/deep/broken.yaml": BROKEN},
    ),
    "an experiment that is named and broken": Mistake(
        ("other/broken.yaml:", '"rolbacks"', "rollbacks"),
        (*LOCAL, "other/broken.yaml::broken"),
        files={"other/broken.yaml": BROKEN},
    ),
    "a log rule that its own sample disproves": Mistake(
        ("sre.toml", "matches", "payment refused"), files={"sre.toml": RULE_THAT_MISSES}
    ),
    "a target that nobody named": Mistake(
        ('"locl"', "local, prod", 'did you mean "local"?'), ("--sre-target=locl",)
    ),
    # What an unset variable of a pipeline comes to; it must not pass as a run of the tests.
    "an empty target": Mistake(('no target ""', "local, prod"), ("--sre-target=",)),
    "a key that does not exist": Mistake(
        ("sre.toml", '"windoww"', 'did you mean "window"?'),
        files={"sre.toml": "[bake]\nwindoww = '3s'"},
    ),
    "a value of another type": Mistake(
        ("sre.toml", "bake.error-ratio", '"many"'),
        files={"sre.toml": "[bake]\nerror-ratio = 'many'"},
    ),
    "a duration that is none": Mistake(
        ("sre.toml", "bake.window", '"soon"', "duration"),
        files={"sre.toml": "[bake]\nwindow = 'soon'"},
    ),
    "no fly.toml": Mistake(
        ("fly.toml", "run it in the folder of your fly.toml"), without=("fly.toml", "sre.toml")
    ),
    "a fly.toml that is named and not there": Mistake(
        ("sre.toml", "targets.local", "web/fly.toml"),
        files={"sre.toml": "[targets.local]\napps = ['web/fly.toml']"},
    ),
    "a fly.toml that is not TOML": Mistake(
        ("fly.toml", "TOML", "line 1"), files={"fly.toml": "app = tiny"}
    ),
    "a sre.toml that is not TOML": Mistake(
        ("sre.toml", "TOML", "line 1"), files={"sre.toml": "[bake\n"}
    ),
    "settings that are not there": Mistake(("other.toml",), (*LOCAL, "--sre-config=other.toml")),
    "no token": Mistake(("FLY_API_TOKEN", "neither set", "fly tokens create"), PROD, env={}),
    "a token that cannot be one": Mistake(
        ("FLY_API_TOKEN", "copy the token again"), PROD, env={"FLY_API_TOKEN": "not a token"}
    ),
    "a permission that does not exist": Mistake(
        ("--sre-allow", '"choas"', 'did you mean "chaos"?'), (*LOCAL, "--sre-allow=load,choas")
    ),
    "a permission that the target denies": Mistake(
        ("targets.local.deny", '"deploy"', "the command line"), (*LOCAL, "--sre-allow=deploy")
    ),
    "a suite that is not shipped": Mistake(
        ("sre_suites", '"relese"', 'did you mean "release"?'),
        (*LOCAL, "-o", "sre_suites=relese health"),
    ),
    "a choice that does not exist": Mistake(
        ("sre_inconclusive", '"maybe"', "fail, pass"), (*LOCAL, "-o", "sre_inconclusive=maybe")
    ),
    "a bake that is no duration": Mistake(
        ("--sre-bake", "'long'", "1m30s"), (*LOCAL, "--sre-bake=long")
    ),
    "a bake of nothing": Mistake(("--sre-bake", "longer than 0"), (*LOCAL, "--sre-bake=0s")),
    "a negative bake": Mistake(("--sre-bake", "'-3s'"), (*LOCAL, "--sre-bake=-3s")),
    "a bake without a unit": Mistake(("--sre-bake", "'30'"), (*LOCAL, "--sre-bake=30")),
    "a beginning that is no time": Mistake(
        ("--sre-since", "'yesterday'", "15m", "2026-01-31T12:00Z"),
        (*LOCAL, "--sre-since=yesterday"),
    ),
    "a beginning that is still to come": Mistake(
        ("--sre-since", "'2999-01-31T12:00Z'", "UTC"), (*LOCAL, "--sre-since=2999-01-31T12:00Z")
    ),
    "a release that is not there": Mistake(
        ("releases/goood.toml", "bad, good"),
        (*LOCAL, "--sre-local-release=goood"),
        files={"releases/good.toml": "", "releases/bad.toml": "expect = 'UNHEALTHY'"},
    ),
    "a release of the wrong form": Mistake(
        ("releases/good.toml", "colour"),
        (*LOCAL, "--sre-local-release=good"),
        files={"releases/good.toml": "colour = 'red'"},
    ),
    "a local release on Fly": Mistake(
        ("--sre-local-release", "'good'", "platform fly"), (*PROD, "--sre-local-release=good")
    ),
    "another target's name typed for chaos": Mistake(
        ("--sre-chaos-on", '"local"', '"prod"'), (*PROD, "--sre-chaos-on=local")
    ),
    "a target's name that a variable says for good": Mistake(
        ("--sre-chaos-on is 'prod'", "on the command line itself"),
        PROD,
        env={**TOKEN, "PYTEST_ADDOPTS": "--sre-chaos-on=prod"},
    ),
    "a journey's file that is not Python": Mistake(
        ("journeys.py", "line 1"), files={"journeys.py": "def home(client:\n"}
    ),
    "a journey's file that crashes": Mistake(
        ("journeys.py", "KeyError"), files={"journeys.py": "{}['missing']"}
    ),
    "two journeys of one name": Mistake(
        ("'home'", "journeys.py:"), files={"journeys.py": TWO_JOURNEYS}
    ),
    "a path that is not there": Mistake(
        ("file or directory not found: suites/helth/test_home.py::test_home",),
        ("suites/helth/test_home.py::test_home", *LOCAL),
    ),
    "a journey's file that is not there": Mistake(
        ("sre.toml", "flows.py"), files={"sre.toml": "journeys = ['flows.py']"}
    ),
}


@pytest.fixture(params=MISTAKES.values(), ids=MISTAKES.keys())
def mistake(request):
    return request.param


def test_mistake_is_answered_before_anything_is_contacted(
    mistake, project, pytester, monkeypatch, listener
):
    project.write(**mistake.files)
    for name in mistake.without:
        (project.root / name).unlink()
    for api in ("FLAPS", "API", "UIEX"):
        monkeypatch.setenv(f"FLY_{api}_BASE_URL", listener.url)
    for name, value in mistake.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(registry, "_registry", {})
    monkeypatch.chdir(project.root)
    started = _children()

    ran = pytester.runpytest_inprocess(*mistake.arguments)

    said = [line for line in ran.errlines if line.strip()]
    assert ran.ret == pytest.ExitCode.USAGE_ERROR, ran.errlines + ran.outlines
    assert all(each in "\n".join(said) for each in mistake.says), said
    assert 1 <= len(said) <= 4, said
    assert said[0].startswith("ERROR: ")
    assert "Traceback" not in ran.stdout.str() + ran.stderr.str()
    assert not any(value in ran.stderr.str() for value in mistake.env.values())
    assert _children() == started
    assert listener.connections == 0
    assert not (project.root / ".sre").exists()


@pytest.mark.parametrize(
    "arguments",
    [("suites",), ("chaos", "--ignore=chaos/broken.yaml"), ("chaos/slow.yaml",)],
    ids=["not asked for", "ignored", "beside one that is"],
)
def test_what_is_not_collected_is_no_mistake(arguments, shared):
    shared.write(**CHAOS, **{"chaos/broken.yaml": BROKEN, "suites/test_home.py": PASSES})

    ran = shared.verify("--collect-only", *arguments)

    assert ran.ret == pytest.ExitCode.OK, ran.text


def test_who_goes_on_without_what_is_broken_does(shared):
    shared.write(**CHAOS, **{"chaos/broken.yaml": BROKEN})

    ran = shared.verify("--continue-on-collection-errors", "--sre-chaos-set=region=iad", "chaos")

    assert ran.ret == pytest.ExitCode.TESTS_FAILED, ran.text
    assert ran.verdicts == {"slow": "HEALTHY"}
    [unsure] = ran.lines_of("unsure")
    assert "chaos/broken.yaml could not be collected: " in unsure
    assert 'has an unknown key "rolbacks"' in unsure


def _children():
    return {child.pid for child in psutil.Process().children(recursive=True)}


def test_mistake_is_answered_once_under_xdist(project):
    ran = project.verify("-n", "2", "--sre-allow=everything")
    assert ran.ret == pytest.ExitCode.USAGE_ERROR
    assert ran.text.count('"everything"') == 1
    assert "INTERNALERROR" not in ran.text
