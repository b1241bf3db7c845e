"""No secret is left in a text, however it is written, and little else is taken out."""

import base64

import pytest
from corpora import KNOWN, NAMED, OTHER, SECRETS
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.redaction import REDACTED, Redactor, secret_values

# Where secrets stand in texts: what is around them, with the place of the secret.
PLACES: dict[str, str] = {
    "alone": "{}",
    "sentence": "refused {} as it has expired",
    "json": '{{"level":"info","value":"{}"}}',
    "url": "https://shop.example/login?x={}&y=1",
    "quotes": "client('{}', 3)",
    "line of many": "one\ntwo {}\nthree",
}

HARMLESS = [
    "the token is expired",
    "Bearer tokens are used for this",
    "basic authentication is off",
    "password: [redacted]",
    "no password was given",
    "sha256:" + "ab" * 32,
    'etag: "33a64df551425fcc55e4d42a148795d9f25f89d4"',
    "/usr/local/lib/python3.12/site-packages/starlette/applications.py",
    "registry.fly.io/shop:deployment-01HXXXXXXXXXXXXXXXXXXXXXXX",
    "machine 148e21d9c33e89 in iad, instance 01JNRQ9VVKJ7HZFMJWJB3M3RYN",
    "GET /checkout answers 503, p95 1.24 s",
    "https://shop.example.com:443/a?page=2",
    "trace 4bf92f3577b34da6a3ce929d0e0e4736",
    "retry in 3s (attempt 2 of 5)",
    "KeyError: 'missing'",
    "connecting to postgres://shop@db/shop",
]


def encoded(secret: str) -> dict[str, str]:
    """A secret as it may be written."""
    before = [base64.b64encode(b":" * n + secret.encode() + b":::").decode() for n in (0, 1, 2)]
    wrapped = base64.encodebytes(b"begin " * 12 + secret.encode() + b" end" * 12).decode()
    return {
        "as it is": secret,
        "base64": before[0],
        "base64, one before": before[1],
        "base64, two before": before[2],
        "base64, wrapped": wrapped,
        "base64 for urls": base64.urlsafe_b64encode(secret.encode() + b"....").decode(),
    }


redact = Redactor([KNOWN, OTHER])
CASES = [
    pytest.param(place.format(form), form, id=f"{kind}, {how}, {where}")
    for kind, secret in SECRETS.items()
    for how, form in encoded(secret).items()
    for where, place in PLACES.items()
    if "\n" not in form or where in ("alone", "line of many")
]


def readable(text: str) -> str:
    """All that can be read in a text: itself, and what its base64 stands for."""
    found = [text]
    packed = "".join(text.split()).translate(str.maketrans("-_", "+/"))
    for start in range(len(packed)):
        piece = packed[start : start + 160]
        whole = piece[: len(piece) // 4 * 4]
        try:
            found.append(base64.b64decode(whole).decode("latin-1"))
        except ValueError:
            continue
    return "\n".join(found)


@pytest.mark.parametrize(("text", "form"), CASES)
def test_no_secret_is_left(text, form):
    clean = redact(text)

    assert form not in clean
    assert REDACTED in clean
    secret = next(s for s in SECRETS.values() if form in encoded(s).values())
    assert secret not in readable(clean)


@pytest.mark.parametrize(("place", "secret"), NAMED.values(), ids=NAMED)
def test_what_is_named_a_secret_is_one(place, secret):
    clean = redact(place.format(secret))

    assert secret not in clean
    assert REDACTED in clean


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_harmless_stays(text):
    assert redact(text) == text


@given(st.text(max_size=300))
def test_any_text_can_be_redacted_and_redacted_again(text):
    once = redact(text)

    assert redact(once) == once


@given(st.text(max_size=40), st.sampled_from(sorted(SECRETS.values())), st.text(max_size=40))
def test_whatever_is_around_a_secret_does_not_save_it(before, secret, after):
    assert secret not in redact(f"{before} {secret} {after}")


def test_secrets_are_known_by_the_names_of_variables():
    environment = {
        "FLY_API_TOKEN": "FlyV1 fm2_abcdefgh,fm2_ijklmnop",
        "DB_PASSWORD": "hunter2hunter2",
        "SECRET_TOO_SHORT": "abc",
        "HOME": "/home/someone",
        "SSH_AUTH_SOCK": "/tmp/ssh-abcdefgh/agent.1",
    }

    assert secret_values(environment) == {
        "FlyV1 fm2_abcdefgh,fm2_ijklmnop",
        "fm2_abcdefgh",
        "fm2_ijklmnop",
        "hunter2hunter2",
    }
