"""What the commands here share: sightings, and processes that deliver them."""

import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.context import ForkServerContext
from pathlib import Path

from github_double import GithubDouble

from pytest_sre.issues.calls import Clock
from pytest_sre.issues.delivery import deliver
from pytest_sre.issues.outbox import Outbox
from pytest_sre.issues.values import Finding, Policy, Section, Sighting

TRACKER = "github:acme/shop"
POLICY = Policy(max_per_run=5, recover_after=2, reopen_within_s=14 * 86_400.0)
BEGAN_AT = 1_800_000_000.0


def fingerprint(number: int) -> str:
    return f"{number:016x}"


def finding(number: int) -> Finding:
    """A cause by its number."""
    return Finding(
        fingerprint(number),
        f"cause {number}",
        "high",
        (f"test_{number}",),
        (Section("Evidence", f"order {number} is lost", 10),),
    )


def sighting(
    run: int, causes: list[int], passed: list[int] | None = None, tracker: str = TRACKER
) -> Sighting:
    """What a run saw; runs are three hours apart, each on a release of its own."""
    return Sighting(
        run=f"run-{run}",
        tracker=tracker,
        target="prod",
        release=f"shop v{run}",
        at=BEGAN_AT + run * 10_800.0,
        findings=tuple(map(finding, causes)),
        passed=frozenset(f"test_{number}" for number in passed or ()),
    )


def deliver_all(
    folder: Path,
    url: str,
    token: str,
    *,
    repository: str = "acme/shop",
    longest_wait_s: float = 0.01,
    between_writes_s: float = 0.0,
    limit_s: float = 60.0,
    policy: Policy = POLICY,
) -> str:
    """Deliver what waits in an outbox; gives the problem there was.

    Args:
        folder: the outbox.
        url: the server's.
        token: of who asks.
        repository: of the issues.
        longest_wait_s: what a wait for the server is cut to, so that faults cost no time here.
        between_writes_s: between two changes.
        limit_s: how long it may take.
        policy: how issues live.
    """
    import github

    from pytest_sre.issues.github import GithubTracker

    tracker = GithubTracker(
        repository, github.Auth.Token(token), api_url=url, between_writes_s=between_writes_s
    )
    clock = Clock(sleep=lambda wait_s: time.sleep(min(wait_s, longest_wait_s)))
    return deliver(Outbox(folder), tracker, policy, limit_s=limit_s, clock=clock).problem


def processes() -> ForkServerContext:
    """Processes that begin within milliseconds: all that is heavy is loaded once."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["__main__", "github", "pytest_sre.issues.github"])
    return context


@contextmanager
def server(seed: int = 0) -> Iterator[GithubDouble]:
    """A GitHub without limits."""
    with GithubDouble(seed=seed, keeps=1_000_000) as double:
        double.limits.primary = double.limits.writes_per_min = 10**9
        yield double
