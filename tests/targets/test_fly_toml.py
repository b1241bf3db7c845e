import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_sre.targets import ConfigError, load_fly_toml


@pytest.fixture
def load(write):
    """Read a fly.toml of the given text."""
    return lambda text: load_fly_toml(write({"fly.toml": text}) / "fly.toml")


def test_an_app_without_process_groups_has_the_group_app_and_its_images_command(load):
    fly = load('app = "shop"')

    assert (fly.app, fly.groups, fly.command("app")) == ("shop", ("app",), None)
    assert fly.vm("app") is None
    assert fly.restart("app") is None


def test_the_file_is_named_as_seen_from_the_working_directory(load):
    with pytest.raises(ConfigError, match=r'^fly.toml has no key "app"\nexpected app = '):
        load("")


def test_env_values_become_the_text_that_fly_makes_of_them(load):
    fly = load(
        'app = "shop"\n[env]\nA = "x"\nB = true\nC = 8080\nD = 1.0\nE = 0.25\nF = 1e6\n'
        'G = [1, "b"]\nH = ""\nI = 1234567.5\nJ = {b = 2, a = 1}\nK = -inf\nL = 0.00001'
    )

    expected = {"A": "x", "B": "true", "C": "8080", "D": "1", "E": "0.25", "F": "1e+06"}
    expected |= {"G": "[1 b]", "H": "", "I": "1.2345675e+06", "J": "map[a:1 b:2]"}
    assert expected | {"K": "-Inf", "L": "1e-05"} == fly.env


def test_bare_numbers_are_milliseconds_in_checks_and_seconds_in_kill_timeout(load):
    fly = load(
        'app = "shop"\nkill_timeout = 5\n[checks.up]\ntype = "tcp"\nport = 1\ninterval = 15000\n'
        'timeout = "2s"\ngrace_period = ""'
    )

    (check,) = fly.checks("app")
    assert fly.kill_timeout_s == 5
    assert (check.interval_s, check.timeout_s, check.grace_period_s) == (15, 2, None)


def test_http_service_is_the_first_service_on_the_ports_of_http_and_https(load):
    fly = load(
        'app = "shop"\n[[services]]\ninternal_port = 5432\nports = [{port = 5432}]\n'
        "[http_service]\ninternal_port = 8080\nforce_https = true\nauto_stop_machines = true\n"
        "auto_start_machines = false\nmin_machines_running = 1\n"
        '[[http_service.checks]]\npath = "/up"\nheaders = [{name = "x", value = 1}]'
    )

    http, other = fly.services("app")
    ports = [(port.port, port.handlers, port.force_https) for port in http.ports]
    assert ports == [(80, ("http",), True), (443, ("http", "tls"), False)]
    assert (http.protocol, http.autostop, http.autostart) == ("tcp", "stop", False)
    assert http.min_machines_running == 1
    assert [(c.type, c.path, c.headers) for c in http.checks] == [("http", "/up", {"x": "1"})]
    assert (other.internal_port, other.autostop, other.checks) == (5432, None, ())


@pytest.mark.parametrize(
    ("written", "read"),
    [("true", "stop"), ("false", "off"), ('"off"', "off"), ('"suspend"', "suspend")],
)
def test_autostop_may_be_a_word_or_a_boolean(load, written, read):
    fly = load(f'app = "a"\n[http_service]\ninternal_port = 80\nauto_stop_machines = {written}')

    assert fly.services("app")[0].autostop == read


def test_the_old_form_of_concurrency_limits_requests(load):
    fly = load('app = "a"\n[[services]]\ninternal_port = "80"\nconcurrency = "20,25"')

    limits = fly.services("app")[0].concurrency
    assert limits is not None
    assert (limits.type, limits.soft_limit, limits.hard_limit) == ("requests", 20, 25)


def test_a_services_tcp_checks_come_before_its_http_checks(load):
    fly = load(
        'app = "a"\n[[services]]\ninternal_port = 80\n[[services.http_checks]]\npath = "/"\n'
        '[[services.tcp_checks]]\ninterval = "1s"'
    )

    assert [check.type for check in fly.services("app")[0].checks] == ["tcp", "http"]


@pytest.mark.parametrize(
    "text",
    [
        '[checks.up]\ntype = "http"\npath = "/up"',
        '[[checks]]\nname = "up"\ntype = "http"\npath = "/up"',
    ],
)
def test_checks_are_a_table_or_an_array_with_names(load, text):
    fly = load(f'app = "a"\n{text}\n[http_service]\ninternal_port = 8080')

    (check,) = fly.checks("app")
    assert (check.name, check.type, check.path, check.port) == ("up", "http", "/up", 8080)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("[[vm]]", ("shared", 1, 256)),
        ('[vm]\nsize = "performance-2x"', ("performance", 2, 4096)),
        ('[[vm]]\nmemory = "1gb"\ncpus = 2', ("shared", 2, 1024)),
        ("[[vm]]\nmemory = 512", ("shared", 1, 512)),
        ('[[compute]]\nsize = "shared-cpu-2x"\nmemory_mb = 300', ("shared", 2, 300)),
        ('[[vm]]\ncpu_kind = "performance"\ncpus = 1\nmemory = "2048"', ("performance", 1, 2048)),
    ],
)
def test_a_machines_size_is_its_presets_with_what_is_stated_beside_it(load, text, size):
    vm = load(f'app = "a"\n{text}').vm("app")

    assert (vm.cpu_kind, vm.cpus, vm.memory_mb) == size


def test_retired_spellings_are_understood(load):
    fly = load(
        'app = "a"\n[mount]\nsource = "data"\ndestination = "/data"\ninitial_size = "10gb"\n'
        '[experimental]\ncmd = ["run", "a b"]\nkill_timeout = 7\nmetrics_port = 9\n'
        'metrics_path = "/m"'
    )

    (mount,) = fly.mounts("app")
    (metrics,) = fly.metrics("app")
    assert (mount.source, mount.destination, mount.initial_size_gb) == ("data", "/data", 10)
    assert (metrics.port, metrics.path) == (9, "/m")
    assert fly.kill_timeout_s == 7
    assert fly.command("app") == "run 'a b'"


def test_health_paths_are_those_a_get_through_the_proxy_reaches(load):
    fly = load(
        'app = "a"\n[http_service]\ninternal_port = 8080\n'
        '[[http_service.checks]]\npath = "/up"\n[[http_service.checks]]\nmethod = "get"\n'
        '[[http_service.checks]]\npath = "/hook"\nmethod = "POST"\n'
        '[checks.deep]\ntype = "http"\npath = "/deep"\n'
        '[checks.again]\ntype = "http"\npath = "/up"\nport = 8080\n'
        '[checks.inside]\ntype = "http"\npath = "/inside"\nport = 9\n'
        '[checks.tcp]\ntype = "tcp"\npath = "/tcp"\n'
    )

    assert fly.health_paths("app") == ("/up", "/", "/deep")


MISTAKES = {
    "internal_port is text": ("http_service.internal_port", '[http_service]\ninternal_port = "x"'),
    "internal_port is missing": ('"internal_port"', "[http_service]\nforce_https = true"),
    "port out of range": (
        "services[0].ports[0].port",
        "[[services]]\ninternal_port = 1\nports = [{port = 70000}]",
    ),
    "port is true": ("services[0].internal_port", "[[services]]\ninternal_port = true"),
    "check without type": ('[checks.up] has no key "type"', "[checks.up]\nport = 1"),
    "check without name": ('[checks[0]] has no key "name"', '[[checks]]\ntype = "tcp"'),
    "check of unknown type": ('did you mean "http"?', '[checks.up]\ntype = "htpt"'),
    "interval is no duration": (
        "checks.up.interval",
        '[checks.up]\ntype = "tcp"\ninterval = "soon"',
    ),
    "checks is a number": ("checks is 3", "checks = 3"),
    "env is a text": ("env is", 'env = "x"'),
    "command is a number": ("processes.web is 3", "[processes]\nweb = 3"),
    "mount without destination": ('"destination"', '[[mounts]]\nsource = "data"'),
    "memory is no size": ("vm[0].memory", '[[vm]]\nmemory = "much"'),
    "unknown size": ('did you mean "shared-cpu-1x"?', '[[vm]]\nsize = "shared-cpu-1"'),
    "unknown restart policy": ("restart.policy", '[restart]\npolicy = "mostly"'),
    "unknown group": (
        'did you mean "app"?',
        '[http_service]\ninternal_port = 1\nprocesses = ["apps"]',
    ),
    "concurrency is a sentence": (
        "services[0].concurrency",
        '[[services]]\ninternal_port = 1\nconcurrency = "few"',
    ),
}


@pytest.mark.parametrize(("expected", "text"), MISTAKES.values(), ids=MISTAKES)
def test_a_wrong_type_is_answered_with_file_and_key(load, expected, text):
    with pytest.raises(ConfigError) as caught:
        load(f'app = "a"\n{text}' if text.startswith("[") else f'{text}\napp = "a"')

    message = str(caught.value)
    assert message.startswith("fly.toml")
    assert expected in message
    assert len(message.splitlines()) <= 4


@pytest.mark.parametrize("app", ["../x", "", "a b", "a\\nb"])
def test_what_cannot_be_an_apps_name_is_refused(load, app):
    with pytest.raises(ConfigError, match="the name of an app"):
        load(f'app = "{app}"')


GROUPS = st.lists(st.sampled_from(["app", "web", "worker", "cron", "zeta"]), unique=True)


@st.composite
def documents(draw):
    """A fly.toml's groups, and for each section the groups it names (none: not stated)."""
    groups = draw(GROUPS)
    named = st.none() | st.lists(st.sampled_from(groups or ["app"]), unique=True, min_size=1)
    sections = {
        kind: draw(st.lists(named, max_size=3))
        for kind in ("services", "mounts", "vm", "restart", "metrics", "checks")
    }
    return groups, sections


KEYS = {
    "services": "internal_port = {n}",
    "mounts": 'source = "data{n}"\ndestination = "/data{n}"',
    "vm": "cpus = {m}",
    "restart": "retries = {n}",
    "metrics": "port = {n}",
    "checks": 'name = "check{n}"\ntype = "tcp"\nport = {n}',
}


def written(groups, sections):
    lines = ['app = "shop"', *(["[processes]"] if groups else [])]
    lines += [f'{group} = "run {group}"' for group in groups]
    for kind, all_named in sections.items():
        for n, named in enumerate(all_named):
            lines += [f"[[{kind}]]", KEYS[kind].format(n=n, m=n + 1)]
            lines += [f"processes = {json.dumps(named)}"] if named else []
    return "\n".join(lines)


@given(documents())
@settings(deadline=None, max_examples=150)
def test_a_section_belongs_to_the_groups_it_names_else_to_the_default_one(scratch, document):
    groups, sections = document
    path = scratch / "fly.toml"
    path.write_text(written(groups, sections))

    fly = load_fly_toml(path)

    default = "app" if "app" in groups or not groups else min(groups)
    assert fly.groups == (tuple(groups) or ("app",))
    for group in fly.groups:
        mine = {
            kind: [n for n, named in enumerate(all_named) if group in (named or [default])]
            for kind, all_named in sections.items()
        }
        assert [s.internal_port for s in fly.services(group)] == mine["services"]
        assert [m.source for m in fly.mounts(group)] == [f"data{n}" for n in mine["mounts"]]
        assert [c.name for c in fly.checks(group)] == [f"check{n}" for n in mine["checks"]]
        assert [m.port for m in fly.metrics(group)] == mine["metrics"]
        restart = fly.restart(group)
        assert ([restart.retries] if restart else []) == mine["restart"][:1]


@given(documents())
@settings(deadline=None, max_examples=100)
def test_the_vm_that_names_the_group_wins_over_the_one_for_all(scratch, document):
    groups, sections = document
    path = scratch / "fly.toml"
    path.write_text(written(groups, sections))

    fly = load_fly_toml(path)

    for group in fly.groups:
        named = [n for n, names in enumerate(sections["vm"]) if names and group in names]
        general = [n for n, names in enumerate(sections["vm"]) if names is None]
        vm = fly.vm(group)
        assert ([vm.cpus - 1] if vm else []) == (named + general)[:1]
