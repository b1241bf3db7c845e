"""Names that are not resolved: locally by the platform's proxy, on Fly.io by iptables."""

import re
from typing import Final

from pytest_sre.chaos.actions import DnsFailure
from pytest_sre.chaos.changes import packets
from pytest_sre.chaos.changes.change import Change, NotInjected
from pytest_sre.chaos.changes.inside import InsideChange, inside_fields
from pytest_sre.chaos.changes.local_faults import Told, label_of, local_fault
from pytest_sre.chaos.changes.scene import Scene
from pytest_sre.chaos.changes.scripts import Deed

_HOST: Final = re.compile(r"(?:[A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}\.?")
_MOST_HOSTS: Final = 20


class UnresolvedNames(InsideChange, frozen=True, tag="unresolved-names"):
    """Refuse a Machine's questions to name servers about some hosts; about all without them."""

    hosts: tuple[str, ...] = ()

    @property
    def described(self) -> str:
        """What it does, in a few words."""
        return f"no address for {_named(self.hosts)} in {self.label}"

    @property
    def deed(self) -> Deed:
        """What is executed."""
        return packets.unresolved(digest=self.digest, hosts=_checked(self.hosts))


def plan_dns_failure(action: DnsFailure, scene: Scene) -> tuple[Change, ...]:
    """Have names not be resolved in the Machines that are meant.

    Raises:
        NotInjected: a host's name is none, or there are too many.
    """
    hosts = _checked(action.hosts)
    chosen = scene.choose_running(action.which)
    if not scene.local:
        return tuple(
            UnresolvedNames(**inside_fields(action, each, scene), hosts=hosts) for each in chosen
        )
    told: Told = {"kind": "dns-failure", "hosts": list(hosts)}
    return tuple(
        local_fault(
            action,
            {**told, "machine": each.id},
            f"no address for {_named(hosts)} in {label_of(each)}",
            each.id,
        )
        for each in chosen
    )


def _checked(hosts: tuple[str, ...]) -> tuple[str, ...]:
    wrong = [host for host in hosts if len(host) > 253 or not _HOST.fullmatch(host)]
    if wrong or len(hosts) > _MOST_HOSTS:
        found = f"{wrong[0][:60]!r}" if wrong else f"{len(hosts)} of them"
        raise NotInjected(f"expected names of at most {_MOST_HOSTS} hosts, found {found}")
    return hosts


def _named(hosts: tuple[str, ...]) -> str:
    return ", ".join(hosts) or "any name"
