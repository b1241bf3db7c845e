"""A GitHub on loopback, all of whose answers are checked against GitHub's own description."""

import pytest
from github_description import Description, Missing, description
from github_double import GithubDouble


@pytest.fixture(scope="session")
def described() -> Description | str:
    """GitHub's description, or why it cannot be had here."""
    try:
        return description()
    except Missing as missing:
        return str(missing)


@pytest.fixture
def double(described):
    """A GitHub with the repository ``acme/shop``; what it answered was as GitHub answers."""
    with GithubDouble() as served:
        yield served
        if isinstance(described, Description):
            fine = (each for each in served.exchanges if each.answer and not each.fault)
            assert [said for each in fine for said in described.complaints(each)] == []
