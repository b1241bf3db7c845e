"""A fire drill: errors in the shop, and who is told, by a real Prometheus and Alertmanager."""

import contextlib
import shutil
import threading

import httpx
import pytest

from pytest_sre.local.metrics.alertmanager import PROGRAM
from pytest_sre.local.places import by_hand_dir
from pytest_sre.run.alerting import Alerting
from pytest_sre.run.platforms import rejoin_platform
from pytest_sre.targets import load_settings

pytestmark = pytest.mark.skipif(
    shutil.which("prometheus") is None or PROGRAM.path is None,
    reason="there is no prometheus, or no alertmanager, on the PATH",
)
BURN = "ShopAvailabilityErrorBudgetBurn"
SLO = """
[[slo]]
name = "shop-availability"
kind = "availability"
source = "edge"
objective = 99.9
window = "30d"
owner = "shop"
runbook = "health.md"
"""


@contextlib.contextmanager
def traffic(url):
    """Requests one after another, until the end."""
    has_ended = threading.Event()

    def send():
        with httpx.Client(base_url=url, trust_env=False, timeout=20) as client:
            while not has_ended.wait(0.02):
                with contextlib.suppress(httpx.HTTPError):
                    client.get("/products/mug")

    sender = threading.Thread(target=send)
    sender.start()
    try:
        yield
    finally:
        has_ended.set()
        sender.join()


@pytest.mark.timeout(300)
def test_errors_fire_the_burn_alert_and_their_end_ends_it(changed):
    with (
        changed(lambda shop: shop.add("sre.toml", SLO)) as shop,
        contextlib.ExitStack() as closing,
    ):
        settings = load_settings(shop.root, "local")
        platform = rejoin_platform(settings, str(by_hand_dir(shop.root)))
        closing.callback(platform.close)
        alerting = Alerting(settings, platform)
        closing.callback(alerting.close)
        alerts = alerting.alerts
        with traffic(shop.platform.app_url("shop")):
            alerts.quiet(within="60s")

            shop.deploy("errors")
            fired = alerts.expect(BURN, within="90s", severity="page", long_window="1m")
            assert fired.labels["owner"] == "shop"
            assert fired.value > 0.0144

            shop.deploy()
            alerts.quiet(BURN, within="90s", long_window="1m")
