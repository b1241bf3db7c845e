"""Files of experiments: what can be run is read, all else is one short error with its line."""

import copy
import json
import re

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pytest_sre.chaos.actions import KillMachines, StopMachines, Which
from pytest_sre.chaos.experiments.configuration import read_settings, set_values
from pytest_sre.chaos.experiments.experiment import JourneyFails, StatedRadius, TooFewHealthy
from pytest_sre.chaos.experiments.files import read_document
from pytest_sre.chaos.experiments.reading import read_experiment
from pytest_sre.targets.errors import ConfigError
from tests.chaos.experiments.conftest import EXPERIMENT, action, experiment, probe, stated

FOREIGN = action("reboot", module="theirs")


def test_what_a_file_says(read):
    found = read(
        experiment(
            extensions=[
                {"name": "somebody-else", "what": "ever"},
                *stated(
                    **{
                        "may-deviate": True,
                        "recovers-within": "20s",
                        "severity": "high",
                        "runbook": "lose.md",
                        "abort": [
                            {"journey": "checkout", "fails-for": "10s"},
                            {"group": "web", "healthy-below": 1},
                        ],
                    }
                ),
            ],
            runtime={"hypothesis": {"strategy": "continuously", "frequency": 0.5}},
        ),
        "lose-one",
    )

    assert (found.name, found.title) == ("lose-one", "lose a web Machine")
    assert found.actions == {"stop_machines": StopMachines(which=Which(group="web", count=1))}
    assert found.terms.radius == StatedRadius(seconds=20, machines=1)
    assert (found.terms.may_deviate, found.terms.recovers_within_s) == (True, 20)
    assert (found.terms.severity, found.terms.runbook) == ("high", "lose.md")
    assert found.terms.abort_on == (JourneyFails("checkout", 10), TooFewHealthy("web", 1))
    assert found.continuously == 0.5


def test_yaml_is_read_as_chaostoolkit_reads_it(read):
    text = yaml.safe_dump(experiment()) + "tags: &t [a, b]\ncontributions: {all: *t}\n"

    found = read(text)

    assert found.document == yaml.safe_load(text)
    assert found.actions == read(experiment()).actions


def test_a_parameter_is_of_the_environment(read, monkeypatch):
    group = {"type": "env", "key": "GROUP", "default": "web"}
    count = {"type": "env", "key": "COUNT", "default": 1, "env_var_type": "int"}
    asked = experiment(configuration={"group": group, "count": count})

    assert read(asked).actions["stop_machines"].which == Which(group="web", count=1)
    monkeypatch.setenv("GROUP", "worker")
    assert read(asked).actions["stop_machines"].which.group == "worker"
    monkeypatch.setenv("COUNT", "many")
    with pytest.raises(ConfigError, match="count"):
        read(asked)


def test_what_fills_a_name_in_is_known_or_is_left_to_chaostoolkit(read, monkeypatch):
    monkeypatch.setenv("KEY", "x")
    url = {"type": "http", "url": "http://${host}/${later}?$${price}", "headers": {"k": "${key}"}}
    shell = {"type": "process", "path": "sh", "arguments": ["-c", "echo ${HOME} ${1:-no}"]}
    probes = [dict(probe("asks", 200), provider=url), dict(probe("says", 0), provider=shell)]
    document = experiment(
        configuration={
            **EXPERIMENT["configuration"],
            "host": {"type": "env", "key": "HOST", "default": "localhost"},
            "later": {"type": "probe", "name": "later", "provider": shell},
        },
        secrets={"of": {"key": {"type": "env", "key": "KEY"}}},
        description="what ${stands} here is for people",
        steady_state_hypothesis={"title": "it answers", "probes": probes},
    )

    assert read(document).document == document
    with pytest.raises(ConfigError, match="key"):
        read(document | {"secrets": {}})
    # What a vault holds is not known before it is asked.
    read(document | {"secrets": {"of": {"type": "vault", "path": "shop"}}})


def test_parameters_of_the_command_line_have_the_types_of_the_file(read):
    given = read_settings(("count=2", "group=web=x", "of-another=1"), "--sre-chaos-set")

    known = read(experiment()).configuration

    assert set_values(known, given, "--sre-chaos-set") == {"count": 2, "group": "web=x"}
    with pytest.raises(ConfigError, match='--sre-chaos-set count is "two"'):
        set_values(known, {"count": "two"}, "--sre-chaos-set")
    with pytest.raises(ConfigError, match="NAME=VALUE"):
        read_settings(("count",), "--sre-chaos-set")


def test_foreign_actions_with_a_rollback_are_taken(read, tmp_path):
    (tmp_path / "theirs.py").write_text("def reboot(): pass\n", encoding="utf-8")
    process = {"type": "action", "name": "p", "provider": {"type": "process", "path": "true"}}

    assert read(experiment(method=[FOREIGN, process], rollbacks=[FOREIGN])).actions == {}


def test_what_only_looks_states_no_blast_radius(read):
    only = probe("http_status", 200)
    del only["tolerance"]
    document = experiment(method=[only])
    del document["extensions"]

    assert read(document).terms.radius is None


def changed(path: str, value: object) -> dict[str, object]:
    """The experiment with something else at a path such as ``method.0.name``."""
    made = copy.deepcopy(EXPERIMENT)
    *way, last = path.split(".")
    at = made
    for name in way:
        at = at[int(name)] if name.isdigit() else at[name]
    at[int(last) if last.isdigit() else last] = value
    return made


PROBE = "steady-state-hypothesis.probes.0"
BAD = {
    "unknown key": (changed("rolbacks", []), 'rolbacks".*did you mean "rollbacks"'),
    "unknown key of an activity": (changed("method.0.pause", {}), '"pause"'),
    "unknown key of a provider": (changed("method.0.provider.args", {}), '"args"'),
    "no title": ({k: v for k, v in EXPERIMENT.items() if k != "title"}, '"title"'),
    "no description": (changed("description", ""), "description"),
    "no method": ({k: v for k, v in EXPERIMENT.items() if k != "method"}, '"method"'),
    "no steady state": (
        {k: v for k, v in EXPERIMENT.items() if k != "steady-state-hypothesis"},
        "steady-state-hypothesis",
    ),
    "no probe": (changed("steady-state-hypothesis.probes", []), "at least one probe"),
    "dry as text": (changed("dry", "actions"), "chaos run --dry"),
    "dry of an activity": (changed("method.0.dry", "actions"), "chaos run --dry"),
    "background": (changed("method.0.background", True), "timeout"),
    "unknown function": (
        changed("method.0.provider.func", "stop_machine"),
        'did you mean "stop_machines"',
    ),
    "unknown argument": (changed("method.0.provider.arguments.grup", "web"), "grup.*group"),
    "wrong type": (changed("method.0.provider.arguments.count", "two"), "count.*whole number"),
    "wrong value": (changed("method.0.provider.arguments.share", 1.5), "share"),
    "a probe that acts": (changed("method.0.type", "probe"), "type: action"),
    "an action for a state": (changed(f"{PROBE}.type", "action"), "probe"),
    "foreign without rollback": (
        experiment(
            method=[{"type": "action", "name": "p", "provider": {"type": "process", "path": "x"}}]
        ),
        "nothing undoes",
    ),
    "foreign module": (changed("method.0.provider.module", "no.such"), "cannot be imported"),
    "no blast radius": (changed("extensions", []), "blast radius"),
    "no seconds": (changed("extensions.0.blast-radius", {"machines": 1}), '"seconds"'),
    "radius of nothing": (changed("extensions.0.blast-radius.machines", 0), "from 1"),
    "too long": (changed("extensions.0.blast-radius.seconds", "2h"), "at most 1h"),
    "more than stated": (changed("method.0.provider.arguments.count", 2), "asks for 2 Machines"),
    "unknown term": (changed("extensions.0.radius", {}), '"radius"'),
    "unknown abort": (changed("extensions.0.abort", [{"when": "bad"}]), '"when"'),
    "control": (
        changed(
            "controls",
            [{"name": "guard", "provider": {"type": "python", "module": "chaosguard.control"}}],
        ),
        "cannot be imported",
    ),
    "no tolerance": (
        changed(PROBE, {k: v for k, v in probe("checks_passing").items() if k != "tolerance"}),
        "no tolerance",
    ),
    "tolerance float": (changed(f"{PROBE}.tolerance", 0.5), "whole number"),
    "tolerance null": (changed(f"{PROBE}.tolerance", None), "whole number"),
    "tolerance type": (changed(f"{PROBE}.tolerance", {"type": "rang"}), '"range"'),
    "tolerance pattern": (
        changed(f"{PROBE}.tolerance", {"type": "regex", "pattern": "("}),
        "is no pattern",
    ),
    "tolerance range": (
        changed(f"{PROBE}.tolerance", {"type": "range", "range": [1]}),
        "two numbers",
    ),
    "unknown reference": (changed("method.0", {"ref": "nobody"}), "nobody"),
    "steady state only before": (
        changed("runtime", {"hypothesis": {"strategy": "before-method-only"}}),
        "continuously",
    ),
    "a list": ([], "table"),
    "unknown parameter": (
        changed("method.0.provider.arguments.group", "${grp}"),
        "method.0..provider.arguments.group.*[$]{grp}.*count, group.*did you mean",
    ),
    "unknown parameter in a text": (changed(f"{PROBE}.provider.arguments.name", "a-${x}"), "${x}"),
    "unknown parameter in a list": (
        changed(f"{PROBE}.tolerance", ["all", "${most}"]),
        "${most}",
    ),
    "no name for chaostoolkit": (changed("method.0.pauses", {"after": "${a-while}"}), "${a-while}"),
    "unknown parameter of an address": (
        changed(f"{PROBE}.provider", {"type": "http", "url": "http://${host}/"}),
        "${host}",
    ),
    "unknown parameter of a command": (
        changed(f"{PROBE}.provider", {"type": "process", "path": "echo", "arguments": ["${it}"]}),
        "${it}",
    ),
}


@pytest.mark.parametrize(("document", "said"), BAD.values(), ids=BAD)
def test_what_cannot_be_run_is_refused_with_its_line(read, document, said):
    for written in (document, yaml.safe_dump(document, sort_keys=False)):
        with pytest.raises(ConfigError) as refused:
            read(written)

        text = str(refused.value)
        assert re.search(said, text.replace("\n", " ")) or said in text
        assert re.match(r"\S*it\.(json|yaml)(:\d+)?:? ", text)
        assert len(text.splitlines()) <= 4


def test_the_line_is_that_of_the_mistake(read):
    lines = yaml.safe_dump(changed("method.0.pause", {}), sort_keys=False).splitlines()
    line = next(n for n, text in enumerate(lines, 1) if "pause" in text)

    with pytest.raises(ConfigError, match=rf"it\.yaml:{line}\b"):
        read("\n".join(lines))
    with pytest.raises(ConfigError, match=r"it\.yaml:2 is not YAML"):
        read("title: x\n\tdescription: y\n")


def test_json_with_tabs_has_lines_too(tmp_path):
    path = tmp_path / "it.json"
    path.write_text(json.dumps(changed("oops", 1), indent="\t"), encoding="utf-8")

    with pytest.raises(ConfigError, match=r"it\.json:\d+"):
        read_experiment(path, tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1, "a": 2}',
        '{"a": NaN}',
        '{"a": 1e999}',
        "[" * 100_000,
        '{"a": ' + "9" * 5000 + "}",
        "{",
        "",
        '"\ud800"',
    ],
)
def test_json_that_is_none(tmp_path, text):
    path = tmp_path / "it.json"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))

    with pytest.raises(ConfigError) as refused:
        read_experiment(path, tmp_path)
    assert len(str(refused.value).splitlines()) <= 4


@example("a: &a [*a]")
@example("!!python/object:os.system {}")
@example("a: 2020-99-99")
@example("? [a]\n: b")
@example("<<: 1")
@example("a: !!int ''")
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet=st.sampled_from("ab:-{}[]&*!?|>%@`'\"#,\n \t0123.~<=é\x00")))
def test_no_text_is_more_than_a_mistake(tmp_path, text):
    for name in ("it.yaml", "it.json"):
        path = tmp_path / name
        path.write_bytes(text.encode())
        with pytest.raises(ConfigError) as refused:
            read_experiment(path, tmp_path)
        assert len(str(refused.value).splitlines()) <= 4


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "name", "provider", "ref", "tolerance", "x"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)


def _places(value: object, way: tuple = ()):
    yield way
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for name, inner in items:
        if isinstance(inner, dict | list):
            yield from _places(inner, (*way, name))
        else:
            yield (*way, name)


PLACES = [".".join(map(str, way)) for way in _places(EXPERIMENT) if way]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(PLACES), PLAIN)
def test_what_is_taken_chaostoolkit_takes_too(read, place, value):
    from chaoslib.exceptions import ChaosException
    from chaoslib.experiment import ensure_experiment_is_valid

    document = changed(place, value)
    try:
        found = read(document)
    except ConfigError:
        return
    try:
        ensure_experiment_is_valid(json.loads(json.dumps(found.document)))
    except ChaosException as error:
        pytest.fail(f"{place} = {value!r}: {error}")


def test_a_document_knows_its_lines(tmp_path):
    path = tmp_path / "it.yml"
    path.write_text("a:\n  b: [1,\n    2]\n", encoding="utf-8")

    place = read_document(path).place

    assert str((place / "a" / "b").item(1)).endswith("it.yml:3: a.b[1]")


def test_signal_and_ids(read):
    asked = action("kill_machines", signal="SIGTERM", ids="148e, 2f1c")
    found = read(experiment(method=[asked], extensions=stated(**{"blast-radius": {"seconds": 9}})))

    assert found.actions["kill_machines"] == KillMachines(
        which=Which(ids=("148e", "2f1c")), signal="SIGTERM"
    )
