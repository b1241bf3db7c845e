import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.local.metrics.meter import BOUNDS_S, Histogram, Meter


@given(st.lists(st.floats(0, 100)))
def test_a_histogram_counts_each_observation_up_to_its_bound(observed):
    histogram = Histogram()
    for took_s in observed:
        histogram.observe(took_s)

    for place, bound_s in enumerate(BOUNDS_S):
        within = sum(histogram.counts[: place + 1])
        assert within == sum(took_s <= bound_s for took_s in observed)
    assert histogram.count == len(observed)
    assert histogram.sum_s == pytest.approx(sum(observed))


def test_edge_and_machine_are_counted_apart_and_by_status():
    meter = Meter()
    meter.edge("iad").answered(200, 0.1, 10, 100)
    meter.edge("iad").answered(200, 0.3, 10, 100)
    meter.edge("fra").answered(502, 0.1, 0, 20)
    meter.machine("iad", "148e21").answered(200, 0.05, 10, 100)

    assert {each: seen.count for each, seen in meter.edge("iad").answers.items()} == {200: 2}
    assert list(meter.edge("fra").answers) == [502]
    assert (meter.edge("iad").received_bytes, meter.edge("iad").sent_bytes) == (20, 200)
    assert meter.machine("iad", "148e21").answers[200].count == 1


def test_connections_are_counted():
    meter = Meter()
    meter.edge("iad").connected()
    meter.edge("iad").connected()
    meter.edge("iad").disconnected()
    meter.machine("iad", "148e21").connected(0.02)

    assert (meter.edge("iad").connects, meter.edge("iad").disconnects) == (2, 1)
    assert meter.machine("iad", "148e21").connect_times.sum_s == 0.02


def test_the_counts_of_a_machine_can_be_forgotten():
    meter = Meter()
    meter.machine("iad", "kept").connected()
    meter.machine("iad", "gone").connected()

    meter.forget("iad", "gone")
    meter.forget("iad", "gone")

    assert [place.machine_id for place in meter.machines] == ["kept"]
