"""What the platform's Prometheus is told."""

import shutil
import subprocess

import pytest

from pytest_sre.local.metrics.configuration import configuration, interval_s


def test_small_fleets_are_read_every_second_and_large_ones_as_seldom_as_on_fly():
    assert [interval_s(count) for count in (0, 199, 200, 5000)] == [1, 1, 15, 15]


@pytest.mark.skipif(shutil.which("promtool") is None, reason="there is no promtool on the PATH")
@pytest.mark.parametrize("every_s", [1, 15])
def test_prometheus_own_tool_accepts_the_configuration(tmp_path, every_s):
    file = tmp_path / "prometheus.yml"
    file.write_bytes(configuration("127.0.0.1:4280", "a token", every_s))

    checked = subprocess.run(["promtool", "check", "config", str(file)], capture_output=True)
    assert checked.returncode == 0, checked.stderr
