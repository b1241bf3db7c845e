"""Whatever the files hold, the answer is settings or a ConfigError that can be shown."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_sre.targets import ConfigError, load_fly_toml, load_settings

SLOW = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x7f"), max_size=12)
PLAUSIBLE = st.sampled_from(
    [
        "10s",
        "tcp",
        "http",
        "local",
        "fly",
        "fly.toml",
        "load",
        "1gb",
        "20,25",
        "(",
        "/",
        "web",
        "iad",
    ]
)
SCALARS = st.one_of(
    TEXTS,
    PLAUSIBLE,
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(),
    st.dates(),
)
FLY_KEYS = [
    "app",
    "primary_region",
    "kill_signal",
    "kill_timeout",
    "env",
    "processes",
    "http_service",
    "services",
    "checks",
    "mounts",
    "mount",
    "vm",
    "compute",
    "restart",
    "metrics",
    "deploy",
    "experimental",
    "internal_port",
    "ports",
    "port",
    "handlers",
    "type",
    "interval",
    "timeout",
    "grace_period",
    "method",
    "path",
    "headers",
    "name",
    "value",
    "command",
    "concurrency",
    "soft_limit",
    "tcp_checks",
    "http_checks",
    "auto_stop_machines",
    "size",
    "memory",
    "cpus",
    "source",
    "destination",
    "policy",
    "retries",
    "cmd",
]
NAMES = ["web", "worker", "shop/web", "iad", "ams"]
SRE_TABLES = {
    "bake": ["window", "error-ratio", "latency-p95"],
    "issues": ["tracker", "api-url", "max-per-run", "labels", "escalate-to", "escalate-every"],
    "release": ["path", "key"],
    "logs": ["ignore", "rule"],
}
TARGET_KEYS = ["platform", "organization", "apps", "url", "allow", "deny", "machines", "processes"]


def values(keys):
    names = st.sampled_from(keys) | TEXTS
    return st.recursive(
        SCALARS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
        max_leaves=12,
    )


def documents(keys):
    return st.dictionaries(st.sampled_from(keys), values(keys), max_size=6)


def table_with(keys):
    """A table of valid keys whose values are anything."""
    return st.dictionaries(st.sampled_from(keys), values(NAMES), max_size=1)


TABLES = st.fixed_dictionaries(
    {}, optional={name: table_with(keys) for name, keys in SRE_TABLES.items()}
)


def toml(value) -> str:
    """Write a value as inline TOML."""
    match value:
        case dict():
            return "{" + ", ".join(f"{toml(k)} = {toml(v)}" for k, v in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(toml, value)) + "]"
        case str():
            return '"' + "".join(_escaped(c) for c in value) + '"'
        case bool():
            return str(value).lower()
    return str(value)


def _escaped(char: str) -> str:
    return char if char.isascii() and char.isalnum() else f"\\U{ord(char):08x}"


def write(path, document):
    path.write_text("\n".join(f"{key} = {toml(value)}" for key, value in document.items()))


def settle(read):
    """Read, and judge the error where there is one."""
    try:
        read()
    except ConfigError as error:
        lines = str(error).split("\n")
        assert 2 <= len(lines) <= 4
        assert all(line.isprintable() for line in lines)


@given(st.binary(max_size=200))
@SLOW
def test_any_bytes_as_fly_toml(scratch, content):
    path = scratch / "bytes.toml"
    path.write_bytes(content)

    settle(lambda: load_fly_toml(path))


@given(documents(FLY_KEYS))
@SLOW
def test_any_toml_as_fly_toml(scratch, document):
    path = scratch / "any.toml"
    write(path, {"app": "shop"} | document)

    settle(lambda: load_fly_toml(path))


@given(st.binary(max_size=200))
@SLOW
def test_any_bytes_as_sre_toml(scratch, content):
    (scratch / "fly.toml").write_text('app = "shop"')
    path = scratch / "any-sre.toml"
    path.write_bytes(content)

    settle(lambda: load_settings(scratch, "prod", path))


@given(TABLES, TEXTS, values(NAMES))
@SLOW
def test_any_toml_as_sre_toml(scratch, document, name, value):
    (scratch / "fly.toml").write_text('app = "shop"')
    path = scratch / "any-sre.toml"
    write(path, document | ({toml(name): value} if value else {}))

    settle(lambda: load_settings(scratch, "prod", path))


@given(TABLES, table_with(TARGET_KEYS))
@SLOW
def test_any_target_in_sre_toml(scratch, document, target):
    (scratch / "fly.toml").write_text('app = "shop"\n[processes]\nweb = "x"')
    path = scratch / "any-sre.toml"
    write(path, document | {"targets": {"prod": target}})

    settle(lambda: load_settings(scratch, "prod", path))
