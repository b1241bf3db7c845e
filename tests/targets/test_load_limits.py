"""How much load a target may bear: as stated, and else little on Fly and much on a laptop."""

import pytest

from pytest_sre.targets import ConfigError, load_settings
from pytest_sre.targets.settings import LoadLimits

FLY = 'app = "shop"\n'


@pytest.fixture
def limits(tmp_path):
    (tmp_path / "fly.toml").write_text(FLY, "utf-8")

    def read(text: str = "", target: str = "prod") -> LoadLimits:
        (tmp_path / "sre.toml").write_text(text, "utf-8")
        return load_settings(tmp_path, target).target.load

    return read


def test_a_target_on_fly_bears_little_unless_more_is_stated(limits):
    usual = limits()

    assert (usual.rate_per_s, usual.requests) == (20, 10_000)
    assert limits(target="local").rate_per_s > usual.rate_per_s
    stated = limits("[targets.prod.limits]\nload-rate = 50\n")
    assert (stated.rate_per_s, stated.requests) == (50, 10_000)
    assert limits("[targets.prod.limits]\nload-requests = 7\n").requests == 7


@pytest.mark.parametrize("line", ["load-rate = 0", 'load-rate = "fast"', "load-requests = 0.5"])
def test_what_is_no_limit_is_told(limits, line):
    with pytest.raises(ConfigError, match=r"sre\.toml: targets\.prod\.limits\.load-re?"):
        limits(f"[targets.prod.limits]\n{line}\n")
