"""Each release of the demo shop comes out as its file says, with its cause named first."""

import os
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

RELEASES = Path(__file__).parents[2] / "examples" / "shop" / "releases"
EXPECTED = {
    path.stem: tomllib.loads(path.read_text("utf-8"))["expect"] for path in RELEASES.glob("*.toml")
}
BROKEN = sorted(release for release, expect in EXPECTED.items() if expect != "HEALTHY")

# Long enough to be certain: one request in twenty has to be told from one in a hundred.
BAKES = {"errors": "10s", "leaking-memory": "7s"}
SHORT_BAKE, GOOD_BAKE = "4s", "8s"

# How often the good release is verified; the claim is ten of ten, measured before a release.
REPEAT = int(os.environ.get("SRE_REPEAT", "1"))


@pytest.mark.parametrize("_turn", range(REPEAT))
def test_good_release_is_healthy(shop, _turn):
    outcome = shop.verify("--sre-local-release=good", f"--sre-bake={GOOD_BAKE}")
    assert outcome.verdict == "HEALTHY", outcome.text
    assert outcome.code == 0
    assert outcome.lines("because") == outcome.lines("unsure") == outcome.lines("flaky") == []


@pytest.fixture(scope="module")
def runs(request, tmp_path_factory, new_shop):
    """The verification of each broken release that is wanted, two at a time: they mostly wait."""
    wanted = [
        item.callspec.params["release"]
        for item in request.session.items
        if item.path == request.path and "release" in item.fixturenames
    ]
    shops = {release: new_shop(tmp_path_factory.mktemp(release) / "shop") for release in wanted}

    def verify(release):
        bake = BAKES.get(release, SHORT_BAKE)
        return shops[release].verify(f"--sre-local-release={release}", f"--sre-bake={bake}")

    with ThreadPoolExecutor(2) as pool:
        yield {release: pool.submit(verify, release) for release in wanted}


@pytest.mark.parametrize("release", BROKEN)
def test_broken_release_is_unhealthy_and_its_cause_is_named_first(runs, release):
    said = tomllib.loads((RELEASES / f"{release}.toml").read_text("utf-8"))
    outcome = runs[release].result()
    assert outcome.verdict == said["expect"] == "UNHEALTHY", outcome.text
    assert outcome.code == 1
    first = next(iter(outcome.lines("because")), "nothing")
    assert said["cause"].lower() in first, outcome.text
