import math

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from pytest_sre.local.metrics import families
from pytest_sre.local.metrics.meter import Histogram, Meter
from pytest_sre.local.metrics.page import Page, labels
from pytest_sre.local.metrics.traffic import write_edges, write_machine_traffic


def read(page):
    """The samples by name, as Prometheus' own library reads them."""
    found = {}
    for family in text_string_to_metric_families(page.render().decode()):
        for sample in family.samples:
            # The library ends the name of every counter so, whatever it is on the page.
            is_counter = family.type == "counter"
            name = sample.name.removesuffix("_total") if is_counter else sample.name
            found.setdefault(name, []).append((sample.labels, sample.value))
    return found


# Other controls than a newline cannot be in a region, an app or a server's name.
@given(st.text(st.characters(blacklist_categories=["Cs", "Cc"])) | st.sampled_from(['a"\n\\n\\']))
def test_a_label_reads_back_as_it_was(value):
    page = Page()
    page.show(families.UP, labels(app=value), 1)

    assert read(page) == {"fly_instance_up": [({"app": value}, 1)]}


def test_a_count_begins_with_0_so_that_an_increase_has_its_beginning():
    own = labels(app="shop")
    first = Page()
    first.count(families.EDGE_CONNECTS, own, 7)
    second = Page(first.counted)
    second.count(families.EDGE_CONNECTS, own, 9)

    assert read(first)["fly_edge_tcp_connects_count"] == [({"app": "shop"}, 0)]
    assert read(second)["fly_edge_tcp_connects_count"] == [({"app": "shop"}, 9)]


@given(st.lists(st.floats(0, 100), min_size=1))
def test_a_histogram_is_cumulative_and_ends_with_its_count(observed):
    histogram = Histogram()
    for took_s in observed:
        histogram.observe(took_s)
    known = Page()
    known.count_times(families.EDGE_RESPONSE_TIME, labels(app="shop"), histogram)
    page = Page(known.counted)
    page.count_times(families.EDGE_RESPONSE_TIME, labels(app="shop"), histogram)

    found = read(page)
    name = families.EDGE_RESPONSE_TIME.name
    buckets = [(float(seen["le"]), value) for seen, value in found[f"{name}_bucket"]]
    assert buckets == sorted(buckets)
    assert [count for _, count in buckets] == [
        sum(took_s <= bound_s for took_s in observed) for bound_s, _ in buckets
    ]
    assert buckets[-1] == (math.inf, len(observed))
    assert found[f"{name}_count"] == [({"app": "shop"}, len(observed))]


def test_all_that_the_proxy_counts_has_flys_names_and_labels():
    meter = Meter()
    meter.edge("iad").answered(200, 0.1, 10, 20)
    meter.machine("fra", "148e21").answered(500, 0.1, 10, 20)
    meter.edge("iad").connected()
    page = Page()
    machine = {"app": "shop", "region": "fra", "host": "10ca", "instance": "148e21"}
    write_edges(page, "shop", "10ca", meter)
    write_machine_traffic(page, labels(**machine), meter.machine("fra", "148e21"))

    found = read(page)
    edge = {"app": "shop", "region": "iad", "host": "10ca"}
    assert found["fly_edge_http_responses_count"] == [({**edge, "status": "200"}, 0)]
    assert found["fly_app_http_responses_count"] == [({**machine, "status": "500"}, 0)]
    assert {name for name in found if name.startswith("fly_edge_")} >= {
        "fly_edge_data_in",
        "fly_edge_data_out",
        "fly_edge_tcp_connects_count",
        "fly_edge_tcp_disconnects_count",
        "fly_edge_http_response_time_seconds_sum",
    }
