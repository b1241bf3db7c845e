"""``pytest-sre local env`` points a shell's flyctl to the platform that runs."""

import json
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from pytest_sre.local.commands import env
from pytest_sre.local.flyctl import flyctl_variables
from pytest_sre.local.platform import LocalPlatform

RUN = f"{sys.executable} -c 'from pytest_sre.cli import main; raise SystemExit(main())'"
BASES = ("FLY_API_BASE_URL", "FLY_FLAPS_BASE_URL", "FLY_UIEX_BASE_URL")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project whose path needs quoting, with its platform up."""
    root = tmp_path_factory.mktemp("it's a project")
    with LocalPlatform.start(root / ".sre" / "local" / "by-hand") as platform:
        yield root, platform


def test_a_shell_takes_it_over(project):
    root, platform = project
    script = f'eval "$({RUN} local env)" && printenv'
    done = subprocess.run(
        ["sh", "-c", script], cwd=root, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    found = dict(line.partition("=")[::2] for line in done.stdout.splitlines())
    assert {found[name] for name in BASES} == {platform.api_url}
    assert found["FLY_ACCESS_TOKEN"] == platform.token
    assert found["FLY_CONFIG_DIR"] == str(platform.state_dir / "flyctl")


def test_a_program_takes_it_as_json(project):
    _, platform = project
    outcome = env(platform.state_dir, as_json=True)
    expected = flyctl_variables(platform.api_url, platform.token, platform.state_dir)
    assert (outcome.exit_code, json.loads(outcome.lines[0])) == (0, expected)


def test_without_a_platform_it_says_how_to_start_one(tmp_path):
    outcome = env(tmp_path)
    assert outcome.exit_code == 1
    assert outcome.lines[-1] == "start it with: pytest-sre local up"


def test_what_flyctl_wrote_goes_with_the_platform(tmp_path):
    with LocalPlatform.start(tmp_path / "local") as platform:
        variables = flyctl_variables(platform.api_url, platform.token, platform.state_dir)
        folder = platform.state_dir / "flyctl"
        assert variables["FLY_CONFIG_DIR"] == str(folder)
        folder.mkdir()
        (folder / "state.yml").write_text("channel: latest")
    assert not (tmp_path / "local").exists()


def test_the_agent_that_flyctl_left_is_ended(tmp_path_factory):
    state_dir = tmp_path_factory.mktemp("agent") / "local"
    with LocalPlatform.start(state_dir) as platform, socket.socket(socket.AF_UNIX) as listening:
        (state_dir / "flyctl").mkdir()
        listening.bind(str(state_dir / "flyctl" / "fly-agent.sock"))
        listening.listen()
        with ThreadPoolExecutor(1) as pool:
            heard = pool.submit(one_message, listening)
            platform.stop()
            assert heard.result(10) == b"\x04\x00kill"
    assert not state_dir.exists()


def one_message(listening: socket.socket) -> bytes:
    listening.settimeout(10)
    connection, _ = listening.accept()
    with connection:
        return connection.recv(64)
