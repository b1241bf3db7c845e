"""What the proxy counted, as samples on a page."""

from pytest_sre.local.metrics import families
from pytest_sre.local.metrics.meter import Meter, Traffic
from pytest_sre.local.metrics.page import Page, labels


def write_edges(page: Page, app: str, host: str, meter: Meter) -> None:
    """Write what an app's users saw.

    Args:
        page: where to.
        app: the app's name.
        host: the host's id.
        meter: the app's counts.
    """
    for region, traffic in meter.edges.items():
        _write_edge(page, labels(app=app, region=region, host=host), traffic)


def _write_edge(page: Page, own: str, traffic: Traffic) -> None:
    for status, times in traffic.answers.items():
        labelled = f'{own},status="{status}"'
        page.count(families.EDGE_RESPONSES, labelled, times.count)
        page.count_times(families.EDGE_RESPONSE_TIME, labelled, times)
    page.count(families.EDGE_DATA_IN, own, traffic.received_bytes)
    page.count(families.EDGE_DATA_OUT, own, traffic.sent_bytes)
    if traffic.connects:
        page.count(families.EDGE_CONNECTS, own, traffic.connects)
        page.count(families.EDGE_DISCONNECTS, own, traffic.disconnects)


def write_machine_traffic(page: Page, own: str, traffic: Traffic) -> None:
    """Write what passed between the proxy and a Machine.

    Args:
        page: where to.
        own: the Machine's labels.
        traffic: the counts.
    """
    for status, times in traffic.answers.items():
        labelled = f'{own},status="{status}"'
        page.count(families.APP_RESPONSES, labelled, times.count)
        page.count_times(families.APP_RESPONSE_TIME, labelled, times)
    interface = f'{own},device="eth0"'
    page.count(families.NET_RECEIVED, interface, traffic.received_bytes)
    page.count(families.NET_SENT, interface, traffic.sent_bytes)
    if traffic.connects:
        page.count_times(families.APP_CONNECT_TIME, own, traffic.connect_times)
        page.count(families.APP_CONNECTS, own, traffic.connects)
        page.count(families.APP_DISCONNECTS, own, traffic.disconnects)
