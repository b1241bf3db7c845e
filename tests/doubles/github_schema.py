"""GitHub's own GraphQL schema, and whether requests and the double's schema are as it says.

It is fetched by npm once, into the user's cache, and is no part of this repository.
"""

from collections.abc import Iterable, Iterator
from functools import cache

from github_description import cached_from_npm
from github_double import Exchange
from github_double.graph import RULES, SCHEMA
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
    parse,
    validate,
)
from msgspec import json

PACKAGE = "@octokit/graphql-schema@15.26.1"
_FILE = "package/schema.graphql"
_BUILT_IN = ("__", "String", "Int", "Float", "Boolean", "ID")


class GraphSchema:
    """What GitHub says can be asked; says nothing of anything where it cannot be had."""

    def __init__(self, whole: GraphQLSchema | None) -> None:
        self.whole = whole

    def complaints(self, exchanges: Iterable[Exchange]) -> list[str]:
        """What was asked that GitHub would not take."""
        if self.whole is None:
            return []
        asked = {json.decode(each.request)["query"] for each in exchanges}
        checked = (validate(self.whole, parse(query), RULES) for query in asked)
        return [str(error.message) for wrong in checked for error in wrong]

    def differences(self) -> Iterator[str]:
        """Where the double's schema is no part of GitHub's."""
        assert self.whole is not None
        for name, ours in SCHEMA.type_map.items():
            if name.startswith(_BUILT_IN[:1]) or name in _BUILT_IN:
                continue
            theirs = self.whole.type_map.get(name)
            if type(theirs) is not type(ours):
                yield f"{name} is {type(theirs).__name__}"
                continue
            yield from (f"{name}: {said}" for said in _parts(ours) - _parts(theirs))


def _parts(one: object) -> set[str]:
    """What makes up a type, a line each."""
    found: set[str] = set()
    if isinstance(one, GraphQLObjectType | GraphQLInterfaceType):
        found |= {f"is a {each.name}" for each in one.interfaces}
        for name, field in one.fields.items():
            found.add(f"{name} gives {field.type}")
            found |= {f"{name} takes {arg}: {each.type}" for arg, each in field.args.items()}
    if isinstance(one, GraphQLInputObjectType):
        found |= {f"{name}: {field.type}" for name, field in one.fields.items()}
    if isinstance(one, GraphQLEnumType):
        found |= set(one.values)
    if isinstance(one, GraphQLUnionType):
        found |= {each.name for each in one.types}
    return found


@cache
def graph_schema() -> GraphSchema:
    """GitHub's schema, from the cache or from npm.

    Raises:
        Missing: there is no npm, or it cannot fetch.
    """
    text = cached_from_npm(PACKAGE, _FILE).read_text("utf-8")
    return GraphSchema(build_schema(text, assume_valid=True))
