"""Without a target the plugin costs next to nothing: no heavy library is loaded."""

import json
import subprocess
import sys

import pytest

HEAVY = [
    "aiohttp",
    "chaoslib",
    "cryptography",
    "dns",
    "gevent",
    "github",
    "graphql",
    "hdrh",
    "httpx",
    "hypothesis",
    "jinja2",
    "locust",
    "msgspec",
    "numpy",
    "promql_parser",
    "psutil",
    "rich",
    "scipy",
    "sqlite3",
    "starlette",
    "uvicorn",
    "yaml",
]


def loaded(script: str, folder) -> set[str]:
    """The heavy libraries that a process has loaded when its script ends."""
    tell = f"import json, sys; print(json.dumps([m for m in {HEAVY!r} if m in sys.modules]))"
    done = subprocess.run(
        [sys.executable, "-c", f"{script}\n{tell}"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def in_pytest(*arguments: str) -> str:
    with_ours = "no:sre" not in arguments
    options = [*arguments, "-p", "no:cacheprovider"]
    return (
        "import pytest, sys\n"
        f"assert pytest.main({options!r}) in (0, 5)\n"
        f"assert ('pytest_sre.plugin' in sys.modules) is {with_ours}"
    )


def test_the_plugin_loads_nothing_heavy(tmp_path):
    assert loaded("import pytest_sre.plugin", tmp_path) == set()


def test_the_package_loads_nothing_heavy_until_a_name_is_used(tmp_path):
    assert loaded("import pytest_sre", tmp_path) == set()
    assert "msgspec" in loaded("from pytest_sre import FlyApp", tmp_path)


@pytest.mark.parametrize("arguments", [("--co",), ()], ids=["collect", "run"])
def test_a_run_without_a_target_adds_nothing_heavy_to_pytest(tmp_path, arguments):
    (tmp_path / "test_own.py").write_text("def test_own():\n    assert True\n", encoding="utf-8")

    bare = loaded(in_pytest(*arguments, "-p", "no:sre"), tmp_path)
    ours = loaded(in_pytest(*arguments), tmp_path)

    assert ours - bare == set()


def test_a_journey_file_in_a_run_without_a_target_loads_nothing_heavy(tmp_path):
    (tmp_path / "conftest.py").write_text("from pytest_sre import journey\n", encoding="utf-8")

    bare = loaded(in_pytest("--co", "-p", "no:sre", "--noconftest"), tmp_path)

    assert loaded(in_pytest("--co"), tmp_path) - bare == set()


def test_the_local_platform_starts_without_what_few_calls_need(tmp_path):
    assert "graphql" not in loaded("import pytest_sre.local.server", tmp_path)
