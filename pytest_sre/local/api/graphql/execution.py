"""Answers a GraphQL document, by graphql-core over our schema."""

from functools import cache
from importlib.resources import files
from typing import Any

from graphql import ExecutionResult, GraphQLSchema, build_schema, graphql_sync


def execute(
    query: str, variables: dict[str, Any], operation: str | None, root: dict[str, Any]
) -> dict[str, Any]:
    """Answer a document: ``data``, and ``errors`` when there are some.

    Args:
        query: the document.
        variables: the values that it leaves open.
        operation: which of its operations, when it has several.
        root: the fields of the query and the mutation.
    """
    result = graphql_sync(
        schema(), query, root, variable_values=variables, operation_name=operation
    )
    return _shown(result)


@cache
def schema() -> GraphQLSchema:
    """The schema; read once."""
    text = files(__package__).joinpath("schema.graphql").read_text("utf-8")
    return build_schema(text)


def _shown(result: ExecutionResult) -> dict[str, Any]:
    if not result.errors:
        return {"data": result.data}
    # What cannot be asked is answered without data; what was not found, with null in its place.
    data = {} if result.data is None else {"data": result.data}
    return {"errors": [error.formatted for error in result.errors], **data}
