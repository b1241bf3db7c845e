"""The keys under which the plugin keeps its state on pytest's objects."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_sre.run.evidence import Evidence
    from pytest_sre.run.run import Run

RUN: "pytest.StashKey[Run]" = pytest.StashKey()
EVIDENCE: "pytest.StashKey[Evidence]" = pytest.StashKey()
