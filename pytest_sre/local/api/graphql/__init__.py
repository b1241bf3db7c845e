"""The GraphQL API: what flyctl and other clients ask beside the Machines API.

``schema.graphql`` says what can be asked; ``queries``, ``mutations`` and what they use say what is
answered: plain values, with functions where a field takes arguments or is dear to make.
``execution`` is the only file that knows the library, which is loaded at the first query.
"""

from pytest_sre.local.api.graphql.endpoint import graphql_routes

__all__ = ["graphql_routes"]
