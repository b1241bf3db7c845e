"""The package's rules on who may import what: read from its source, as tables."""

import ast
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import pytest_sre

PACKAGE = Path(pytest_sre.__file__).parent

# Rooms by height; each imports rooms below its own height, and itself.
HEIGHTS = {
    "redaction": 0,
    "verdict": 0,
    "targets": 1,
    "undo": 1,
    "recording": 2,
    "fly": 3,
    "logs": 4,
    "turns": 4,
    "slo": 5,
    "probes": 5,
    "deploys": 5,
    "local": 5,
    "journeys": 6,
    "bake": 7,
    "load": 7,
    "judge": 8,
    "alerts": 9,
    "chaos": 9,
    "issues": 9,
    "report": 9,
    "gameday": 10,
    "incidents": 10,
    "run": 11,
    "shipping": 11,
    "plugin": 12,
    "cli": 12,
}

# Which files talk by a library; a name ending in a slash stands for a folder.
TALKERS = {
    "aiohttp": {
        "probes/http.py",
        "local/machines/checks.py",
        "local/fleet.py",
        "local/metrics/alertmanager.py",
        "local/metrics/child.py",
        "local/metrics/prometheus.py",
    },
    "boto3": {"probes/s3.py"},
    "botocore": {"probes/s3.py"},
    "chaoslib": {"chaos/experiments/", "chaos/fly/__init__.py"},
    "codeowners": {"issues/codeowners.py"},
    "cryptography": {"local/resources/pem.py", "probes/tls.py"},
    "dns": {"probes/dns.py"},
    "graphql": {"local/api/graphql/execution.py"},
    "gevent": {"load/runner/"},
    "geventhttpclient": {"load/runner/wire.py"},
    "github": {"issues/github.py", "issues/github_labelled.py"},
    "httpx": {
        "chaos/explore/operations.py",
        "chaos/explore/playing.py",
        "chaos/explore/users.py",
        "chaos/fly/sight.py",
        "fly/connections.py",
        "fly/transport.py",
        "journeys/registry.py",
        "journeys/run.py",
        "load/runner/client.py",
        "local/platform.py",
    },
    "httptools": {"local/proxy/messages.py"},
    "hypothesis": {"chaos/explore/schedules.py", "chaos/explore/searching.py"},
    "hyperscan": {"logs/engines.py"},
    "jinja2": {"report/html/page.py"},
    "locust": {"load/runner/users.py"},
    "markupsafe": {"report/html/figures.py", "report/html/page.py", "report/html/plots.py"},
    "promql_parser": {"alerts/promql.py"},
    "psutil": {
        "chaos/experiments/process.py",
        "chaos/guardian/watching.py",
        "local/api/processes.py",
        "local/machines/disk_limits.py",
        "local/machines/left_behind.py",
        "local/machines/memory.py",
        "local/machines/process_execution.py",
        "local/metrics/usage.py",
        "local/pids.py",
        "local/platform.py",
        "local/server_process.py",
        "local/machines/process.py",
        "undo/holding.py",
    },
    "psycopg": {"probes/postgres.py"},
    "pytest": {"plugin/"},
    "redis": {"probes/redis.py"},
    "re2": {"logs/engines.py"},
    "rich": {"gameday/", "local/commands.py", "logs/commands.py", "report/tables.py"},
    "requests": {"issues/github.py"},
    "sqlite3": {"recording/"},
    "starlette": {"local/"},
    "trustme": {"local/proxy/certificates.py"},
    "uvicorn": {"local/proxy/listener.py"},
    "yaml": {
        "alerts/rule_files.py",
        "chaos/experiments/files.py",
        "chaos/explore/saving.py",
        "slo/generated/writing.py",
        "targets/yaml_files.py",
    },
}
FORBIDDEN = {"_pytest"}
LONGEST_FILE = 450


class Import(NamedTuple):
    """One import in one file of the package."""

    file: str
    line: int
    module: str


def sources() -> list[Path]:
    """The package's own files; suites and examples are inside it only in a wheel."""
    shipped = {PACKAGE / "suites", PACKAGE / "examples"}
    return sorted(p for p in PACKAGE.rglob("*.py") if not shipped & set(p.parents))


@functools.cache
def imports() -> tuple[Import, ...]:
    """Every import of every file, read once."""
    return tuple(_imports())


def _imports() -> Iterator[Import]:
    for path in sources():
        file = path.relative_to(PACKAGE).as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from (Import(file, node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{file}:{node.lineno} imports relatively"
                yield Import(file, node.lineno, node.module or "")


def room_of(dotted_or_path: str) -> str:
    """The room that a module or a file is in; empty for the package's own ``__init__``."""
    parts = dotted_or_path.removesuffix(".py").replace("/", ".").split(".")
    parts = parts[1:] if parts[0] == "pytest_sre" else parts
    return "" if parts in ([], ["__init__"]) else parts[0]


def test_there_is_something_to_look_at():
    assert len(sources()) > 100
    assert len(imports()) > 500


def test_every_room_has_its_height():
    rooms = {room_of(path.relative_to(PACKAGE).as_posix()) for path in sources()} - {""}

    assert rooms == set(HEIGHTS)


def test_imports_run_downwards():
    def is_upward(found: Import) -> bool:
        here, there = room_of(found.file), room_of(found.module)
        # The package's own module holds lazy names and the version, so it is above and below all.
        if not here or not there or here == there:
            return False
        return HEIGHTS[there] >= HEIGHTS[here]

    ours = [one for one in imports() if one.module.partition(".")[0] == "pytest_sre"]
    assert [one for one in ours if is_upward(one)] == []


@pytest.mark.parametrize("library", sorted(TALKERS))
def test_a_library_is_talked_to_in_few_places(library):
    def is_allowed(file: str) -> bool:
        return any(file == name or file.startswith(name) for name in TALKERS[library])

    users = {one.file for one in imports() if one.module.partition(".")[0] == library}
    assert {file for file in users if not is_allowed(file)} == set()
    unused = {name for name in TALKERS[library] if not any(f.startswith(name) for f in users)}
    assert unused == set(), "the table names a file that no longer uses the library"


def test_nobody_reaches_into_pytest():
    assert [one for one in imports() if one.module.partition(".")[0] in FORBIDDEN] == []


def test_no_file_is_long():
    lengths = {path.name: len(path.read_bytes().splitlines()) for path in sources()}

    assert {name: n for name, n in lengths.items() if n > LONGEST_FILE} == {}


def test_only_the_command_line_prints():
    def prints(path: Path) -> bool:
        tree = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        names = (node.func for node in tree if isinstance(node, ast.Call))
        return any(isinstance(name, ast.Name) and name.id == "print" for name in names)

    assert [path.name for path in sources() if prints(path) and path.name != "cli.py"] == []


def test_every_room_says_what_it_is_for():
    silent = [
        path.parent.name
        for path in sources()
        if path.name == "__init__.py" and not ast.get_docstring(ast.parse(path.read_text("utf-8")))
    ]

    assert silent == []
