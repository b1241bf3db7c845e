"""What the proxy goes on to know of Machines while news of them do not reach it."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from pytest_sre.local.faults.kinds import StaleProxyView
from pytest_sre.local.faults.registry import Fault
from pytest_sre.local.faults.scopes import Site
from pytest_sre.local.fleet import App, Known
from pytest_sre.local.proxy.routing import Candidate


def remember_machines(apps: Iterable[App], fault: Fault) -> None:
    """Keep what is known of the Machines now, when a fault begins that makes it last."""
    if not isinstance(fault.kind, StaleProxyView):
        return
    for app in apps:
        if fault.scope.covers(Site(app.name)):
            app.known = {record.id: Known.of(record) for record in app.present()}


def as_known(app: App, candidates: Sequence[Candidate]) -> list[Candidate]:
    """Give the candidates as the proxy knows them: as they are, or as they were when it lost touch.

    Machines that were made since are not known; of those destroyed since nothing listens.
    """
    if app.around.faults.find(StaleProxyView, Site(app.name)) is None:
        app.known = {}
        return list(candidates)
    return [
        replace(each, state=known.state, cordoned=known.cordoned, healthy=known.healthy)
        for each in candidates
        if (known := app.known.get(each.machine_id))
    ]
