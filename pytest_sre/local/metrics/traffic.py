"""What the proxy counted, as samples on a page."""

from pytest_sre.local.metrics import families
from pytest_sre.local.metrics.meter import Handshakes, Meter, Traffic
from pytest_sre.local.metrics.page import Page, labels


def write_traffic(page: Page, app: str, host: str, meter: Meter) -> None:
    """Write all counts of an app.

    Args:
        page: where to.
        app: the app's name.
        host: the host's id.
        meter: the counts.
    """
    for region, traffic in meter.edges.items():
        _write_edge(page, labels(app=app, region=region, host=host), traffic)
    for region, handshakes in meter.tls.items():
        _write_handshakes(page, labels(app=app, region=region, host=host), handshakes)
    for (region, machine_id), traffic in meter.machines.items():
        own = labels(app=app, region=region, host=host, instance=machine_id)
        _write_machine(page, own, traffic)


def _write_edge(page: Page, own: str, traffic: Traffic) -> None:
    for status, times in traffic.answers.items():
        labelled = f'{own},status="{status}"'
        page.count(families.EDGE_RESPONSES, labelled, times.count)
        page.count_times(families.EDGE_RESPONSE_TIME, labelled, times)
    page.count(families.EDGE_DATA_IN, own, traffic.received_bytes)
    page.count(families.EDGE_DATA_OUT, own, traffic.sent_bytes)
    page.count(families.EDGE_CONNECTS, own, traffic.connects)
    page.count(families.EDGE_DISCONNECTS, own, traffic.disconnects)


def _write_handshakes(page: Page, own: str, handshakes: Handshakes) -> None:
    for version, times in handshakes.times.items():
        page.count_times(families.EDGE_TLS_TIME, f"{own},{labels(version=version)}", times)
    for server_name, count in handshakes.errors.items():
        page.count(families.EDGE_TLS_ERRORS, f"{own},{labels(servername=server_name)}", count)


def _write_machine(page: Page, own: str, traffic: Traffic) -> None:
    for status, times in traffic.answers.items():
        labelled = f'{own},status="{status}"'
        page.count(families.APP_RESPONSES, labelled, times.count)
        page.count_times(families.APP_RESPONSE_TIME, labelled, times)
    page.count_times(families.APP_CONNECT_TIME, own, traffic.connect_times)
    page.count(families.APP_CONNECTS, own, traffic.connects)
    page.count(families.APP_DISCONNECTS, own, traffic.disconnects)
    interface = f'{own},device="eth0"'
    page.count(families.NET_RECEIVED, interface, traffic.received_bytes)
    page.count(families.NET_SENT, interface, traffic.sent_bytes)
