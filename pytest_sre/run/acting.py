"""What was done to a target, in the log of its open incidents: deploys, rollbacks, faults."""

import os
from pathlib import Path

from pytest_sre.deploys.rollout import Deployment
from pytest_sre.incidents.appending import append
from pytest_sre.incidents.life import incidents_in
from pytest_sre.issues.opening import is_live, open_tracker
from pytest_sre.issues.outbox import Outbox, outbox_dir
from pytest_sre.redaction import Redactor, inline, secret_values
from pytest_sre.targets import Settings


def tell_incidents(settings: Settings, tracker: str, text: str, *, at: float) -> Path | None:
    """Add to the logs of the target's open incidents what was done to it, or undone.

    It is on disk when this returns, and told with the next delivery.

    Args:
        settings: the target's.
        tracker: where its issues go.
        text: what was done, in Markdown; made inert, secrets are taken out.
        at: when, Unix seconds.

    Returns:
        The file in which it waits; None when it is known here that no incident is open.

    Raises:
        OSError: it could not be written.
    """
    if not is_live(tracker):
        # It need not wait for a delivery to be found needless.
        kept = open_tracker(tracker, settings.issues, settings.root, os.environ).open_issues()
        if not any(each.memory.target == settings.target.name for each in incidents_in(kept)):
            return None
    outbox, target = Outbox(outbox_dir(settings.root)), settings.target.name
    clean = Redactor(secret_values(os.environ))
    return append(outbox, tracker, target, text, at=at, clean=clean)


def deploy_text(deployment: Deployment) -> str:
    """Say what a deploy did, and how it ended."""
    image = inline(deployment.release.image_ref)
    said = f"Deployed {inline(deployment.app)} v{deployment.version}, {image}: {deployment.status}."
    failures = "\n".join(f"- {inline(why)}" for why in deployment.failures)
    return f"{said}\n\n{failures}" if failures else said
