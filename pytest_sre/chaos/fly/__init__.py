"""The extension for chaostoolkit: what can be done to an app on Fly.io, and what can be seen there.

``actions`` and ``probes`` are what experiments name; their arguments are plain texts and numbers.
``standing`` says by whom they act: the run that an experiment is a test of, or, under
``chaos run``, the process itself.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chaoslib.types import Discovery


def discover(discover_system: bool = True) -> "Discovery":
    """Tell chaostoolkit what there is: ``chaos discover pytest-sre --no-install``.

    Args:
        discover_system: chaoslib's; nothing is asked of a platform either way.
    """
    from chaoslib.discovery.discover import (
        discover_actions,
        discover_probes,
        initialize_discovery_result,
    )

    import pytest_sre

    del discover_system
    found = initialize_discovery_result("pytest-sre", pytest_sre.__version__, "fly.io")
    found["activities"] += discover_actions("pytest_sre.chaos.fly.actions")
    found["activities"] += discover_probes("pytest_sre.chaos.fly.probes")
    return found
