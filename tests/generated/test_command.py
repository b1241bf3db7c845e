"""``pytest-sre generate``, in a project with objectives of all sorts."""

import json
from itertools import combinations

import pytest
import yaml

from pytest_sre.cli import main
from pytest_sre.slo.queries import quoted

SRE_TOML = """
[issues]
tracker = "github:acme/shop"

[targets.prod]
apps = ["web/fly.toml", "worker/fly.toml"]

[[slo]]
name = "checkout-availability"
source = "edge"
objective = 99.9
window = "28d"
owner = 'payments "eu"'
runbook = "checkout.md"

[[slo]]
name = "checkout-latency"
source = "edge"
app = "web"
objective = 90
below = "300ms"
severity = "medium"
freeze-below = 0.5
runbook = "https://wiki.example.com/latency"

[[slo]]
name = "jobs"
app = "worker"
total = "increase(jobs_total[$window])"
bad = 'increase(jobs_total{result="lost"}[$window])'
objective = 99
window = "7d"

[[slo]]
name = "checkout-correctness"
kind = "correctness"
journey = "checkout"
objective = 99
"""


@pytest.fixture
def project(tmp_path):
    (tmp_path / "sre.toml").write_text(SRE_TOML)
    for app in ("web", "worker"):
        (tmp_path / app).mkdir()
        (tmp_path / app / "fly.toml").write_text(f'app = "{app}"\n')
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "runbooks" / "checkout.md").write_text("Look at the payment provider.\n")
    return tmp_path


@pytest.fixture
def generate(project, monkeypatch, capsys):
    """Run the command; give its exit code and what it said to either stream."""

    monkeypatch.chdir(project)

    def run(kind, *options, folder="out"):
        code = main(["generate", kind, "--output", folder, *options])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def test_promtool_accepts_rules_and_their_tests_as_written(generate, project, promtool):
    assert generate("rules")[0] == generate("rule-tests")[0] == 0

    out = project / "out"
    promtool("check", "rules", out / "web-rules.yaml", out / "worker-rules.yaml")
    promtool("test", "rules", out / "web-rules.test.yaml", out / "worker-rules.test.yaml")


def test_objectives_that_no_prometheus_knows_are_named(generate, project):
    _, _, said = generate("rules")

    sentence = "checkout-correctness: no rules, as runs measure it and no Prometheus does"
    assert said == f"{sentence}\n"
    assert f"# {sentence}\n" in (project / "out" / "web-rules.yaml").read_text()


def test_runbooks_are_linked(generate, project):
    generate("rules")

    document = yaml.safe_load((project / "out" / "web-rules.yaml").read_text())
    rules = [rule for group in document["groups"] for rule in group["rules"] if "alert" in rule]
    assert {rule["annotations"]["runbook_url"] for rule in rules} == {
        "https://github.com/acme/shop/blob/HEAD/runbooks/checkout.md",
        "https://wiki.example.com/latency",
    }


@pytest.mark.parametrize("kind", ["rules", "rule-tests", "dashboard", "alertmanager"])
def test_what_is_made_again_is_the_same_and_not_stale(generate, project, kind):
    generate(kind)
    before = {path.name: path.read_bytes() for path in (project / "out").iterdir()}

    code, said, _ = generate(kind, "--check")
    generate(kind)

    assert code == 0
    assert said.startswith("up to date: ")
    assert before == {path.name: path.read_bytes() for path in (project / "out").iterdir()}


def test_what_is_stale_is_shown(generate, project):
    generate("rules")
    settings = project / "sre.toml"
    settings.write_text(SRE_TOML.replace("objective = 99.9", "objective = 99.5"))

    code, _, said = generate("rules", "--check")

    assert code == 1
    assert "out/web-rules.yaml is stale:" in said
    assert "> (14.4 * 0.001)" in said
    assert "> (14.4 * 0.005)" in said
    assert "worker-rules.yaml" not in said
    assert "> (14.4 * 0.001)" in (project / "out" / "web-rules.yaml").read_text()


def test_what_was_never_made_is_stale(generate, project):
    code, _, said = generate("dashboard", "--check")

    assert code == 1
    assert "out/web-dashboard.json is not there" in said
    assert not (project / "out").exists()


def test_one_text_goes_to_standard_output(generate):
    code, text, _ = generate("alertmanager", folder="-")

    assert code == 0
    assert yaml.safe_load(text)["route"]["receiver"] == "others"


@pytest.mark.parametrize("options", [(), ("--check",)], ids=["several files", "check"])
def test_what_needs_a_folder_says_so(generate, options):
    code, _, said = generate("rules", *options, folder="-")

    assert code == 4
    assert "expected --output DIR" in said


def test_an_unknown_target_is_answered_with_those_there_are(generate):
    code, _, said = generate("rules", "--target", "prd")

    assert code == 4
    assert 'did you mean "prod"?' in said


def test_amtool_accepts_the_routing(generate, project, amtool):
    generate("alertmanager")

    said = amtool("check-config", project / "out" / "alertmanager.yaml")

    assert "1 inhibit rules" in said
    assert "5 receivers" in said


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        (["severity=page", 'owner=payments "eu"'], 'payments "eu"-page'),
        (["severity=ticket", 'owner=payments "eu"'], 'payments "eu"-ticket'),
        (["severity=ticket", "owner=somebody"], "ticket"),
        (["severity=page"], "page"),
        (["severity=info"], "others"),
    ],
)
def test_alerts_reach_who_owns_them(generate, project, amtool, labels, receiver):
    generate("alertmanager")
    config = project / "out" / "alertmanager.yaml"

    written = [f"{name}={quoted(value)}" for name, _, value in (x.partition("=") for x in labels)]
    said = amtool("config", "routes", "test", f"--config.file={config}", *written)

    assert said.splitlines()[0] == receiver


def test_receivers_that_were_filled_in_stay(generate, project, amtool):
    generate("alertmanager")
    path = project / "out" / "alertmanager.yaml"
    slack = {"channel": "#shop", "api_url_file": "/etc/alertmanager/slack"}
    document = yaml.safe_load(path.read_text())
    filled_in = {"name": "page", "slack_configs": [slack]}
    document["receivers"] = [
        filled_in if each["name"] == "page" else each for each in document["receivers"]
    ]
    path.write_text(yaml.safe_dump(document))

    generate("alertmanager")

    found = yaml.safe_load(path.read_text())["receivers"]
    assert filled_in in found
    assert sum("receiver.invalid" in str(each) for each in found) == 4
    assert generate("alertmanager", "--check")[0] == 0
    amtool("check-config", path)


def test_a_broken_configuration_is_not_overwritten(generate, project):
    (project / "out").mkdir()
    path = project / "out" / "alertmanager.yaml"
    path.write_text("receivers: [\n")

    code, _, said = generate("alertmanager")

    assert code == 4
    assert "out/alertmanager.yaml cannot be read" in said
    assert path.read_text() == "receivers: [\n"


@pytest.fixture
def dashboards(generate, project):
    generate("dashboard")
    return {
        app: json.loads((project / "out" / f"{app}-dashboard.json").read_text())
        for app in ("web", "worker")
    }


def test_a_dashboard_shows_the_golden_signals_and_the_objectives_of_its_app(dashboards):
    titles = [panel["title"] for panel in dashboards["web"]["panels"]]
    rows = [panel["title"] for panel in dashboards["worker"]["panels"] if panel["type"] == "row"]

    assert rows == ["Objective: jobs", "Golden signals"]
    for wanted in (
        "Objective: checkout-availability",
        "Good over 28d (objective 99.9 %)",
        "Error budget remaining",
        "Burn rate",
        "Traffic",
        "Errors",
        "Latency",
        "Saturation",
    ):
        assert any(title.startswith(wanted) for title in titles), wanted


def test_deploys_are_annotations(dashboards):
    (annotation,) = dashboards["worker"]["annotations"]["list"]

    assert annotation["target"]["tags"] == ["deploy", "worker"]
    assert annotation["enable"] is True


def test_panels_do_not_overlap_and_fit_the_width(dashboards):
    for document in dashboards.values():
        places = [panel["gridPos"] for panel in document["panels"]]
        assert all(at["x"] + at["w"] <= 24 for at in places)
        for a, b in combinations(places, 2):
            apart_x = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
            apart_y = a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
            assert apart_x or apart_y, (a, b)
        ids = [panel["id"] for panel in document["panels"]]
        assert len(ids) == len(set(ids))


def test_each_query_of_a_dashboard_is_promql(dashboards, promtool, tmp_path):
    queries = [
        target["expr"].replace("$__rate_interval", "1m").replace("$region", ".*")
        for document in dashboards.values()
        for panel in document["panels"]
        for target in panel.get("targets", [])
    ]
    rules = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(queries)]
    path = tmp_path / "queries.json"
    path.write_text(json.dumps({"groups": [{"name": "queries", "rules": rules}]}))

    assert f"{len(queries)} rules found" in promtool("check", "rules", path)
    assert len(queries) > 20


def test_what_a_dashboard_asks_of_objectives_is_recorded(dashboards, generate, project):
    generate("rules")
    rules = "".join(path.read_text() for path in (project / "out").glob("*-rules.yaml"))
    asked = {
        part.partition("{")[0]
        for document in dashboards.values()
        for panel in document["panels"]
        for target in panel.get("targets", [])
        for part in target["expr"].split()
        if part.startswith("slo:")
    }

    assert asked
    assert {name for name in asked if f"record: {name}\n" not in rules} == set()
