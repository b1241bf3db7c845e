"""A fleet that outlives whoever perturbs it."""

from collections.abc import Iterator

import pytest
from perturbing import Fleet, fleet


@pytest.fixture(scope="module")
def perturbed() -> Iterator[Fleet]:
    with fleet() as made:
        yield made
