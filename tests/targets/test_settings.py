import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_sre.targets import load_settings, target_names
from pytest_sre.targets.settings import IssueSettings, ProjectSettings

EVERYTHING = frozenset({"observe", "load", "chaos", "deploy"})


def test_a_fly_toml_alone_is_the_targets_prod_and_local(write, web):
    root = write({"fly.toml": web})

    prod, local = load_settings(root, "prod"), load_settings(root, "local")

    assert target_names(root) == ("local", "prod")
    assert prod.source is None
    assert (prod.target.platform, prod.target.allow) == ("fly", {"observe"})
    assert (local.target.platform, local.target.allow) == ("local", EVERYTHING)
    assert [app.name for app in prod.target.apps] == ["shop"]
    assert (prod.bake.window_s, local.bake.window_s) == (30, 10)
    assert (prod.release.path, prod.release.key) == (None, "revision")


def test_each_fly_name_toml_is_a_target_on_fly(write, web):
    root = write({"fly.toml": web, "fly.staging.toml": 'app = "shop-staging"'})

    staging = load_settings(root, "staging")

    assert target_names(root) == ("local", "prod", "staging")
    assert (staging.target.platform, staging.target.apps[0].name) == ("fly", "shop-staging")


def test_the_url_is_that_of_the_app_that_users_reach(write, web):
    apps = 'platform = "fly"\napps = ["worker.toml", "fly.toml"]\nurl = "https://acme.example"\n'
    root = write(
        {
            "worker.toml": 'app = "worker"',
            "fly.toml": f"{web}[http_service]\ninternal_port = 8080\n",
            "sre.toml": f"[targets.prod]\n{apps}",
        }
    )

    target = load_settings(root, "prod").target

    assert target.public_app.name == "shop"
    assert target.url_on_fly("shop") == "https://acme.example"
    assert target.url_on_fly("worker") == "https://worker.fly.dev"


def test_everything_stated_in_sre_toml_is_read(write, web):
    root = write(
        {
            "sre/sre.toml": """
journeys = ["flows.py"]
[bake]
window = "1m"
error-ratio = 0.05
latency-p95 = "250ms"
[release]
path = "/version"
key = "build.revision"
[logs]
ignore = ["^healthcheck "]
[[logs.rule]]
id = "payment-declined"
kind = "payments"
severity = "high"
pattern = 'payment \\d+ declined'
explanation = "The bank declined."
matches = ["payment 1 declined"]
misses = ["payment accepted"]
ignore-case = true
[issues]
tracker = "github:acme/shop"
api-url = "https://github.acme.example/api/v3"
max-per-run = 3
recover-after = 4
reopen-within = "36h"
labels = ["team-a"]
assignees = ["octocat"]
assign-codeowners = true
escalate-to = "@acme/engineering-director"
escalate-every = "1h"
update-every = "15m"
[issues.project]
owner = "acme"
number = 7
fields = { Status = "Triage" }
severity-field = "Severity"
[targets.prod]
platform = "fly"
organization = "acme"
apps = ["../web/fly.toml", "../jobs/fly.toml"]
url = "https://shop.example.com/"
allow = ["load"]
deny = ["chaos"]
incidents = true
[targets.prod.machines]
"shop/web" = { iad = 2, ams = 1 }
""",
            "sre/flows.py": "",
            "web/fly.toml": web,
            "jobs/fly.toml": 'app = "jobs"',
        }
    )

    found = load_settings(root, "prod", root / "sre" / "sre.toml")

    target = found.target
    assert found.source == root / "sre" / "sre.toml"
    assert [path.name for path in found.journeys] == ["flows.py"]
    assert (found.bake.window_s, found.bake.error_ratio) == (60, 0.05)
    assert found.bake.latency_p95_s == 0.25
    assert (found.release.path, found.release.key) == ("/version", "build.revision")
    assert found.logs.ignore[0].search("healthcheck ok")
    (rule,) = found.logs.rules
    assert (rule.id, rule.kind, rule.severity) == ("payment-declined", "payments", "high")
    assert (rule.pattern, rule.ignore_case) == (r"payment \d+ declined", True)
    assert (rule.matches, rule.misses) == (("payment 1 declined",), ("payment accepted",))
    assert rule.where.endswith("sre.toml: logs.rule[0]")
    assert found.issues == IssueSettings(
        "github:acme/shop",
        "https://github.acme.example/api/v3",
        3,
        4,
        36 * 3600,
        ("team-a",),
        ("octocat",),
        "@acme/engineering-director",
        assign_codeowners=True,
        escalate_every_s=3600,
        update_every_s=900,
        project=ProjectSettings("acme", 7, {"Status": "Triage"}, "Severity"),
    )
    assert (target.organization, target.url) == ("acme", "https://shop.example.com")
    assert (target.allow, target.deny) == ({"observe", "load"}, {"chaos"})
    assert target.incidents
    shop, jobs = target.apps
    assert (shop.name, jobs.name) == ("shop", "jobs")
    assert shop.machines == {"web": {"iad": 2, "ams": 1}}
    assert jobs.machines == {}


def test_settings_may_stand_in_pyproject(write, web):
    root = write(
        {"fly.toml": web, "pyproject.toml": '[tool.pytest-sre.bake]\nwindow = "3s"\n[tool.other]\n'}
    )

    found = load_settings(root, "prod")

    assert (found.bake.window_s, found.source) == (3, root / "pyproject.toml")


def test_a_pyproject_without_our_section_is_not_a_source(write, web):
    root = write({"fly.toml": web, "pyproject.toml": "[tool.other]\nx = 1\n"})

    assert load_settings(root, "prod").source is None


def test_commands_of_the_local_platform_stand_in_for_the_images_own(write):
    root = write(
        {
            "fly.toml": 'app = "shop"',
            "sre.toml": '[targets.local.processes]\napp = "python app.py"',
        }
    )

    (app,) = load_settings(root, "local").target.apps

    assert app.command("app") == "python app.py"
    assert app.toml.command("app") is None


def test_a_local_target_of_a_new_name_runs_the_fly_toml(write, web):
    root = write({"fly.toml": web, "sre.toml": '[targets.drill]\nplatform = "local"\n'})

    drill = load_settings(root, "drill").target

    assert (drill.platform, drill.apps[0].name, drill.allow) == ("local", "shop", EVERYTHING)


@pytest.mark.parametrize(
    ("present", "found"),
    [
        ([], []),
        (["journeys.py"], ["journeys.py"]),
        (["suites/journeys.py"], ["suites/journeys.py"]),
        (["journeys.py", "suites/journeys.py"], ["journeys.py", "suites/journeys.py"]),
    ],
)
def test_journeys_are_found_where_they_usually_are(write, web, present, found):
    root = write({"fly.toml": web} | dict.fromkeys(present, ""))

    assert load_settings(root, "prod").journeys == tuple(root / name for name in found)


def test_the_command_line_adds_permissions_for_the_run(write, web):
    root = write({"fly.toml": web})

    found = load_settings(root, "prod", allow=frozenset({"load", "chaos"}))

    assert found.target.allow == {"observe", "load", "chaos"}


def test_what_is_denied_is_not_among_the_defaults(write, web):
    root = write({"fly.toml": web, "sre.toml": '[targets.local]\ndeny = ["deploy"]'})

    assert load_settings(root, "local").target.allow == EVERYTHING - {"deploy"}


def test_settings_cannot_be_changed(write, web):
    root = write({"fly.toml": web, "sre.toml": "[targets.prod.machines]\nweb = { iad = 1 }"})
    (app,) = load_settings(root, "prod").target.apps

    for mapping in (app.machines, app.machines["web"], app.toml.env, app.toml.processes):
        with pytest.raises(TypeError):
            mapping["x"] = 1


REGIONS = st.text("abcdefghijklmnopqrstuvwxyz", min_size=3, max_size=3)
COUNTS = st.dictionaries(REGIONS, st.integers(0, 9), max_size=3)


@given(st.dictionaries(st.sampled_from(["web", "worker", "shop/web", "shop/worker"]), COUNTS))
@settings(deadline=None, max_examples=60)
def test_stated_machines_are_read_back_by_process_group(scratch, machines):
    groups = [name.removeprefix("shop/") for name in machines]
    if len(set(groups)) < len(groups):
        return
    rows = [
        f'"{name}" = {{ {", ".join(f"{region} = {n}" for region, n in counts.items())} }}'
        for name, counts in machines.items()
    ]
    (scratch / "fly.toml").write_text('app = "shop"\n[processes]\nweb = "a"\nworker = "b"')
    (scratch / "sre.toml").write_text("\n".join(["[targets.prod.machines]", *rows]))

    (app,) = load_settings(scratch, "prod").target.apps

    assert dict(zip(groups, machines.values(), strict=True)) == app.machines


def test_reading_configuration_loads_only_the_standard_library(write, web):
    code = (
        "import sys, pathlib; from pytest_sre.targets import load_settings;"
        "load_settings(pathlib.Path('.'), 'prod');"
        "names = {name.partition('.')[0] for name in sys.modules};"
        "print(sorted(n for n in names - sys.stdlib_module_names if not n.startswith('_')))"
    )
    write({"fly.toml": web})

    clean = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {sys.path!r}; {code}"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert clean.stdout.strip() == "['pytest_sre']"
