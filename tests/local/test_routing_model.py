"""Routing in a fleet where Machines come, go, fail and fill up, against a model of what is said."""

import dataclasses

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from pytest_sre.local.network.distances import round_trip_s
from pytest_sre.local.proxy.routing import Candidate, Wish, choose

REGIONS = ("iad", "ewr", "fra", "ams", "syd")
ALIASES = {"us": {"iad", "ewr"}, "eu": {"fra", "ams"}, "apac": {"syd"}, "any": set(REGIONS)}
wanted = st.lists(st.sampled_from((*REGIONS, *ALIASES)), max_size=2).map(tuple)


def allowed(each, forced):
    """May a request go there at all?"""
    return (
        each.state == "started"
        and each.healthy
        and not each.cordoned
        and (each.hard_limit is None or each.load < each.hard_limit)
        and (not forced or any(covers(wish, each.region) for wish in forced))
    )


def covers(wish, region):
    return region == wish or region in ALIASES.get(wish, ())


def keep_first_region(machines, wishes):
    """Those of the first wish that any of them fulfils; all when none does."""
    for wish in wishes:
        if found := [each for each in machines if covers(wish, each.region)]:
            return found
    return machines


def keep_best(machines, cost):
    least = min(map(cost, machines))
    return [each for each in machines if cost(each) == least]


def expected(machines, wish, edge):
    """The Machines that a request may go to, by one rule after another."""
    left = [each for each in machines if allowed(each, wish.force_regions)]
    if preferred := [each for each in left if each.machine_id == wish.prefer_machine]:
        return preferred
    left = keep_first_region(left, wish.force_regions)
    left = keep_first_region(left, wish.prefer_regions)
    if not left:
        return []
    below = [each for each in left if each.load < (each.soft_limit or 20)]
    left = keep_best(below or left, lambda each: round_trip_s(edge, each.region))
    return keep_best(left, lambda each: each.load)


class FleetUnderTraffic(RuleBasedStateMachine):
    machines = Bundle("machines")

    @initialize(edge=st.sampled_from(REGIONS))
    def open(self, edge):
        self.edge = edge
        self.fleet = {}
        self.turn = 0

    @rule(
        target=machines,
        region=st.sampled_from(REGIONS),
        soft=st.none() | st.integers(1, 3),
        above=st.none() | st.integers(0, 2),
    )
    def add(self, region, soft, above):
        machine_id = f"m{len(self.fleet)}"
        hard = None if above is None else (soft or 20) + above
        self.fleet[machine_id] = Candidate(
            machine_id, region, "started", soft_limit=soft, hard_limit=hard, autostart=True
        )
        return machine_id

    def change(self, machine_id, **values):
        self.fleet[machine_id] = dataclasses.replace(self.fleet[machine_id], **values)

    @rule(machine=machines)
    def flip_health(self, machine):
        self.change(machine, healthy=not self.fleet[machine].healthy)

    @rule(machine=machines)
    def flip_cordon(self, machine):
        self.change(machine, cordoned=not self.fleet[machine].cordoned)

    @rule(machine=machines, state=st.sampled_from(("started", "stopping", "stopped", "destroyed")))
    def become(self, machine, state):
        self.change(machine, state=state)

    @rule(machine=machines)
    def finish(self, machine):
        self.change(machine, load=max(0, self.fleet[machine].load - 1))

    @rule(prefer=st.none() | machines, forced=wanted, preferred=wanted)
    def request(self, prefer, forced, preferred):
        wish = Wish(prefer_machine=prefer, force_regions=forced, prefer_regions=preferred)
        fleet = list(self.fleet.values())
        decision = choose(fleet, wish, self.edge)
        possible = expected(fleet, wish, self.edge)
        if decision.machine_id is None:
            assert possible == []
            return
        chosen = self.fleet[decision.machine_id]
        assert chosen in possible
        assert chosen.turn == min(each.turn for each in possible)
        self.turn += 1
        self.change(chosen.machine_id, load=chosen.load + 1, turn=self.turn)

    @invariant()
    def nobody_is_above_the_hard_limit(self):
        for each in self.fleet.values():
            assert each.hard_limit is None or each.load <= each.hard_limit

    @invariant()
    def somebody_is_woken_only_when_all_others_are_busy(self):
        fleet = list(self.fleet.values())
        woken = choose(fleet, Wish(), self.edge).wake
        free = [each for each in fleet if allowed(each, ()) and not each.is_busy]
        asleep = [each for each in fleet if each.state == "stopped" and not each.cordoned]
        assert (woken is not None) == (not free and bool(asleep))


FleetUnderTraffic.TestCase.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, print_blob=True
)
TestFleetUnderTraffic = FleetUnderTraffic.TestCase
