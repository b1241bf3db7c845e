"""Queries to Fly's GraphQL API, which knows some things that no other API tells a token."""

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from pytest_sre.fly.errors import FlyError, Forbidden, NotFound, UnexpectedAnswer
from pytest_sre.fly.transport import Transport
from pytest_sre.fly.wire import convert

T = TypeVar("T")

PATH = "/graphql"
_TIMEOUT_S = 20.0


class _Extensions(msgspec.Struct, frozen=True):
    code: str = ""


class _Error(msgspec.Struct, frozen=True):
    message: str = ""
    extensions: _Extensions = _Extensions()


class _Answer(msgspec.Struct, frozen=True):
    data: object = None
    errors: list[_Error] = msgspec.field(default_factory=list)


def query(api: Transport, document: str, variables: Mapping[str, object], *, into: type[T]) -> T:
    """Ask a query, and read its ``data``.

    Raises:
        NotFound: what it is about does not exist.
        Forbidden: the token does not permit it.
        UnexpectedAnswer: it has an error of another kind, or data of another shape.
        FlyError: the call failed.
    """
    body = {"query": document, "variables": variables}
    answer = api.request("POST", PATH, into=_Answer, json=body, timeout_s=_TIMEOUT_S)
    if answer.errors:
        raise _error(answer.errors[0])
    try:
        return convert(answer.data, into)
    except ValueError as error:
        raise UnexpectedAnswer(
            f"data that describes {getattr(into, '__name__', into)}", str(error), f"POST {PATH}"
        ) from None


def _error(first: _Error) -> FlyError:
    code, text = first.extensions.code.upper(), first.message
    found, where = f"{text} ({code})" if code else text, f"the errors in the answer to POST {PATH}"
    if code == "NOT_FOUND" or text.startswith("Could not find"):
        return NotFound("what the query is about to exist", found, where)
    if code in {"UNAUTHORIZED", "FORBIDDEN"} or "authenticated" in text:
        return Forbidden("a token that permits the query", found, where)
    return UnexpectedAnswer("data", found, where)
