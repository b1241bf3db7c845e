"""A GitHub on loopback, all of whose answers are checked against GitHub's own description."""

import pytest
from github_description import Description, Missing, description
from github_double import GithubDouble
from github_schema import GraphSchema
from github_schema import graph_schema as whole_schema


@pytest.fixture(scope="session")
def described() -> Description | str:
    """GitHub's description, or why it cannot be had here."""
    try:
        return description()
    except Missing as missing:
        return str(missing)


@pytest.fixture(scope="session")
def graph_schema() -> GraphSchema:
    """GitHub's GraphQL schema; one that knows nothing where it cannot be had here."""
    try:
        return whole_schema()
    except Missing:
        return GraphSchema(None)


@pytest.fixture
def double(described):
    """A GitHub with the repository ``acme/shop``; what it answered was as GitHub answers."""
    with GithubDouble() as served:
        yield served
        if isinstance(described, Description):
            answered = (each for each in served.exchanges if each.answer and not each.fault)
            fine = (each for each in answered if not each.path.endswith("/graphql"))
            assert [said for each in fine for said in described.complaints(each)] == []
