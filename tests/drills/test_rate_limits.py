"""A platform that holds its callers to Fly's rate limits has no call to refuse."""


def test_a_whole_run_keeps_to_the_rate_limits(live):
    live.platform.limit_rates(enabled=True)
    try:
        outcome = live.drill()
        assert outcome.verdict == "HEALTHY", outcome.text
        assert live.platform.limits().refused == 0
    finally:
        live.platform.limit_rates(enabled=False)
