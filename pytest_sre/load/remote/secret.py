"""The secret that a session and its workers share, from the environment of both."""

from collections.abc import Mapping

from pytest_sre.load.remote.sealing import SECRET_VARIABLE, SHORTEST_SECRET


class SecretError(ValueError):
    """There is none, or it is too short."""


def secret_in(environment: Mapping[str, str]) -> bytes:
    """Give it.

    Raises:
        SecretError: there is none that will do; the text says how to make one.
    """
    secret = environment.get(SECRET_VARIABLE, "")
    if len(secret) >= SHORTEST_SECRET:
        return secret.encode()
    found = f"{len(secret)} characters" if secret else "none"
    raise SecretError(
        f"expected a secret of at least {SHORTEST_SECRET} characters in {SECRET_VARIABLE}, "
        f"found {found}\nset it to the same for the session and each worker: "
        f"export {SECRET_VARIABLE}=$(openssl rand -hex 32)"
    )
