"""Each mistake is answered with where it is and what was probably meant."""

import pytest

from pytest_sre.targets import ConfigError, load_settings

JOBS = 'app = "jobs"'

LOG_RULE = """
[[logs.rule]]
id = "declined"
kind = "payments"
pattern = "declined"
explanation = "x"
matches = ["declined"]
misses = ["paid"]
"""
MISTAKES = {
    "unknown key of a target": (
        '[targets.prod]\nplatfrom = "fly"',
        'sre.toml: [targets.prod] has an unknown key "platfrom"\n',
        (
            "\nexpected one of: allow, apps, deny, incidents, limits, machines, organization, "
            "platform, processes, url\n"
        ),
        '\ndid you mean "platform"?',
    ),
    "unknown key at the top": ('journey = ["x"]', 'unknown key "journey"', '"journeys"?'),
    "unknown key of bake": ('[bake]\nwindows = "1s"', "[bake]", 'did you mean "window"?'),
    "underscore for a dash": ("[bake]\nerror_ratio = 0.1", 'did you mean "error-ratio"?'),
    "unknown platform": ('[targets.prod]\nplatform = "flyy"', "targets.prod.platform", '"fly"?'),
    "platform is a number": ("[targets.prod]\nplatform = 3", "platform is 3", "one of: fly, local"),
    "unknown permission": ('[targets.prod]\nallow = ["loda"]', "prod.allow[0]", '"load"?'),
    "allow is a text": ('[targets.prod]\nallow = "load"', "targets.prod.allow", "a list"),
    "allowed and denied": (
        '[targets.prod]\nallow = ["chaos"]\ndeny = ["chaos"]',
        'targets.prod.deny denies "chaos"',
    ),
    "bad duration": ('[bake]\nwindow = "soon"', 'bake.window is "soon"', "such as 500ms"),
    "no duration": ('[bake]\nwindow = "0s"', "bake.window", "above 0s"),
    "duration is a list": ("[bake]\nwindow = [1]", "bake.window is a list"),
    "ratio above one": ("[bake]\nerror-ratio = 5", "bake.error-ratio is 5", "0 to 1"),
    "ratio that no bake can show": ("[bake]\nerror-ratio = 0", "error-ratio is 0", "above 0 and"),
    "ratio is not a number": ("[bake]\nerror-ratio = nan", "bake.error-ratio is nan"),
    "ratio is true": ("[bake]\nerror-ratio = true", "bake.error-ratio is true"),
    "bad pattern": ('[logs]\nignore = ["ok", "("]', "logs.ignore[1]", "regular expression"),
    "log rule without a pattern": (
        '[[logs.rule]]\nid = "x"\nkind = "x"\nseverity = "low"',
        'sre.toml: [logs.rule[0]] has no key "pattern"',
    ),
    "log rule of unknown severity": (LOG_RULE + 'severity = "hihg"', "rule[0].severity", '"high"?'),
    "log rule with an unknown key": (LOG_RULE + 'severity = "low"\nmatch = []', '"matches"?'),
    "path without slash": ('[release]\npath = "version"', "release.path", '"/version"'),
    "url without scheme": ('[targets.prod]\nurl = "shop.example.com"', "prod.url", "https://"),
    "app file missing": (
        '[targets.prod]\napps = ["fly.tml"]',
        'sre.toml: targets.prod.apps[0] names "fly.tml"',
    ),
    "app file missing, another near": (
        '[targets.prod]\napps = ["jobs/fly.tomml", "jobs/flyy.toml"]',
        "targets.prod.apps[0]",
    ),
    "no apps": ("[targets.prod]\napps = []", "[targets.prod] names no app"),
    "same app twice": (
        '[targets.prod]\napps = ["fly.toml", "copy/fly.toml"]',
        'targets.prod.apps has the app "shop" twice',
    ),
    "unknown group": ("[targets.prod.machines]\nwbe = { iad = 1 }", '"wbe"', 'mean "web"?'),
    "group without its app": (
        '[targets.prod]\napps = ["fly.toml", "jobs/fly.toml"]\nmachines = { web = { iad = 1 } }',
        'unknown process group "web"',
        "jobs/app, shop/web, shop/worker",
    ),
    "group twice": (
        '[targets.prod.machines]\nweb = { iad = 1 }\n"shop/web" = { iad = 1 }',
        "is there twice",
    ),
    "bad region": ("[targets.prod.machines]\nweb = { IAD = 1 }", "machines.web.IAD", "region"),
    "negative count": ("[targets.prod.machines]\nweb = { iad = -1 }", "web.iad is -1"),
    "count is a text": ('[targets.prod.machines]\nweb = { iad = "2" }', 'web.iad is "2"'),
    "commands on fly": ('[targets.prod.processes]\nweb = "x"', "targets.prod.processes", "local"),
    "journey missing": ('journeys = ["journeyz.py"]', "journeys[0]", 'mean "journeys.py"?'),
    "unknown tracker": ('[issues]\ntracker = "jira:SHOP"', "issues.tracker", "github:acme/shop"),
    "no repository": ('[issues]\ntracker = "github:shop"', 'issues.tracker is "github:shop"'),
    "a project of files": (
        '[issues.project]\nowner = "acme"\nnumber = 7',
        'issues.tracker is "files:.sre/issues"',
        "since issues are to be put on a project",
    ),
    "a project without a number": ('[issues.project]\nowner = "acme"', "issues.project", "number"),
    "no issue at all": ("[issues]\nmax-per-run = 0", "issues.max-per-run is 0", "1 to 50"),
    "nobody to mention": ('[issues]\nescalate-to = "director"', "issues.escalate-to", '"@octocat"'),
    "incidents is a text": ('[targets.prod]\nincidents = "yes"', 'incidents is "yes"', "true"),
    "not TOML": ("[bake]\nwindow =\n", "sre.toml is not TOML", "line 2"),
    "huge number": (f"[bake]\nwindow = 0x{'f' * 9000}", "bake.window is beyond all bounds"),
    "another target is broken": ('[targets.drill]\nurll = "x"', "[targets.drill]", 'mean "url"?'),
}


@pytest.mark.parametrize("case", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_in_sre_toml_is_answered_in_four_lines(write, web, case):
    text, *expected = case
    root = write(
        {
            "fly.toml": web,
            "copy/fly.toml": web,
            "jobs/fly.toml": JOBS,
            "journeys.py": "",
            "sre.toml": text,
        }
    )

    message = answer(root, "prod")

    assert message.startswith("sre.toml")
    assert len(message.splitlines()) <= 4
    for part in expected:
        assert part in message


def test_an_unknown_target_is_answered_with_the_nearest(write, web):
    root = write({"fly.toml": web, "fly.staging.toml": JOBS, "sre.toml": ""})

    assert answer(root, "stagin") == (
        'sre.toml has no target "stagin"\n'
        "expected one of: local, prod, staging\n"
        'did you mean "staging"?'
    )


def test_an_empty_folder_is_told_what_is_needed(write):
    root = write({})

    message = answer(root, "prod")

    assert str(root) in message
    assert "expected a fly.toml" in message


def test_a_new_target_on_fly_does_not_silently_mean_the_app_in_production(write, web):
    root = write({"fly.toml": web, "sre.toml": '[targets.canary]\nallow = ["chaos"]'})

    assert "[targets.canary] names no app" in answer(root, "canary")


def test_settings_in_two_files_are_refused(write, web):
    root = write({"fly.toml": web, "sre.toml": "", "pyproject.toml": "[tool.pytest-sre]"})

    message = answer(root, "prod")

    assert "sre.toml is there, and [tool.pytest-sre] in pyproject.toml too" in message


def test_a_mistake_in_pyproject_is_named_by_its_whole_key(write, web):
    root = write({"fly.toml": web, "pyproject.toml": "[tool.pytest-sre.bake]\nwindow = true"})

    assert answer(root, "prod").startswith("pyproject.toml: tool.pytest-sre.bake.window is true")


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ("srre.toml", 'did you mean "sre.toml"?'),
        (".", "cannot be read"),
        ("pyproject.toml", 'pyproject.toml has no section "tool.pytest-sre"'),
    ],
)
def test_a_config_file_that_does_not_serve_is_named(write, web, config, expected):
    root = write({"fly.toml": web, "sre.toml": "", "pyproject.toml": ""})

    assert expected in answer(root, "prod", root / config)


def test_permissions_that_the_target_denies_cannot_be_added(write, web):
    root = write({"fly.toml": web, "sre.toml": '[targets.prod]\ndeny = ["chaos"]'})

    with pytest.raises(ConfigError, match=r'deny denies "chaos".*the command line'):
        load_settings(root, "prod", allow=frozenset({"chaos"}))


def test_a_mistake_in_a_fly_toml_names_that_file(write):
    root = write(
        {
            "web/fly.toml": 'app = "shop"\nprimary_region = 3',
            "sre.toml": '[targets.prod]\napps = ["web/fly.toml"]',
        }
    )

    assert answer(root, "prod").startswith("web/fly.toml: primary_region is 3")


def test_nothing_in_a_file_acts_on_the_terminal_or_adds_lines(write, web):
    root = write({"fly.toml": web, "sre.toml": r'"a\n\u001b[31m\u2028b" = 1'})

    message = answer(root, "prod")

    assert r'unknown key "a\n\x1b[31m\u2028b"' in message
    assert len(message.splitlines()) == 2


@pytest.mark.parametrize(
    "text",
    [
        '[targets.prod]\norganization = "FlyV1 fm2_hunter2,fm2_hunter2"',
        '[targets.prod]\norganization = "fm2_hunter2=="',
        '[targets.prod]\nurl = "https://bob:hunter2@shop.example.com"',
        '[targets.prod.machines]\n"ghp_hunter2" = { iad = 1 }',
        f'[release]\npath = "{"x" * 40} fm1r_hunter2{"x" * 40}"',
    ],
)
def test_a_secret_in_the_wrong_place_is_not_repeated(write, web, text):
    message = answer(write({"fly.toml": web, "sre.toml": text}), "prod")

    assert "***" in message
    assert "hunter2" not in message


def answer(root, target, config_file=None) -> str:
    """Give the error's text."""
    with pytest.raises(ConfigError) as caught:
        load_settings(root, target, config_file)
    return str(caught.value)
